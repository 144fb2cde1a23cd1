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
