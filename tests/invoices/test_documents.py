"""What invoices and credit notes say, and that they stay as they were."""

from collections.abc import Callable
from decimal import Decimal
from io import BytesIO

import pypdfium2
import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from djmoney.money import Money
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import TaxClass, Variant
from shop.invoices.models import Document
from shop.invoices.pdf import render
from shop.invoices.services import Content, Item, Rate, balance_of, issue
from shop.orders.invoicing import documents_of
from shop.orders.mails import send_order_mail
from shop.orders.models import Order
from shop.orders.services import mark_paid
from shop.payments.line_refunds import refund_lines
from shop.payments.models import Refund
from shop.payments.refunds import NothingToRefund, apply_refund, refund_order, request_refund
from shop.payments.stripe_gateway import GatewayRefund
from shop.pricing.models import TaxZone
from tests.racing import at_once

pytestmark = pytest.mark.django_db


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


@pytest.fixture
def bought(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> Order:
    """Three at €33.33 at 23 % and one at €20.00 at 13.5 %, delivery €4.90: €124.89."""
    TaxZone.objects.get(country="IE").rates.create(tax_class=TaxClass.REDUCED, percent="13.5")
    cart = make_cart(make_variant(price="33.33", title="Ebb, seen from Łódź"), 3)
    add_to_cart(cart, make_variant(price="20.00", tax_class=TaxClass.REDUCED))
    order = place(cart)
    order.payments.create(amount=order.total, status="succeeded", intent_id="pi_1")
    mark_paid(order, why="Visa ···· 4242")
    return order


def tell(refund: Refund, status: str) -> None:
    apply_refund(GatewayRefund(id=f"re_{refund.pk}", status=status, key=refund.idempotency_key, failure="no"))


def text_of(pdf: bytes) -> str:
    pages = pypdfium2.PdfDocument(BytesIO(pdf))
    return "\n".join(page.get_textpage().get_text_range() for page in pages).replace("\r", "")


def test_a_paid_order_has_its_invoice_with_the_legal_lines(bought: Order) -> None:
    (invoice,) = documents_of(bought)
    words = text_of(render(invoice))
    for part in (
        *(invoice.number, bought.number, "Breakwater Prints Ltd", "VAT id IE0000000AA", "Nora Byrne"),
        *("Date of issue", "Payment received", "Ebb, seen from Łódź", "Tube by post", "€124.89"),
        *(
            "23 %",
            "€85.27",
            "€19.62",
            "€104.89",
            "13.5 %",
            "€17.62",
            "€2.38",
            "€20.00",
            "Paid by Visa ending in 4242.",
        ),
    ):
        assert part in words, part
    assert invoice.total == bought.total == balance_of(bought.public_id, "EUR")


def test_it_stays_the_same_to_the_byte_whatever_changes(bought: Order, settings: object) -> None:
    (invoice,) = documents_of(bought)
    before = render(invoice)
    bought.lines.update(title="Another")
    Order.objects.filter(pk=bought.pk).update(name="Somebody else")
    settings.SELLER = {"name": "New owners", "address": [], "vat_id": "", "email": ""}  # type: ignore[attr-defined]
    assert render(Document.objects.get(pk=invoice.pk)) == before
    with pytest.raises(TypeError):
        invoice.save()
    with pytest.raises(TypeError):
        invoice.delete()


def test_a_refund_by_line_has_its_credit_note(bought: Order) -> None:
    three, reduced = bought.lines.all()
    refund = refund_lines(bought, {three.pk: 1, reduced.pk: 1}, shipping=eur("4.90"), reason="A torn corner")
    tell(refund, "succeeded")
    invoice, note = documents_of(bought)
    refund.refresh_from_db()
    assert refund.credit_note == note
    assert note.total == refund.amount == eur("58.23")
    assert [(item["title"], item["quantity"], item["total"]) for item in note.data["items"]] == [
        (three.title, 1, "33.33"),
        (reduced.title, 1, "20"),
        ("Tube by post", 1, "4.9"),
    ]
    words = text_of(render(note))
    for part in ("Credit note", note.number, invoice.number, "Corrects", "A torn corner", "€58.23"):
        assert part in words, part
    assert balance_of(bought.public_id, "EUR") == bought.total - refund.amount


def test_an_amount_is_spread_over_the_rates_and_the_rest_takes_the_rest(bought: Order) -> None:
    for amount in ("10.00", "0.01", "33.33"):
        tell(refund_order(bought, eur(amount)), "succeeded")
    tell(refund_order(bought), "succeeded")
    invoice, *notes = documents_of(bought)
    assert [note.total.amount for note in notes] == [
        Decimal(one) for one in ("10.00", "0.01", "33.33", "81.55")
    ]
    for field in ("gross", "tax"):
        back = sum(Decimal(rate[field]) for note in notes for rate in note.data["rates"])
        assert back == sum(Decimal(rate[field]) for rate in invoice.data["rates"])


def test_money_that_no_invoice_was_about_has_no_credit_note(bought: Order) -> None:
    twice = bought.payments.create(amount=bought.total, status="succeeded", intent_id="pi_2")
    tell(request_refund(twice, twice.amount, of_invoice=False), "succeeded")
    assert [one.kind for one in documents_of(bought)] == ["invoice"]


def test_a_refund_that_the_bank_turns_down_later_takes_its_credit_note_back(bought: Order) -> None:
    refund = refund_order(bought, eur("10.00"))
    tell(refund, "succeeded")
    tell(refund, "failed")
    assert [one.kind for one in documents_of(bought)] == ["invoice", "credit_note", "invoice"]
    assert balance_of(bought.public_id, "EUR") == bought.total
    tell(refund_order(bought), "succeeded")
    assert balance_of(bought.public_id, "EUR") == eur("0.00")


def test_rates_that_do_not_sum_are_not_issued() -> None:
    item = Item("Ebb", "", 1, None, Decimal(0), Decimal("10.00"), Decimal(23))
    content = Content("EUR", [], [item], [Rate(Decimal(23), Decimal("9.99"), Decimal("1.87"))], "", "", "")
    with pytest.raises(ValueError, match="do not sum"):
        issue("invoice", "x", content)
    assert not Document.objects.exists()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 9000), st.sampled_from(["succeeded", "failed"])), max_size=7))
