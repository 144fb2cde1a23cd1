"""The half of the suite that runs once more on PostgreSQL, or there alone, beside the other half.

The suite waits more than it works, and leaves most of a second core free.
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
    "lab",
    *(f"project/test_{name}.py" for name in ("ahead", "handler", "daphne_http")),
]
# Bytes on a wire, limits, clients, counters, mails, money by the provider's word, and how many queries: the same
# whichever database it is. Where both halves run, these run in that one alone, so that both end at about the same time.
THERE_ALONE = {
    ROOT / "tests" / room / f"test_{name}.py"
    for room, names in {
        "api": (
            "account account_letters auth devices documents events examples extras facets generated_client inbox mfa"
            " orders passwords payments permissions placing requests returns rush schema waiting"
        ),
        "backoffice": "live order_list order_page queries",
        "catalog": "load_catalogue",
        "lab": "bench defaults flash_sale generator lab_run lines plan report rungs scale",
        "notifications": (
            "authorisation client conversation digest http lean_socket leaving metrics notify rfc6455 together tornado"
        ),
        "payments": "astray captures disputes edits ledger line_refunds",
        "project": "ahead daphne_http handler",
        "storefront": "waiting",
    }.items()
    for name in names.split()
}
# And the questions of both doors, at the second.
DOOR_THERE = "tornado"
COMMAND = [
    *(sys.executable, "-m", "pytest", "-q", "-m", "not browser"),
    *(f"tests/{room}" for room in ROOMS),
    "--ignore=tests/lab/test_faults.py",  # has a PostgreSQL of its own
]
IS_ON_POSTGRES = "BREAKWATER_TEST_POSTGRES" in os.environ


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves to the half on PostgreSQL what it does for both, if it runs."""
    if _waits_for_it(items):
        left = {item for item in items if _is_there_alone(item)}
        config.hook.pytest_deselected(items=[*left])
        items[:] = [item for item in items if item not in left]


def _is_there_alone(item: pytest.Item) -> bool:
    asked = getattr(item, "callspec", None)
    is_there = item.path in THERE_ALONE or (asked and asked.params.get("harbour") == DOOR_THERE)
    return is_there and not item.get_closest_marker("browser")


def _waits_for_it(items: list[pytest.Item]) -> bool:
    return not IS_ON_POSTGRES and any(item.path.stem == "test_on_postgres" for item in items)


class Half(NamedTuple):
    process: subprocess.Popen
    output: Path


@pytest.fixture(scope="session", autouse=True)
def half_on_postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Half | None]:
    """Begins with the session, if the test that waits for it was chosen."""
    if not _waits_for_it(request.session.items):
        yield None
        return
    output = tmp_path_factory.mktemp("on-postgres") / "output"
    environment = os.environ | {"BREAKWATER_TEST_POSTGRES": request.getfixturevalue("postgres_url")}
    with output.open("w") as file:
        process = subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
    yield Half(process, output)
    process.kill()
    process.wait()
