"""Asking to be told: by an account, and by a guest who confirms the address first."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from shop.alerts.invitations import LINKS_TO_ONE_ADDRESS
from shop.alerts.models import Alert
from shop.alerts.services import ask
from shop.catalog.models import Variant

pytestmark = pytest.mark.django_db
ALERTS = "/api/v1/alerts/"


@pytest.fixture
def buyer(customer: User) -> Client:
    client = Client()
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def gone(make_variant: Callable[..., Variant]) -> Variant:
    return make_variant(title="Ebb", stock=0)


def want(client: Client, variant: Variant, kind: str = "stock.back", **more: Any) -> Any:
    return client.post(ALERTS, {"sku": variant.sku, "kind": kind, **more}, "application/json")


def test_an_account_waits_and_waits_no_longer(buyer: Client, gone: Variant) -> None:
    answer = want(buyer, gone)
    shown = answer.json()
    assert (answer.status_code, shown["sku"], shown["title"], shown["price_asked"]) == (
        201,
        gone.sku,
        "Ebb",
        None,
    )
    assert shown["occasion"] == "when “Ebb” is back"
    assert want(buyer, gone).json()["id"] == shown["id"]
    cheaper = want(buyer, gone, "price.drop").json()
    assert cheaper["price_asked"] == {"amount": "24.00", "currency": "EUR"}
    listed = buyer.get(ALERTS).json()
    assert (listed["results"], listed["email_confirmed"]) == ([shown, cheaper], False)
    assert buyer.delete(f"{ALERTS}{shown['id']}/").status_code == 204
    assert buyer.delete(f"{ALERTS}{shown['id']}/").status_code == 404
    assert [one["id"] for one in buyer.get(ALERTS).json()["results"]] == [cheaper["id"]]


def test_nobody_waits_for_what_is_there(buyer: Client, make_variant: Callable[..., Variant]) -> None:
    answer = want(buyer, make_variant(stock=3))
    assert (answer.status_code, answer.json()["code"]) == (409, "there_already")


def test_a_guest_is_mailed_a_link_and_nothing_is_stored(client: Client, gone: Variant) -> None:
    answer = want(client, gone, email="Nora@Example.com")
    assert answer.status_code == 202
    assert "Nora@Example.com" in answer.json()["detail"]
    assert not Alert.objects.exists()
    assert DBTaskResult.objects.filter(task_path__endswith="send_invitation").count() == 1
    for _ in range(LINKS_TO_ONE_ADDRESS - 1):
        want(client, gone, email="nora@example.com")
    refused = want(client, gone, email="nora@example.com")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_links")
    assert refused.headers["Retry-After"] == "3600"


@pytest.mark.parametrize(
    ("more", "path", "who"),
    [
        ({}, "/email", "guest"),
        ({"email": "nora"}, "/email", "guest"),
        ({"email": "nora@example.com"}, "/email", "account"),
        ({"sku": "NONE"}, "/sku", "account"),
    ],
)
def test_what_does_not_go_is_told_by_its_place(
    client: Client, buyer: Client, gone: Variant, more: dict[str, str], path: str, who: str
) -> None:
    answer = want(buyer if who == "account" else client, gone, **more)
    assert answer.status_code == 422
    assert [one["path"] for one in answer.json()["errors"]] == [path]


def test_somebody_elses_alert_is_not_there(buyer: Client, client: Client, gone: Variant) -> None:
    other = ask(gone, "stock.back", user=User.objects.create_user("mo@example.com", "x"))
    assert buyer.delete(f"{ALERTS}{other.pk}/").status_code == 404
    assert client.delete(f"{ALERTS}{other.pk}/").status_code == 401
    assert client.get(ALERTS).status_code == 401
    assert Alert.objects.count() == 1


def test_fifty_alerts_take_as_many_queries_as_five(
    buyer: Client, customer: User, make_variant: Callable[..., Variant], django_assert_num_queries: Callable
) -> None:
    for wanted in (5, 50):
        for _ in range(customer.alerts.count(), wanted):
            ask(make_variant(stock=0), "stock.back", user=customer)
        # session, user, address, alerts, variants, their values, covers
        with django_assert_num_queries(7):
            assert len(buyer.get(ALERTS, {"limit": 100}).json()["results"]) == wanted
