"""The suite in two parts that run at once, each a pytest of its own: it waits more than it works.

A whole run begins the other one beside itself: what touches the database, on PostgreSQL. Chosen tests run as they are.
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
    # The rest of the lab has databases of its own; so have the last three, which are here for their length.
    *(
        f"lab/test_{name}.py"
        for name in ("selling", "tornado_shop", "writing", "faults", "flash_sale", "lab_run")
    ),
    "project/test_handler.py",
]
# Bytes on a wire, limits, clients, counters, mails, money by the provider's word, and how many queries: the same
# whichever database it is. In a whole run these run on PostgreSQL alone, so that both parts end at about the same time.
THERE_ALONE = {
    ROOT / "tests" / room / f"test_{name}.py"
    for room, names in {
        "alerts": "ask tell_due",
        "api": (
            "account account_letters auth devices documents events examples extras facets generated_client inbox mfa"
            " orders passwords payments permissions placing requests returns rush schema waiting"
        ),
        "backoffice": "live order_list order_page queries",
        "catalog": "load_catalogue",
        "invoices": "documents",
        "lab": "faults flash_sale lab_run selling tornado_shop writing",
        "notifications": (
            "authorisation client conversation digest http lean_socket leaving metrics notify rfc6455 together tornado"
        ),
        "orders": "dearer_edits edit_pages edit_sums edits holds move_to parcels",
        "payments": "astray captures disputes edits expiry ledger line_refunds unheard",
        "project": "handler",
        "returns": "carried exchanges pages returns",
        "storefront": "held outages preferences saved_cards tax waiting",
    }.items()
    for name in names.split()
}
# And the questions of both doors, at the second.
DOOR_THERE = "tornado"
COMMAND = [
    *(sys.executable, "-m", "pytest", "-q", "-m", "not browser"),
    *(f"tests/{room}" for room in ROOMS),
]
IS_ON_POSTGRES = "BREAKWATER_TEST_POSTGRES" in os.environ


class Part(NamedTuple):
    process: subprocess.Popen
    output: Path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A whole run leaves to the part on PostgreSQL what that does for both."""
    if _is_whole(items):
        left = {item for item in items if _is_there_alone(item)}
        config.hook.pytest_deselected(items=[*left])
        items[:] = [item for item in items if item not in left]


def _is_whole(items: list[pytest.Item]) -> bool:
    return not IS_ON_POSTGRES and any(item.path.stem == "test_parts" for item in items)


def _is_there_alone(item: pytest.Item) -> bool:
    if item.get_closest_marker("browser"):
        return False
    asked = getattr(item, "callspec", None)
    return item.path in THERE_ALONE or (asked is not None and asked.params.get("harbour") == DOOR_THERE)


@pytest.fixture(scope="session", autouse=True)
def part_on_postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Part | None]:
    """Begins with the session, where it is a whole run."""
    if not _is_whole(request.session.items):
        yield None
        return
    output = tmp_path_factory.mktemp("on-postgres") / "output"
    environment = os.environ | {"BREAKWATER_TEST_POSTGRES": request.getfixturevalue("postgres_url")}
    with output.open("w") as file:
        process = subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
    yield Part(process, output)
    process.kill()
    process.wait()
