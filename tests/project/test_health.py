import pytest
from django.db.migrations.recorder import MigrationRecorder
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
    latest = MigrationRecorder.Migration.objects.filter(app="cart").latest("name")
    MigrationRecorder.Migration.objects.filter(pk=latest.pk).update(name="x")
    try:
        answer = client.get("/readyz")
    finally:
        latest.save()
    assert answer.status_code == 503
    assert "migrate" in answer.json()["fault"]
