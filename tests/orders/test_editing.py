"""What staff may change before an order is packed."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.postal import AddressInvalid
from shop.orders.editing import OtherPlace, OtherZone, change_address
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, WrongStatus
from shop.orders.services import mark_paid, pack_order
from shop.pricing.models import TaxZone
from shop.shipping.models import ShippingPlace, ShippingZone

pytestmark = pytest.mark.django_db


def test_the_parcel_goes_elsewhere_and_the_log_says_who_and_why(
    order: Order, address: dict[str, str], customer: User, mailoutbox: list
) -> None:
    mark_paid(order)
    moved = address | {
        "line1": "18 Mole Street",
        "city": "Galway",
        "region": "Co. Galway",
        "postal_code": "H91 E2K4",
    }
    assert change_address(order, moved, why="She moves house.", by=customer)
    assert change_address(order, moved, why="She moves house.", by=customer) is False
    order.refresh_from_db()
    assert (order.line1, order.city, order.postal_code) == ("18 Mole Street", "Galway", "H91 E2K4")
    event = order.events.get(kind="address_changed")
    assert (event.actor, event.why) == (customer, "She moves house.")
    assert "4 Harbour Row" in event.data["before"]
    assert "18 Mole Street" in event.data["after"]
    send_order_mail.call(order.pk, "address_changed", {"before": event.data["before"]})
    assert "18 Mole Street" in mailoutbox[0].body
    assert "4 Harbour Row" in mailoutbox[0].body


def test_another_country_would_cost_another_price(order: Order, address: dict[str, str]) -> None:
    german = {"city": "Berlin", "region": "", "postal_code": "10115", "country": "DE"}
    with pytest.raises(OtherPlace):
        change_address(order, address | german, why="A present.")
    with pytest.raises(AddressInvalid):
        change_address(order, address | {"city": ""}, why="A slip.")
    assert not order.events.filter(kind="address_changed").exists()


def test_a_postal_code_of_another_zone_would_cost_another_price(
    order: Order, address: dict[str, str]
) -> None:
    islands = ShippingZone.objects.create(name="Islands")
    ShippingPlace.objects.create(zone=islands, country="IE", postal_prefix="H91 A")
    TaxZone.objects.create(country="IE", postal_prefix="V", name="Free port")
    moved = address | {"line1": "1 Pier Road", "city": "Kilronan", "region": "Co. Galway"}
    for code, said in [("H91 A2K4", "delivered"), ("V14 E2K4", "taxed")]:
        with pytest.raises(OtherZone, match=said):
            change_address(order, moved | {"postal_code": code}, why="She moves house.")
    assert change_address(order, moved | {"postal_code": "H91 E2K4"}, why="She moves house.")


def test_what_is_packed_goes_where_it_says(order: Order, address: dict[str, str]) -> None:
    mark_paid(order)
    pack_order(order)
    with pytest.raises(WrongStatus):
        change_address(order, address | {"line1": "18 Mole Street", "region": "Co. Dublin"}, why="Too late.")


def test_staff_change_it_on_the_order_s_page(
    admin_client: Client, order: Order, address: dict[str, str]
) -> None:
    step = f"/admin/orders/order/{order.pk}/steps/address/"
    wrong = admin_client.post(step, {**address, "region": "Co. Dublin", "city": "", "why": "A slip."})
    assert wrong.status_code == 422
    admin_client.post(
        step, {**address, "region": "Co. Dublin", "line1": "18 Mole Street", "why": "She asked."}
    )
    order.refresh_from_db()
    assert order.line1 == "18 Mole Street"
