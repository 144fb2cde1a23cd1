"""An account's second factor, its devices and its data on the website; and staff who sign in with a code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

from accounts.models import User
from shop.orders.models import Order

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-passphrase"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sign_in(customer: User, **more: Any) -> Any:
    client = Client(HTTP_USER_AGENT=FIREFOX)
    answer = client.post("/accounts/login/", {"login": customer.email, "password": PASSWORD, **more})
    return client, answer


@pytest.fixture
def own(customer: User) -> Client:
    """Signed in, and sure to be the owner."""
    EmailAddress.objects.create(user=customer, email=customer.email, verified=True, primary=True)
    client, _ = sign_in(customer)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, list(yield_hotp_counters_from_time())[1]))


def set_up(client: Client) -> str:
    page = client.get("/accounts/2fa/totp/activate/").text
    secret = re.search(r"secret=([A-Z2-7=]+)&amp;", page)
    assert secret, page
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret[1])})
    assert answer.status_code == 302, answer.text
    return secret[1]


def test_every_page_of_the_second_factor_has_the_look_of_the_shop(own: Client) -> None:
    assert "Set it up" in own.get("/accounts/2fa/").text
    assert "data:image/svg+xml" in own.get("/accounts/2fa/totp/activate/").text
    set_up(own)
    for path, words in {
        "": "In use",
        "totp/deactivate/": "Your password alone",
        "recovery-codes/": "10 of 10",
        "recovery-codes/generate/": "The 10 that are left",
        "reauthenticate/": "Is it still you?",
    }.items():
        page = own.get(f"/accounts/2fa/{path}")
        assert page.status_code == 200, path
        assert words in page.text, path
        assert 'class="page' in page.text, path


def test_signing_in_asks_for_the_code(own: Client, customer: User) -> None:
    secret = set_up(own)
    client, answer = sign_in(customer)
    assert answer.headers["Location"] == "/accounts/2fa/authenticate/"
    assert "And the code" in client.get("/accounts/2fa/authenticate/").text
    assert client.get("/account/").status_code == 302
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "This code is not right" in wrong.text
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert client.get("/account/").status_code == 200


def test_staff_with_a_code_get_to_the_admin(own: Client, customer: User) -> None:
    secret = set_up(own)
    User.objects.update(is_staff=True, is_superuser=True)
    client = Client()
    asked = client.get("/admin/", follow=True)
    assert asked.request["PATH_INFO"] == "/accounts/login/"
    client.post("/accounts/login/", {"login": customer.email, "password": PASSWORD, "next": "/admin/"})
    assert client.get("/admin/").status_code == 302
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert client.get("/admin/").status_code == 200


def test_the_code_is_done_without(own: Client) -> None:
    set_up(own)
    own.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()


def test_a_change_asks_for_the_password_once_more(customer: User) -> None:
    client, _ = sign_in(customer)
    for path in ("/accounts/2fa/totp/activate/", "/account/close/"):
        assert client.get(path).headers["Location"].startswith("/accounts/reauthenticate/"), path
    refused = client.post("/accounts/reauthenticate/", {"password": "wrong"}).text
    parts = ('<input type="password"', "not your present password", "Forgot your password?")
    assert [*parts] == sorted(parts, key=refused.index)


def test_devices_are_listed_and_signed_out(own: Client, customer: User) -> None:
    other, _ = sign_in(customer)
    page = own.get("/accounts/sessions/").text
    assert (page.count("Firefox on Linux</strong>"), page.count("This one")) == (2, 1)
    action = re.search(r'action="(/account/devices/\d+/sign-out/)"', page)
    assert action
    own.post(action[1])
    assert other.get("/account/").status_code == 302
    third, _ = sign_in(customer)
    own.post("/accounts/sessions/")
    assert third.get("/account/").status_code == 302
    assert own.get("/account/").status_code == 200


def test_nobody_signs_out_somebody_elses_device(own: Client) -> None:
    stranger = User.objects.create_user("ada@example.com", PASSWORD)
    theirs, _ = sign_in(stranger)
    action = re.search(r"/account/devices/\d+/sign-out/", own.get("/accounts/sessions/").text)
    assert action is None
    number = stranger.usersession_set.get().pk
    assert own.post(f"/account/devices/{number}/sign-out/").status_code == 404
    assert theirs.get("/account/").status_code == 200


def test_all_that_is_kept_comes_as_a_file(own: Client, customer: User) -> None:
    answer = own.get("/account/export/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="breakwater-account.json"'
    assert json.loads(answer.content)["account"]["email"] == customer.email
    assert Client().get("/account/export/").status_code == 302


def test_an_account_is_closed_from_its_page(own: Client) -> None:
    assert "Close the account" in own.get("/account/").text
    assert "cannot be undone" in own.get("/account/close/").text
    answer = own.post("/account/close/", follow=True)
    assert "Your account is closed" in answer.text
    assert not User.objects.exists()
    assert own.get("/account/").status_code == 302


def test_an_account_with_an_order_under_way_stays(own: Client, customer: User, order: Order) -> None:
    Order.objects.update(user=customer)
    page = own.get("/account/close/").text
    assert order.number in page
    assert "Close it for good" not in page
    assert "Back to your account" in page
    assert "still on its way" in own.post("/account/close/", follow=True).text
    assert User.objects.exists()


def test_nobody_signs_in_with_an_address_that_is_another_accounts(own: Client, customer: User) -> None:
    User.objects.create_user("ada@example.com", PASSWORD)
    EmailAddress.objects.update(verified=False)
    own.post("/accounts/email/", {"action_add": "", "email": "ada@example.com"})
    assert EmailAddress.objects.filter(user=customer, email="ada@example.com").exists()
    page = own.post("/accounts/email/", {"action_primary": "", "email": "ada@example.com"}, follow=True)
    assert "confirm" in page.text
    assert User.objects.get(pk=customer.pk).email == customer.email


def test_another_confirmed_address_becomes_the_one_to_sign_in_with(own: Client, customer: User) -> None:
    EmailAddress.objects.create(user=customer, email="nora@work.example", verified=True)
    own.post("/accounts/email/", {"action_primary": "", "email": "nora@work.example"})
    assert User.objects.get(pk=customer.pk).email == "nora@work.example"
