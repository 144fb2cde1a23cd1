"""Signing up, in, on and out with an app; and that nothing opens after it ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from shop.cart.models import Cart
from shop.drops.admission import sign
from shop.drops.models import Drop
from shop.idempotency.models import KeptAnswer
from tests.api.people import EMAIL, PASSWORD, App, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def app(customer: User) -> App:
    return App().sign_in()


def test_signing_up_gives_tokens_and_sends_a_link() -> None:
    app = App()
    answer = app.post("auth/sign-up/", {"email": "ada@example.com", "password": "three grey gulls"})
    assert answer.status_code == 201, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    app.tokens = answer.json()
    assert app.tokens.keys() == {"access_token", "refresh_token", "expires_in", "token_type"}
    assert (app.tokens["expires_in"], app.tokens["token_type"]) == (300, "Bearer")
    assert app.is_in
    assert [letter.to for letter in mail.outbox] == [["ada@example.com"]]
    assert "set-cookie" not in {name.lower() for name in answer.headers}


def test_signing_up_with_a_known_address_or_an_easy_password_is_refused(customer: User) -> None:
    taken = App().post("auth/sign-up/", {"email": EMAIL.upper(), "password": "three grey gulls"})
    assert refused(taken, 422, "email_taken", "/email")
    easy = App().post("auth/sign-up/", {"email": "ada@example.com", "password": "12345"})
    assert refused(easy, 422, "password_too_short", "/password")
    own = App().post("auth/sign-up/", {"email": "ada@example.com", "password": "ada@example.com"})
    assert refused(own, 422, "password_too_similar", "/password")
    assert User.objects.count() == 1


def test_signing_in_opens_what_is_the_accounts(app: App) -> None:
    assert app.get("orders/").json()["results"] == []


def test_a_wrong_password_and_no_account_are_refused_alike(customer: User) -> None:
    wrong = App().post("auth/sign-in/", {"email": EMAIL, "password": "wrong"})
    unknown = App().post("auth/sign-in/", {"email": "who@example.com", "password": "wrong"})
    for answer in (wrong, unknown):
        assert refused(answer, 422, "email_password_mismatch", "/password")
    assert wrong.json()["errors"] == unknown.json()["errors"]


def test_five_wrong_passwords_are_enough(customer: User) -> None:
    for _ in range(5):
        App().post("auth/sign-in/", {"email": EMAIL, "password": "wrong"})
    answer = App().post("auth/sign-in/", {"email": EMAIL, "password": PASSWORD})
    assert refused(answer, 429, "too_many_attempts")
    assert answer.headers["Retry-After"] == "60"


def test_a_closed_account_is_told_so_only_with_its_password(customer: User) -> None:
    User.objects.update(is_active=False)
    answer = App().post("auth/sign-in/", {"email": EMAIL, "password": PASSWORD})
    assert refused(answer, 403, "account_inactive")
    answer = App().post("auth/sign-in/", {"email": EMAIL, "password": "wrong"})
    assert refused(answer, 422, "email_password_mismatch", "/password")


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ({"email": EMAIL}, "required", "/password"),
        ({"email": "no address", "password": "x"}, "invalid", "/email"),
        ({"email": EMAIL, "password": "x", "remember": True}, "unknown_field", "/remember"),
        ({"email": EMAIL, "password": "x" * 129}, "max_length", "/password"),
    ],
)
def test_what_the_schema_forbids_is_a_400(db: None, body: dict[str, object], code: str, path: str) -> None:
    assert refused(App().post("auth/sign-in/", body), 400, code, path)


def test_the_guests_cart_comes_along(customer: User, make_cart: Callable[..., Cart]) -> None:
    guest = make_cart(quantity=2)
    App().sign_in(**{"Cart-Token": guest.token})
    assert not Cart.objects.filter(pk=guest.pk).exists()
    assert [line.quantity for line in customer.cart.lines.all()] == [2]


def test_the_guests_cart_comes_along_into_a_new_account(make_cart: Callable[..., Cart]) -> None:
    guest = make_cart(quantity=3)
    body = {"email": "ada@example.com", "password": "three grey gulls"}
    App().post("auth/sign-up/", body, **{"Cart-Token": guest.token})
    assert [line.quantity for line in User.objects.get().cart.lines.all()] == [3]


def test_the_guests_place_in_a_line_comes_along(customer: User, make_drop: Callable[..., Drop]) -> None:
    drop = make_drop(opens_in=600)
    place = drop.places.create()
    App().sign_in(**{"Drop-Places": f"{drop.slug}={sign(place)}, other=forged"})
    place.refresh_from_db()
    assert place.user == customer


def test_nobody_brings_an_accounts_cart_along(customer: User, make_cart: Callable[..., Cart]) -> None:
    other = User.objects.create_user("ada@example.com", "three grey gulls")
    theirs = make_cart(user=other)
    App().sign_in(**{"Cart-Token": theirs.token})
    assert Cart.objects.filter(user=other, lines__quantity=1).exists()
    assert not Cart.objects.filter(user=customer).exists()


def test_an_access_token_lasts_five_minutes(app: App) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=4, seconds=55), tick=False):
        assert app.is_in
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=5), tick=False):
        answer = app.get("orders/")
    assert refused(answer, 401, "token_invalid")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="breakwater"'


def test_a_refresh_token_gets_the_next_pair_when_the_access_token_is_over(app: App) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=13), tick=False):
        answer = app.post("auth/refresh/", {"refresh_token": app.tokens["refresh_token"]})
        assert answer.status_code == 200, answer.content
        assert answer.json()["refresh_token"] != app.tokens["refresh_token"]
        app.tokens = answer.json()
        assert app.is_in
    with time_machine.travel(timezone.now() + timedelta(days=13 + 15), tick=False):
        answer = app.post("auth/refresh/", {"refresh_token": app.tokens["refresh_token"]})
    assert refused(answer, 401, "refresh_token_invalid")


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "a-key-of-a-second-use"}])
def test_a_refresh_token_used_twice_ends_the_sign_in(app: App, headers: dict[str, str]) -> None:
    used = app.tokens["refresh_token"]
    app.tokens = app.post("auth/refresh/", {"refresh_token": used}).json()
    other = App().sign_in()
    again = App().post("auth/refresh/", {"refresh_token": used}, **headers)
    assert refused(again, 401, "refresh_token_invalid")
    assert not app.is_in
    answer = app.post("auth/refresh/", {"refresh_token": app.tokens["refresh_token"]})
    assert refused(answer, 401, "refresh_token_invalid")
    assert other.is_in


def test_a_lost_answer_comes_again_with_its_key(app: App) -> None:
    body, key = {"refresh_token": app.tokens["refresh_token"]}, {"Idempotency-Key": "a-key-of-a-refresh"}
    first, second = (app.post("auth/refresh/", body, **key) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    app.tokens = second.json()
    assert app.is_in
    kept = bytes(KeptAnswer.objects.get().body)
    assert kept
    assert app.tokens["refresh_token"].encode() not in kept


@pytest.mark.parametrize("token", ["", "nonsense", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_refresh_token_is_refused(db: None, token: str) -> None:
    answer = App().post("auth/refresh/", {"refresh_token": token})
    assert answer.status_code == (401 if token else 400)


def test_an_access_token_is_no_refresh_token_nor_the_other_way_round(app: App) -> None:
    answer = app.post("auth/refresh/", {"refresh_token": app.tokens["access_token"]})
    assert refused(answer, 401, "refresh_token_invalid")
    app.tokens["access_token"] = app.tokens["refresh_token"]
    assert not app.is_in


def test_tokens_are_dead_at_once_after_signing_out(app: App) -> None:
    assert app.post("auth/sign-out/").status_code == 204
    assert not app.is_in
    answer = App().post("auth/refresh/", {"refresh_token": app.tokens["refresh_token"]})
    assert refused(answer, 401, "refresh_token_invalid")


def test_tokens_are_dead_at_once_with_a_closed_account(app: App) -> None:
    User.objects.update(is_active=False)
    assert not app.is_in
    answer = App().post("auth/refresh/", {"refresh_token": app.tokens["refresh_token"]})
    assert refused(answer, 401, "refresh_token_invalid")


def test_tokens_are_dead_at_once_with_a_deleted_account(app: App, customer: User) -> None:
    customer.delete()
    assert not app.is_in


def test_a_page_of_ours_is_no_app(customer: User) -> None:
    client = Client()
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    assert refused(client.post("/api/v1/auth/sign-out/"), 401, "not_authenticated")


def test_signing_in_with_a_dead_token_works(app: App) -> None:
    app.post("auth/sign-out/")
    answer = app.post("auth/sign-in/", {"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 200
