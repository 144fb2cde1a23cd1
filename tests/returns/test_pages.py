"""The buyer's and the staff's pages of a return."""

import pytest
from django.test import Client

from accounts.models import User
from shop.orders.models import Order
from shop.returns.models import Return
from tests.returns.steps import ask

pytestmark = pytest.mark.django_db
Status = Return.Status


def test_a_guest_asks_by_the_link_and_takes_it_back(client: Client, delivered: Order) -> None:
    url = delivered.get_absolute_url()
    assert "Send something back" in client.get(url).text
    three, one = delivered.lines.all()
    page = client.get(f"{url}return/")
    assert three.title in page.text
    empty = {
        f"line_{three.pk}": "0",
        f"line_{one.pk}": "0",
        "reason": "damaged",
        "wish": "refund",
        "note": "",
    }
    refused = client.post(f"{url}return/", empty)
    assert refused.status_code == 422
    assert "how many of which print" in refused.text
    answer = client.post(f"{url}return/", empty | {f"line_{three.pk}": "2", "note": "A dent."}, follow=True)
    assert f"Coming back: 2 × {three.title}" in answer.text
    assert "Return asked for" in answer.text
    asked = Return.objects.get()
    assert (asked.note, asked.reason, asked.wish) == ("A dent.", "damaged", "refund")
    client.post(f"{url}returns/{asked.pk}/withdraw/")
    asked.refresh_from_db()
    assert asked.status == Status.WITHDRAWN


def test_nobody_sends_back_for_somebody_else(client: Client, delivered: Order, customer: User) -> None:
    Order.objects.filter(pk=delivered.pk).update(user=customer)
    asked = ask(delivered, 1)
    url = delivered.get_absolute_url()
    for path in (f"{url}return/", f"{url}returns/{asked.pk}/withdraw/"):
        assert client.post(path).status_code == 404
    client.force_login(User.objects.create_superuser("owner@example.com", "x"))
    client.post(f"{url}returns/{asked.pk}/withdraw/")
    asked.refresh_from_db()
    assert asked.status == Status.REQUESTED


def test_a_buyer_who_cancels_too_late_is_told_how_to_send_it_back(client: Client, delivered: Order) -> None:
    answer = client.post(f"{delivered.get_absolute_url()}cancel/", {"why": ""}, follow=True)
    assert "You can send back what you do not want to keep" in answer.text


def test_staff_lead_a_return_to_its_end(admin_client: Client, delivered: Order) -> None:
    asked, three = ask(delivered, 1), delivered.lines.first()
    page = f"/admin/orders/order/{delivered.pk}/change/"
    steps = f"/admin/orders/order/{delivered.pk}/returns/{asked.pk}/"
    assert f'action="{steps}approve/"' in admin_client.get(page).text
    admin_client.post(f"{steps}approve/", {"words": "Use the label."})
    admin_client.post(f"{steps}receive/", {f"line_{three.pk}": "1"})
    assert admin_client.post(f"{steps}refund/", {"amount": "0"}).status_code == 422
    shown = admin_client.post(f"{steps}refund/", {"amount": "33.33"}, follow=True).text
    assert "refund asked for" in shown
    assert "We answered: Use the label." in shown
    asked.refresh_from_db()
    assert asked.status == Status.REFUNDED
    assert delivered.events.filter(kind="return_received").get().actor is not None
