"""Every object has every field that the official package documents, with a type that it allows."""

import types
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import pytest
import requests
import stripe
from stripe import ListObject, StripeObject

from tests.sandbox.servers import wait_for

# Of these only the part that applies is there, as with Stripe.
ONE_OF = ("Event.Data", "NextAction", "PaymentMethodDetails", "PaymentMethodOptions", "DestinationDetails")
PLAIN = {int: int, str: str, bool: bool, float: (int, float)}


def options(hint):
    if get_origin(hint) in (Union, types.UnionType):
        return [option for part in get_args(hint) for option in options(part)]
    return [hint]


def fits(value, option):
    if option is Any:
        return True
    if option is type(None):
        return value is None
    if get_origin(option) is Literal:
        return value in get_args(option)
    if get_origin(option) is list:
        return isinstance(value, list)
    if isinstance(option, ForwardRef) or get_origin(option) is ListObject:
        return isinstance(value, dict)
    if isinstance(option, type) and option in PLAIN:
        return isinstance(value, PLAIN[option]) and not (option is int and isinstance(value, bool))
    return isinstance(value, dict)


def faults(value, resource, path):
    """Each field of `value` that is missing, unknown, or of a type that the package does not know."""
    known = {
        name: hint
        for name, hint in resource.__annotations__.items()
        if name not in ("OBJECT_NAME", "deleted")
    }
    found = [f"{path}.{name} is unknown" for name in value if name not in known]
    for name, hint in known.items():
        if name not in value:
            if not resource.__qualname__.endswith(ONE_OF):
                found.append(f"{path}.{name} is missing")
        elif not any(fits(value[name], option) for option in options(hint)):
            found.append(f"{path}.{name} is {value[name]!r}, not {hint}")
        else:
            found += nested_faults(value[name], hint, f"{path}.{name}")
    return found


def nested_faults(value, hint, path):
    found = []
    for option in options(hint):
        items = value if isinstance(value, list) else [value]
        kind = get_args(option)[0] if get_origin(option) is list else option
        if isinstance(kind, type) and issubclass(kind, StripeObject) and kind.__annotations__:
            for item in items:
                found += faults(item, kind, path) if isinstance(item, dict) else []
    return found


ADDRESS = {"line1": "1 Quay", "city": "Bergen", "country": "NO", "postal_code": "5003"}
PAYMENT = {
    "amount": 2000,
    "currency": "eur",
    "confirm": True,
    "return_url": "https://shop.example/back",
    "metadata": {"order": "7"},
    "description": "Order 7",
    "receipt_email": "ann@example.com",
    "shipping": {"name": "Ann", "address": ADDRESS},
}


@pytest.fixture(scope="module")
def story(till):
    """Objects of every kind, in many states."""
    client = till.client()
    customer = client.v1.customers.create(
        {"email": "a@example.com", "address": ADDRESS, "shipping": {"name": "Ann", "address": ADDRESS}}
    )
    seen = [customer]
    whole = {"expand": ["latest_charge.balance_transaction", "payment_method", "customer"]}
    for method in ("pm_card_visa", "pm_card_authenticationRequired", "pm_card_delayedSuccess"):
        params = {**PAYMENT, **whole, "payment_method": method, "customer": customer.id}
        seen.append(client.v1.payment_intents.create(params))
    challenge = seen[2].next_action.redirect_to_url.url
    requests.post(challenge, data={"outcome": "complete"}, timeout=5, allow_redirects=False)
    seen.append(client.v1.payment_intents.retrieve(seen[2].id, whole))
    seen.append(
        client.v1.payment_intents.create({"amount": 900, "currency": "usd", "capture_method": "manual"})
    )
    failed = client.v1.payment_intents.create(
        {**PAYMENT, "confirm": False} | {"return_url": None, "confirm": None}
    )
    declining = {"payment_method": "pm_card_visa_chargeDeclined", "return_url": "https://shop.example/back"}
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.confirm(failed.id, declining)
    seen.append(client.v1.payment_intents.retrieve(failed.id, {"expand": ["latest_charge"]}))
    seen.append(client.v1.refunds.create({"payment_intent": seen[1].id, "amount": 100}))
    seen.append(client.v1.charges.retrieve(seen[1].latest_charge.id, {"expand": ["refunds"]}))
    setup = {"customer": customer.id, "confirm": True, "return_url": "https://shop.example/back"}
    seen.append(
        client.v1.setup_intents.create(
            {**setup, "payment_method": "pm_card_visa", "expand": ["latest_attempt"]}
        )
    )
    with pytest.raises(stripe.CardError) as declined:
        client.v1.setup_intents.create({**setup, "payment_method": "pm_card_visa_chargeDeclined"})
    seen.append(declined.value.error.setup_intent)
    client.v1.payment_intents.create(PAYMENT | {"payment_method": "pm_card_createDispute"})
    seen.append(wait_for(lambda: client.v1.disputes.list({"limit": 1}).data)[0])
    seen += client.v1.payment_methods.list({"customer": customer.id}).data
    seen += [client.v1.balance.retrieve(), client.v1.accounts.retrieve_current()]
    seen += client.v1.balance_transactions.list({"limit": 100}).data
    seen += client.v1.events.list({"limit": 100}).data
    return seen


CLASSES = {
    kind.OBJECT_NAME: kind
    for kind in (
        stripe.Account,
        stripe.Balance,
        stripe.BalanceTransaction,
        stripe.Charge,
        stripe.Customer,
        stripe.Dispute,
        stripe.Event,
        stripe.PaymentIntent,
        stripe.PaymentMethod,
        stripe.Refund,
        stripe.SetupAttempt,
        stripe.SetupIntent,
    )
}


def every_object(value):
    if isinstance(value, list):
        for item in value:
            yield from every_object(item)
    elif isinstance(value, dict):
        kind = value.get("object")
        if isinstance(kind, str) and kind in CLASSES and not value.get("deleted"):
            yield value
        for item in value.values():
            yield from every_object(item)


@pytest.mark.parametrize("kind", CLASSES)
def test_no_documented_field_is_missing_or_of_another_type(story, kind):
    objects = [obj for whole in story for obj in every_object(whole.to_dict()) if obj["object"] == kind]
    assert objects
    assert sorted({fault for obj in objects for fault in faults(obj, CLASSES[kind], kind)}) == []


def test_the_check_notices_what_is_missing(story):
    intent = story[1].to_dict()
    del intent["latest_charge"]["outcome"]["risk_level"]
    intent["amount"] = "2000"
    intent["invented"] = 1
    found = faults(intent, stripe.PaymentIntent, "pi") + faults(intent["latest_charge"], stripe.Charge, "ch")
    assert [fault.split(" is ")[0] for fault in found] == [
        "pi.invented",
        "pi.amount",
        "ch.outcome.risk_level",
    ]
