"""Other prints in an order that is paid and not packed: each sum holds, before and after, and whoever is late gets
the money back.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from djmoney.money import Money
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop.cart.models import Cart
from shop.cart.services import add_to_cart, apply_coupon
from shop.catalog.models import TaxClass, Variant
from shop.giftcards.services import issue_card
from shop.inventory.audit import stock_faults
from shop.inventory.models import Reservation, Stock
from shop.inventory.services import OutOfStock, allow_backorders
from shop.invoices.models import Document
from shop.invoices.services import balance_of, left_of
from shop.orders.edit_invoicing import parts_of
from shop.orders.edits import EditWaits
from shop.orders.invoicing import documents_of
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderEdit, OrderLine, WrongStatus
from shop.orders.services import mark_paid, pack_order, ship_order
from shop.payments.cancellations import cancel_order
from shop.payments.edit_plans import NotEditable, plan_edit
from shop.payments.edits import EditPriceMoved, edit_order, expire_edits, take_back_edit
from shop.payments.late_invoices import issue_missing
from shop.payments.line_cancellations import cancel_lines
from shop.payments.line_refunds import refund_lines
from shop.payments.models import Payment, Refund
from shop.payments.refunds import NothingToRefund, apply_refund, refund_order
from shop.payments.services import PaymentClosed, apply_intent, open_payment
from shop.payments.stripe_gateway import GatewayRefund, Intent
from shop.pricing.models import TaxRate, TaxZone
from tests.offers import make_coupon
from tests.racing import at_once

pytestmark = pytest.mark.django_db
Status, Edit = Order.Status, OrderEdit.Status


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


def total_of(amounts: Any) -> Money:
    return reduce(add, amounts, eur("0"))


def now(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


@pytest.fixture
def bought(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> Order:
    """Three at €33.33 and one at €20.00 with 10 % off, delivery €4.90: lines of €89.99 and €18.00, in all €112.89."""
    make_coupon("HARBOUR10", percent=10)
    cart = make_cart(make_variant(price="33.33"), 3)
    add_to_cart(cart, make_variant(price="20.00"))
    apply_coupon(cart, "HARBOUR10")
    return pay(place(cart))


def pay(order: Order) -> Order:
    order.payments.create(amount=order.due, status="succeeded", intent_id=f"pi_{order.pk}", method="visa")
    mark_paid(order)
    return order


def succeed(payment: Payment) -> None:
    """The provider says that it was paid."""
    apply_intent(
        Intent(
            id=payment.intent_id or f"pi_edit_{payment.pk}",
            status="succeeded",
            received=payment.amount,
            client_secret="",
            key=payment.idempotency_key,
            charge=f"ch_{payment.pk}",
            method="visa ···· 4242",
            error="",
        )
    )


def tell(refund: Refund, status: str = "succeeded") -> None:
    apply_refund(GatewayRefund(id=f"re_{refund.pk}", status=status, key=refund.idempotency_key, failure="no"))


def assert_sound(order: Order) -> None:
    """All that must hold at every moment, whatever waits."""
    order = now(order)
    lines = list(order.lines.all())
    assert order.subtotal == total_of(line.gross for line in lines)
    assert order.discount == total_of(line.discount for line in lines)
    assert order.total == order.subtotal - order.discount + order.shipping + order.tax_added
    assert order.total == total_of(line.total for line in lines) + order.shipping_charged
    kept = total_of(one.amount - one.refunded for one in order.payments.filter(status="succeeded"))
    assert eur("0") <= kept
    held: Counter[int] = Counter()
    for row in Reservation.objects.held().filter(reference=order.public_id):
        held[row.variant_id] += row.quantity
    assert held == +Counter(
        {line.variant_id: 0 for line in lines}
        | reduce(add, (Counter({line.variant_id: line.to_ship}) for line in lines), Counter())
    )
    assert stock_faults() == []


def assert_settled(order: Order) -> None:
    """And once every refund has arrived: the papers and the money say what the order says."""
    for refund in Refund.objects.exclude(status__in=["succeeded", "failed"]):
        tell(refund)
    assert_sound(order)
    order = now(order)
    payments = order.payments.filter(status="succeeded")
    assert total_of(one.amount - one.refunded for one in payments) == order.total
    assert balance_of(order.public_id, "EUR") == order.total
    if not Refund.objects.filter(status="failed").exists():  # one made again is of no rate in particular
        assert sum(rate.tax for rate in left_of(documents_of(order)).values()) == order.tax.amount


# --- Cheaper, or the same ------------------------------------------------------------------------


def test_the_worked_example(bought: Order, make_variant: Callable[..., Variant], mailoutbox: list) -> None:
    """One of three less, and another print for €12.00 instead: see docs/orders.md."""
    three, _one = bought.lines.all()
    other = make_variant(price="12.00")
    edit = edit_order(bought, {three.pk: 2}, {other.pk: 1}, why="A torn sheet.", agreed=eur("-17.99"))
    first, second, new = now(bought).lines.all()
    assert (first.quantity, first.total, first.discount) == (2, eur("60.00"), eur("6.66"))
    assert (second.total, new.total, new.sku) == (eur("18.00"), eur("12.00"), other.sku)
    assert (now(bought).total, edit.status) == (eur("94.90"), Edit.APPLIED)
    assert [step.amount for step in now(bought).steps if step.kind == "change"] == [eur("-17.99")]
    assert now(bought).discount_changed
    assert_sound(bought)
    refund = Refund.objects.get()
    assert (refund.amount, refund.edit) == (eur("17.99"), edit)
    assert_settled(bought)
    note = Document.objects.get(kind=Document.Kind.CREDIT_NOTE)
    assert [(item["title"], item["total"]) for item in note.data["items"]] == [
        (three.title, "29.99"),
        (f"Instead: {new.title}", "-12"),
    ]
    kinds = [event.kind for event in bought.events.all()]
    assert kinds[2:] == ["edited", "refund_requested", "refund_paid"]
    send_order_mail.call(bought.pk, "edited", {"edit_id": edit.pk})
    assert "€94.90" in mailoutbox[0].body
    assert "A torn sheet." in mailoutbox[0].body


def test_a_line_goes_and_what_stays_is_worth_what_it_was(bought: Order) -> None:
    three, one = bought.lines.all()
    edit_order(bought, {three.pk: 0})
    assert [line.sku for line in now(bought).lines.all()] == [one.sku]
    assert_settled(bought)
    pack_order(bought)
    assert ship_order(bought, "Gannet", "GN 1").lines.get().quantity == 1
    with pytest.raises(WrongStatus):
        edit_order(bought, {one.pk: 0}, {three.variant_id: 1})


def test_the_same_price_in_another_tax_class_moves_tax_and_no_money(
    bought: Order, make_variant: Callable[..., Variant]
) -> None:
    TaxRate.objects.create(zone=TaxZone.objects.get(country="IE"), tax_class=TaxClass.REDUCED, percent="13.5")
    _three, one = bought.lines.all()
    book = make_variant(price="18.00", tax_class=TaxClass.REDUCED)
    edit_order(bought, {one.pk: 0}, {book.pk: 1})
    new = now(bought).lines.get(sku=book.sku)
    assert (new.tax_percent, new.tax) == (13.5, eur("2.14"))
    assert now(bought).total == bought.total
    assert not Refund.objects.exists()
    assert Document.objects.last().total == eur("0")
    assert_settled(bought)


def test_a_refund_that_fails_takes_its_credit_note_back_and_may_be_made_again(bought: Order) -> None:
    three, _one = bought.lines.all()
    edit_order(bought, {three.pk: 2})
    refund = Refund.objects.get()
    tell(refund)
    tell(refund, "failed")
    assert balance_of(bought.public_id, "EUR") == eur("112.89")
    refund_order(bought, eur("29.99"))
    assert_settled(bought)


def test_a_gift_card_and_a_card_share_the_credit(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    TaxRate.objects.create(
        zone=TaxZone.objects.get_or_create(country="IE", defaults={"name": "Ireland"})[0],
        tax_class=TaxClass.REDUCED,
        percent="13.5",
    )
    cart = make_cart(make_variant(price="50.00"), 2)
    cart.gift_card = issue_card(eur("60.00"))[0]
    cart.save()
    order = pay(place(cart))
    line = order.lines.get()
    edit_order(order, {line.pk: 0}, {make_variant(price="30.00", tax_class=TaxClass.REDUCED).pk: 1})
    assert [refund.amount for refund in Refund.objects.all()] == [eur("44.90"), eur("25.10")]
    assert_settled(order)


def test_what_cannot_be_is_refused_and_nothing_has_happened(
    bought: Order, order: Order, make_variant: Callable[..., Variant]
) -> None:
    three, one = bought.lines.all()
    scarce = make_variant(price="5.00", stock=1)
    for quantities, added, said in [
        ({}, {}, "Nothing would change"),
        ({three.pk: 0, one.pk: 0}, {}, "Nothing would be left"),
        ({three.pk: 4}, {}, "at most 3"),
        ({three.pk: -1}, {}, "at most 3"),
        ({}, {scarce.pk: -1}, "no such print"),
        ({}, {10**6: 1}, "no such print"),
        ({}, {make_variant(price="0.20").pk: 1}, "cannot pay less than €0.50"),
    ]:
        with pytest.raises(NotEditable, match=said):
            edit_order(bought, quantities, added)
    with pytest.raises(OutOfStock, match=rf"{scarce.sku}\) 1\."):
        edit_order(bought, {three.pk: 0}, {scarce.pk: 2})
    with pytest.raises(EditPriceMoved, match=r"29\.99"):
        edit_order(bought, {three.pk: 2}, agreed=eur("-30.00"))
    with pytest.raises(NotEditable, match="not paid yet"):
        edit_order(order, {}, {scarce.pk: 1})
    refund_order(bought, eur("100.00"))
    with pytest.raises(NothingToRefund):
        edit_order(bought, {three.pk: 2})
    assert not OrderEdit.objects.exists()
    assert_sound(bought)


def test_what_was_refunded_or_cancelled_is_not_paid_back_again(bought: Order) -> None:
    three, one = bought.lines.all()
    refund_lines(bought, {three.pk: 1})
    with pytest.raises(NotEditable, match="refunded"):
        edit_order(bought, {three.pk: 0})
    cancel_lines(bought, {one.pk: 1})
    with pytest.raises(NotEditable, match="at most 0"):
        edit_order(bought, {one.pk: 1})
    edit_order(bought, {three.pk: 1})
    first = now(bought).lines.first()
    assert (first.quantity, first.refunded, first.to_ship) == (1, 1, 1)
    assert total_of(refund.amount for refund in Refund.objects.all()) == eur("107.99")
    assert_sound(bought)


# --- What is added -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prices", "vat_id", "total", "tax"),
    [
        ("added", "", "24.60", "4.60"),
        ("included", "", "20.00", "3.74"),
        ("included", "DE136695976", "16.26", "0"),
    ],
)
def test_what_is_added_is_taxed_as_the_order_is(
    bought: Order, make_variant: Callable[..., Variant], prices: str, vat_id: str, total: str, tax: str
) -> None:
    TaxZone.objects.filter(country="IE").update(prices=prices)
    treatment = "reverse_charge" if vat_id else prices
    Order.objects.filter(pk=bought.pk).update(vat_id=vat_id, tax_treatment=treatment, tax=0)
    line = plan_edit(now(bought), {}, {make_variant(price="20.00").pk: 1}).lines[0]
    assert (line.total, line.tax) == (eur(total), eur(tax))
    assert line.tax_added == line.total - eur("20.00")


def test_what_has_to_be_made_is_promised_from_today(
    bought: Order, make_variant: Callable[..., Variant]
) -> None:
    made = make_variant(price="1.00", stock=1)
    allow_backorders(made, 5, 10)
    Order.objects.filter(pk=bought.pk).update(placed_at=timezone.now() - timedelta(days=3))
    three, _ = bought.lines.all()
    edit_order(bought, {three.pk: 2}, {made.pk: 3})
    new = now(bought).lines.get(sku=made.sku)
    assert (new.ahead, new.lead_days) == (2, 13)
    assert now(bought).ships_by == timezone.localdate() + timedelta(days=10)
    edit_order(bought, {new.pk: 1})
    new.refresh_from_db()
    assert (new.quantity, new.ahead) == (1, 0)
    edit_order(bought, {new.pk: 0})
    edit_order(bought, {three.pk: 1}, {made.pk: 1})  # once more, after all of it went
    assert_settled(bought)


# --- Dearer --------------------------------------------------------------------------------------


@pytest.fixture
def dear(make_variant: Callable[..., Variant]) -> Variant:
    return make_variant(price="50.00", stock=2)


@pytest.fixture
def waiting(bought: Order, dear: Variant) -> OrderEdit:
    """One of three for one at €50.00: €20.01 to pay."""
    three = bought.lines.first()
    return edit_order(bought, {three.pk: 2}, {dear.pk: 1}, why="She asked.")


def test_until_it_is_paid_the_order_stays_as_it_was(bought: Order, waiting: OrderEdit, dear: Variant) -> None:
    assert (waiting.status, waiting.difference) == (Edit.OPEN, eur("20.01"))
    assert (now(bought).total, now(bought).lines.count()) == (eur("112.89"), 2)
    assert Stock.objects.get(variant=dear).reserved == 1
    assert_settled(bought)
    _three, one = bought.lines.all()
    for step in (
        lambda: pack_order(bought),
        lambda: cancel_lines(bought, {one.pk: 1}),
        lambda: refund_lines(bought, {one.pk: 1}),
        lambda: edit_order(bought, {one.pk: 0}),
    ):
        with pytest.raises(EditWaits):
            step()
    assert now(bought).status == Status.PAID


def test_its_money_makes_it_count_once(bought: Order, waiting: OrderEdit, mailoutbox: list) -> None:
    first = open_payment(bought)
    assert (open_payment(bought), first.amount, first.edit) == (first, eur("20.01"), waiting)
    Payment.objects.filter(pk=first.pk).update(status="cancelled")  # another tab gave it up
    second = open_payment(bought)
    succeed(second)
    succeed(second)
    assert now(bought).total == eur("132.90")
    invoice = Document.objects.last()
    assert (invoice.kind, invoice.total, invoice.data["paid_by"]) == (
        "invoice",
        eur("20.01"),
        "visa ···· 4242",
    )
    assert_settled(bought)
    succeed(first)  # and yet it was paid there too
    assert Refund.objects.get().amount == eur("20.01")
    assert "paid_twice" in [event.kind for event in bought.events.all()]
    assert_settled(bought)
    with pytest.raises(PaymentClosed):
        open_payment(now(bought))
    pack_order(bought)
    for kind in ("edit_proposed", "edited", "edit_undone"):
        send_order_mail.call(bought.pk, kind, {"edit_id": waiting.pk, "document_id": invoice.pk})
    assert all("€20.01" in mail.body for mail in mailoutbox[:2])
    assert mailoutbox[1].attachments


def test_staff_take_it_back_and_what_comes_after_that_goes_back(
    bought: Order, waiting: OrderEdit, dear: Variant
) -> None:
    payment = open_payment(bought)
    assert take_back_edit(waiting, why="She thought it over.")
    assert not take_back_edit(waiting)
    assert Stock.objects.get(variant=dear).reserved == 0
    assert payment in Payment.objects.silent_for(timedelta(0)).filter(pk=payment.pk)  # to be closed
    succeed(payment)
    assert Refund.objects.get().amount == eur("20.01")
    assert bought.events.filter(kind="paid_too_late").get().why.endswith("the change was taken back.")
    assert_settled(bought)
    other = edit_order(bought, {}, {dear.pk: 1})
    assert open_payment(bought).edit == other


def test_what_is_not_paid_in_time_undoes_itself(bought: Order, waiting: OrderEdit, dear: Variant) -> None:
    payment = open_payment(bought)
    assert expire_edits() == 0
    OrderEdit.objects.update(expires_at=timezone.now())
    with pytest.raises(PaymentClosed):
        open_payment(bought)
    Payment.objects.filter(pk=payment.pk).update(status="processing")
    assert expire_edits() == 0  # the bank is thinking
    Payment.objects.filter(pk=payment.pk).update(status="waiting")
    assert (expire_edits(), expire_edits()) == (1, 0)
    assert Stock.objects.get(variant=dear).reserved == 0
    assert bought.events.last().kind == "edit_undone"
    assert_settled(bought)
    pack_order(bought)


def test_an_order_that_is_called_off_takes_its_change_with_it(bought: Order, waiting: OrderEdit) -> None:
    payment = open_payment(bought)
    cancel_order(bought, why="All of it.")
    waiting.refresh_from_db()
    assert waiting.status == Edit.UNDONE
    succeed(payment)
    assert total_of(refund.amount for refund in Refund.objects.all()) == eur("132.90")
    for refund in Refund.objects.all():
        tell(refund)
    assert balance_of(bought.public_id, "EUR") == eur("0")
    assert not Stock.objects.filter(reserved__gt=0).exists()
    assert stock_faults() == []


def test_a_hold_is_not_raised_but_may_be_lowered(bought: Order, dear: Variant) -> None:
    bought.payments.update(status="authorised")
    three, _ = bought.lines.all()
    with pytest.raises(NotEditable, match="cannot be raised"):
        edit_order(bought, {}, {dear.pk: 1})
    edit_order(bought, {three.pk: 2})
    assert Refund.objects.get().amount == eur("29.99")
    assert_sound(bought)


# --- Whatever is changed, every sum holds --------------------------------------------------------


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    price=st.integers(1, 9_999),
    off=st.integers(0, 9_999),
    quantity=st.integers(1, 6),
    steps=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(0, 2),
            st.sampled_from(["succeeded", "failed", "paid", "undone", ""]),
        ),
        max_size=4,
    ),
)
def test_any_changes_in_any_order_keep_every_sum(
    bought: Order, price: int, off: int, quantity: int, steps: list[tuple[int, int, str]]
) -> None:
    with transaction.atomic():
        line = bought.lines.first()
        unit, less = Money(price, "EUR") / 100, Money(min(off, price * quantity - 1), "EUR") / 100
        _rewrite(bought, line, unit, quantity, less)
        other = bought.lines.last().variant_id
        for fewer, more, outcome in steps:
            left = now(bought).lines.filter(pk=line.pk).first()
            wanted = {left.pk: max(0, left.to_ship - fewer)} if left else {}
            try:
                edit = edit_order(bought, wanted, {other: more} if more else {})
            except (NotEditable, NothingToRefund, EditWaits, OutOfStock):
                continue
            assert_sound(bought)
            if edit.is_open and outcome == "paid":
                succeed(open_payment(now(bought)))
            elif edit.is_open and outcome == "undone":
                take_back_edit(edit)
            elif outcome in ("succeeded", "failed"):
                for refund in edit.refunds.all():
                    tell(refund, outcome)
                    if outcome == "failed":
                        tell(refund_order(bought, refund.amount))
            assert_sound(bought)
        for kept in now(bought).lines.all():
            assert eur("0") <= kept.total <= kept.gross
        assert_settled(bought)
        transaction.set_rollback(True)


def _rewrite(order: Order, line: OrderLine, unit: Money, quantity: int, off: Money) -> None:
    """A first line of so many at that price with that off, whatever made it; everything else follows."""
    order = now(order)
    Reservation.objects.filter(reference=order.public_id, variant=line.variant_id).update(quantity=quantity)
    Stock.objects.filter(variant=line.variant_id).update(reserved=quantity)
    total = unit * quantity - off
    more = total - line.total
    OrderLine.objects.filter(pk=line.pk).update(
        unit_price=unit, quantity=quantity, discount=off, total=total, tax=0, tax_percent=0
    )
    Document.objects.all()._raw_delete("default")  # type: ignore[attr-defined]
    Order.objects.filter(pk=order.pk).update(
        status=Status.PENDING,
        subtotal=order.subtotal + unit * quantity - line.gross,
        discount=order.discount + off - line.discount,
        tax=order.tax - line.tax,
        total=order.total + more,
    )
    order.payments.update(amount=order.total + more)
    mark_paid(now(order))


@given(
    amounts=st.lists(st.tuples(st.integers(-9_999, 9_999), st.integers(0, 99)), min_size=1, max_size=3),
    cut=st.integers(1, 99),
)
def test_parts_of_a_credit_sum_to_the_whole(amounts: list[tuple[int, int]], cut: int) -> None:
    cent = Decimal("0.01")
    sums = {Decimal(place): (gross * cent, tax * cent) for place, (gross, tax) in enumerate(amounts)}
    whole = sum((gross for gross, _ in sums.values()), Decimal(0))
    part = (whole * cut / 100).quantize(cent)
    if not whole:
        return
    parts = parts_of(sums, part / whole, cent)
    assert sum(gross for gross, _ in parts.values()) == part
    assert parts_of(sums, Decimal(1), cent) == sums


# --- At the same instant -------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_clerks_change_it_at_once_and_one_is_told(bought: Order, dear: Variant) -> None:
    three, _one = bought.lines.all()
    raised = at_once(
        lambda: edit_order(now(bought), {three.pk: 2}, agreed=eur("-29.99")),
        lambda: edit_order(now(bought), {}, {dear.pk: 1}),
    )
    assert all(isinstance(error, EditWaits) for error in raised), raised
    if raised:
        assert OrderEdit.objects.get().is_open
    assert_settled(bought)


@pytest.mark.django_db(transaction=True)
def test_one_unit_is_taken_off_by_two_clerks_once_each_way(bought: Order) -> None:
    """Both saw three and want two: the second changes nothing any more."""
    three, _ = bought.lines.all()
    raised = at_once(*[lambda: edit_order(now(bought), {three.pk: 2})] * 4)
    assert [type(error) for error in raised] == [NotEditable] * 3
    assert Refund.objects.get().amount == eur("29.99")
    assert_settled(bought)


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_both_take_it_off(bought: Order) -> None:
    """The control: each plans on what it read before the other wrote."""
    three, _ = bought.lines.all()
    plans: list[Any] = []
    at_once(*[lambda: plans.append(plan_edit(now(bought), {three.pk: 2}, {}))] * 2)
    for plan in plans:
        refund_order(bought, -plan.difference)
    assert total_of(refund.amount for refund in Refund.objects.all()) == eur("59.98")  # for one print


@pytest.mark.django_db(transaction=True)
def test_cancelling_and_changing_at_once_pay_back_what_was_paid(
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable[..., Variant],
    dear: Variant,
) -> None:
    variant, cheap = make_variant(stock=20), make_variant(price="5.00", stock=20)
    for turn in range(6):
        order = pay(place(make_cart(variant, 2)))
        line, added = order.lines.get(), dear.pk if turn % 2 else cheap.pk
        raised = at_once(
            lambda one=order, pk=line.pk, more=added: edit_order(now(one), {pk: 1}, {more: 1}),
            lambda one=order: cancel_order(now(one)),
        )
        assert all(isinstance(error, WrongStatus | NothingToRefund) for error in raised), raised
        assert now(order).status == Status.CANCELLED
        assert total_of(one.refundable for one in order.payments.all()) == eur("0")
    assert not OrderEdit.objects.open().exists()
    assert not Stock.objects.filter(reserved__gt=0).exists()
    assert stock_faults() == []


@pytest.mark.django_db(transaction=True)
def test_a_late_success_and_taking_it_back_at_once_keep_the_money_or_the_order(
    bought: Order, dear: Variant
) -> None:
    for _ in range(6):
        edit = edit_order(now(bought), {}, {dear.pk: 1})
        payment = open_payment(now(bought))
        raised = at_once(
            lambda one=payment: succeed(one),
            lambda one=edit: take_back_edit(OrderEdit.objects.get(pk=one.pk)),
        )
        assert raised == []
        assert_settled(bought)
        edit.refresh_from_db()
        if edit.status == Edit.APPLIED:
            edit_order(now(bought), {now(bought).lines.last().pk: 0})
            assert_settled(bought)


@pytest.mark.django_db(transaction=True)
def test_packing_and_changing_at_once_never_both(bought: Order, dear: Variant) -> None:
    raised = at_once(
        lambda: pack_order(now(bought)), lambda: edit_order(now(bought), {}, {dear.pk: 1}, why="She asked.")
    )
    assert [type(error) for error in raised] in ([EditWaits], [WrongStatus])
    assert OrderEdit.objects.open().exists() == (now(bought).status == Status.PAID)


@pytest.mark.django_db(transaction=True)
def test_changes_across_each_other_and_a_purchase_of_both_wait_for_one_another(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    first, second = make_variant(stock=50), make_variant(stock=50)
    for _ in range(5):
        mine, theirs, cart = (
            pay(place(make_cart(first, 2))),
            pay(place(make_cart(second, 2))),
            make_cart(second),
        )
        add_to_cart(cart, first)
        changes = [(mine, mine.lines.get().pk, second.pk), (theirs, theirs.lines.get().pk, first.pk)]
        works = [
            lambda one=order, pk=line, more=added: edit_order(now(one), {pk: 1}, {more: 1})
            for order, line, added in changes
        ]
        assert at_once(*works, lambda bought=cart: place(bought)) == []
        for order, *_ in changes:
            assert_settled(order)


# --- Pages ---------------------------------------------------------------------------------------


def test_staff_see_what_it_comes_to_before_they_do_it(
    admin_client: Client, bought: Order, dear: Variant
) -> None:
    three, one = bought.lines.all()
    step, page = (f"/admin/orders/order/{bought.pk}/{end}" for end in ("steps/edit/", "change/"))
    wanted = {f"line_{three.pk}": 2, f"line_{one.pk}": 1, "added": f"{dear.sku} × 1", "why": "She asked."}
    wrong = admin_client.post(step, wanted | {"added": "NO-1"})
    assert (wrong.status_code, "There is no NO-1." in wrong.content.decode()) == (422, True)
    shown = admin_client.post(step, wanted)
    assert not OrderEdit.objects.exists()
    for part in ("The buyer pays", "€20.01", "€132.90", "Ask the buyer for €20.01"):
        assert part in shown.content.decode(), part
    agreed = shown.context["steps"][2][2].data["agreed"]
    again = admin_client.post(step, wanted | {"agreed": agreed, f"line_{one.pk}": 0})
    assert again.status_code == 200
    assert not OrderEdit.objects.exists()
    done = admin_client.post(step, wanted | {"agreed": agreed}, follow=True)
    assert "the buyer is asked for €20.01" in done.content.decode()
    assert OrderEdit.objects.get().difference == eur("20.01")
    waiting = admin_client.get(page).content.decode()
    assert "A change that waits to be paid" in waiting
    assert "Mark as packed" not in waiting
    admin_client.post(f"/admin/orders/order/{bought.pk}/steps/take-back/", {"why": "She thought it over."})
    assert OrderEdit.objects.get().status == Edit.UNDONE
    assert "Mark as packed" in admin_client.get(page).content.decode()


def test_the_buyer_s_page_asks_for_the_difference(client: Client, bought: Order, waiting: OrderEdit) -> None:
    shown = client.get(bought.get_absolute_url()).content.decode()
    for part in ("Pay €20.01", "She asked.", "set the prints aside until", "A change waits for your payment"):
        assert part in shown, part
    succeed(open_payment(bought))
    settled = client.get(bought.get_absolute_url()).content.decode()
    assert "Pay €20.01" not in settled
    assert "€132.90" in settled


def test_an_order_from_before_there_were_invoices_gets_one_over_what_it_became(
    bought: Order, dear: Variant
) -> None:
    Document.objects.all()._raw_delete("default")  # type: ignore[attr-defined]
    three, _ = bought.lines.all()
    edit_order(bought, {three.pk: 2})
    edit_order(bought, {}, {dear.pk: 1})
    succeed(open_payment(now(bought)))
    assert not documents_of(bought)
    assert issue_missing() == 1
    assert_settled(bought)
