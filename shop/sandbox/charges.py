"""Charges: one for each attempt to take the money, and the balance transactions that follow."""

import random
from typing import Any

from stripe import BalanceTransaction, Charge

from shop.sandbox import amounts, cards
from shop.sandbox.calls import Call, merge_metadata
from shop.sandbox.cards import Decline, TestCard
from shop.sandbox.events import changes
from shop.sandbox.lists import page
from shop.sandbox.shapes import shaped, shaped_fields
from shop.sandbox.store import Object, new_id

DAY = 86_400
DISPUTED_AFTER = 0.5
RISK_SCORES = {"normal": 32, "elevated": 68, "highest": 92}


def retrieve(call: Call) -> Object:
    return call.existing("charge", call.id)


def list_all(call: Call) -> Object:
    return page(call, "charge", "/v1/charges", ("customer", "payment_intent", "transfer_group"))


def update(call: Call) -> Object:
    charge = call.existing("charge", call.id)
    before = dict(charge)
    charge |= shaped_fields(
        Charge,
        call.taken("description", "receipt_email", "shipping", "fraud_details", "transfer_group", "customer"),
    )
    merge_metadata(call, charge)
    call.emit("charge.updated", charge, changes(before, charge))
    return call.save(charge)


def new(call: Call, intent: Object, method: Object, card: TestCard, authenticated: bool) -> Object:
    """An attempt whose outcome is still open."""
    id = new_id("ch")
    charge = shaped(
        Charge,
        {
            "id": id,
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "SANDBOX",
            "captured": False,
            "created": call.now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "paid": False,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": None,
            "radar_options": {},
            "receipt_email": intent["receipt_email"],
            "refunded": False,
            "shipping": intent["shipping"],
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": "pending",
            "transfer_group": intent["transfer_group"],
        },
    )
    charge["payment_method_details"] = {
        "type": "card",
        "card": _card_details(intent, method, card, authenticated),
    }
    return charge


def _card_details(intent: Object, method: Object, card: TestCard, authenticated: bool) -> Object:
    typed = method["card"]
    secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "result": "authenticated",
        "transaction_id": new_id("tds", 18),
        "version": "2.2.0",
    }
    details: dict[str, Any] = {
        "amount_authorized": None if card.decline else intent["amount"],
        "authorization_code": None if card.decline else f"{random.randrange(10**6):06}",
        "brand": typed["brand"],
        "checks": {"cvc_check": card.checks if typed["checks"]["cvc_check"] else None},
        "country": typed["country"],
        "exp_month": typed["exp_month"],
        "exp_year": typed["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": typed["fingerprint"],
        "funding": typed["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "last4": typed["last4"],
        "multicapture": {"status": "unavailable"},
        "network": typed["brand"],
        "network_token": {"used": False},
        "network_transaction_id": str(random.randrange(10**14, 10**15)),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": secure if authenticated else None,
    }
    return shaped(Charge.PaymentMethodDetails.Card, details)


def declined(call: Call, charge: Object, decline: Decline, card: TestCard) -> Object:
    blocked = card.decline == "fraudulent"
    outcome = {
        "advice_code": decline.advice,
        "network_status": "not_sent_to_network" if blocked else "declined_by_network",
        "reason": "highest_risk_level" if blocked else decline.decline_code,
        "seller_message": "Stripe blocked this payment as too risky."
        if blocked
        else "The bank did not return any further details with this decline.",
        "type": "blocked" if blocked else "issuer_declined",
    }
    charge |= {"status": "failed", "failure_code": decline.code, "failure_message": decline.message}
    charge["outcome"] = _outcome(outcome, card)
    call.emit("charge.failed", charge)
    return call.save(charge)


def accepted(call: Call, charge: Object, card: TestCard, capture: bool) -> Object:
    charge |= {"status": "succeeded", "paid": True}
    charge["receipt_url"] = f"{call.stripe_url}/receipts/{charge['id']}"
    charge["outcome"] = _outcome(
        {
            "network_status": "approved_by_network",
            "reason": "elevated_risk_level" if card.risk == "elevated" else None,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        card,
    )
    if capture:
        _take(call, charge, charge["amount"])
    else:
        charge["payment_method_details"]["card"]["capture_before"] = call.now + 7 * DAY
    call.emit("charge.succeeded", charge)
    call.save(charge)
    if card.dispute:
        call.store.in_seconds(DISPUTED_AFTER, "open_dispute", charge["id"])
    return charge


def _outcome(values: Object, card: TestCard) -> Object:
    return shaped(Charge.Outcome, {**values, "risk_level": card.risk, "risk_score": RISK_SCORES[card.risk]})


def pending(call: Call, charge: Object, card: TestCard) -> Object:
    charge["outcome"] = _outcome(
        {
            "network_status": "approved_by_network",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        card,
    )
    call.emit("charge.pending", charge)
    return call.save(charge)


def capture(call: Call, charge: Object, amount: int) -> Object:
    before = dict(charge)
    _take(call, charge, amount)
    charge["amount_refunded"] = charge["amount"] - amount
    call.emit("charge.captured", charge, changes(before, charge))
    return call.save(charge)


def release(call: Call, charge: Object) -> Object:
    """Gives an authorisation back uncaptured."""
    before = dict(charge)
    charge |= {"amount_refunded": charge["amount"], "refunded": True}
    call.emit("charge.refunded", charge, changes(before, charge))
    return call.save(charge)


def _take(call: Call, charge: Object, amount: int) -> None:
    transaction = book(call, charge["id"], "charge", amount, charge["currency"], charge["description"])
    charge |= {"captured": True, "amount_captured": amount, "balance_transaction": transaction["id"]}


def book(
    call: Call,
    source: str,
    kind: str,
    amount: int,
    currency: str,
    description: str | None,
    category: str = "",
    kept: int = 0,
) -> Object:
    """A line of the balance: the amount, what the processor keeps, and when it is ours to pay out."""
    kept = amounts.fee(amount, currency) if kind == "charge" else kept
    transaction = shaped(
        BalanceTransaction,
        {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": call.now + (2 * DAY if amount > 0 else 0),
            "balance_type": "payments",
            "created": call.now,
            "currency": currency,
            "description": description,
            "fee": kept,
            "fee_details": [],
            "net": amount - kept,
            "reporting_category": category or kind,
            "source": source,
            "status": "pending" if amount > 0 else "available",
            "type": kind,
        },
    )
    if kept:
        transaction["fee_details"] = [
            shaped(
                BalanceTransaction.FeeDetail,
                {
                    "amount": kept,
                    "currency": currency,
                    "description": "Stripe processing fees",
                    "type": "stripe_fee",
                },
            )
        ]
    return call.save(transaction)


def card_of(method: Object) -> TestCard:
    return cards.BY_NUMBER[method["_"]["number"]]
