"""Public answers from memory: the same bytes, and never older than the last commit."""

import json
import threading
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from shop.catalog.changes import EVERYTHING
from shop.catalog.models import Category, Product, Variant
from shop.inventory.services import receive
from shop.pricing.models import Sale
from shop.pricing.sales import apply_sales
from shop.rendered import Memory, memory
from tests.live import live_shop

pytestmark = pytest.mark.django_db(transaction=True)
PRODUCTS = "/api/v1/products/"
LIMITS = ("RateLimit-Remaining", "RateLimit-Reset", "X-Request-Id")


def elsewhere(work: Callable[[], object]) -> None:
    """Committed by another thread, as another process would."""

    def run() -> None:
        work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def paths(sku: str) -> list[str]:
    return [
        *(PRODUCTS, PRODUCTS + "?include=variants&sort=price", PRODUCTS + "ebb/", PRODUCTS + "ebb/related/"),
        *("/api/v1/facets/", "/api/v1/categories/", "/api/v1/suggestions/?q=ebb"),
        *(f"/api/v1/variants/{sku}/", f"/api/v1/variants/?sku={sku}"),
    ]


def told(answer: Any) -> tuple[Any, ...]:
    kept = {name: value for name, value in answer.headers.items() if name not in LIMITS}
    return answer.status_code, answer.content, kept


