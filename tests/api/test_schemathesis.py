"""What the schema allows is answered as it says, what it forbids is refused: schemathesis with all its checks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from shop.catalog.models import Variant
from shop.shipping.models import ShippingMethod
from tests.live import live_shop
from tests.processes import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
CONFIG = ROOT / "tests/api/schemathesis.toml"
UNLIMITED = ",".join(f"{name}=1000000/60" for name in ("read", "write", "sign-in", "code", "checkout"))


def check(url: str, *more: str) -> None:
    command = [
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            str(CONFIG),
            "run",
            f"{url}/api/v1/schema/",
        ),
        *("--checks", "all", "--max-examples", "20", "--seed", "1", "--continue-on-failure"),
        *more,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]


def test_a_guest_gets_what_the_schema_says(
    make_variant: Callable[..., Variant], delivery: ShippingMethod
) -> None:
    make_variant(slug="long-fetch", stock=1000)
    with live_shop(API_LIMITS=UNLIMITED) as shop:
        check(shop.url)
