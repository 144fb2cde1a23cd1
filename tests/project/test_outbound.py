"""Whatever leaves the shop leaves it with no transaction and no lock open."""

import ast
import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from djmoney.money import Money

from shop.letters import write_letter
from shop.payments import stripe_gateway as gateway
from shop.places import Destination
from shop.shipping.services import gather_options
from shop.waiting import WaitingInTransaction
from tests.outbound import ConnectedInTransaction
from tests.processes import ROOT

CLIENTS = {
    "aiohttp", "ftplib", "http.client", "httpx", "imaplib", "requests", "smtplib", "stripe", "suds", "telnetlib",
    "urllib.request", "urllib3", "websockets", "xmlrpc.client", "zeep", "django.core.mail",
}  # fmt: skip
GUARDS = ("holding_nothing(", "refuse_to_wait_with_locks(")
# Programs of their own, without the shop's database.
APART = ("shop/sandbox/", "notifications/client.py")
# Verifies what came in; asks nobody.
ASKS_NOBODY = {"shop/payments/stripe_gateway/telling.py"}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def speaks(path: Path) -> bool:
    names = set(imported(ast.parse(path.read_text())))
    return any(name == client or name.startswith(f"{client}.") for name in names for client in CLIENTS)


def unguarded(root: Path, rooms: tuple[str, ...] = ("shop", "accounts", "notifications")) -> list[str]:
    """Files that can ask another machine and do not say that they hold nothing meanwhile."""
    files = {str(path.relative_to(root)): path for room in rooms for path in (root / room).rglob("*.py")}
    return [
        name
        for name, path in sorted(files.items())
        if not name.startswith(APART)
        and name not in ASKS_NOBODY
        and speaks(path)
        and not any(guard in path.read_text() for guard in GUARDS)
    ]


def test_every_file_that_can_ask_another_machine_holds_nothing_meanwhile() -> None:
    assert unguarded(ROOT) == []


def test_a_new_way_out_is_found(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "vat.py").write_text("from urllib.request import urlopen\nurlopen('https://x')\n")
    (tmp_path / "shop" / "calm.py").write_text("from urllib.parse import urlencode\n")
    assert unguarded(tmp_path, ("shop",)) == ["shop/vat.py"]


def provider_by_a_worker() -> None:
    gateway.ask(gateway.retrieve_intent("pi_1"))


def provider_by_a_page() -> None:
    async_to_sync(gateway.retrieve_intent)("pi_1")


def carriers() -> None:
    async_to_sync(gather_options)(Destination("IE", postal_code="D13"), 400, Money(20, "EUR"))


def mail() -> None:
    context = {"subject": "Hm", "why": "So", "order": None, "url": "/", "page": "/"}
    write_letter("alarm", "ada@example.com", context).send()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ask", [provider_by_a_worker, provider_by_a_page, carriers, mail])
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_who_asks_in_a_transaction_is_refused(ask: Callable[[], None]) -> None:
    with transaction.atomic(), pytest.raises(WaitingInTransaction):
        ask()


@pytest.fixture
def listener() -> Iterator[Any]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()


@pytest.mark.django_db(transaction=True)
def test_the_suite_refuses_every_socket_that_is_opened_in_a_transaction(listener: Any) -> None:
    async def politely() -> None:
        _, writer = await asyncio.open_connection(*listener)
        writer.close()

    asyncio.run(politely())
    with transaction.atomic():
        with pytest.raises(ConnectedInTransaction):
            socket.create_connection(listener)
        with pytest.raises(ConnectedInTransaction):
            asyncio.run(politely())
