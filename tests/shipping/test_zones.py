"""What a parcel costs by where it goes, how heavy it is, and how much is in it."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from djmoney.money import Money

from shop.cart.models import Cart
from shop.cart.services import apply_coupon
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.places import Destination
from shop.shipping.models import ShippingMethod, ShippingPlace, ShippingZone
from tests.offers import make_coupon

pytestmark = pytest.mark.django_db
IRELAND, LONDON, BELFAST = (
    Destination("IE"),
    Destination("GB", "", "SW1A 1AA"),
    Destination("GB", "", "BT1 5GS"),
)


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


@pytest.fixture
def tracked(db: None) -> ShippingMethod:
    """€7.90 in Ireland, free from €150; to Great Britain by weight, free from €200."""
    home, britain = (ShippingZone.objects.create(name=name) for name in ("Ireland", "Great Britain"))
    home.places.create(country="IE")
    home.places.create(country="GB", postal_prefix="BT")
    britain.places.create(country="GB")
    way = ShippingMethod.objects.create(
        code="tracked", name="Tracked", price=eur("7.90"), free_from=150, max_weight_g=20_000
    )
    way.zones.set([home, britain])
    for grams, goods, price in [(2000, 0, "9.90"), (2000, 200, "0"), (20_000, 0, "14.90")]:
        way.rates.create(zone=britain, max_weight_g=grams, goods_from=goods, price=eur(price))
    return way


def price(destination: Destination, weight_g: int = 500, goods: str = "48.00") -> str | None:
    offers = ShippingMethod.objects.offers(destination, weight_g, eur(goods))
    return str(offers[0].price.amount.quantize(Decimal("0.01"))) if offers else None


@pytest.mark.parametrize(
    ("destination", "weight_g", "goods", "expected"),
    [
        (IRELAND, 500, "48.00", "7.90"),
        (IRELAND, 500, "149.99", "7.90"),
        (IRELAND, 500, "150.00", "0.00"),
        (BELFAST, 500, "48.00", "7.90"),
        (LONDON, 500, "48.00", "9.90"),
        (LONDON, 2000, "199.99", "9.90"),
        (LONDON, 2000, "200.00", "0.00"),
        (LONDON, 2001, "200.00", "14.90"),  # heavier parcels are free from no sum
        (LONDON, 20_001, "48.00", None),
        (Destination("FR"), 500, "48.00", None),
    ],
)
def test_zone_weight_and_goods_make_the_price(
    tracked: ShippingMethod, destination: Destination, weight_g: int, goods: str, expected: str | None
) -> None:
    assert price(destination, weight_g, goods) == expected


def test_a_place_without_a_country_is_all_the_rest(tracked: ShippingMethod) -> None:
    world = tracked.zones.create(name="World")
    world.places.create(country="")
    tracked.rates.create(zone=world, max_weight_g=2000, price=eur("28.00"))
    assert (price(Destination("JP")), price(LONDON)) == ("28.00", "9.90")


def test_a_method_goes_everywhere_only_if_it_says_so(tracked: ShippingMethod) -> None:
    ShippingMethod.objects.update(everywhere=True)
    assert (price(Destination("JP")), price(IRELAND), price(LONDON)) == ("7.90", "7.90", "9.90")


@pytest.mark.parametrize("emptied", [False, True])
def test_a_method_whose_zones_are_gone_goes_nowhere(tracked: ShippingMethod, emptied: bool) -> None:
    ShippingPlace.objects.all().delete() if emptied else ShippingZone.objects.all().delete()
    assert [price(place) for place in (IRELAND, LONDON, Destination("JP"))] == [None] * 3


def test_a_place_lies_in_one_zone(tracked: ShippingMethod) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ShippingZone.objects.create(name="Another").places.create(country="IE")


def test_the_threshold_looks_at_the_goods_after_discounts(
    tracked: ShippingMethod,
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    make_variant: Callable,
) -> None:
    cart = make_cart(make_variant(price="80.00"), 2)
    make_coupon("TENTH", percent=10)
    apply_coupon(cart, "TENTH")
    order = place(cart, shipping_code="method:tracked")
    assert (order.subtotal - order.discount, order.shipping) == (eur("144.00"), eur("7.90"))
    assert place(make_cart(make_variant(price="80.00"), 2), shipping_code="method:tracked").shipping == eur(
        "0"
    )


def test_the_cart_says_how_much_more_makes_it_free(
    client: Client, tracked: ShippingMethod, make_variant: Callable[..., Variant]
) -> None:
    client.post("/cart/add/", {"variant": make_variant(price="60.00").pk, "quantity": 2})
    assert "Another €30.00, and it is free within the country." in client.get("/cart/").text
    client.post("/cart/add/", {"variant": make_variant(price="60.00").pk, "quantity": 1})
    page = client.get("/cart/").text
    assert "Delivery is free within the country." in page
    assert "Another" not in page


@pytest.mark.django_db(transaction=True)
def test_countries_of_methods_became_zones_and_back() -> None:
    britain = ShippingZone.objects.create(name="Great Britain")
    britain.places.create(country="GB", postal_prefix="BT")
    ShippingMethod.objects.create(code="post", name="Post", price=eur("4.50")).zones.add(britain)
    ShippingMethod.objects.create(code="lost", name="Of a zone that is gone", price=eur("4.50"))
    executor = MigrationExecutor(connection)
    try:
        executor.migrate([("shipping", "0001_initial")])
        old = executor.loader.project_state([("shipping", "0001_initial")]).apps
        methods = old.get_model("shipping", "ShippingMethod").objects
        back = {method.code: (method.active, str(method.countries)) for method in methods.all()}
        methods.all().delete()
        methods.create(code="tracked", name="Tracked", price=eur("7.90"), countries=["IE", "GB"])
        methods.create(code="express", name="Express", price=eur("24.00"), countries=["DE", "FR", "IE", "GB"])
        methods.create(code="collect", name="Collect", price=eur("0"), countries=["IE"])
        methods.create(code="world", name="Airmail", price=eur("28.00"))
    finally:
        call_command("migrate", "shipping", verbosity=0)

    assert back["post"][0], back
    assert not back["lost"][0], back

    def serving(country: str) -> set[str]:
        offers = ShippingMethod.objects.offers(Destination(country), 500, eur("48.00"))
        return {offer.method.code for offer in offers}

    assert serving("IE") == {"tracked", "express", "collect", "world"}
    assert serving("GB") == {"tracked", "express", "world"}
    assert serving("FR") == {"express", "world"}
    assert serving("JP") == {"world"}
    assert {zone.name for zone in ShippingZone.objects.all()} == {
        "Ireland",
        "United Kingdom",
        "Germany and 1 more",
    }
