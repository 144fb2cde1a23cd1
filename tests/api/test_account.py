"""Who is signed in, the e-mail addresses to sign in with, and the address book."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from accounts.models import Address, User
from shop.orders.models import Order
from tests.api.people import EMAIL, PASSWORD, App, refused

pytestmark = pytest.mark.django_db
BOOK, EMAILS = "account/addresses/", "account/emails/"


@pytest.fixture
def app(customer: User) -> App:
    EmailAddress.objects.create(user=customer, email=EMAIL, verified=True, primary=True)
    return App().sign_in()


@pytest.fixture
def stranger(db: None) -> App:
    User.objects.create_user("ada@example.com", PASSWORD)
    return App().sign_in("ada@example.com")


@pytest.fixture
def address(address: dict[str, str]) -> dict[str, str]:
    return address | {"region": "Co. Dublin"}


def key_from_mail() -> str:
    found = re.search(r"/confirm-email/([^/\s]+)/", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def test_who_is_signed_in(app: App, order: Order, django_assert_max_num_queries: Callable) -> None:
    with django_assert_max_num_queries(5):
        told = app.get("account/").json()
    joined_at = told.pop("joined_at")
    assert joined_at.endswith("Z")
    assert told == {
        "email": EMAIL,
        "email_verified": True,
        "first_name": "",
        "last_name": "",
        "second_factor": False,
        "claimable_orders": 1,
    }


def test_orders_of_an_address_that_is_not_confirmed_are_not_told_of(app: App, order: Order) -> None:
    EmailAddress.objects.update(verified=False)
    told = app.get("account/").json()
    assert (told["email_verified"], told["claimable_orders"]) == (False, 0)


def test_a_name_is_changed_and_what_is_left_out_stays(app: App) -> None:
    app.patch("account/", {"first_name": "Nora", "last_name": "Byrne"})
    answer = app.patch("account/", {"first_name": "Nóra"})
    assert (answer.json()["first_name"], answer.json()["last_name"]) == ("Nóra", "Byrne")
    assert refused(app.patch("account/", {"email": "x@example.com"}), 400, "unknown_field", "/email")
    assert app.patch("account/", {}).json()["last_name"] == "Byrne"


def test_an_account_is_for_who_signed_in(db: None) -> None:
    for path in ("account/", BOOK, EMAILS, f"{BOOK}1/"):
        assert refused(App().get(path), 401, "not_authenticated")


def test_an_address_is_added_confirmed_and_becomes_the_one_to_sign_in_with(app: App) -> None:
    assert refused(app.post(EMAILS, {"email": "nora@work.example"}), 401, "reauthentication_required")
    added = app.reauthenticate().post(EMAILS, {"email": "nora@work.example"})
    assert added.status_code == 201
    first, second = added.json()["results"]
    assert (first["email"], first["primary"], first["verified"]) == (EMAIL, True, True)
    assert (second["email"], second["primary"], second["verified"]) == ("nora@work.example", False, False)
    assert refused(app.post(f"{EMAILS}{second['id']}/make-primary/"), 409, "email_not_verified")
    key = key_from_mail()
    assert App().post("auth/email/verify/", {"key": key}).status_code == 204
    answer = app.post(f"{EMAILS}{second['id']}/make-primary/")
    assert [one["email"] for one in answer.json()["results"]] == ["nora@work.example", EMAIL]
    assert app.get("account/").json()["email"] == "nora@work.example"
    assert App().sign_in("nora@work.example").is_in


def test_an_address_is_removed_but_not_the_one_to_sign_in_with(app: App, customer: User) -> None:
    other = EmailAddress.objects.create(user=customer, email="old@example.com", verified=True)
    primary = EmailAddress.objects.get(email=EMAIL)
    assert refused(app.delete(f"{EMAILS}{other.pk}/"), 401, "reauthentication_required")
    app.reauthenticate()
    assert refused(app.delete(f"{EMAILS}{primary.pk}/"), 409, "primary_email_stays")
    assert app.delete(f"{EMAILS}{other.pk}/").status_code == 204
    assert refused(app.delete(f"{EMAILS}{other.pk}/"), 404, "not_found")
    assert [one["email"] for one in app.get(EMAILS).json()["results"]] == [EMAIL]


def test_an_address_is_in_an_account_once(app: App) -> None:
    answer = app.reauthenticate().post(EMAILS, {"email": EMAIL.upper()})
    assert refused(answer, 422, "duplicate_email", "/email")


def test_an_address_of_another_account_can_neither_be_confirmed_nor_signed_in_with(
    app: App, stranger: App
) -> None:
    """Adding it is not refused, which would tell that there is such an account."""
    EmailAddress.objects.filter(email="ada@example.com").update(verified=True)
    added = app.reauthenticate().post(EMAILS, {"email": "ADA@example.com"}).json()["results"][1]
    assert refused(app.post(f"{EMAILS}{added['id']}/make-primary/"), 409, "email_not_verified")
    EmailAddress.objects.filter(email=EMAIL).update(verified=False)
    assert refused(app.post(f"{EMAILS}{added['id']}/make-primary/"), 409, "email_not_verified")
    assert app.get("account/").json()["email"] == EMAIL


def test_the_confirmation_is_sent_again_once_in_three_minutes(app: App, customer: User) -> None:
    other = EmailAddress.objects.create(user=customer, email="old@example.com")
    assert app.post(f"{EMAILS}{other.pk}/send-confirmation/").status_code == 202
    assert mail.outbox[-1].to == ["old@example.com"]
    again = app.post(f"{EMAILS}{other.pk}/send-confirmation/")
    assert refused(again, 429, "sent_already")
    assert again.headers["Retry-After"] == "180"
    App().post("auth/email/verify/", {"key": key_from_mail()})
    assert refused(app.post(f"{EMAILS}{other.pk}/send-confirmation/"), 409, "email_confirmed")


@pytest.mark.parametrize("key", ["nonsense", "MTI:1vQZ8c:forged"])
def test_a_key_that_is_none_confirms_nothing(db: None, key: str) -> None:
    answer = App().post("auth/email/verify/", {"key": key})
    assert refused(answer, 422, "invalid_or_expired_key", "/key")


def test_somebody_elses_addresses_are_not_found(app: App, stranger: App, address: dict[str, str]) -> None:
    email = EmailAddress.objects.get(email=EMAIL)
    kept = app.post(BOOK, address).json()["id"]
    stranger.reauthenticate()
    assert refused(stranger.delete(f"{EMAILS}{email.pk}/"), 404, "not_found")
    assert refused(stranger.post(f"{EMAILS}{email.pk}/make-primary/"), 404, "not_found")
    assert refused(stranger.post(f"{EMAILS}{email.pk}/send-confirmation/"), 404, "not_found")
    assert refused(stranger.get(f"{BOOK}{kept}/"), 404, "not_found")
    assert refused(stranger.put(f"{BOOK}{kept}/", address), 404, "not_found")
    assert refused(stranger.delete(f"{BOOK}{kept}/"), 404, "not_found")
    assert refused(stranger.post(f"{BOOK}{kept}/make-default/"), 404, "not_found")
    assert stranger.get(BOOK).json() == {"results": []}
    assert refused(stranger.get(f"{BOOK}99999999999999999999/"), 404, "not_found")


def test_the_first_address_is_the_default_until_another_takes_its_place(
    app: App, address: dict[str, str]
) -> None:
    first = app.post(BOOK, address | {"postal_code": "d13f6k7"})
    assert first.status_code == 201
    assert (first.json()["is_default"], first.json()["postal_code"]) == (True, "D13F6K7")
    assert first.json()["as_lines"] == [
        *("Nora Byrne", "4 Harbour Row", "D13F6K7 Howth", "Co. Dublin", "Ireland"),
    ]
    second = app.post(BOOK, address | {"line1": "5 Harbour Row", "is_default": True}).json()
    assert [one["is_default"] for one in app.get(BOOK).json()["results"]] == [True, False]
    answer = app.post(f"{BOOK}{first.json()['id']}/make-default/").json()
    assert answer["is_default"]
    assert app.get(f"{BOOK}{second['id']}/").json()["is_default"] is False


def test_the_same_address_is_kept_once(app: App, address: dict[str, str]) -> None:
    ids = {app.post(BOOK, address).json()["id"] for _ in range(2)}
    assert len(ids) == 1


def test_an_address_is_written_anew_as_a_whole(app: App, address: dict[str, str]) -> None:
    kept = app.post(BOOK, address | {"phone": "+353 1 000 0000"}).json()
    answer = app.put(f"{BOOK}{kept['id']}/", address | {"city": "Sutton"})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["city"], answer.json()["phone"], answer.json()["is_default"]) == (
        "Sutton",
        "",
        True,
    )
    assert app.delete(f"{BOOK}{kept['id']}/").status_code == 204
    assert not Address.objects.exists()


def test_what_does_not_fit_the_country_is_told_at_its_field(app: App, address: dict[str, str]) -> None:
    answer = app.post(BOOK, address | {"postal_code": "nonsense", "name": " "})
    assert refused(answer, 422, "invalid", "/postal_code")
    assert refused(answer, 422, "invalid", "/name")
    assert refused(app.post(BOOK, address | {"country": "XX"}), 400, "invalid_choice", "/country")
    assert not Address.objects.exists()


def test_an_address_book_of_many_takes_no_more_queries(
    app: App, customer: User, address: dict[str, str], django_assert_max_num_queries: Callable
) -> None:
    for number in range(12):
        customer.addresses.create(**address | {"line1": f"{number} Harbour Row"})
    with django_assert_max_num_queries(3):  # session, user, addresses
        assert len(app.get(BOOK).json()["results"]) == 12


def test_an_address_form_has_what_the_country_needs(db: None) -> None:
    told = App().get("address-forms/US/")
    assert told.headers["Cache-Control"] == "public, no-cache"
    fields = {one["name"]: one for one in told.json()["fields"]}
    assert list(fields) == [
        *("name", "country", "company", "line1", "line2", "city", "region", "postal_code", "phone"),
    ]
    assert (fields["postal_code"]["label"], fields["postal_code"]["required"]) == ("ZIP code", True)
    assert {"value": "CA", "label": "California"} in fields["region"]["choices"]
    assert (fields["company"]["required"], fields["company"]["max_length"]) == (False, 120)
    assert "region" not in {one["name"] for one in App().get("address-forms/FR/").json()["fields"]}


def test_every_country_has_an_address_form(db: None) -> None:
    listed = App().get("address-forms/").json()["results"]
    assert {"code": "IE", "name": "Ireland"} in listed
    assert len(listed) > 200
    for country in listed:
        assert App().get(f"address-forms/{country['code']}/").status_code == 200, country
    for unknown in ("XX", "ie", "IRL"):
        assert refused(App().get(f"address-forms/{unknown}/"), 404, "not_found")
