"""The commands in docs/api.md do what it says."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.shipping.models import ShippingMethod
from tests.live import live_shop
from tests.processes import ROOT

DOCS = ROOT / "docs" / "api.md"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not (shutil.which("jq") or "CI" in os.environ), reason="its commands use jq")
def test_the_purchase_in_the_docs_is_one(
    make_variant: Callable[..., Variant], delivery: ShippingMethod, tmp_path: Path
) -> None:
    make_variant()
    section = re.search(r"^## A purchase.*?(?=^## )", DOCS.read_text(), re.DOTALL | re.MULTILINE)
    assert section
    commands = re.findall(r"^```sh\n(.*?)^```", section[0], re.DOTALL | re.MULTILINE)
    assert len(commands) >= 7
    script = "\n".join(["set -euxo pipefail", *commands])
    with live_shop() as shop:
        environment = {"PATH": os.environ["PATH"], "SHOP": shop.url}
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr[-4000:]
    assert Order.objects.get().status == Order.Status.PAID
