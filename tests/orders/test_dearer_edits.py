"""A change that costs more waits for its difference, and whoever is late gets the money back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shop.catalog.models import Variant
from shop.inventory.audit import stock_faults
from shop.inventory.models import Stock
from shop.invoices.models import Document
from shop.invoices.services import balance_of
from shop.orders.edits import EditWaits
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderEdit
from shop.orders.services import pack_order
from shop.payments.cancellations import cancel_order
from shop.payments.edit_plans import NotEditable
from shop.payments.edits import edit_order, expire_edits, take_back_edit
from shop.payments.line_cancellations import cancel_lines
from shop.payments.line_refunds import refund_lines
from shop.payments.models import Payment, Refund
from shop.payments.services import PaymentClosed, open_payment
from tests.orders.edits import assert_settled, assert_sound, eur, now, succeed, tell, total_of

pytestmark = pytest.mark.django_db
Status, Edit = Order.Status, OrderEdit.Status


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
