"""Refunds: some or all of what was captured goes back, never more."""

import random

from stripe import Refund

from shop.sandbox import amounts, charges
from shop.sandbox.calls import Call, merge_metadata
from shop.sandbox.errors import StripeError, unexpected_state
from shop.sandbox.events import changes
from shop.sandbox.lists import page
from shop.sandbox.shapes import shaped
from shop.sandbox.store import Object, new_id, public

SETTLING_SECONDS = 2.0


def create(call: Call) -> Object:
    charge = _charge(call)
    _check_disputes(call, charge)
    amount = _amount(call, charge)
    method = call.existing("payment_method", charge["payment_method"])
    fate = charges.card_of(method).refund
    refund = shaped(
        Refund,
        {
            "id": new_id("re"),
            "object": "refund",
            "amount": amount,
            "charge": charge["id"],
            "created": call.now,
            "currency": charge["currency"],
            "customer": charge["customer"],
            "destination_details": {"type": "card"},
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "payment_method": charge["payment_method"],
            "pending_reason": "processing" if fate == "pending" else None,
            "reason": call.params.get("reason"),
            "status": "pending" if fate == "pending" else "succeeded",
        },
    )
    refund["destination_details"]["card"] = shaped(
        Refund.DestinationDetails.Card,
        {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
    )
    merge_metadata(call, refund)
    refund["balance_transaction"] = charges.book(
        call, refund["id"], "refund", -amount, charge["currency"], "REFUND FOR CHARGE"
    )["id"]
    call.save(refund)
    call.emit("refund.created", refund)
    _add_to_charge(call, charge, amount)
    call.store.in_seconds(SETTLING_SECONDS, "settle_refund", refund["id"])
    return refund


def _charge(call: Call) -> Object:
    if "charge" in call.params:
        charge = call.existing("charge", call.params["charge"], "charge", 400)
    elif "payment_intent" in call.params:
        intent = call.existing("payment_intent", call.params["payment_intent"], "payment_intent", 400)
        found = call.store.get("charge", intent["latest_charge"] or "")
        if intent["status"] != "succeeded" or not found:
            raise unexpected_state(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                public(intent),
            )
        charge = found
    else:
        raise StripeError(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
            param="payment_intent",
        )
    if not charge["captured"]:
        raise StripeError(
            f"Charge {charge['id']} is not captured: cancel its PaymentIntent to release it.",
            code="charge_not_refundable",
            param="charge",
        )
    return charge


def _check_disputes(call: Call, charge: Object) -> None:
    """What the bank has taken already cannot be given back a second time."""
    where = "body ->> '$.payment_intent' = ? AND body ->> '$.charge' = ?"
    for dispute in call.store.find("dispute", where, (charge["payment_intent"], charge["id"])):
        if dispute["status"] in ("needs_response", "under_review", "lost"):
            raise StripeError(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.",
                code="charge_disputed",
                param="charge",
            )


def refunded(call: Call, charge: Object) -> int:
    """What was given back so far. Refunds that failed have come home again."""
    where = "body ->> '$.payment_intent' = ? AND body ->> '$.charge' = ? AND body ->> '$.status' <> 'failed'"
    refunds = call.store.find("refund", where, (charge["payment_intent"], charge["id"]), 10_000)
    return sum(refund["amount"] for refund in refunds)


def _amount(call: Call, charge: Object) -> int:
    left: int = charge["amount_captured"] - refunded(call, charge)
    if left <= 0:
        raise StripeError(
            f"Charge {charge['id']} has already been refunded.",
            code="charge_already_refunded",
            param="charge",
        )
    amount: int = call.params.get("amount", left)
    if amount < 1:
        raise StripeError("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        whole = left == charge["amount_captured"]
        against = "charge amount" if whole else "unrefunded amount on charge"
        raise StripeError(
            f"Refund amount ({amounts.shown(amount, charge['currency'])}) is greater than {against} "
            f"({amounts.shown(left, charge['currency'])})",
            param="amount",
        )
    return amount


def _add_to_charge(call: Call, charge: Object, amount: int) -> None:
    before = dict(charge)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
    call.emit("charge.refunded" if amount > 0 else "charge.updated", charge, changes(before, charge))
    call.save(charge)


def retrieve(call: Call) -> Object:
    return call.existing("refund", call.id)


def list_all(call: Call) -> Object:
    return page(call, "refund", "/v1/refunds", ("charge", "payment_intent"))


def update(call: Call) -> Object:
    refund = call.existing("refund", call.id)
    before = dict(refund)
    merge_metadata(call, refund)
    call.emit("refund.updated", refund, changes(before, refund))
    return call.save(refund)


def settle(call: Call, id: str) -> None:
    """The bank's word, some seconds later: the reference is there, or the money came back."""
    refund = call.existing("refund", id)
    method = call.existing("payment_method", refund["payment_method"])
    before = dict(refund)
    if charges.card_of(method).refund == "fails":
        _fail(call, refund, before)
        return
    card = refund["destination_details"]["card"]
    arn = "".join(random.choices("0123456789", k=23))
    details = {
        **refund["destination_details"],
        "card": {**card, "reference": arn, "reference_status": "available"},
    }
    refund |= {"status": "succeeded", "pending_reason": None, "destination_details": details}
    call.emit("refund.updated", refund, changes(before, refund))
    call.emit("charge.refund.updated", refund, changes(before, refund))
    call.save(refund)


def _fail(call: Call, refund: Object, before: Object) -> None:
    charge = call.existing("charge", refund["charge"])
    back = charges.book(call, refund["id"], "refund_failure", refund["amount"], refund["currency"], None)
    refund |= {
        "status": "failed",
        "failure_reason": "lost_or_stolen_card",
        "failure_balance_transaction": back["id"],
    }
    call.save(refund)
    call.emit("refund.updated", refund, changes(before, refund))
    call.emit("refund.failed", refund)
    call.emit("charge.refund.updated", refund, changes(before, refund))
    _add_to_charge(call, charge, -refund["amount"])
