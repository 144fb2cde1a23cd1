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
# Bytes on a wire, limits, clients, counters, and how many queries: the same whichever database it is. Where both halves
# run, these run in one of them, so that both end at about the same time.
THERE_ALONE = {
    ROOT / "tests" / f"{file}.py"
    for file in (
        *(
            f"notifications/test_{name}"
            for name in ("rfc6455", "conversation", "client", "metrics", "http", "tornado", "authorisation")
        ),
        "backoffice/test_queries",
        "backoffice/test_live",
        "notifications/test_lean_socket",
        "notifications/test_together",
        "api/test_rush",
        "project/test_daphne_http",
        *(
            f"lab/test_{name}"
            for name in (
                "bench",
                "defaults",
                "generator",
                "lab_run",
                "lines",
                "plan",
                "report",
                "rungs",
                "scale",
            )
        ),
        *(
            f"api/test_{name}"
            for name in (
                *(
                    "account",
                    "account_letters",
                    "auth",
                    "devices",
                    "documents",
                    "events",
                    "examples",
                    "extras",
                ),
                *(
                    "facets",
                    "generated_client",
                    "inbox",
                    "mfa",
                    "passwords",
                    "permissions",
                    "requests",
                    "schema",
                ),
            )
        ),
    )
}
COMMAND = [
    *(sys.executable, "-m", "pytest", "-q", "-m", "not browser"),
    *(f"tests/{room}" for room in ROOMS),
]
IS_ON_POSTGRES = "BREAKWATER_TEST_POSTGRES" in os.environ


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves to the half on PostgreSQL what it does for both, if it runs."""
    if _waits_for_it(items):
        left = {item for item in items if item.path in THERE_ALONE and not item.get_closest_marker("browser")}
        config.hook.pytest_deselected(items=[*left])
        items[:] = [item for item in items if item not in left]


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
