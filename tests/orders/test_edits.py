"""Other prints in an order that is paid and not packed: what is cheaper counts at once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from shop.cart.models import Cart
from shop.catalog.models import TaxClass, Variant
from shop.giftcards.services import issue_card
from shop.inventory.services import OutOfStock, allow_backorders
from shop.invoices.models import Document
from shop.invoices.services import balance_of
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderEdit, WrongStatus
from shop.orders.services import pack_order, ship_order
from shop.payments.edit_plans import NotEditable, plan_edit
from shop.payments.edits import EditPriceMoved, edit_order
from shop.payments.line_cancellations import cancel_lines
from shop.payments.line_refunds import refund_lines
from shop.payments.models import Refund
from shop.payments.refunds import NothingToRefund, refund_order
from shop.pricing.models import TaxRate, TaxZone
from tests.orders.edits import assert_settled, assert_sound, eur, now, pay, tell, total_of

pytestmark = pytest.mark.django_db
Edit = OrderEdit.Status


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
