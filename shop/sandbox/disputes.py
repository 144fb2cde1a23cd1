"""Disputes: a test card whose owner asks the bank for the money back, and the evidence that decides it.

As with Stripe's own test cards, evidence whose `uncategorized_text` is `winning_evidence` or `losing_evidence`
ends the dispute so; any other stays under review.
"""

from stripe import Dispute

from shop.sandbox import charges, refunds
from shop.sandbox.calls import Call, merge_metadata
from shop.sandbox.errors import StripeError
from shop.sandbox.events import changes
from shop.sandbox.lists import page
from shop.sandbox.shapes import shaped
from shop.sandbox.store import Object, new_id

DECIDED_AFTER = 0.5
DAYS_TO_ANSWER = 7
FEE = 1500
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
ENDINGS = {"winning_evidence": "won", "losing_evidence": "lost"}


def open_one(call: Call, charge_id: str) -> None:
    """The bank's letter. An inquiry takes no money; what was refunded meanwhile is not disputed any more."""
    charge = call.existing("charge", charge_id)
    amount = charge["amount_captured"] - refunds.refunded(call, charge)
    if charge["disputed"] or amount <= 0:
        return
    method = call.existing("payment_method", charge["payment_method"])
    dispute = _blank(call, charge, amount, charges.card_of(method).dispute or "fraudulent")
    before = dict(charge)
    charge["disputed"] = True
    call.save(charge)
    call.emit("charge.updated", charge, changes(before, charge))
    call.save(dispute)
    call.emit("charge.dispute.created", dispute)
    if dispute["status"] == "needs_response":
        _book(call, dispute, "dispute")
        call.emit("charge.dispute.funds_withdrawn", dispute)


def _blank(call: Call, charge: Object, amount: int, reason: str) -> Object:
    inquiry = reason == "inquiry"
    card = charge["payment_method_details"]["card"]
    return shaped(
        Dispute,
        {
            "id": new_id("du"),
            "object": "dispute",
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "created": call.now,
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": call.now + DAYS_TO_ANSWER * charges.DAY,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": inquiry,
            "livemode": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "payment_method_details": {
                "type": "card",
                "card": {
                    "brand": card["brand"],
                    "case_type": "inquiry" if inquiry else "chargeback",
                    "network": card["network"],
                    "network_reason_code": "83",
                },
            },
            "reason": "fraudulent" if inquiry else reason,
            "status": "warning_needs_response" if inquiry else "needs_response",
        },
    )


def _book(call: Call, dispute: Object, category: str) -> None:
    amount, kept = (-dispute["amount"], FEE) if category == "dispute" else (dispute["amount"], 0)
    what = f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute['charge']}"
    line = charges.book(call, dispute["id"], "adjustment", amount, dispute["currency"], what, category, kept)
    dispute["balance_transactions"].append(line)
    call.save(dispute)


def retrieve(call: Call) -> Object:
    return call.existing("dispute", call.id)


def list_all(call: Call) -> Object:
    return page(call, "dispute", "/v1/disputes", ("charge", "payment_intent"))


def update(call: Call) -> Object:
    """Evidence, sent to the bank unless `submit` says to wait."""
    dispute = _open(call)
    before = dict(dispute)
    merge_metadata(call, dispute)
    if evidence := call.params.get("evidence"):
        dispute["evidence"] = {**dispute["evidence"], **evidence}
        details = {**dispute["evidence_details"], "has_evidence": True}
        if call.params.get("submit", True):
            details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
            dispute["status"] = dispute["status"].replace("needs_response", "under_review")
            call.store.in_seconds(DECIDED_AFTER, "settle_dispute", dispute["id"])
        dispute["evidence_details"] = details
    call.emit("charge.dispute.updated", dispute, changes(before, dispute))
    return call.save(dispute)


def close(call: Call) -> Object:
    """Given up: the money stays with the buyer."""
    return end(call, _open(call), "lost")


def settle(call: Call, id: str) -> None:
    """The bank's decision about the evidence."""
    dispute = call.existing("dispute", id)
    ending = ENDINGS.get(dispute["evidence"]["uncategorized_text"] or "")
    if ending and dispute["status"] in OPEN:
        end(call, dispute, ending)


def _open(call: Call) -> Object:
    dispute = call.existing("dispute", call.id)
    if dispute["status"] not in OPEN:
        raise StripeError(f"This dispute is already {dispute['status'].replace('_', ' ')}.")
    return dispute


def end(call: Call, dispute: Object, ending: str) -> Object:
    before, inquiry = dict(dispute), dispute["status"].startswith("warning")
    dispute["status"] = "warning_closed" if inquiry and ending == "won" else ending
    if inquiry and ending == "lost":
        _book(call, dispute, "dispute")
        call.emit("charge.dispute.funds_withdrawn", dispute)
    if not inquiry and ending == "won":
        _book(call, dispute, "dispute_reversal")
        call.emit("charge.dispute.funds_reinstated", dispute)
    call.emit("charge.dispute.closed", dispute, changes(before, dispute))
    return call.save(dispute)
