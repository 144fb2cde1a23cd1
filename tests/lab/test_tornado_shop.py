"""The Tornado side of the comparison answers as the shop does, byte for byte, and leaves the same rows."""

import json
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from shop.catalog.models import Attribute, Option, Product, Variant
from shop.drops.models import Drop
from tests.live import database_url, environment
from tests.processes import free_port, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def is_on_postgres(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("asyncpg speaks to PostgreSQL alone")


@pytest.fixture
def tornado(sandbox_url: str) -> Iterator[str]:
    """Its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "lab.servers.tornado_shop", "--port", str(port)]
    with tempfile.TemporaryDirectory(prefix="breakwater-tornado-") as data:
        secret = {"SECRET_KEY": settings.SECRET_KEY, "SANDBOX_URL": sandbox_url.removesuffix("/sandbox")}
        env = environment(data, url) | secret
        with running(command, log=Path(data) / "log", ready=f"{url}/readyz", env=env):
            yield url


def ask(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()


def same(url: str) -> dict[str, Any]:
    """What both say, which must be the same bytes."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    django = Client().get(path, headers={"host": parts.netloc})
    assert django.status_code == 200, django.content
    assert ask(url) == django.content
    return json.loads(django.content)


def furnish(variant: Variant) -> None:
    """A sale, made to order, a second variant, pictures, facts of each kind."""
    Variant.objects.filter(pk=variant.pk).update(
        full_price=Money("30.00", "EUR"), sale_percent=20, prior_price=Money("26.125", "EUR")
    )
    variant.stock.backorder_limit, variant.stock.lead_days = 3, 9
    variant.stock.save()
    product = variant.product
    second = product.variants.create(sku=f"{variant.sku}-B", price=Money("80.5", "EUR"), weight_g=900)
    second.values.add(Option.objects.get(code="size").values.create(code="50x70", label="50 × 70 cm"))
    for position, width in ((1, 2400), (0, 900)):
        name = f"products/a & b.{position}.webp"
        product.images.create(
            picture=name, width=width, height=1333, alt=f"Picture {position}", position=position
        )
    second.image = product.images.get(position=1)
    second.save()
    for kind, value in (("text", "Lino"), ("number", "280.50"), ("boolean", True)):
        attribute = Attribute.objects.create(code=kind, name=kind.title(), kind=kind, unit="g")
        product.attributes.create(attribute=attribute, **{kind: value})


def test_the_list_and_its_pages_are_the_same(tornado: str, make_variant: Callable[..., Variant]) -> None:
    variants = [make_variant(stock=n, position=min(n, 3)) for n in range(7)]
    furnish(variants[2])
    make_variant(visible_from=timezone.now() + timedelta(days=1))
    Product.objects.create(category=variants[0].product.category, slug="bare", title="Nothing to buy")

    first = same(f"{tornado}/api/v1/products/")
    assert len(first["results"]) == 7
    for limit in (1, 2, 3, 5):
        page, slugs = same(f"{tornado}/api/v1/products/?limit={limit}"), []
        while page["next"]:
            slugs += [one["slug"] for one in page["results"]]
            page = same(page["next"])
        slugs += [one["slug"] for one in page["results"]]
        assert slugs == [one["slug"] for one in first["results"]]
        while page["previous"]:
            page = same(page["previous"])


def test_a_product_is_the_same_in_full(
    tornado: str, make_variant: Callable[..., Variant], make_drop: Callable[..., Drop]
) -> None:
    plain, rich = make_variant(), make_variant()
    furnish(rich)
    make_drop(rich)
    for variant in (plain, rich):
        told = same(f"{tornado}/api/v1/products/{variant.product.slug}/")
    assert len(told["variants"]) == len(told["images"]) == 2
    assert told["drops"]
