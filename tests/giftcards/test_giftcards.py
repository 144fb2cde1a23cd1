"""A gift card pays in part or whole, is never below nothing, and gets back what it paid."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from djmoney.money import Money

from shop.cart.models import Cart
from shop.cart.review import review
from shop.cart.services import apply_code, remove_gift_card
from shop.catalog.models import Variant
from shop.checkout.services import CartChanged
from shop.giftcards.models import (
    GiftCard,
    GiftCardClosed,
    GiftCardEmpty,
    GiftCardMovement,
    GiftCardUnknown,
)
from shop.giftcards.services import WrongAmount, gift_card_faults, issue_card, put_back, void_card
from shop.orders.models import Order
from shop.orders.services import customer_of
from shop.payments.cancellations import cancel_order, expire_orders
from shop.payments.gift_cards import TooLittle, gift_share, send_new_code
from shop.payments.models import Payment, Refund
from shop.payments.refunds import refund_order, send_refund
from shop.payments.services import open_payment
from shop.shipping.models import ShippingMethod

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def treasurer(settings: Any) -> None:
    settings.MONEY_ALERTS_TO = ["ada@example.com"]


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


def run_refunds() -> None:
    """What the worker does once the transaction that asked has ended."""
    for refund in Refund.objects.filter(status="requested", payment__gift_card__isnull=False):
        send_refund.call(refund.pk)


@pytest.fixture
def place_with_card(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> Callable[..., tuple[Order, GiftCard]]:
    """An order of €52.90 (two prints of 24.00, delivery 4.90) with a gift card of `amount` in its cart."""

    def make(amount: str, **changes: Any) -> tuple[Order, GiftCard]:
        card, code = issue_card(eur(amount))
        cart = make_cart(make_variant(price="24.00"), 2)
        apply_code(cart, code)
        return place(cart, **changes), card

    return make


def balance(card: GiftCard) -> str:
    card.refresh_from_db()
    assert gift_card_faults() == []
    return f"{card.balance.amount:.2f}"


def test_the_code_is_told_once_and_not_kept() -> None:
    card, code = issue_card(eur("50.00"), note="Ada's birthday")
    assert code not in str(GiftCard.objects.values())
    assert GiftCard.objects.known_by(f" {code.lower().replace('-', '')} ") == card
    assert card.ending == code[-4:]
    with pytest.raises(GiftCardUnknown):
        GiftCard.objects.known_by("7K2Q-M0XW-9V4T-RB3H")
    for amount in ("0", "-1", "1.005"):
        with pytest.raises(WrongAmount):
            issue_card(eur(amount))


def test_what_it_does_not_cover_is_due_and_only_that_is_asked_of_the_provider(
    place_with_card: Callable[..., tuple[Order, GiftCard]],
) -> None:
    order, card = place_with_card("20.00")
    assert (order.total, order.due, order.status) == (eur("52.90"), eur("32.90"), "pending")
    assert balance(card) == "0.00"
    assert open_payment(order).amount == eur("32.90")


@pytest.mark.parametrize(
    ("total", "on_card", "share"),
    [
        ("52.90", None, "0.00"),
        ("52.90", "60.00", "52.90"),
        ("52.90", "52.40", "52.40"),
        ("52.90", "52.60", "52.40"),
        ("0.40", "0.40", "0.40"),
        ("0.40", "0.20", "0.00"),
        ("0.50", "0.20", "0.00"),
    ],
)
def test_it_leaves_nothing_or_what_can_be_charged(total: str, on_card: str | None, share: str) -> None:
    card = GiftCard(balance=eur(on_card)) if on_card else None
    assert gift_share(card, eur(total)) == eur(share)


def test_what_it_leaves_is_never_less_than_the_provider_takes(
    place_with_card: Callable[..., tuple[Order, GiftCard]],
) -> None:
    order, card = place_with_card("52.60")
    assert (order.due, order.status) == (eur("0.50"), "pending")
    assert balance(card) == "0.20"


def test_what_nobody_can_pay_is_said_before_there_is_an_order(
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
    delivery: ShippingMethod,
) -> None:
    ShippingMethod.objects.update(price=0)
    with pytest.raises(TooLittle, match=r"least that can be paid by card is €0\.50"):
        place(make_cart(make_variant(price="0.40")))
    assert not Order.objects.exists()
    assert place(make_cart(make_variant(price="0.50"))).due == eur("0.50")


def test_an_order_that_it_pays_whole_is_paid_at_once_and_the_rest_stays_on_it(
    place_with_card: Callable[..., tuple[Order, GiftCard]],
) -> None:
    order, card = place_with_card("60.00")
    assert (order.due, order.status) == (eur("0.00"), "paid")
    assert balance(card) == "7.10"
    assert order.events.get(kind="paid").why == "A gift card paid for it."
    assert not order.payments.filter(gift_card=None).exists()


def test_called_off_or_run_out_it_all_goes_back_once(
    place_with_card: Callable[..., tuple[Order, GiftCard]],
) -> None:
    order, card = place_with_card("60.00")
    cancel_order(order)
    run_refunds()
    run_refunds()
    assert balance(card) == "60.00"

    late, other = place_with_card("20.00", email="late@example.com")
    Order.objects.filter(pk=late.pk).update(reserved_until=timezone.now())
    assert expire_orders() == 1
    run_refunds()
    assert balance(other) == "20.00"
    # Nobody paid it: it is no order before the first, and money that comes late came late.
    assert Order.objects.get(pk=late.pk).status == Order.Status.CANCELLED
    assert not customer_of(None, "late@example.com").has_ordered()


def test_who_cancels_is_told_what_goes_back_rather_than_what_it_cost(
    place_with_card: Callable[..., tuple[Order, GiftCard]], client: Client
) -> None:
    order, _ = place_with_card("20.00")
    page = client.get(f"{order.get_absolute_url()}cancel/").text
    assert "We give €20.00 back" in page
    assert "Nothing was charged" not in page


def test_a_refund_goes_to_the_card_first_and_then_on_the_gift_card(
    place_with_card: Callable[..., tuple[Order, GiftCard]],
) -> None:
    order, card = place_with_card("40.00")
    Payment.objects.create(order=order, amount=order.due, status="succeeded", intent_id="pi_1")
    order.move_to(Order.Status.PAID)
    refund_order(order, eur("20.00"))
    shares = {refund.payment.gift_card_id: refund.amount for refund in Refund.objects.all()}
    assert shares == {None: eur("12.90"), card.pk: eur("7.10")}
    run_refunds()
    assert balance(card) == "7.10"


def test_what_a_card_s_ledger_does_not_have_of_its_payments_is_told_in_words(
    place_with_card: Callable[..., tuple[Order, GiftCard]],
) -> None:
    order, card = place_with_card("60.00")
    refund_order(order, eur("20.00"))
    run_refunds()
    call_command("check_gift_cards")
    spent, returned = card.movements.filter(kind__in=["spent", "returned"])
    GiftCardMovement.objects.filter(pk=spent.pk).update(amount=-5)
    GiftCardMovement.objects.filter(pk=returned.pk).delete()
    with pytest.raises(CommandError) as told:
        call_command("check_gift_cards")
    assert set(str(told.value).splitlines()) == {
        f"gift card ···· {card.ending}: €27.10 on it, €55.00 by its movements",
        f"gift card ···· {card.ending}, {order.public_id}: -€5.00 by its movements, -€52.90 by payments",
        f"gift card ···· {card.ending}, refund {Refund.objects.get().pk}: nothing by its movements, "
        "€20.00 by payments",
    }


def test_a_refund_carried_out_twice_puts_the_money_back_once() -> None:
    card, _ = issue_card(eur("10.00"))
    assert put_back(card, eur("5.00"), "refund 1")
    assert not put_back(card, eur("5.00"), "refund 1")
    assert balance(card) == "15.00"


def test_money_goes_back_on_a_card_that_ran_out_and_can_be_spent(
    place_with_card: Callable[..., tuple[Order, GiftCard]], mailoutbox: list
) -> None:
    order, card = place_with_card("20.00")
    GiftCard.objects.update(expires_at=timezone.now() - timedelta(days=1))
    cancel_order(order)
    run_refunds()
    assert balance(card) == "20.00"
    assert timezone.now() + timedelta(days=89) < card.expires_at < timezone.now() + timedelta(days=91)
    assert GiftCard.objects.spendable().get() == card
    assert alarms() == ["Money went back on a gift card that had ended"]
    assert "which is valid until" in mail("refunded")["whereto"]


def test_a_card_that_staff_made_void_stays_so_and_its_money_goes_on_a_new_one(
    place_with_card: Callable[..., tuple[Order, GiftCard]], mailoutbox: list
) -> None:
    order, card = place_with_card("20.00")
    void_card(card)
    cancel_order(order)
    run_refunds()
    assert balance(card) == "0.00"
    new = GiftCard.objects.spendable().get()
    assert (new.balance, new.note) == (eur("20.00"), f"Instead of the {card}, which is void.")
    assert put_back(card, eur("20.00"), f"refund {Refund.objects.get().pk}") is None
    assert alarms() == ["Money went back on a gift card that had ended"]
    assert "on a new one" in mail("refunded")["whereto"]
    call_command("check_gift_cards")
    send_new_code.call(order.pk, new.pk)
    code = re.search(r"(\w{4}-){3}\w{4}", mailoutbox[0].body)[0]
    assert GiftCard.objects.known_by(code) == new
    assert mailoutbox[0].to == [order.email]
    assert code not in str(DBTaskResult.objects.values())
    assert balance(new) == "20.00"


def alarms() -> list[str]:
    return [
        task.args_kwargs["args"][1] for task in DBTaskResult.objects.filter(task_path__endswith="send_alarm")
    ]


def mail(kind: str) -> dict[str, str]:
    sent = DBTaskResult.objects.filter(task_path__endswith="send_order_mail")
    return next(one.args_kwargs["args"][2] for one in sent if one.args_kwargs["args"][1] == kind)


def test_a_card_that_is_void_over_or_empty_says_so_and_leaves_the_cart(
    make_cart: Callable[..., Cart],
) -> None:
    void, code = issue_card(eur("10.00"))
    cart = make_cart()
    apply_code(cart, code)
    assert void_card(void)
    assert not void_card(void)
    assert balance(void) == "0.00"
    assert review(Cart.objects.get(pk=cart.pk)).notices == [
        f"The gift card ···· {void.ending} was taken off: This gift card is no longer valid."
    ]
    over, over_code = issue_card(eur("10.00"), expires_at=timezone.now() - timedelta(days=1))
    with pytest.raises(GiftCardClosed):
        apply_code(cart, over_code)
    GiftCard.objects.filter(pk=over.pk).update(expires_at=None, balance=0)
    with pytest.raises(GiftCardEmpty):
        apply_code(cart, over_code)


def test_no_card_can_be_below_nothing_whatever_the_code_does() -> None:
    card, _ = issue_card(eur("10.00"))
    with pytest.raises(IntegrityError), transaction.atomic():
        GiftCard.objects.filter(pk=card.pk).update(balance=-1)
    with pytest.raises(IntegrityError), transaction.atomic():
        card.movements.create(kind=GiftCardMovement.Kind.SPENT, amount=eur("1.00"))


def test_fractions_add_up_on_the_card_too(place_with_card: Callable[..., tuple[Order, GiftCard]]) -> None:
    """SQLite subtracts binary fractions: 78.00 less 52.90 is not quite 25.10 there."""
    _, card = place_with_card("78.00")
    assert balance(card) == "25.10"
    assert GiftCard.objects.filter(pk=card.pk, balance__gte=eur("25.10")).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT balance FROM giftcards_giftcard WHERE id = %s", [card.pk])
        assert float(cursor.fetchone()[0]) == 25.1


def test_less_on_the_card_than_was_shown_is_asked_again(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    card, code = issue_card(eur("30.00"))
    cart = make_cart(make_variant(price="24.00"), 1)
    apply_code(cart, code)
    GiftCard.objects.filter(pk=card.pk).update(balance=10)
    cart.refresh_from_db()
    with pytest.raises(CartChanged, match=r"What is left to pay is now €18\.90"):
        place(cart, expected_total=eur("28.90"), expected_due=eur("0.00"))


def test_it_is_entered_beside_the_coupon_shown_and_taken_off(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    _, code = issue_card(eur("20.00"))
    client.post("/cart/add/", {"variant": make_variant(price="24.00").pk, "quantity": 1})
    client.post("/cart/coupon/", {"code": code})
    page = client.get("/cart/")
    assert f"Gift card ···· {code[-4:]} has €20.00 on it." in page.text
    assert (page.context["gift"], page.context["due"]) == (eur("20.00"), eur("4.00"))
    client.post("/cart/coupon/", {"remove": "gift-card"})
    assert client.get("/cart/").context["gift"] == eur("0.00")


def test_taking_it_out_of_the_cart_spends_nothing(
    place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    card, code = issue_card(eur("20.00"))
    cart = make_cart()
    apply_code(cart, code)
    remove_gift_card(cart)
    assert place(cart).due == Order.objects.get().total
    assert balance(card) == "20.00"
