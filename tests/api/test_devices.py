"""Where an account is signed in, and that what is signed out from elsewhere is out at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.devices import device_name
from accounts.models import User
from tests.api.people import EMAIL, PASSWORD, App, refused

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def app(customer: User) -> App:
    return App().sign_in()


def browser() -> Client:
    client = Client(HTTP_USER_AGENT=FIREFOX)
    client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    return client


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1 Version/18.2 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
            "Edge on Windows",
        ),
        ("Breakwater/3.1 (Android 15; Pixel 9)", "Breakwater on Android"),
        ("", "A device that did not say its name"),
        ("Mozilla/5.0", "A device that did not say its name"),
    ],
)
def test_a_device_has_a_name_that_a_person_knows(agent: str, name: str) -> None:
    assert device_name(agent) == name


def test_apps_and_browsers_are_listed_and_this_one_is_marked(app: App) -> None:
    browser()
    results = app.get("devices/").json()["results"]
    assert [(one["name"], one["current"]) for one in results] == [
        ("Firefox on Linux", False),
        ("Breakwater on iPhone", True),
    ]
    assert results[1].keys() == {
        *("id", "name", "user_agent", "ip", "signed_in_at", "last_seen_at", "current"),
    }
    assert results[1]["ip"] == "127.0.0.1"


def test_a_refresh_says_when_and_where_an_app_was_seen(app: App) -> None:
    before = app.get("devices/").json()["results"][0]
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=False):
        body = {"refresh_token": app.tokens["refresh_token"]}
        app.tokens = app.post("auth/refresh/", body, **{"User-Agent": "Breakwater/3.2 (iPhone)"}).json()
        after = app.get("devices/").json()["results"][0]
    assert (after["id"], after["signed_in_at"]) == (before["id"], before["signed_in_at"])
    assert after["last_seen_at"] > before["last_seen_at"]
    assert after["user_agent"] == "Breakwater/3.2 (iPhone)"


def test_another_device_is_signed_out_at_once(app: App) -> None:
    other, page = App().sign_in(), browser()
    for name in ("Breakwater on iPhone", "Firefox on Linux"):
        (found,) = [
            one for one in app.get("devices/").json()["results"] if one["name"] == name and not one["current"]
        ]
        assert app.delete(f"devices/{found['id']}/").status_code == 204
    assert not other.is_in
    dead = App().post("auth/refresh/", {"refresh_token": other.tokens["refresh_token"]})
    assert refused(dead, 401, "refresh_token_invalid")
    assert page.get("/account/").status_code == 302
    assert app.is_in
    assert len(app.get("devices/").json()["results"]) == 1


def test_this_device_signs_itself_out(app: App) -> None:
    (own,) = app.get("devices/").json()["results"]
    assert app.delete(f"devices/{own['id']}/").status_code == 204
    assert not app.is_in


def test_all_others_are_signed_out(app: App) -> None:
    others, page = [App().sign_in() for _ in range(3)], browser()
    assert app.post("devices/sign-out-others/").status_code == 204
    assert [one.is_in for one in others] == [False] * 3
    assert page.get("/account/").status_code == 302
    assert app.is_in


def test_somebody_elses_device_is_not_found(app: App) -> None:
    User.objects.create_user("ada@example.com", "three grey gulls")
    theirs = App().sign_in("ada@example.com", "three grey gulls")
    (device,) = theirs.get("devices/").json()["results"]
    assert refused(app.delete(f"devices/{device['id']}/"), 404, "not_found")
    assert refused(app.delete("devices/99999999999999999999/"), 404, "not_found")
    app.post("devices/sign-out-others/")
    assert theirs.is_in


def test_a_session_that_is_over_is_no_device(app: App) -> None:
    other = App().sign_in()
    key = UserSession.objects.latest("pk").session_key
    Session.objects.filter(pk=key).update(expire_date=timezone.now())
    assert len(app.get("devices/").json()["results"]) == 1
    assert UserSession.objects.count() == 1
    assert not other.is_in


def test_a_guest_has_no_devices(db: None) -> None:
    assert refused(App().get("devices/"), 401, "not_authenticated")


def test_many_devices_take_no_more_queries(app: App, django_assert_max_num_queries: Callable) -> None:
    for _ in range(8):
        App().sign_in()
    with django_assert_max_num_queries(4):  # session, user, devices, sessions
        assert len(app.get("devices/").json()["results"]) == 9
