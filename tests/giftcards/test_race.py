"""One gift card in several carts at the same instant."""

from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from djmoney.money import Money

from accounts.models import User
from shop.cart.models import Cart
from shop.cart.services import add_to_cart, apply_code
from shop.catalog.models import Variant
from shop.giftcards.models import GiftCard
from shop.giftcards.services import GiftCardShort, gift_card_faults, issue_card, spend, take_balance
from shop.orders.models import Order
from shop.payments.cancellations import cancel_order
from shop.payments.models import Refund
from shop.payments.refunds import send_refund
from tests.giftcards import unguarded
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS, AT_ONCE = 5, 6


def test_spent_in_several_carts_at_once_it_pays_once(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00", stock=200)
    for _ in range(ROUNDS):
        card, code = issue_card(Money("28.90", "EUR"))
        carts = [make_cart(variant) for _ in range(AT_ONCE)]
        for cart in carts:
            apply_code(cart, code)
            cart.refresh_from_db()
        raised = at_once(*(partial(place, cart) for cart in carts))
        assert len(raised) == AT_ONCE - 1
        # Some read the balance before it was gone; the others find an empty card in their cart and are told.
        assert {type(error).__name__ for error in raised} <= {"GiftCardShort", "CartChanged"}, raised
        card.refresh_from_db()
        assert card.balance.amount == 0
    assert Order.objects.filter(status="paid").count() == Order.objects.count() == ROUNDS
    assert gift_card_faults() == []


def test_it_is_spent_while_an_order_it_paid_is_called_off(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00", stock=200)
    card, code = issue_card(Money("100.00", "EUR"))
    for _ in range(ROUNDS):
        first, second = make_cart(variant), make_cart(variant)
        for cart in (first, second):
            apply_code(cart, code)
            cart.refresh_from_db()
        paid = place(first)
        assert at_once(partial(place, second), partial(cancel_order, paid)) == []
        for order in Order.objects.filter(status="paid"):
            cancel_order(order)
        for refund in Refund.objects.filter(status="requested"):
            send_refund.call(refund.pk)
    card.refresh_from_db()
    assert card.balance == Money("100.00", "EUR")
    assert gift_card_faults() == []


def test_its_owner_spends_it_while_a_refund_goes_back_on_it(
    place: Callable[..., Order], make_variant: Callable[..., Variant], customer: User
) -> None:
    """Both write to the owner's stream and to the card, and must do so in the same order."""
    variant, cart = make_variant(price="24.00", stock=200), Cart.objects.create(user=customer)
    _, code = issue_card(Money("1000.00", "EUR"))

    def filled() -> Cart:
        add_to_cart(cart, variant)
        apply_code(cart, code)
        cart.refresh_from_db()
        return cart

    def buy() -> None:
        for _ in range(AT_ONCE):
            place(filled())

    def give_back() -> None:
        for refund in Refund.objects.all():
            send_refund.call(refund.pk)

    for _ in range(2 * AT_ONCE):
        cancel_order(place(filled()))
    assert at_once(buy, give_back) == []
    assert gift_card_faults() == []


def spent_at_once(take: Callable[[int, Money], bool]) -> int:
    card, _ = issue_card(Money("28.90", "EUR"))
    works = [partial(spend, card, card.balance, f"order-{n}", take=take) for n in range(AT_ONCE)]
    raised = at_once(*works)
    assert all(isinstance(error, GiftCardShort) for error in raised), raised
    return GiftCard.objects.get().movements.filter(kind="spent").count()


def test_without_the_guard_it_pays_more_than_once() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time, so there is no race to show")
    assert spent_at_once(unguarded.take) > 1


def test_with_it_once() -> None:
    assert spent_at_once(take_balance) == 1
