"""Settings come from the environment, and production says by name which variable is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

PRODUCTION = {
    "BREAKWATER_MODE": "production",
    "SECRET_KEY": "k" * 64,
    "PUBLIC_URL": "https://shop.example",
    "DATABASE_URL": "postgres://shop@db.example/shop",
    "REDIS_URL": "redis://cache.example",
    "EMAIL_URL": "smtp+tls://mail.example:587",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
    "SELLER_NAME": "Example Prints Ltd",
    "SELLER_ADDRESS": "1 Example Quay | Ireland",
    "SELLER_VAT_ID": "IE0000000AA",
}


def load(tmp_path: Path, settings: dict[str, str], show: str = "'fine'") -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", f"from shop import settings as s; print({show})"],
        cwd=ROOT,
        env={**kept, "BREAKWATER_DATA": str(tmp_path), **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_whole_production_environment_starts(tmp_path: Path) -> None:
    done = load(tmp_path, PRODUCTION, "s.SESSION_COOKIE_SECURE, s.SANDBOX, s.ALLOWED_HOSTS, s.LOG_FORMAT")
    assert done.stdout == "True False ['shop.example'] json\n", done.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("DEBUG", "on"),
        ("BREAKWATER_DEMO", "on"),
        ("PUBLIC_URL", "http://shop.example"),
        ("PUBLIC_URL", ""),
        ("DATABASE_URL", ""),
        ("REDIS_URL", ""),
        ("EMAIL_URL", ""),
        ("STRIPE_SECRET_KEY", ""),
        ("SELLER_VAT_ID", ""),
        ("STRIPE_PUBLISHABLE_KEY", ""),
        ("STRIPE_WEBHOOK_SECRET", ""),
        ("STOCK_TAKING", "tests.checkout.unguarded.take"),
        ("STOCK_TAKING", "shop.inventory.taking.gaurded"),
    ],
)
def test_production_refuses_by_name(tmp_path: Path, variable: str, value: str) -> None:
    settings = {name: given for name, given in {**PRODUCTION, variable: value}.items() if given}
    done = load(tmp_path, settings)
    assert done.returncode != 0
    assert f"  {variable}: " in done.stderr


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"STRIPE_SECRET_KEY": "sk_live_x", "STRIPE_WEBHOOK_SECRET": "whsec_x"}, "STRIPE_SECRET_KEY"),
        ({"STRIPE_SECRET_KEY": "sk_test_x"}, "STRIPE_WEBHOOK_SECRET"),
        ({"BREAKWATER_MODE": "prod"}, "BREAKWATER_MODE"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT"),
    ],
)
def test_the_embedded_shop_refuses_half_a_setting(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    done = load(tmp_path, settings)
    assert done.returncode != 0
    assert named in done.stderr.splitlines()[-1]


def test_the_embedded_shop_keeps_its_secrets(tmp_path: Path) -> None:
    first, second = (load(tmp_path, {}, "s.SECRET_KEY, s.STRIPE_WEBHOOK_SECRET").stdout for _ in range(2))
    assert first == second
    assert len(first) > 100
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_the_example_names_every_variable_that_is_read() -> None:
    import re

    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "shop/settings.py").read_text()))
    explained = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    by_bootstrap = {"BREAKWATER_VENV"}
    assert read == explained - by_bootstrap
