"""The suite in three parts that run at once, each a pytest of its own: it waits more than it works.

A whole run begins two more beside itself, of what touches the database on PostgreSQL, and of what a browser looks at.
Chosen tests run as they are.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.processes import ROOT

ROOMS = [
    "inventory",
    "alerts",
    "drops",
    "cart",
    "checkout",
    "pricing/test_sales.py",
    "pricing/test_assessment.py",
    "shipping/test_zones.py",
    "promotions",
    "giftcards",
    "orders",
    "invoices",
    "returns",
    "payments",
    "notifications",
    "backoffice",
    "api",
    "storefront",
    "catalog",
    # The rest of the lab has a database of its own.
    *(f"lab/test_{name}.py" for name in ("flash_sale", "page", "selling", "tornado_shop", "writing")),
    *(f"project/test_{name}.py" for name in ("ahead", "handler")),
]
# Bytes on a wire, limits, clients, counters, mails, money by the provider's word, and how many queries: the same
# whichever database it is. In a whole run these run on PostgreSQL alone, so that the parts end at about the same time.
THERE_ALONE = {
    ROOT / "tests" / room / f"test_{name}.py"
    for room, names in {
        "api": (
            "account account_letters auth devices documents events examples extras facets generated_client inbox mfa"
            " orders passwords payments permissions placing requests returns rush schema waiting"
        ),
        "backoffice": "live order_list order_page queries",
        "catalog": "load_catalogue",
        "lab": "flash_sale selling tornado_shop writing",
        "notifications": (
            "authorisation client conversation digest http lean_socket leaving metrics notify rfc6455 together tornado"
        ),
        "payments": "astray captures disputes edits ledger line_refunds",
        "project": "ahead handler",
        "storefront": "waiting",
    }.items()
    for name in names.split()
}
# And the questions of both doors, at the second.
DOOR_THERE = "tornado"
COMMANDS = {
    "on-postgres": ["-m", "not browser", *(f"tests/{room}" for room in ROOMS)],
    "in-browsers": ["-m", "browser", "--ignore=tests/test_parts.py"],
}
IS_ON_POSTGRES = "BREAKWATER_TEST_POSTGRES" in os.environ


class Part(NamedTuple):
    process: subprocess.Popen
    output: Path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A whole run leaves to the other parts what they do for it."""
    if _is_whole(items):
        left = {item for item in items if _is_elsewhere(item)}
        config.hook.pytest_deselected(items=[*left])
        items[:] = [item for item in items if item not in left]


def _is_whole(items: list[pytest.Item]) -> bool:
    return not IS_ON_POSTGRES and any(item.path.stem == "test_parts" for item in items)


def _is_elsewhere(item: pytest.Item) -> bool:
    asked = getattr(item, "callspec", None)
    return (
        item.get_closest_marker("browser") is not None
        or item.path in THERE_ALONE
        or (asked is not None and asked.params.get("harbour") == DOOR_THERE)
    )


@pytest.fixture(scope="session", autouse=True)
def parts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Part]]:
    """Begun with the session where it is a whole run; or else none."""
    begun: dict[str, Part] = {}
    if _is_whole(request.session.items):
        postgres = {"BREAKWATER_TEST_POSTGRES": request.getfixturevalue("postgres_url")}
        begun["on-postgres"] = _begin("on-postgres", tmp_path_factory, postgres)
        begun["in-browsers"] = _begin("in-browsers", tmp_path_factory, {})
    yield begun
    for part in begun.values():
        part.process.kill()
        part.process.wait()


def _begin(name: str, folders: pytest.TempPathFactory, environment: dict[str, str]) -> Part:
    output = folders.mktemp(name) / "output"
    command = [sys.executable, "-m", "pytest", "-q", *COMMANDS[name]]
    with output.open("w") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=file, stderr=subprocess.STDOUT
        )
    return Part(process, output)
