from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from djmoney.money import Money

from shop.catalog.models import Variant
from shop.promotions.guessing import WRONG_FROM_AN_ADDRESS
from shop.shipping.models import ShippingMethod
from tests.offers import make_coupon, make_offer

pytestmark = pytest.mark.django_db


def ask(client: Client, *lines: tuple[str, int], **more: Any) -> Any:
    body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines], **more}
    return client.post("/api/v1/prices/", body, "application/json")


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_a_list_is_priced_with_every_step_and_a_word_on_every_offer(
    client: Client, make_variant: Callable[..., Variant], delivery: ShippingMethod
) -> None:
    variant = make_variant(price="24.00", title="Ebb")
    make_offer(percent=50, name="Big orders", minimum=Money(100, "EUR"))
    make_coupon("HARBOUR10", percent=10, name="Harbour welcome")
    answer = ask(client, (variant.sku, 2), code="harbour10").json()
    assert (answer["subtotal"], answer["discount"], answer["total"]) == (
        euros("48.00"),
        euros("4.80"),
        euros("43.20"),
    )
    assert [(step["kind"], step["reason"], step["amount"], step["lines"]) for step in answer["steps"]] == [
        ("price", "Ebb, 2 × €24.00", euros("48.00"), [variant.sku]),
        ("coupon", "Harbour welcome (code HARBOUR10)", euros("-4.80"), [variant.sku]),
        ("tax", "23 % tax within the prices: €8.08", euros("0.00"), [variant.sku]),
    ]
    assert [(one["name"], one["applied"], one["words"]) for one in answer["offers"]] == [
        ("Big orders", False, "It starts at €100.00 of what it covers; €52.00 is missing."),
        ("Harbour welcome", True, "Takes €4.80 off."),
    ]


def test_what_is_not_for_sale_is_named(client: Client) -> None:
    answer = ask(client, ("NONE", 1))
    assert answer.status_code == 422
    assert [(one["path"], one["detail"]) for one in answer.json()["errors"]] == [
        ("/lines/0/sku", "NONE is not for sale.")
    ]


def test_a_code_is_refused_in_words_and_guessing_with_429(
    client: Client, make_variant: Callable[..., Variant]
) -> None:
    sku = make_variant().sku
    answers = [ask(client, (sku, 1), code="WRONG") for _ in range(WRONG_FROM_AN_ADDRESS + 1)]
    assert answers[0].status_code == 422
    told = answers[0].json()
    assert told["code"] == "coupon_unknown"
    assert told["errors"] == [
        {"in": "body", "path": "/code", "code": "coupon_unknown", "detail": told["detail"]}
    ]
    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "too_many_guesses"
    assert answers[-1].headers["Retry-After"] == "900"
