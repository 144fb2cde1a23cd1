"""The second factor: setting it up, signing in with it, and doing without the telephone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.utils import timezone

from accounts.models import User
from tests.api.people import BEGIN, EMAIL, PASSWORD, TOTP, App, code_of, refused, set_up

pytestmark = pytest.mark.django_db
CODES = "account/mfa/recovery-codes/"
CREDENTIALS = {"email": EMAIL, "password": PASSWORD}


@pytest.fixture
def app(customer: User) -> App:
    return App().sign_in()


def begin_sign_in() -> tuple[App, str]:
    app = App()
    answer = app.post("auth/sign-in/", CREDENTIALS)
    assert refused(answer, 401, "mfa_required")
    return app, answer.json()["login_token"]


def test_an_authenticator_app_is_set_up_with_a_code_of_it(app: App) -> None:
    assert app.get("account/mfa/").json() == {"totp": None, "recovery_codes": None}
    begun = app.reauthenticate().post(BEGIN).json()
    url = urlsplit(begun["otpauth_url"])
    assert (url.scheme, url.netloc) == ("otpauth", "totp")
    assert parse_qs(url.query)["secret"] == [begun["secret"]]
    assert parse_qs(url.query)["issuer"] == ["Breakwater"]
    assert refused(app.post(TOTP, {"code": "000000"}), 422, "incorrect_code", "/code")
    answer = app.post(TOTP, {"code": code_of(begun["secret"])})
    assert answer.status_code == 201
    assert (len(set(answer.json()["codes"])), answer.json()["total"]) == (10, 10)
    state = app.get("account/mfa/").json()
    assert state["totp"]["last_used_at"] is None
    assert state["recovery_codes"]["unused"] == 10


def test_signing_in_then_asks_for_a_code(app: App) -> None:
    secret, _ = set_up(app)
    other, login_token = begin_sign_in()
    assert not other.is_in
    wrong = other.post("auth/mfa/", {"login_token": login_token, "code": "000000"})
    assert refused(wrong, 422, "incorrect_code", "/code")
    answer = other.post("auth/mfa/", {"login_token": login_token, "code": code_of(secret)})
    assert answer.status_code == 200, answer.content
    other.tokens = answer.json()
    assert other.is_in
    again = App().post("auth/mfa/", {"login_token": login_token, "code": code_of(secret)})
    assert refused(again, 401, "login_token_invalid")


def test_the_login_token_survives_an_idempotency_key(app: App) -> None:
    secret, _ = set_up(app)
    key = {"Idempotency-Key": "a-key-of-this-sign-in"}
    answers = [App().post("auth/sign-in/", CREDENTIALS, **key) for _ in range(2)]
    assert answers[0].json()["login_token"] == answers[1].json()["login_token"]
    body = {"login_token": answers[1].json()["login_token"], "code": code_of(secret)}
    assert App().post("auth/mfa/", body).status_code == 200


def test_a_login_token_is_no_access_token_and_lasts_a_quarter_of_an_hour(app: App) -> None:
    secret, _ = set_up(app)
    other, login_token = begin_sign_in()
    other.tokens = {"access_token": login_token}
    assert not other.is_in
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
        answer = App().post("auth/mfa/", {"login_token": login_token, "code": code_of(secret)})
    assert refused(answer, 401, "login_token_invalid")


@pytest.mark.parametrize("token", ["nonsense", "x" * 64, "\U0001f422"])
def test_what_is_no_login_token_is_refused(db: None, token: str) -> None:
    answer = App().post("auth/mfa/", {"login_token": token, "code": "000000"})
    assert refused(answer, 401, "login_token_invalid")


def test_five_wrong_codes_are_enough(app: App) -> None:
    secret, _ = set_up(app)
    _, login_token = begin_sign_in()
    for _ in range(5):
        App().post("auth/mfa/", {"login_token": login_token, "code": "000000"})
    answer = App().post("auth/mfa/", {"login_token": login_token, "code": code_of(secret)})
    assert refused(answer, 429, "too_many_attempts")


def test_a_recovery_code_opens_once(app: App) -> None:
    _, codes = set_up(app)
    other, login_token = begin_sign_in()
    answer = other.post("auth/mfa/", {"login_token": login_token, "code": codes[0]})
    other.tokens = answer.json()
    assert other.is_in
    assert app.get("account/mfa/").json()["recovery_codes"]["unused"] == 9
    _, login_token = begin_sign_in()
    again = App().post("auth/mfa/", {"login_token": login_token, "code": codes[0]})
    assert refused(again, 422, "incorrect_code", "/code")


def test_recovery_codes_are_shown_and_renewed(app: App) -> None:
    _, codes = set_up(app)
    assert app.get(CODES).json() == {"codes": codes, "total": 10}
    assert app.get(CODES).headers["Cache-Control"] == "no-store"
    renewed = app.post(CODES).json()["codes"]
    assert not set(codes) & set(renewed)
    _, login_token = begin_sign_in()
    answer = App().post("auth/mfa/", {"login_token": login_token, "code": codes[0]})
    assert refused(answer, 422, "incorrect_code", "/code")


def test_a_code_shows_that_it_is_still_you(app: App) -> None:
    secret, _ = set_up(app)
    later = timezone.now() + timedelta(minutes=6)
    with time_machine.travel(later, tick=False):
        app.tokens = app.post("auth/refresh/", {"refresh_token": app.tokens["refresh_token"]}).json()
        assert refused(app.get(CODES), 401, "reauthentication_required")
        assert app.post("auth/reauthenticate/", {"code": code_of(secret)}).status_code == 204
        assert app.get(CODES).status_code == 200


def test_without_the_second_factor_the_password_is_enough_again(app: App) -> None:
    set_up(app)
    assert app.delete(TOTP).status_code == 204
    assert app.get("account/mfa/").json() == {"totp": None, "recovery_codes": None}
    assert App().sign_in().is_in
    assert refused(app.delete(TOTP), 409, "mfa_not_active")


def test_it_is_refused_twice_and_without_what_comes_first(app: App) -> None:
    assert refused(app.reauthenticate().post(CODES), 409, "mfa_not_active")
    assert refused(app.get(CODES), 409, "mfa_not_active")
    secret, _ = set_up(app)
    assert refused(app.post(BEGIN), 409, "mfa_active")
    assert refused(app.post(TOTP, {"code": code_of(secret)}), 409, "mfa_active")


def test_it_waits_for_confirmed_addresses(app: App, customer: User) -> None:
    EmailAddress.objects.update_or_create(
        user=customer, email=EMAIL, defaults={"verified": False, "primary": True}
    )
    assert refused(app.reauthenticate().post(BEGIN), 409, "email_not_verified")


@pytest.mark.parametrize(
    ("method", "path", "body"), [("post", BEGIN, {}), ("post", TOTP, {"code": "000000"})]
)
def test_setting_it_up_asks_for_the_password_once_more(app: App, method: str, path: str, body: Any) -> None:
    assert refused(app.send(method, path, body), 401, "reauthentication_required")


def test_secrets_are_kept_enciphered(app: App) -> None:
    secret, codes = set_up(app)
    kept = [one.data for one in Authenticator.objects.all()]
    assert secret not in str(kept)
    assert not any(code in str(kept) for code in codes)


def test_secrets_open_with_the_key_before(app: App, settings: Any) -> None:
    _, codes = set_up(app)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, which came after the one that closed them" * 2
    other, login_token = begin_sign_in()
    other.tokens = other.post("auth/mfa/", {"login_token": login_token, "code": codes[0]}).json()
    assert other.is_in


def test_a_guest_has_no_second_factor(db: None) -> None:
    for path in ("account/mfa/", CODES):
        assert refused(App().get(path), 401, "not_authenticated")


def test_it_is_still_you_for_five_minutes(app: App) -> None:

    assert refused(app.post(BEGIN), 401, "reauthentication_required")
    wrong = app.post("auth/reauthenticate/", {"password": "wrong"})
    assert refused(wrong, 422, "incorrect_password", "/password")
    assert refused(app.post("auth/reauthenticate/", {}), 422, "one_of", "")
    assert refused(app.post("auth/reauthenticate/", {"password": "x", "code": "1"}), 422, "one_of", "")
    app.reauthenticate()
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        app.tokens = app.post("auth/refresh/", {"refresh_token": app.tokens["refresh_token"]}).json()
        assert refused(app.post(BEGIN), 401, "reauthentication_required")
