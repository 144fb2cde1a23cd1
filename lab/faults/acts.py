"""What a run asks of a process of the shop: to write, to block, to count, to step its clock."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psutil
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string
from djmoney.money import Money

from accounts.models import User
from lab.faults.dying import watch
from notifications import hub
from notifications.services import notify
from shop.catalog.models import Category, Product, TaxClass
from shop.inventory.services import receive
from shop.pricing.models import TaxRate, TaxZone
from shop.shipping.models import ShippingMethod

KIND = "lab.said"

# Writing


def prepare() -> None:
    """An empty database becomes a shop that can sell."""
    call_command("migrate", verbosity=0)
    zone = TaxZone.objects.get_or_create(country="IE", defaults={"name": "Ireland", "in_vat_union": True})[0]
    TaxRate.objects.get_or_create(zone=zone, defaults={"percent": "23"})
    method = {"name": "Tube by post", "price": Money("4.90", "EUR"), "days_min": 2, "days_max": 4}
    ShippingMethod.objects.get_or_create(code="tube", defaults={**method, "everywhere": True})
    Category.objects.add_root({"name": "Swell", "slug": "swell"})
    connection.close()


def add_product(slug: str, stock: int = 0) -> int:
    """The id of its one variant. Visible since yesterday: a clock that is stepped back does not hide it."""
    category = Category.objects.get(slug="swell")
    product = Product.objects.create(
        category=category,
        slug=slug,
        title=slug,
        artist="Ines Holm",
        tax_class=TaxClass.STANDARD,
        visible_from=timezone.now() - timedelta(days=1),
    )
    variant = product.variants.create(sku=slug.upper(), price=Money("24.00", "EUR"), weight_g=420)
    if stock:
        receive(variant, stock)
    connection.close()
    return variant.pk


def add_sessions(count: int) -> list[tuple[int, str]]:
    """So many new users who are signed in: their ids and session keys."""
    users = User.objects.bulk_create(
        User(email=f"{get_random_string(12).lower()}@example.com", password="!") for _ in range(count)
    )
    store, until = SessionStore(), timezone.now() + timedelta(days=1)
    rows = []
    for user in users:
        held = {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }
        key, data = get_random_string(32).lower(), store.encode(held)
        rows.append(Session(session_key=key, session_data=data, expire_date=until))
    Session.objects.bulk_create(rows)
    connection.close()
    return [(user.pk, row.session_key) for user, row in zip(users, rows, strict=True)]


def say(stream: str, count: int, *, every: float = 0.0, first: int = 1, size: int = 0) -> None:
    """So many events, each in a transaction of its own, one `every` so many seconds, with `size` bytes of ballast.

    `at` is this machine's monotonic clock just before the transaction, which every process here reads alike.
    """
    begun = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begun + number * every - time.monotonic()))
        with transaction.atomic():
            notify(stream, KIND, n=first + number, at=time.monotonic(), ballast="x" * size)
    connection.close()


def set_limits(**limits: float) -> None:
    """Those of `notifications.protocol.Limits`, for connections to come."""
    settings.NOTIFICATIONS_LIMITS = limits


_enough = threading.Event()


def say_until_told(stream: str, *, every: float, first: int = 1) -> int:
    """How many it said until `enough`."""
    _enough.clear()
    said = 0
    while not _enough.wait(every):
        say(stream, 1, first=first + said)
        said += 1
    return said


def enough() -> None:
    _enough.set()


# Blocking


def block(where: str, seconds: float) -> tuple[float, float]:
    """When it began and ended. `loop`: the event loop itself; `thread`: the one that all of asgiref's callers share."""
    done: list[tuple[float, float]] = []
    finished = threading.Event()

    def sleep() -> None:
        begun = time.monotonic()
        time.sleep(seconds)
        done.append((begun, time.monotonic()))
        finished.set()

    if where == "loop":
        _loop().call_soon_threadsafe(sleep)
    else:
        asyncio.run_coroutine_threadsafe(sync_to_async(sleep)(), _loop())
    finished.wait(seconds + 60)
    return done[0]


def _loop() -> asyncio.AbstractEventLoop:
    return next(iter(hub._hubs))


# Counting

_counted: Counter[str] = Counter()


def count_queries() -> None:
    """From now on, of every thread."""
    watch(_count)


def counted_queries() -> dict[str, int]:
    """Of the hub's own threads by what they are about: `log` (events), `rights` (all tables but ours), `tops`."""
    return dict(_counted)


def _count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    if threading.current_thread().name.startswith("notifications-log"):
        if "notifications_event" in sql:
            _counted["log"] += 1
        elif "notifications_" not in sql:
            _counted["rights"] += 1
        else:
            _counted["tops"] += 1
    return execute(sql, params, many, context)


def memory() -> int:
    """Resident bytes."""
    return int(psutil.Process().memory_info().rss)


def sockets() -> int:
    return len(hub._hubs[_loop()].conversations) if hub._hubs else 0


# The clock

_traveller: Any = None


def step_clock(seconds: float) -> float:
    """What every later `time.time()` and `datetime.now()` of this process says, moved; the monotonic clock is not."""
    import time_machine

    global _traveller
    if _traveller is None:
        _traveller = time_machine.travel(time.time(), tick=True).start()
    _traveller.shift(seconds)
    return time.time()


def ready() -> bool:
    """Whether a hub is at work here."""
    return bool(hub._hubs)