def test_invoices_less_credit_notes_are_what_was_paid_less_what_went_back(
    bought: Order, steps: list[tuple[int, str]]
) -> None:
    with transaction.atomic():
        for cents, outcome in steps:
            try:
                refund = refund_order(bought, eur(str(Decimal(cents) / 100)))
            except NothingToRefund:
                continue
            tell(refund, outcome)
        payment = bought.payments.get()
        assert balance_of(bought.public_id, "EUR") == payment.amount - payment.sent_back
        for document in documents_of(bought):
            for rate in document.data["rates"]:
                assert 0 <= Decimal(rate["tax"]) <= Decimal(rate["gross"])
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_two_refunds_that_arrive_at_once_share_what_was_invoiced(bought: Order) -> None:
    refunds = [refund_order(bought, eur("60.00")), refund_order(bought, eur("64.89"))]
    assert at_once(*(lambda one=one: tell(one, "succeeded") for one in refunds)) == []
    assert balance_of(bought.public_id, "EUR") == eur("0.00")


def test_buyer_and_staff_download_it_and_nobody_else(
    client: Client, bought: Order, customer: object, admin_client: Client
) -> None:
    (invoice,) = documents_of(bought)
    url = f"{bought.get_absolute_url()}documents/{invoice.number}.pdf"
    assert url in client.get(bought.get_absolute_url()).text
    answer = client.get(url)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content == render(invoice)
    assert client.get(url.replace("INV", "CN")).status_code == 404
    Order.objects.filter(pk=bought.pk).update(user=customer)
    assert Client().get(url).status_code == 404
    assert admin_client.get(url).status_code == 200
    assert invoice.number in admin_client.get(f"/admin/orders/order/{bought.pk}/change/").text


def test_the_confirmation_and_the_refund_carry_their_papers(bought: Order, mailoutbox: list) -> None:
    tell(refund_order(bought, eur("10.00")), "succeeded")
    for task in DBTaskResult.objects.filter(task_path__endswith="send_order_mail").order_by("enqueued_at"):
        send_order_mail.call(*task.args_kwargs["args"])
    names = [[part[0] for part in mail.attachments] for mail in mailoutbox]
    assert names == [[f"{one.number}.pdf"] for one in documents_of(bought)]


def test_an_order_from_before_invoices_gets_its_own_once_and_what_went_back_is_credited(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant(price="24.00", stock=20)
    old, whole, unpaid = (place(make_cart(variant, 2)) for _ in range(3))
    for order in (old, whole):
        order.payments.create(amount=order.total, status="succeeded", intent_id=f"pi_{order.pk}")
        order.move_to(Order.Status.PAID, why="Visa ···· 4242")
    old.events.filter(kind="paid").update(created_at="2025-03-02T12:00:00Z")
    for order, amount in ((old, eur("10.00")), (whole, whole.total)):
        refund_order(order, amount)
        tell(Refund.objects.get(payment__order=order), "succeeded")
    assert not Document.objects.exists()
    assert not Refund.objects.exclude(credit_note=None).exists()

    call_command("issue_invoices")
    call_command("issue_invoices")
    assert [documents_of(order) for order in (whole, unpaid)] == [[], []]
    invoice, note = documents_of(old)
    assert (invoice.total, invoice.data["paid_on"], invoice.data["paid_by"]) == (
        old.total,
        "2025-03-02",
        "Visa ···· 4242",
    )
    assert invoice.year == timezone.localdate().year
    assert (note.total, note.data["corrects"]) == (eur("10.00"), invoice.number)
    assert Refund.objects.get(payment__order=old).credit_note == note
    assert balance_of(old.public_id, "EUR") == old.total - eur("10.00")
