"""A database that is full, gone or locked: every face says in its own words to come again, and means it."""

import logging
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils.crypto import get_random_string
from django.views.decorators.csrf import csrf_exempt
from psycopg import errors

from shop.outages import InOneLine, is_outage
from shop.urls import handler400, handler403, handler404, handler500  # noqa: F401  Django looks for them here.
from shop.urls import urlpatterns as shop_urls

ENDS = {"sqlite": "PRAGMA max_page_count = 1", "postgresql": "SELECT pg_terminate_backend(pg_backend_pid())"}


@csrf_exempt
def meet_an_outage(request: HttpRequest) -> HttpResponse:
    """SQLite has no room to grow (1 is as much as it has); PostgreSQL ends the connection."""
    with connection.cursor() as cursor:
        cursor.execute(ENDS[connection.vendor])
        cursor.execute("CREATE TABLE ballast AS SELECT zeroblob(1000000)")
    return HttpResponse("This cannot be.")


def fill_session(request: HttpRequest) -> HttpResponse:
    request.session["ballast"] = get_random_string(1_000_000) if "full" in request.GET else "little"
    if "full" in request.GET:
        with suppress(OperationalError), connection.cursor() as cursor:
            cursor.execute(ENDS[connection.vendor])
    return HttpResponse("This cannot be kept.")


def ask_nonsense(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column FROM no_such_table")
    return HttpResponse("This cannot be.")


urlpatterns = [
    *(path(f"{face}outage/", meet_an_outage) for face in ("", "api/v1/", "webhooks/")),
    path("session/", fill_session),
    path("nonsense/", ask_nonsense),
    *shop_urls,
]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.storefront.test_outages")]


@pytest.fixture
def quiet(client: Client) -> Iterator[Client]:
    client.raise_request_exception = False
    if connection.vendor == "sqlite":
        connection.cursor().execute("VACUUM")  # other tests may have left pages free, which are room
    yield client
    connection.close()  # the next test gets one that has room, and is alive


def test_a_page_asks_the_visitor_to_come_again(quiet: Client) -> None:
    page = quiet.get("/outage/")

    assert (page.status_code, page.headers["Retry-After"]) == (503, "10")
    assert "Please try again in a moment; nothing happens twice." in page.text
    assert "no-store" in page.headers["Cache-Control"]


@pytest.mark.parametrize("address", ["/api/v1/outage/", "/webhooks/outage/"])
def test_a_program_gets_it_as_json(quiet: Client, address: str) -> None:
    answer = quiet.post(address)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert answer.json()["code"] == "unavailable"


def test_htmx_puts_a_line_where_messages_are(quiet: Client) -> None:
    answer = quiet.get("/outage/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Retarget"]) == (503, "#messages")
    assert "<html" not in answer.text
    assert "Please try again" in answer.text


def test_a_statement_that_makes_no_sense_stays_a_fault_of_ours(quiet: Client) -> None:
    assert quiet.get("/nonsense/").status_code == 500


def test_an_outage_is_one_line_of_the_log(quiet: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="django.request"):
        quiet.get("/nonsense/")
        quiet.get("/outage/")

    nonsense, outage = caplog.records
    assert outage.exc_info is None
    assert nonsense.exc_info is not None


@pytest.mark.parametrize("kind", [errors.DeadlockDetected, errors.SerializationFailure])
def test_locks_taken_in_the_wrong_order_keep_their_way_there(kind: type[Exception]) -> None:
    """The visitor may try again, and we have to look at it."""
    error = OperationalError("deadlock detected")
    error.__cause__ = kind()
    record = logging.LogRecord("x", logging.ERROR, "", 0, "Gone: %s", ("/",), (type(error), error, None))
    assert is_outage(error)
    assert InOneLine().filter(record)
    assert record.exc_info is not None


def test_a_session_that_cannot_be_written_is_no_fault_of_the_visitor(quiet: Client) -> None:
    """Django itself answers 400, as to a visitor who signed out meanwhile."""
    quiet.get("/session/")
    page = quiet.get("/session/?full")

    assert (page.status_code, page.headers["Retry-After"]) == (503, "10")
