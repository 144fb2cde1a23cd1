from typing import Any

import pytest
from django.db import connection
from django.test import Client

from shop import health


def test_livez_asks_nobody(client: Client) -> None:
    # No database mark: a query would fail this test.
    assert client.get("/livez").status_code == 200


@pytest.mark.django_db
def test_readyz_says_ready(client: Client) -> None:
    assert client.get("/readyz").json() == {"ready": True, "fault": ""}


@pytest.mark.django_db(transaction=True)
def test_readyz_names_a_schema_that_is_behind(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET name = 'x' WHERE app = 'cart' AND name = '0001_initial'")
        try:
            answer = client.get("/readyz")
        finally:
            cursor.execute(
                "UPDATE django_migrations SET name = '0001_initial' WHERE app = 'cart' AND name = 'x'"
            )
    assert answer.status_code == 503
    assert "migrate" in answer.json()["fault"]


@pytest.mark.django_db
def test_metrics_are_for_the_house_only(client: Client, settings: Any) -> None:
    assert "breakwater_open_sockets 0" in client.get("/metrics").text
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 404
    settings.METRICS_TOKEN = "harbour-master"
    assert client.get("/metrics").status_code == 404
    token = {"authorization": "Bearer harbour-master"}
    assert client.get("/metrics", headers=token, REMOTE_ADDR="203.0.113.7").status_code == 200
