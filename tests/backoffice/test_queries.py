"""No page asks once for each of its rows: fifty take as many queries as five."""

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from shop.alerts.models import Alert
from shop.catalog.models import Attribute, Category, Option, ProductImage, Variant
from shop.drops.models import Drop
from shop.inventory.services import receive
from shop.orders.models import Order
from shop.payments.models import GatewayEvent, Payment
from shop.pricing.models import TaxRate, TaxZone
from shop.shipping.models import ShippingMethod
from tests.backoffice.conftest import queries
from tests.offers import make_coupon

pytestmark = pytest.mark.django_db


def orders(count: int, make: "Makers") -> None:
    make.orders(count)


def products(count: int, make: "Makers") -> None:
    for _ in range(count):
        product = make.variant().product
        number = product.pk
        Alert.objects.create(email="ada@example.com", variant=product.variants.get(), kind="stock.back")
        make_coupon(f"C{number}", percent=5)
        Drop.objects.create(title="Drop", slug=f"d{number}", opens_at=timezone.now()).places.create()
        Category.objects.add_root({"name": f"Series {number}", "slug": f"series-{number}"})
        Attribute.objects.create(code=f"a{number}", name=f"Fact {number}")
        Option.objects.create(code=f"o{number}", name=f"Option {number}").values.create(code="x", label="X")
        way = ShippingMethod.objects.create(code=f"m{number}", name="Way", price=Money("3", "EUR"))
        zone = way.zones.create(name=f"Zone {number}")
        zone.places.create(country="IE", postal_prefix=str(number))
        user = User.objects.create_user(f"buyer{number}@example.com")
        user.groups.add(Group.objects.create(name=f"group {number}"))
        EmailAddress.objects.create(user=user, email=user.email, verified=True)
        GatewayEvent.objects.create(event_id=f"evt_{number}", kind="charge.succeeded", payload={})
        ProductImage.objects.create(
            product=product, picture="products/none.webp", width=100, height=80, alt="Waves"
        )
    zones = TaxZone.objects.bulk_create(
        TaxZone(country=country, name=country) for country in COUNTRIES[TaxZone.objects.count() :][:count]
    )
    TaxRate.objects.bulk_create(TaxRate(zone=zone, percent=20) for zone in zones)


COUNTRIES = [f"{first}{second}" for first in "ABCDEFGH" for second in "ABCDEFGHIJ"]


class Makers:
    def __init__(self, orders: Callable[[int], list[Order]], variant: Callable[..., Variant]) -> None:
        self.orders, self.variant = orders, variant


@pytest.fixture
def make(make_orders: Callable[[int], list[Order]], make_variant: Callable[..., Variant]) -> Makers:
    return Makers(make_orders, make_variant)


LISTS = {
    orders: (
        "/admin/",
        "/admin/orders/order/",
        "/admin/orders/order/?q=nora",
        "/admin/payments/payment/",
        "/admin/payments/refund/",
        "/admin/inventory/stockmovement/",
        "/admin/inventory/reservation/",
        "/admin/django_tasks_database/dbtaskresult/",
    ),
    products: (
        "/admin/inventory/stock/",
        "/admin/catalog/product/",
        "/admin/catalog/product/?q=swell",
        "/admin/catalog/category/",
        "/admin/catalog/attribute/",
        "/admin/catalog/option/",
        "/admin/promotions/coupon/",
        "/admin/drops/drop/",
        "/admin/shipping/shippingmethod/",
        "/admin/shipping/shippingzone/",
        "/admin/pricing/taxzone/",
        "/admin/accounts/user/",
        "/admin/auth/group/",
        "/admin/account/emailaddress/",
        "/admin/payments/gatewayevent/",
    ),
}


@pytest.mark.parametrize("rows", [orders, products])
def test_fifty_rows_take_as_many_queries_as_five(
    rows: Callable[[int, Makers], None], owner: Client, make: Makers, subtests: pytest.Subtests
) -> None:
    rows(5, make)
    few = {path: queries(owner, path) for path in LISTS[rows]}
    rows(45, make)
    for path, asked in few.items():
        with subtests.test(path):
            assert queries(owner, path) == asked
            assert asked <= 14


def test_an_order_of_fifty_lines_takes_as_many_queries_as_one_of_five(
    owner: Client, make_orders: Callable[[int], list[Order]], customer: User
) -> None:
    order = make_orders(1)[0]
    path = f"/admin/orders/order/{order.pk}/change/"

    def grow(count: int) -> None:
        line = order.lines.all()[0]
        for number in range(count):
            line.pk = None
            line.save()
            order.record("noted", by=customer)
            order.shipments.create(carrier="Gannet", tracking_number=f"GN {order.shipments.count()}")
            payment = Payment.objects.create(order=order, amount=order.total, status="cancelled")
            payment.refunds.create(amount=Money("1", "EUR"), actor=customer, reason=f"for {number}")

    grow(4)
    few = queries(owner, path)
    grow(45)
    assert queries(owner, path) == few
    assert few <= 17


def test_a_product_of_fifty_variants_takes_as_many_queries_as_one_of_five(
    owner: Client, make_variant: Callable[..., Variant]
) -> None:
    product = make_variant().product
    path = f"/admin/catalog/product/{product.pk}/change/"
    values = list(Option.objects.get(code="size").values.all())

    def grow(count: int) -> None:
        for _ in range(count):
            number = product.variants.count()
            variant = product.variants.create(sku=f"V-{number}", price=Money("9", "EUR"), weight_g=10)
            variant.values.set(values)
            receive(variant, 3)
            ProductImage.objects.create(
                product=product, picture=f"p/{number}.webp", width=100, height=80, alt="Waves"
            )
            fact = Attribute.objects.create(code=f"f{number}", name=f"Fact {number}")
            product.attributes.create(attribute=fact, text="yes")

    grow(4)
    few = queries(owner, path)
    grow(45)
    assert queries(owner, path) == few
    assert few <= 20


def test_a_stock_page_takes_as_many_queries_with_all_its_movements(
    owner: Client, make_variant: Callable[..., Variant]
) -> None:
    variant = make_variant()
    path = f"/admin/inventory/stock/{variant.pk}/change/"
    few = queries(owner, path)
    for number in range(30):
        receive(variant, 1, actor=User.objects.create_user(f"u{number}@example.com"))
    assert queries(owner, path) == few
