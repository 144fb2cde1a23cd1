"""What touches the database, once more on a real PostgreSQL, where rows lock and transactions overlap."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT

ROOMS = [
    "inventory",
    "alerts",
    "drops",
    "cart",
    "checkout",
    "orders",
    "payments",
    "notifications",
    "backoffice",
    "api",
    "storefront",
    "catalog",
]


@pytest.mark.skipif("BREAKWATER_TEST_POSTGRES" in os.environ, reason="this run is on PostgreSQL itself")
@pytest.mark.timeout(1500)
def test_the_shop_s_own_tests_pass_on_postgresql(postgres_url: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-m",
        "not browser",
        *(f"tests/{room}" for room in ROOMS),
        "--ignore=tests/notifications/test_rfc6455.py",  # bytes on a wire, before any database
    ]
    environment = os.environ | {"BREAKWATER_TEST_POSTGRES": postgres_url}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1480)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
