"""Totals follow the address and the VAT id: on the page, on the order, in the mail, in the API, for staff."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from djmoney.money import Money

from accounts.models import Address, User
from shop.catalog.models import Variant
from shop.demo.seed import seed_tax_rates
from shop.orders.mails import send_order_mail
from shop.orders.models import Order
from shop.pricing.assessment import EXPORT, REVERSE_CHARGE
from shop.shipping.models import ShippingMethod

DETAILS, AMOUNTS, DELIVERY = "/checkout/", "/checkout/amounts/", "/checkout/delivery/"
IRELAND = {
    "email": "nora@example.com",
    "name": "Nora Byrne",
    "line1": "4 Harbour Row",
    "city": "Howth",
    "postal_code": "D13 F6K7",
    "country": "IE",
}
OREGON = IRELAND | {"country": "US", "region": "OR", "city": "Portland", "postal_code": "97201"}
CALIFORNIA = IRELAND | {"country": "US", "region": "CA", "city": "San Francisco", "postal_code": "94110"}
SWITZERLAND = IRELAND | {"country": "CH", "city": "Zürich", "postal_code": "8001"}
FRANCE = IRELAND | {"country": "FR", "city": "Paris", "postal_code": "75001"}
BUSINESS = FRANCE | {"company": "Galerie du Port", "vat_id": "fr 40 303 265 045"}


@pytest.fixture(autouse=True)
def rates(settings: Any, delivery: ShippingMethod) -> None:
    settings.CARRIERS = {}
    seed_tax_rates()


@pytest.fixture
def buyer(signed_in: Client, make_variant: Callable[..., Variant]) -> Client:
    """With two prints of €24.00 in the cart; a parcel costs €4.90."""
    signed_in.post("/cart/add/", {"variant": make_variant(price="24.00").pk, "quantity": 2})
    return signed_in


def sums(page: str) -> dict[str, str]:
    """The rows of the summary by their name, as they are read."""
    part = re.search(r'<dl class="sums">(.*?)</dl>', page, re.DOTALL)
    assert part, page
    rows = re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", part[1], re.DOTALL)
    return {re.sub(r"<span.*?</span>", "", name): amount for name, amount in rows}


def to_delivery(client: Client, address: dict[str, str]) -> str:
    answer = client.post(DETAILS, address)
    assert answer.headers.get("Location") == DELIVERY, answer.text
    return client.get(DELIVERY).text


def place(client: Client, page: str) -> Order:
    form = dict(re.findall(r'<input type="hidden" name="(key|shown_total)" value="([^"]*)"', page))
    answer = client.post(DELIVERY, form | {"shipping": "method:tube"})
    return Order.objects.get(public_id=answer.headers["Location"].split("/")[2])


JOURNEYS = {
    "Ireland": (IRELAND, {"Total": "€52.90", "of which tax": "€9.90"}, "9.90", "0.00", "52.90", ""),
    "Switzerland": (SWITZERLAND, {"Total": "€52.90", "of which tax": "€3.97"}, "3.97", "0.00", "52.90", ""),
    "Oregon": (OREGON, {"Total": "€52.90", "of which tax": "€0.00"}, "0.00", "0.00", "52.90", EXPORT),
    "California": (CALIFORNIA, {"Tax": "€3.48", "Total": "€56.38"}, "3.48", "3.48", "56.38", ""),
    "a business in France": (
        BUSINESS,
        {"VAT taken off": "−€8.82", "Total": "€44.08"},
        "0.00",
        "-8.82",
        "44.08",
        REVERSE_CHARGE,
    ),
}


@pytest.mark.parametrize("where", JOURNEYS)
def test_the_totals_are_right_on_every_page_and_paper(buyer: Client, where: str) -> None:
    address, shown, tax, added, total, note = JOURNEYS[where]
    page = to_delivery(buyer, address)
    order = place(buyer, page)

    for text in (page, buyer.get(order.get_absolute_url()).text):
        rows = sums(text)
        assert {name: rows[name] for name in rows if name not in ("Prints", "Delivery")} == shown
        assert note in text.replace("&#x27;", "'")
    amounts = (order.tax, order.tax_added, order.total)
    assert [amount.amount for amount in amounts] == [Decimal(tax), Decimal(added), Decimal(total)]
    assert order.tax_note == note

    send_order_mail.call(order.pk, "confirmation")
    written = str(mail.outbox[-1].body)
    assert f"Total: {shown['Total']}" in written
    assert note in written

    told = buyer.get(f"/api/v1/orders/{order.public_id}/").json()
    given = [told[name]["amount"] for name in ("tax", "tax_added", "total")]
    assert given == [tax, added, total]
    assert (told["tax_note"], told["vat_id"]) == (note, order.vat_id)
    lines = told["lines"]
    assert Decimal(lines[0]["total"]["amount"]) == 48 + Decimal(lines[0]["tax_added"]["amount"])


def test_the_sums_follow_the_address_while_it_is_typed(buyer: Client) -> None:
    seen = {}
    for name, address in {"IE": IRELAND, "CA": CALIFORNIA, "OR": OREGON, "business": BUSINESS}.items():
        seen[name] = sums(buyer.post(AMOUNTS, address, headers={"HX-Request": "true"}).text)
    assert seen["IE"] == {"Prints": "€48.00", "Total": "€48.00", "of which tax": "€8.98"}
    assert seen["CA"] == {"Prints": "€48.00", "Tax": "€3.48", "Total": "€51.48"}
    assert seen["OR"]["of which tax"] == "€0.00"
    assert seen["business"] == {"Prints": "€48.00", "VAT taken off": "−€8.00", "Total": "€40.00"}


def test_the_sums_follow_the_kept_address_that_is_ticked(buyer: Client, customer: User) -> None:
    fields = {
        name: CALIFORNIA[name] for name in ("name", "line1", "city", "region", "postal_code", "country")
    }
    kept = Address.objects.create(user=customer, **fields)
    assert sums(buyer.get(DETAILS).text)["Tax"] == "€3.48"
    assert "Tax" in sums(buyer.post(AMOUNTS, IRELAND | {"address_id": str(kept.pk)}).text)
    assert "Tax" not in sums(buyer.post(AMOUNTS, IRELAND | {"address_id": "new"}).text)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vat_id": "FR40303265044"}, "This does not look like a VAT id."),
        ({"company": ""}, "a VAT id belongs to one"),
    ],
)
def test_a_wrong_id_is_told_at_its_field(buyer: Client, changes: dict[str, str], sentence: str) -> None:
    answer = buyer.post(DETAILS, BUSINESS | changes)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert '<details class="business" open>' in answer.text


def test_the_order_keeps_why_it_was_taxed_so_and_staff_see_it(
    buyer: Client, admin_client: Client, settings: Any
) -> None:
    settings.COUNTRY_HEADER = "X-Country"
    buyer.defaults["HTTP_X_COUNTRY"] = "be"
    order = place(buyer, to_delivery(buyer, BUSINESS))

    assert (order.vat_id, order.tax_treatment) == ("FR40303265045", "reverse_charge")
    evidence = order.tax_evidence
    assert evidence["parcel"] == {"country": "FR", "region": "", "code": "75001"}
    assert (evidence["sent_from"], evidence["request_country"]) == ("IE", "BE")
    page = admin_client.get(f"/admin/orders/order/{order.pk}/change/").text
    for words in (
        "FR40303265045",
        "VIES was not asked",
        "Reverse charge",
        "not where the parcel goes",
        "75001",
    ):
        assert words in page


def test_the_database_refuses_a_reverse_charge_with_tax_or_without_an_id(buyer: Client) -> None:
    order = place(buyer, to_delivery(buyer, BUSINESS))
    for wrong in ({"vat_id": ""}, {"tax": Money("1.00", "EUR")}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Order.objects.filter(pk=order.pk).update(**wrong)


@pytest.mark.django_db(transaction=True)
def test_an_id_that_the_register_does_not_know_goes_no_further(
    buyer: Client, sandbox_url: str, settings: Any
) -> None:
    async def turn(**knobs: object) -> None:
        async with aiohttp.ClientSession() as http:
            (await http.post(f"{sandbox_url}/knobs", json=knobs)).raise_for_status()

    settings.VIES_URL = f"{sandbox_url}/vies/rest-api"
    async_to_sync(turn)(vies_fault="none", vies_latency_ms=0)
    unknown = buyer.post(DETAILS, BUSINESS | {"vat_id": "DE100000049", "company": "Nobody"})
    assert unknown.status_code == 422

    order = place(buyer, to_delivery(buyer, BUSINESS))
    assert order.tax_evidence["vies"]["answer"] == "known"

    async_to_sync(turn)(vies_fault="member_down")
    buyer.post("/cart/add/", {"variant": order.lines.get().variant_id, "quantity": 1})
    later = place(buyer, to_delivery(buyer, BUSINESS))
    assert (later.tax_evidence["vies"]["answer"], later.tax_treatment) == ("silent", "reverse_charge")
