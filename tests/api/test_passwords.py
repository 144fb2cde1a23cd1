"""Passwords: forgotten, set anew, changed, asked for once more; and who is out afterwards."""

from __future__ import annotations

import re

import pytest
from django.core import mail

from accounts.models import User
from tests.api.people import EMAIL, PASSWORD, App, refused

pytestmark = pytest.mark.django_db
NEW = "a slow boat before breakfast"


@pytest.fixture
def app(customer: User) -> App:
    return App().sign_in()


def key_from_mail() -> str:
    found = re.search(r"/password/reset/key/([^/\s]+)/", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def test_the_answer_is_the_same_whether_or_not_the_address_is_known(customer: User) -> None:
    known = App().post("auth/password/forgot/", {"email": EMAIL})
    unknown = App().post("auth/password/forgot/", {"email": "who@example.com"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    assert [letter.to for letter in mail.outbox] == [[EMAIL], ["who@example.com"]]


def test_a_reset_signs_every_device_out_and_its_key_holds_once(app: App) -> None:
    other = App().sign_in()
    app.post("auth/password/forgot/", {"email": EMAIL})
    body = {"key": key_from_mail(), "password": NEW}
    assert App().post("auth/password/reset/", body).status_code == 204
    assert not app.is_in
    assert not other.is_in
    for tokens in (app.tokens, other.tokens):
        answer = App().post("auth/refresh/", {"refresh_token": tokens["refresh_token"]})
        assert refused(answer, 401, "refresh_token_invalid")
    assert App().sign_in(password=NEW).is_in
    assert refused(App().post("auth/password/reset/", body), 422, "invalid_password_reset", "/key")


def test_a_reset_to_an_easy_password_is_refused(app: App) -> None:
    app.post("auth/password/forgot/", {"email": EMAIL})
    answer = App().post("auth/password/reset/", {"key": key_from_mail(), "password": "password"})
    assert refused(answer, 422, "password_too_common", "/password")
    assert app.is_in


@pytest.mark.parametrize("key", ["nonsense", "1-set-password", "zz-1-2", "\U0001f422"])
def test_a_key_that_is_none_is_refused(db: None, key: str) -> None:
    answer = App().post("auth/password/reset/", {"key": key, "password": NEW})
    assert refused(answer, 422, "invalid_password_reset", "/key")


def test_a_changed_password_signs_all_others_out_at_once(app: App) -> None:
    other = App().sign_in()
    before = dict(app.tokens)
    answer = app.post("auth/password/change/", {"current_password": PASSWORD, "new_password": NEW})
    assert answer.status_code == 200, answer.content
    assert not other.is_in
    assert not app.is_in  # with the token from before
    for tokens in (before, other.tokens):
        dead = App().post("auth/refresh/", {"refresh_token": tokens["refresh_token"]})
        assert refused(dead, 401, "refresh_token_invalid")
    app.tokens = answer.json()
    assert app.is_in
    again = app.post("auth/refresh/", {"refresh_token": app.tokens["refresh_token"]})
    assert again.status_code == 200
    assert App().sign_in(password=NEW).is_in
    devices = App().sign_in(password=NEW).get("devices/").json()["results"]
    assert len(devices) == 3


def test_a_change_needs_the_present_password_and_a_good_new_one(app: App) -> None:
    wrong = app.post("auth/password/change/", {"current_password": "wrong", "new_password": NEW})
    assert refused(wrong, 422, "enter_current_password", "/current_password")
    easy = app.post("auth/password/change/", {"current_password": PASSWORD, "new_password": "short"})
    assert refused(easy, 422, "password_too_short", "/new_password")
    assert app.is_in


def test_a_change_is_for_who_is_signed_in(db: None) -> None:
    answer = App().post("auth/password/change/", {"current_password": PASSWORD, "new_password": NEW})
    assert refused(answer, 401, "not_authenticated")
