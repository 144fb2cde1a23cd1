import pytest
from django.test import Client
from django.urls import reverse

from shop.orders.models import Order
from shop.orders.services import pack_order, ship_order
from shop.payments.models import Refund

pytestmark = pytest.mark.django_db


def page(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def step(order: Order, name: str) -> str:
    return reverse("admin:orders_order_step", args=[order.pk, name])


def messages(response: object) -> list[str]:
    return [str(message) for message in response.context["messages"]]  # type: ignore[attr-defined]


def test_everything_about_an_order_is_on_one_page(owner: Client, paid_order: Order) -> None:
    pack_order(paid_order)
    ship_order(paid_order, "Gannet", "GN 77")
    payment = paid_order.payments.get()
    payment.refunds.create(amount=payment.amount / 2, reason="a torn corner")
    paid_order.keep_evidence("card_country", "US")
    shown = owner.get(page(paid_order)).content.decode()
    line = paid_order.lines.get()
    for part in (
        *(
            paid_order.number,
            line.title,
            line.sku,
            line.options,
            "4 Harbour Row",
            "nora@example.com",
            "Tube by post",
        ),
        *("€52.90", "visa ···· 4242", "a torn corner", "€26.45", "Gannet", "GN 77", "Packed", "Shipped"),
        *("The card is from", "not where the parcel goes"),
    ):
        assert part in shown, part


def test_an_order_has_no_form_of_its_fields(owner: Client, paid_order: Order) -> None:
    owner.post(page(paid_order), {"status": "delivered", "total_0": "1", "email": "other@example.com"})
    paid_order.refresh_from_db()
    assert (paid_order.status, str(paid_order.total.amount), paid_order.email) == (
        "paid",
        "52.900",
        "nora@example.com",
    )
    assert owner.get(reverse("admin:orders_order_add")).status_code == 403
    assert (
        owner.post(reverse("admin:orders_order_delete", args=[paid_order.pk]), {"post": "yes"}).status_code
        == 403
    )


def test_packing_is_written_with_who_did_it(packer: Client, paid_order: Order) -> None:
    response = packer.post(step(paid_order, "pack"), follow=True)
    assert messages(response) == [f"{paid_order.number}: packed."]
    assert paid_order.events.get(kind="packed").actor.email == "packer@example.com"


def test_shipping_asks_for_the_parcel_and_writes_it(packer: Client, paid_order: Order) -> None:
    pack_order(paid_order)
    missing = packer.post(step(paid_order, "ship"), {"carrier": "Gannet"})
    assert missing.status_code == 422
    assert "This field is required" in missing.content.decode()
    packer.post(step(paid_order, "ship"), {"carrier": "Gannet", "tracking_number": "GN 1"})
    parcel = paid_order.shipments.get()
    assert (parcel.carrier, parcel.tracking_number) == ("Gannet", "GN 1")
    event = paid_order.events.get(kind="shipped")
    assert (event.actor.email, event.why) == ("packer@example.com", "Gannet GN 1")
    packer.post(step(paid_order, "deliver"))
    assert Order.objects.get(pk=paid_order.pk).status == "delivered"


def test_a_step_that_came_too_late_is_refused_in_words(packer: Client, paid_order: Order) -> None:
    pack_order(paid_order)
    ship_order(paid_order, "Gannet", "GN 1")
    response = packer.post(step(paid_order, "pack"), follow=True)
    assert messages(response) == [f"{paid_order.number} is shipped."]
    assert paid_order.events.filter(kind="packed").count() == 1


def test_a_refund_of_a_part_keeps_who_and_why(helper: Client, paid_order: Order) -> None:
    helper.post(step(paid_order, "refund"), {"amount": "10.50", "reason": "A torn corner"})
    refund = Refund.objects.get()
    assert (str(refund.amount.amount), refund.reason, refund.actor.email) == (
        "10.500",
        "A torn corner",
        "helper@example.com",
    )
    event = paid_order.events.get(kind="refund_requested")
    assert (event.actor.email, event.why) == ("helper@example.com", "A torn corner")


def test_an_empty_amount_gives_back_what_is_left(helper: Client, paid_order: Order) -> None:
    helper.post(step(paid_order, "refund"), {"amount": "10.50", "reason": "A torn corner"})
    helper.post(step(paid_order, "refund"), {"amount": "", "reason": "Keep it"})
    assert [str(refund.amount.amount) for refund in Refund.objects.all()] == ["10.500", "42.400"]
    assert step(paid_order, "refund") not in helper.get(page(paid_order)).content.decode()


@pytest.mark.parametrize("amount", ["52.91", "0", "-3", "1.005"])
def test_an_amount_that_cannot_be_given_back_is_refused_at_its_field(
    helper: Client, paid_order: Order, amount: str
) -> None:
    response = helper.post(step(paid_order, "refund"), {"amount": amount, "reason": "A torn corner"})
    assert response.status_code == 422
    tried = {name: form for name, _, form in response.context["steps"]}["refund"]
    assert tried.errors["amount"]
    assert not Refund.objects.exists()


def test_cancelling_says_why_and_gives_the_money_back(helper: Client, paid_order: Order) -> None:
    assert helper.post(step(paid_order, "cancel"), {"why": ""}).status_code == 422
    helper.post(step(paid_order, "cancel"), {"why": "Ordered twice"})
    event = paid_order.events.get(kind="cancelled")
    assert (event.actor.email, event.why) == ("helper@example.com", "Ordered twice")
    assert Refund.objects.get().amount == paid_order.total


def test_a_refund_that_failed_can_be_asked_for_again(helper: Client, paid_order: Order) -> None:
    paid_order.payments.get().refunds.create(amount=paid_order.total, status="failed")
    helper.post(step(paid_order, "refund"), {"amount": "", "reason": "Once more"})
    assert Refund.objects.filter(status="requested").get().amount == paid_order.total


@pytest.mark.parametrize(
    ("who", "may", "may_not"),
    [("packer", ["pack"], ["refund", "cancel"]), ("helper", ["refund", "cancel"], ["pack"])],
)
def test_staff_see_and_use_only_the_steps_of_their_job(
    who: str, may: list[str], may_not: list[str], paid_order: Order, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(who)
    shown = client.get(page(paid_order)).content.decode()
    for name in may:
        assert step(paid_order, name) in shown
    for name in may_not:
        assert step(paid_order, name) not in shown
        data = {"amount": "1", "reason": "no", "why": "no"}
        assert client.post(step(paid_order, name), data).status_code == 403
    paid_order.refresh_from_db()
    assert paid_order.status == "paid"
    assert not Refund.objects.exists()


def test_steps_happen_by_post_with_a_token_only(packer: Client, paid_order: Order) -> None:
    packer.get(step(paid_order, "pack"))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = packer.cookies
    assert strict.post(step(paid_order, "pack")).status_code == 403
    paid_order.refresh_from_db()
    assert paid_order.status == "paid"
    assert packer.post(step(paid_order, "launder")).status_code == 404


def test_who_may_not_see_orders_cannot_reach_one(paid_order: Order, customer: object, client: Client) -> None:
    assert client.get(page(paid_order)).status_code == 302
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")  # type: ignore[arg-type]
    assert client.get(page(paid_order), follow=True).status_code == 403
    assert client.post(step(paid_order, "pack")).status_code == 302
    paid_order.refresh_from_db()
    assert paid_order.status == "paid"
