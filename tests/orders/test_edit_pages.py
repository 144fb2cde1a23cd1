"""What staff and the buyer see of a change."""

import pytest
from django.test import Client

from shop.catalog.models import Variant
from shop.invoices.models import Document
from shop.orders.invoicing import documents_of
from shop.orders.models import Order, OrderEdit
from shop.payments.edits import edit_order
from shop.payments.late_invoices import issue_missing
from shop.payments.services import open_payment
from tests.orders.edits import assert_settled, eur, now, succeed

pytestmark = pytest.mark.django_db
Edit = OrderEdit.Status


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