def test_the_bytes_are_the_same_and_cost_one_look(
    client: Client, make_variant: Callable[..., Variant], settings: Any, django_assert_num_queries: Callable
) -> None:
    sku = make_variant(slug="ebb").sku
    make_variant(slug="flow")
    for path in paths(sku):
        settings.API_RENDERED_BYTES = 0
        fresh = told(client.get(path))
        settings.API_RENDERED_BYTES = 1024 * 1024
        assert told(client.get(path))[1] == fresh[1], path
        with django_assert_num_queries(1):
            kept = client.get(path)
        assert told(kept)[1] == fresh[1]
        assert kept.headers["ETag"] == fresh[2]["ETag"]
        assert kept.headers["Cache-Control"] == "public, no-cache"
        again = client.get(path, headers={"If-None-Match": kept.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_every_change_is_in_the_next_read(
    client: Client, make_variant: Callable[..., Variant], category: Category
) -> None:
    variant = make_variant(slug="ebb")
    changes = {
        "price": lambda: Variant.objects.filter(pk=variant.pk).update(price=Money(19, "EUR")),
        "stock": lambda: receive(Variant.objects.get(pk=variant.pk), 3),
        "text": lambda: Product.objects.filter(slug="ebb").update(title="Ebb tide"),
        "sale": lambda: (Sale.objects.create(name="Now", percent=50), apply_sales()),
        "category": lambda: Category.objects.filter(pk=category.pk).update(slug="waves"),
    }
    for what, change in changes.items():
        before = {path: client.get(path).content for path in (PRODUCTS, PRODUCTS + "ebb/")}
        assert all(client.get(path).content == body for path, body in before.items())
        elsewhere(change)
        for path, body in before.items():
            assert client.get(path).content != body, (what, path)
    elsewhere(lambda: Product.objects.filter(slug="ebb").update(visible_from=timezone.now() + timedelta(1)))
    assert client.get(PRODUCTS).json()["results"] == []
    assert client.get(PRODUCTS + "ebb/").status_code == 404


def test_another_products_page_stays(client: Client, make_variant: Callable[..., Variant]) -> None:
    ebb = make_variant(slug="ebb")
    make_variant(slug="flow")
    for path in (PRODUCTS, PRODUCTS + "ebb/", PRODUCTS + "flow/"):
        client.get(path)
    hits = memory.hits
    elsewhere(lambda: receive(Variant.objects.get(pk=ebb.pk), 1))
    client.get(PRODUCTS + "flow/")
    assert memory.hits == hits + 1
    client.get(PRODUCTS)
    client.get(PRODUCTS + "ebb/")
    assert memory.hits == hits + 1


class Careless(Memory):
    """The control: keeps whatever was rendered."""

    def _is_stale(self, about: str, begun: Any) -> bool:
        return False


@pytest.mark.parametrize("about", ["ebb", EVERYTHING])
@pytest.mark.parametrize(("kind", "serves_old"), [(Memory, False), (Careless, True)])
def test_a_render_that_a_commit_overtook_is_not_kept(
    make_variant: Callable[..., Variant], kind: type[Memory], serves_old: bool, about: str
) -> None:
    make_variant(slug="ebb", title="Ebb")
    its = kind()
    assert its.look()
    begun = its.begin()
    body = Product.objects.get(slug="ebb").title.encode()
    elsewhere(lambda: Product.objects.filter(slug="ebb").update(title="Ebb tide"))
    assert its.look()  # somebody else's read sees the change first, and has nothing to drop
    its.keep(("ebb",), about, body, {}, "", begun)
    assert its.look()
    assert (its.find(("ebb",)) is not None) is serves_old


class Between:
    """Lets something happen just before the n-th query."""

    def __init__(self, happens: Callable[[], None], before: int) -> None:
        self.happens, self.left = happens, before

    def __call__(self, execute: Callable, sql: str, params: object, many: bool, context: dict) -> object:
        self.left -= 1
        if self.left == 0:
            self.happens()
        return execute(sql, params, many, context)


@pytest.mark.parametrize("query", range(3, 12))
def test_a_change_at_any_moment_of_a_render_is_in_the_next_read(
    client: Client, make_variant: Callable[..., Variant], settings: Any, query: int
) -> None:
    pk = make_variant(slug="ebb").pk

    def change() -> None:
        elsewhere(lambda: Variant.objects.filter(pk=pk).update(price=Money(7, "EUR")))
        elsewhere(lambda: Client().get(PRODUCTS + "ebb/"))

    with connection.execute_wrapper(Between(change, query)):
        client.get(PRODUCTS + "ebb/")
    assert client.get(PRODUCTS + "ebb/").json()["price_from"]["amount"] in ("7.00", "24.00")
    kept = client.get(PRODUCTS + "ebb/").json()
    settings.API_RENDERED_BYTES = 0
    fresh = client.get(PRODUCTS + "ebb/").json()
    # Another thread may say so on the stream meanwhile; whoever follows from the place before it hears it.
    assert kept.pop("stream")["offset"] <= fresh.pop("stream")["offset"]
    assert kept == fresh


def test_what_time_changes_is_not_served_beyond_it(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    now = timezone.now()
    make_variant(slug="ebb", visible_from=now, visible_until=now + timedelta(seconds=60))
    make_variant(slug="flow", visible_from=now + timedelta(seconds=120))

    def slugs() -> list[str]:
        return [one["slug"] for one in client.get(PRODUCTS).json()["results"]]

    for seconds, expected in ((0, ["ebb"]), (59, ["ebb"]), (61, []), (121, ["flow"])):
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            assert slugs() == expected
            assert slugs() == expected


def test_without_the_log_nothing_is_served_from_memory(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    make_variant(slug="ebb")
    client.get(PRODUCTS)

    def away(execute: Callable, sql: str, params: object, many: bool, context: dict) -> object:
        if "catalog_change" in sql or "snapshot" in sql:
            raise OperationalError("away")
        return execute(sql, params, many, context)

    hits = memory.hits
    with connection.execute_wrapper(away):
        assert client.get("/api/v1/facets/").json()["total"] == 1
        client.get(PRODUCTS + "ebb/")
        client.get(PRODUCTS + "ebb/")
    assert (memory.hits, memory.size) == (hits, 0)


def test_looks_are_shared_and_a_look_under_way_is_not_enough(make_variant: Callable[..., Variant]) -> None:
    make_variant()
    its, inside, go_on, looked = Memory(), threading.Event(), threading.Event(), []

    def slow(execute: Callable, sql: str, params: object, many: bool, context: dict) -> object:
        inside.set()
        go_on.wait(20)
        return execute(sql, params, many, context)

    def first() -> None:
        with connection.execute_wrapper(slow):
            its.look()
        connection.close()

    def other() -> None:
        looked.append(its.look())
        connection.close()

    threads = [threading.Thread(target=first), *(threading.Thread(target=other) for _ in range(20))]
    threads[0].start()
    assert inside.wait(20)
    for thread in threads[1:]:
        thread.start()
    while sum(thread.is_alive() for thread in threads) < len(threads):
        pass
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert looked == [True] * 20
    assert 2 <= its.looks <= 4  # the slow one, one for those who waited, and for stragglers


def test_memory_is_bounded_and_the_oldest_leaves(settings: Any, make_variant: Callable[..., Variant]) -> None:
    settings.API_RENDERED_BYTES = 10_000
    its = Memory()
    its.look()
    for number in range(100):
        its.keep((str(number),), EVERYTHING, b"x" * 800, {}, "", its.begin())
        its.find(("0",))
    assert its.size <= 10_000
    assert its.find(("0",)) is not None
    assert its.find(("50",)) is None
    its.keep(("large",), EVERYTHING, b"x" * 5000, {}, "", its.begin())
    assert its.find(("large",)) is None


def test_reads_from_memory_are_counted_and_refused_too(
    client: Client, make_variant: Callable[..., Variant], settings: Any
) -> None:
    settings.API_LIMITS = {**settings.API_LIMITS, "read": (3, 60)}
    make_variant()
    with time_machine.travel(timezone.now(), tick=False):
        answers = [client.get(PRODUCTS) for _ in range(5)]
    assert [answer.headers.get("RateLimit-Remaining") for answer in answers[:3]] == ["2", "1", "0"]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[3].json()["code"] == "throttled"


def test_an_account_gets_the_same_bytes_and_a_token_that_does_not_hold_is_told(
    client: Client, make_variant: Callable[..., Variant], customer: User
) -> None:
    make_variant()
    kept = client.get(PRODUCTS).content
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    hits = memory.hits
    assert client.get(PRODUCTS).content == kept
    assert memory.hits == hits + 1
    answer = Client().get(PRODUCTS, headers={"Authorization": "Bearer nothing"})
    assert answer.status_code == 401
    assert Client().get(PRODUCTS, headers={"Accept": "text/html"}).status_code == 406


def test_what_one_process_commits_the_next_read_of_every_other_shows(
    make_variant: Callable[..., Variant],
) -> None:
    variant = make_variant(slug="ebb")

    def ask(url: str, path: str) -> Any:
        with urllib.request.urlopen(url + path, timeout=20) as answer:
            return json.load(answer)

    with live_shop(processes=2, API_LIMITS="read=100000/60") as shop:
        for number in range(1, 31):
            for url in shop.urls:
                ask(url, PRODUCTS)
                ask(url, PRODUCTS + "ebb/")
            Variant.objects.filter(pk=variant.pk).update(price=Money(number, "EUR"))
            for url in shop.urls:
                (card,) = ask(url, PRODUCTS)["results"]
                assert card["price_from"]["amount"] == f"{number}.00"
                assert ask(url, PRODUCTS + "ebb/")["price_from"]["amount"] == f"{number}.00"
