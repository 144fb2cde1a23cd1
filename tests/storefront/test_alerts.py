"""Asking to be told: on a print's page, among an account's pages, and by the link a guest is mailed."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from djmoney.money import Money
from playwright.sync_api import Page, expect

from accounts.models import User
from shop.alerts.invitations import AGE, LINKS_TO_ONE_ADDRESS, Invitation
from shop.alerts.models import Alert
from shop.alerts.services import ask
from shop.catalog.models import Product, Variant
from shop.inventory.services import receive
from tests.tasks import work_off_tasks

BACK, CHEAPER = Alert.Kind.BACK, Alert.Kind.CHEAPER


@pytest.fixture
def gone(shelf: Any) -> Variant:
    """Ebb, small and unframed, sold out; in oak there are two."""
    product = shelf.print("Ebb", shelf.swell, stock={"30x40/none": 0, "30x40/oak": 2})
    shelf.picture(product)
    return product.variants.get(sku="ebb-30x40-none")


def post(client: Client, variant: Variant, kind: str = BACK, **more: str) -> str:
    """Asks, and returns the page that comes of it."""
    asked = client.post("/alerts/", {"variant": variant.pk, "kind": kind, **more}, follow=True)
    assert asked.status_code == 200
    return asked.text


def test_a_sold_out_print_offers_to_tell_and_says_that_it_will(signed_in: Client, gone: Variant) -> None:
    page = signed_in.get("/products/ebb/?size=30x40&frame=none").text
    assert re.search(r"<button [^>]*data-ask><svg.*?</svg> Tell me when it is back</button>", page)

    page = post(signed_in, gone)
    assert "We will tell you when “Ebb” is back." in page
    assert re.search(r"<button [^>]*data-ask hidden><svg.*?</svg> Tell me when it is back</button>", page)
    assert '"awaited":true' in page
    assert "You no longer wait for “Ebb”." in post(signed_in, gone, stop="1")
    assert not Alert.objects.exists()


def test_what_is_there_can_be_watched_for_its_price_alone(signed_in: Client, gone: Variant) -> None:
    oak = gone.product.variants.get(sku="ebb-30x40-oak")
    page = post(signed_in, oak, CHEAPER)
    assert "We will tell you if “Ebb” costs less than €70.00." in page
    assert r'"watched":"\u20ac70.00"' in page
    assert 'data-alert="stock.back" hidden' in page
    assert "It is there: you can have it now." in post(signed_in, oak, BACK)
    assert [alert.kind for alert in Alert.objects.all()] == [CHEAPER]


def test_what_is_not_for_sale_cannot_be_waited_for(signed_in: Client, gone: Variant) -> None:
    Product.objects.update(visible_until=timezone.now())
    assert "not for sale at the moment" in post(signed_in, gone)
    assert not Alert.objects.exists()
    assert signed_in.post("/alerts/", {"variant": "x", "kind": "other"}).headers["Location"] == "/products/"


def test_an_account_sees_what_it_waits_for_and_calls_it_off(
    signed_in: Client, gone: Variant, customer: User, django_assert_num_queries: Any
) -> None:
    assert "You wait for nothing" in signed_in.get("/account/waiting/").text
    first = ask(gone, BACK, user=customer)
    signed_in.get("/account/waiting/")
    with django_assert_num_queries(9):
        one = signed_in.get("/account/waiting/").text
    assert "When it is back" in one
    assert "Confirm nora@example.com" in one
    for variant in gone.product.variants.all():
        ask(variant, CHEAPER, user=customer)
    with django_assert_num_queries(9):
        page = signed_in.get("/account/waiting/").text
    assert page.count("Stop waiting") == 3
    assert "If it costs less than" in page

    foreign = ask(gone, BACK, email="ada@example.com")
    assert signed_in.post(f"/account/waiting/{foreign.pk}/stop/").status_code == 404
    signed_in.post(f"/account/waiting/{first.pk}/stop/")
    assert [alert.kind for alert in customer.alerts.all()] == [CHEAPER, CHEAPER]


# --- Guests -------------------------------------------------------------------------------------


def link_in(letter: Any) -> str:
    return re.search(r"http://localhost:8000(/alerts/\S+)", letter.body).group(1)


def test_a_guest_waits_once_the_mailed_link_is_answered(client: Client, gone: Variant) -> None:
    assert "We have sent a link to ada@example.com" in post(client, gone, email="ada@example.com")
    work_off_tasks()
    letter = mail.outbox[0]
    assert (letter.subject, letter.to) == ("Shall we tell you about “Ebb”?", ["ada@example.com"])
    assert "when “Ebb” is back (30 × 40 cm, Unframed)" in letter.body
    link = link_in(letter)
    assert link in letter.alternatives[0].content
    assert "Shall we tell you when “Ebb” is back?" in client.get(link).text
    assert not Alert.objects.exists(), "a program may look into links before people do"

    assert "We will tell you when “Ebb” is back" in client.post(link, follow=True).text
    kept = Alert.objects.get()
    assert (kept.user, kept.email, kept.variant) == (None, "ada@example.com", gone)
    assert "Shall we tell you" in client.post(link, {"stop": "1"}, follow=True).text
    assert not Alert.objects.exists()


def test_a_guest_s_price_is_that_of_the_day_they_asked(client: Client, gone: Variant) -> None:
    post(client, gone, CHEAPER, email="ada@example.com")
    work_off_tasks()
    Variant.objects.filter(pk=gone.pk).update(price=Money("20", "EUR"))
    client.post(link_in(mail.outbox[0]))

    assert Alert.objects.get().price_asked == Money("30", "EUR")


def test_a_link_that_came_too_late_says_so(client: Client, gone: Variant) -> None:
    link = f"/alerts/{Invitation(gone.pk, BACK, 'ada@example.com', '30', 'EUR').token}/"
    receive(gone, 1)
    assert "It is there: you can have it now." in client.post(link, follow=True).text
    with time_machine.travel(timezone.now() + AGE * 1.01, tick=True):
        old = client.post(link)
    assert old.status_code == 410
    assert "This link is too old" in old.text
    assert client.post(link.replace("/alerts/", "/alerts/x")).status_code == 404
    assert not Alert.objects.exists()


def test_a_stranger_s_letterbox_is_not_filled(client: Client, gone: Variant) -> None:
    assert "does not look like an e-mail address" in post(client, gone, email="ada@")
    for _ in range(LINKS_TO_ONE_ADDRESS):
        assert "We have sent a link" in post(client, gone, email="ada@example.com")
    assert "We have sent enough links for now" in post(client, gone, email="Ada@example.com")
    assert "We have sent a link" in post(client, gone, email="bob@example.com")


# --- In a browser -------------------------------------------------------------------------------


@pytest.mark.browser
def test_what_can_be_asked_follows_the_combination(
    live_server: Any, client: Client, gone: Variant, customer: User, open_page: Callable[..., Page]
) -> None:
    client.force_login(customer)
    session = client.cookies["sessionid"].value
    page = open_page(f"{live_server.url}/", session=session)
    page.goto(f"{live_server.url}/products/ebb/?size=30x40&frame=none")
    page.get_by_role("button", name="Tell me when it is back").click()
    expect(page.get_by_role("button", name="Stop waiting")).to_be_visible()
    page.get_by_role("radio", name="Oak").check()
    expect(page.get_by_role("button", name="Stop waiting")).to_be_hidden()
    page.get_by_role("button", name="Tell me if it gets cheaper").click()
    expect(page.get_by_text("We will tell you if it costs less than €70.00")).to_be_visible()
    page.get_by_role("radio", name="Unframed").check()
    expect(page.get_by_role("button", name="Tell me if it gets cheaper")).to_be_visible()
    page.get_by_role("button", name="Stop waiting").click()
    expect(page.get_by_role("button", name="Tell me when it is back")).to_be_visible()
    assert [alert.kind for alert in customer.alerts.all()] == [CHEAPER]
