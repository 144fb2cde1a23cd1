"""A sale begins and ends by itself, and whatever reads a price reads the same."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from notifications.models import Pending
from shop.alerts.models import Alert
from shop.cart.models import Cart
from shop.cart.review import review
from shop.catalog.models import Category, PastPrice, Product, Variant
from shop.orders.models import Order
from shop.pricing.models import Sale
from shop.pricing.sales import apply_sales

pytestmark = pytest.mark.django_db


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


@pytest.fixture
def ebb(make_variant: Callable[..., Variant]) -> Variant:
    return make_variant(price="24.99", slug="ebb", title="Ebb")


def start(percent: int = 20, **fields: Any) -> Sale:
    return Sale.objects.create(name="Storm sale", percent=percent, **fields)


def priced(variant: Variant) -> tuple[Money, Money | None]:
    now = Variant.objects.get(pk=variant.pk)
    return now.price, now.full_price


def test_it_begins_and_ends_at_its_time(ebb: Variant) -> None:
    now, hour = timezone.now(), timedelta(hours=1)
    start(starts_at=now + hour, ends_at=now + 2 * hour)
    assert (apply_sales(), priced(ebb)) == (0, (eur("24.99"), None))
    with time_machine.travel(now + 1.5 * hour):
        assert (apply_sales(), priced(ebb)) == (1, (eur("19.99"), eur("24.99")))
        assert apply_sales() == 0
    with time_machine.travel(now + 2.5 * hour):
        assert (apply_sales(), priced(ebb)) == (1, (eur("24.99"), None))


def prior_of(variant: Variant) -> Money | None:
    apply_sales()
    return Variant.objects.get(pk=variant.pk).prior_price


def test_it_is_shown_beside_the_lowest_price_of_the_thirty_days_before(ebb: Variant) -> None:
    """€24.99, then 19.00 for a day, then 30.00: 25 days later a sale begins, 32 days later another."""
    now, day = timezone.now(), timedelta(days=1)
    for passed, price in ((0, "19.00"), (1, "30.00")):
        with time_machine.travel(now + passed * day):
            ebb.price = eur(price)
            ebb.save()
    assert prior_of(ebb) is None
    with time_machine.travel(now + 26 * day):
        sale = start(10)
        assert prior_of(ebb) == eur("19.00")
        sale.delete()
        assert prior_of(ebb) is None
        PastPrice.objects.filter(price=eur("27.00")).delete()  # as if that sale had not been
    with time_machine.travel(now + 32 * day):
        first = start(20)
        assert prior_of(ebb) == eur("30.00")
    with time_machine.travel(now + 40 * day):
        start(50)
        assert prior_of(ebb) == eur("30.00")  # it grew: what was before it all counts
        Sale.objects.exclude(pk=first.pk).delete()
        assert prior_of(ebb) == eur("15.00")  # it shrank: that is a new one, and €15.00 was before it
    first.delete()
    assert prior_of(ebb) is None


def test_page_cart_and_api_say_the_lowest_price_and_a_card_strikes_it_through(
    client: Client, ebb: Variant
) -> None:
    def texts() -> list[str]:
        return [client.get(path).text for path in ("/products/ebb/", "/cart/")]

    client.post("/cart/add/", {"variant": ebb.pk, "quantity": 2})
    words = "Lowest price of the 30 days before the sale:"
    page, cart = texts()
    assert re.search(rf"<p[^>]* hidden>{words}", page)
    assert words not in cart
    Variant.objects.filter(pk=ebb.pk).update(price=60)
    start(50)
    apply_sales()
    page, cart = texts()
    for text in (page, cart):
        assert re.search(rf"<p[^>]*(?<! hidden)>{words} <span[^>]*>€24.99<", text)
    assert "€60.00</s>" in page
    assert "</s>" not in re.search(r"<article.*?</article>", client.get("/products/").text, re.S)[0].replace(
        "data-was></s>", ""
    ), "it costs more than it did"
    variant = client.get("/api/v1/products/ebb/").json()["variants"][0]
    assert (variant["price"]["amount"], variant["prior_price"]["amount"]) == ("30.00", "24.99")


def test_it_covers_a_category_with_what_lies_below_and_the_largest_percentage_wins(
    ebb: Variant, make_variant: Callable[..., Variant], category: Category
) -> None:
    below = Category.objects.add_child(category, {"name": "Ripples", "slug": "ripples"})
    deep, aside = make_variant(price="10.00"), make_variant(price="10.00")
    Product.objects.filter(pk=deep.product_id).update(category=below)
    other = Category.objects.add_root({"name": "Storm", "slug": "storm"})
    Product.objects.filter(pk=aside.product_id).update(category=other)
    start(20).categories.add(category)
    start(50).products.add(deep.product)
    apply_sales()
    assert [priced(one)[0] for one in (ebb, deep, aside)] == [eur("19.99"), eur("5.00"), eur("10.00")]


def test_open_pages_hear_of_both_prices_and_those_who_watch_are_due(ebb: Variant) -> None:
    alert = Alert.objects.create(
        email="ada@example.com", variant=ebb, kind="price.drop", price_asked=eur("24.99")
    )
    sale = start()
    apply_sales()
    heard = [one.payload for one in Pending.objects.filter(stream_name="product:ebb", kind="price")]
    assert heard == [
        {
            "prices": {ebb.sku: {"amount": "19.99", "currency": "EUR"}},
            "full": {ebb.sku: {"amount": "24.99", "currency": "EUR"}},
            "prior": {ebb.sku: {"amount": "24.99", "currency": "EUR"}},
        }
    ]
    assert list(Alert.objects.cheaper()) == [alert]
    sale.delete()
    apply_sales()
    assert not Alert.objects.cheaper().exists()


def test_page_list_filter_cart_and_order_show_it(
    client: Client, ebb: Variant, make_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    Variant.objects.filter(pk=ebb.pk).update(price=60)
    PastPrice.objects.all().delete()  # as if long ago
    ebb.refresh_from_db()
    cart = make_cart(ebb, 2)
    start()
    apply_sales()
    for path in ("/products/ebb/", "/products/?price=to-50"):
        page = client.get(path).text
        assert "€48.00" in page
        assert "€60.00</s>" in page
    assert "€60.00" not in client.get("/products/?price=50-90").text
    looked = review(Cart.objects.get(pk=cart.pk))
    assert looked.notices == ["The price of “Ebb” changed from €60.00 to €48.00."]
    assert [(step.reason, step.amount) for step in looked.totals().steps][:2] == [
        ("Ebb, 2 × €60.00", eur("120.00")),
        ("Ebb, on sale at €48.00", eur("-24.00")),
    ]
    order = place(Cart.objects.get(pk=cart.pk))
    assert order.subtotal == eur("96.00")
    assert [str(step.kind) for step in order.steps][:2] == ["price", "sale"]


def test_a_loaded_file_sets_the_regular_price_and_an_exported_one_has_it(
    ebb: Variant, tmp_path: Path
) -> None:
    start(50)
    apply_sales()
    file = tmp_path / "catalogue.csv"
    call_command("export_catalogue", file)
    assert "24.99" in file.read_text()
    file.write_text(file.read_text().replace("24.99", "30.00"))
    call_command("load_catalogue", file, verbosity=0)
    assert priced(ebb) == (eur("15.00"), eur("30.00"))
