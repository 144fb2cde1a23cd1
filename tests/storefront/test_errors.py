"""Error pages: in the house's own look, and not in need of what may be broken."""

from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.test import Client
from django.urls import path

from shop.storefront import errors
from shop.urls import handler400, handler403, handler404, handler500  # noqa: F401  Django looks for them here.
from shop.urls import urlpatterns as shop_urls


def break_down(request: HttpRequest) -> None:
    raise RuntimeError("Nobody should see this.")


def refuse_to_read(request: HttpRequest) -> None:
    raise SuspiciousOperation


urlpatterns = [path("break/", break_down), path("suspect/", refuse_to_read), *shop_urls]


@pytest.fixture
def quiet(client: Client) -> Client:
    client.raise_request_exception = False
    return client


def test_an_unknown_address_gets_our_404_with_the_whole_frame(client: Client, db: None) -> None:
    page = client.get("/nowhere/")

    assert page.status_code == 404
    assert "Not on the chart" in page.text
    assert 'role="search"' in page.text


def test_a_form_without_its_token_is_asked_for_again_in_our_look(db: None) -> None:
    page = Client(enforce_csrf_checks=True).post("/cart/add/", {"variant": 1})

    assert page.status_code == 403
    assert "Once more, please" in page.text
    assert "breakwater.css" in page.text


@pytest.mark.urls("tests.storefront.test_errors")
def test_a_fault_of_ours_gets_our_500_without_the_database(quiet: Client) -> None:
    """No database fixture here: a single query would fail the test."""
    page = quiet.get("/break/")

    assert page.status_code == 500
    assert "Rough sea on our side" in page.text
    assert "Nobody should see this" not in page.text


@pytest.mark.urls("tests.storefront.test_errors")
def test_a_request_that_makes_no_sense_gets_our_400_without_the_database(quiet: Client) -> None:
    page = quiet.get("/suspect/")

    assert page.status_code == 400
    assert "We could not read that" in page.text


def test_a_host_that_is_not_ours_gets_our_400(client: Client) -> None:
    page = client.get("/", headers={"host": "evil.example"})

    assert page.status_code == 400
    assert "We could not read that" in page.text


def test_the_403_page_keeps_the_frame(rf: Any, db: None) -> None:
    request = rf.get("/")
    page = errors.forbidden(request)

    assert page.status_code == 403
    assert "This quay is closed" in page.content.decode()
    assert "Skip to the content" in page.content.decode()
