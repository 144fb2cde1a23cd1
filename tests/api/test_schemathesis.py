"""What the schema allows is answered as it says, what it forbids is refused: schemathesis with all its checks.

    SCHEMATHESIS_EXAMPLES=50 python manage.py test tests/api/test_schemathesis.py

asks as everybody, on both databases, for longer than the suite has time for: that asks as a customer, on SQLite.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission

from accounts.models import User
from shop.cart.models import Cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.shipping.models import ShippingMethod
from tests.live import live_shop
from tests.parts import IS_ON_POSTGRES
from tests.processes import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]
CONFIG = ROOT / "tests/api/schemathesis.toml"
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "")
CALLERS = [] if IS_ON_POSTGRES else ["customer"]
if EXAMPLES:
    CALLERS = ["guest", "customer", "other", "staff"]
UNLIMITED = ",".join(f"{name}=1000000/60" for name in ("read", "write", "sign-in", "code", "checkout"))
PASSWORD = "a-long-passphrase"
# They end the sign-in with which the others are asked.
ENDING = "sign_out|(change|reset)_password|delete_account"


def access_token(url: str, email: str) -> str:
    body = json.dumps({"email": email, "password": PASSWORD}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v1/auth/sign-in/", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["access_token"]


def check(url: str, *more: str) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
        *("run", f"{url}/api/v1/schema/", "--checks", "all", "--continue-on-failure"),
        *("--max-examples", EXAMPLES or "3", "--seed", "1", *more),
    ]
    few = {} if EXAMPLES else {"SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks"}
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | few, capture_output=True, text=True, timeout=850, check=False
    )
    assert done.returncode == 0, done.stdout[-40_000:] + done.stderr[-2000:]


@pytest.fixture
def people(customer: User, django_user_model: Any) -> dict[str, User]:
    """With a password that a live shop knows, which hashes as the shop does."""
    found = {"customer": customer}
    for name in ("other", "staff"):
        found[name] = django_user_model.objects.create_user(f"{name}@example.com", is_staff=name == "staff")
    for user in found.values():
        User.objects.filter(pk=user.pk).update(password=make_password(PASSWORD, hasher="argon2"))
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    found["staff"].user_permissions.set(Permission.objects.all())
    return found


@pytest.mark.parametrize("caller", CALLERS)
def test_whoever_asks_gets_what_the_schema_says(
    caller: str,
    people: dict[str, User],
    make_variant: Callable[..., Variant],
    make_cart: Callable[..., Cart],
    place: Callable[..., Order],
    delivery: ShippingMethod,
) -> None:
    make_variant(slug="long-fetch", stock=1000)
    place(make_cart(quantity=2, user=people["customer"]))
    with live_shop(API_LIMITS=UNLIMITED, SAVED_CARDS="true") as shop:
        if caller == "guest":
            check(shop.url)
        else:
            token = access_token(shop.url, people[caller].email)
            signed_in = ("--header", f"Authorization: Bearer {token}")
            check(shop.url, *signed_in, "--exclude-operation-id-regex", ENDING)
