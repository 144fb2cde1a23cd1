"""Saying something from this process or from another one on the same database."""

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection, transaction

from notifications.models import Pending
from notifications.services import notify
from tests.live import database_url

ROOT = Path(__file__).parents[2]


def say(stream: str, count: int = 1, **payload) -> None:
    """So many events, each in a transaction of its own."""
    for number in range(1, count + 1):
        with transaction.atomic():
            notify(stream, "said", **{"n": number, **payload})


def leave(stream: str, count: int) -> None:
    """As a process does that dies before anybody relays."""
    Pending.objects.bulk_create(
        Pending(stream_name=stream, kind="said", payload={"n": n}) for n in range(count)
    )


def say_in_thread(stream: str) -> None:
    """As a synchronous view does: in a thread that ends with its connection."""
    say(stream)
    connection.close()


def run_python(code: str, *, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
    """Run this in a process of its own, set up for Django."""
    return subprocess.run(
        [sys.executable, "-c", f"import django; django.setup()\n{code}"],
        env=environment(**env),
        cwd=ROOT,
        check=check,
        timeout=120,
        text=True,
        stdout=subprocess.PIPE,
    )


def environment(**more: str) -> dict[str, str]:
    settings = {
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "DATABASE_URL": database_url(),
        "PYTHONPATH": str(ROOT),
    }
    return {**os.environ, **settings, **more}
