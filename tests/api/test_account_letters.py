"""Whoever owns an account hears by e-mail of what changes about signing in, whether by a page or by an app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from shop.account_letters import send_account_letter
from tests.api.people import EMAIL, PASSWORD, TOTP, App, set_up

pytestmark = pytest.mark.django_db
NEW = "a slow boat before breakfast"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


def posted() -> list[Any]:
    """What the background work has sent of what was waiting."""
    mail.outbox.clear()
    for row in DBTaskResult.objects.filter(task_path__endswith="send_account_letter").order_by("enqueued_at"):
        send_account_letter.func(*row.args_kwargs["args"])
    DBTaskResult.objects.all().delete()
    return list(mail.outbox)


def subjects() -> list[tuple[str, str]]:
    return [(letter.to[0], letter.subject) for letter in posted()]


@pytest.fixture
def app(customer: User) -> App:
    EmailAddress.objects.create(user=customer, email=EMAIL, verified=True, primary=True)
    app = App().sign_in()
    posted()
    return app


def sign_in_at(browser: Client, password: str = PASSWORD) -> None:
    answer = browser.post("/accounts/login/", {"login": EMAIL, "password": password})
    assert answer.status_code == 302, answer.content


# --- Signing in ----------------------------------------------------------------------------------


def test_an_app_that_signs_in_is_told_of(app: App) -> None:
    App("Breakwater/3.1 (iPhone; iOS 18.2)").sign_in()
    (letter,) = posted()
    assert (letter.to, letter.subject) == ([EMAIL], "A new sign-in to your account")
    html = letter.alternatives[0].content
    for text in (letter.body, html):
        assert "Breakwater on iPhone" in text
        assert "127.0.0.1" in text
        assert "http://testserver/accounts/password/reset/" in text
    assert letter.body.endswith("Breakwater, http://testserver")
    assert "who can sign in to your account at testserver." in html
    assert "leave it be" not in html


def test_a_browser_is_told_of_once(app: App) -> None:
    browser = Client(HTTP_USER_AGENT=FIREFOX)
    sign_in_at(browser)
    (letter,) = posted()
    assert "Firefox on Linux" in letter.body
    browser.post("/accounts/logout/")
    sign_in_at(browser)
    assert posted() == []
    sign_in_at(Client(HTTP_USER_AGENT=FIREFOX))  # of the same make, and another
    assert len(posted()) == 1


def test_a_browser_is_new_again_with_another_password_and_to_another_account(
    app: App, customer: User, django_user_model: type[User]
) -> None:
    browser = Client()
    sign_in_at(browser)
    posted()
    django_user_model.objects.create_user("max@example.com", PASSWORD)
    browser.post("/accounts/logout/")
    browser.post("/accounts/login/", {"login": "max@example.com", "password": PASSWORD})
    assert subjects() == [("max@example.com", "A new sign-in to your account")]
    browser.post("/accounts/logout/")
    sign_in_at(browser)
    assert posted() == []
    customer.set_password(NEW)
    customer.save()
    browser.post("/accounts/logout/")
    sign_in_at(browser, NEW)
    assert subjects() == [(EMAIL, "A new sign-in to your account")]


def test_what_a_browser_keeps_cannot_be_made_up_and_is_hidden_from_scripts(app: App) -> None:
    browser = Client()
    sign_in_at(browser)
    kept = browser.cookies["known_here"]
    assert kept["httponly"]
    assert (kept["path"], kept["samesite"]) == ("/accounts/", "Lax")
    posted()
    forger = Client()
    forger.cookies["known_here"] = f"{kept.value.partition(':')[0]}:1vQZ8c:forged"
    sign_in_at(forger)
    assert len(posted()) == 1


def test_a_new_account_is_not_told_that_it_was_made(db: None) -> None:
    assert App().post("auth/sign-up/", {"email": "ada@example.com", "password": NEW}).status_code == 201
    Client().post("/accounts/signup/", {"email": "eve@example.com", "password1": NEW, "password2": NEW})
    assert User.objects.count() == 2
    assert posted() == []


def test_a_wrong_password_and_a_refresh_are_not_told(app: App) -> None:
    App().post("auth/sign-in/", {"email": EMAIL, "password": "wrong"})
    app.post("auth/refresh/", {"refresh_token": app.tokens["refresh_token"]})
    assert posted() == []


# --- Password, addresses, second factor ----------------------------------------------------------


def by_app_password(app: App) -> None:
    answer = app.post("auth/password/change/", {"current_password": PASSWORD, "new_password": NEW})
    assert answer.status_code == 200


def by_page_password(app: App) -> None:
    browser = Client()
    sign_in_at(browser)
    posted()
    words = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert browser.post("/accounts/password/change/", words).status_code == 302


@pytest.mark.parametrize("change", [by_app_password, by_page_password])
def test_a_changed_password_is_told(app: App, change: Callable[[App], None]) -> None:
    change(app)
    assert subjects() == [(EMAIL, "Your password was changed")]


def test_a_password_set_by_a_link_is_told(app: App) -> None:
    app.post("auth/password/forgot/", {"email": EMAIL})
    key = str(mail.outbox[-1].body).split("/password/reset/key/")[1].split("/")[0]
    assert App().post("auth/password/reset/", {"key": key, "password": NEW}).status_code == 204
    assert subjects() == [(EMAIL, "A new password was set")]


def test_another_address_to_sign_in_with_is_told_to_the_old_one(app: App, customer: User) -> None:
    other = EmailAddress.objects.create(user=customer, email="nora@example.org", verified=True)
    assert app.reauthenticate().post(f"account/emails/{other.pk}/make-primary/").status_code == 200
    (letter,) = posted()
    assert (letter.to, letter.subject) == ([EMAIL], "You sign in with another address now")
    assert "with nora@example.org from now on, no longer with nora@example.com" in letter.body
    old = EmailAddress.objects.get(email=EMAIL)
    assert app.delete(f"account/emails/{old.pk}/").status_code == 204
    assert subjects() == [("nora@example.org", "An e-mail address was removed")]


@pytest.mark.django_db(transaction=True)
def test_every_change_of_the_second_factor_is_told(app: App) -> None:
    set_up(app)
    assert subjects() == [(EMAIL, "Sign-in asks for a code now")]
    assert app.post("account/mfa/recovery-codes/", **{"Idempotency-Key": "x" * 20}).status_code == 200
    assert subjects() == [(EMAIL, "New recovery codes were made")]
    assert app.delete(TOTP).status_code == 204
    assert subjects() == [(EMAIL, "Sign-in asks for no code any more")]


def test_what_is_undone_is_not_told(app: App) -> None:
    answer = app.post("auth/password/change/", {"current_password": PASSWORD, "new_password": "short"})
    assert answer.status_code == 422
    assert posted() == []


# --- The post ------------------------------------------------------------------------------------


def test_a_mail_server_that_is_away_holds_up_nothing(app: App, settings: Any) -> None:
    nobody = {"host": "127.0.0.1", "port": 9}
    settings.MAILERS = {
        "default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": nobody}
    }
    by_app_password(app)
    row = DBTaskResult.objects.get(task_path__endswith="send_account_letter")
    send_account_letter.func(*row.args_kwargs["args"])
    again = DBTaskResult.objects.exclude(pk=row.pk).get(task_path__endswith="send_account_letter")
    assert again.args_kwargs["args"] == [*row.args_kwargs["args"], 2]
    assert again.run_after > again.enqueued_at
    with pytest.raises(ConnectionRefusedError):
        send_account_letter.func(*row.args_kwargs["args"], attempt=8)
