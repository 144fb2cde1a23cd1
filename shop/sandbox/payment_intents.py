"""Payment intents: what is to be paid, from first mention to captured or cancelled.

How the money is taken stands in confirmation.py.
"""

from stripe import PaymentIntent

from shop.sandbox import amounts, authentication, charges, confirmation, intents
from shop.sandbox.calls import Call, merge_metadata
from shop.sandbox.errors import StripeError, unexpected_state
from shop.sandbox.lists import page
from shop.sandbox.shapes import shaped, shaped_fields
from shop.sandbox.store import Object, new_id, public

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELLABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
PLAIN = (
    "description",
    "receipt_email",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
    "setup_future_usage",
)
ONLY_WHILE_OPEN = (
    "amount",
    "currency",
    "payment_method",
    "payment_method_data",
    "setup_future_usage",
    "capture_method",
)


def create(call: Call) -> Object:
    currency = amounts.check_currency(call.params["currency"])
    amounts.check_amount(call.params["amount"], currency)
    intent = _blank(call, currency)
    intent |= shaped_fields(PaymentIntent, call.taken(*PLAIN))
    merge_metadata(call, intent)
    intents.choose_customer(call, intent)
    intents.choose_method(call, intent)
    call.save(intent)
    call.emit("payment_intent.created", intent)
    if call.params.get("confirm"):
        return confirmation.attempt(call, intent)
    for name in ("off_session", "return_url", "error_on_requires_action", "mandate_data"):
        if name in call.params:
            raise StripeError(f"The parameter `{name}` cannot be passed when creating a PaymentIntent unless "
                              "`confirm` is set to true.", param=name)  # fmt: skip
    return intent


def _blank(call: Call, currency: str) -> Object:
    id, params = new_id("pi"), call.params
    intent = shaped(
        PaymentIntent,
        {
            "id": id,
            "object": "payment_intent",
            "amount": params["amount"],
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "automatic_payment_methods": intents.automatic(params),
            "capture_method": params.get("capture_method", "automatic_async"),
            "client_secret": f"{id}_{new_id('secret', 25)}",
            "confirmation_method": params.get("confirmation_method", "automatic"),
            "created": call.now,
            "currency": currency,
            "livemode": False,
            "metadata": {},
            "payment_method_types": intents.allowed_types(params),
            "status": "requires_payment_method",
        },
    )
    intent |= {name: params[name] for name in intents.TYPE_LISTS if name in params}
    intent["payment_method_options"] = intents.method_options(PaymentIntent, params)
    return intent | {"_": {}}


def retrieve(call: Call) -> Object:
    return intents.own(call, "payment_intent")


def list_all(call: Call) -> Object:
    return page(call, "payment_intent", "/v1/payment_intents", ("customer",))


def update(call: Call) -> Object:
    intent = call.existing("payment_intent", call.id, "intent")
    changed = [name for name in ONLY_WHILE_OPEN if name in call.params]
    if changed and intent["status"] not in OPEN:
        raise unexpected_state(
            f"This PaymentIntent's {changed[0]} could not be updated because it has a status of {intent['status']}. "
            f"You may only update the {changed[0]} of a PaymentIntent with one of the following statuses: "
            f"{', '.join(OPEN)}.",
            public(intent),
        )
    wanted = intent | call.params
    intent["currency"] = amounts.check_currency(wanted["currency"])
    intent["amount"] = amounts.check_amount(wanted["amount"], intent["currency"])
    intent |= shaped_fields(PaymentIntent, call.taken(*PLAIN, "capture_method", *intents.TYPE_LISTS))
    if "payment_method_options" in call.params:
        intent["payment_method_options"] = intents.method_options(PaymentIntent, call.params)
    merge_metadata(call, intent)
    intents.choose_customer(call, intent)
    intents.choose_method(call, intent)
    if changed and intent["status"] == "requires_action":
        authentication.forget(intent)
        intent["status"] = "requires_confirmation"
    return call.save(intent)


def confirm(call: Call) -> Object:
    return confirmation.attempt(call, intents.own(call, "payment_intent"))


def capture(call: Call) -> Object:
    intent = call.existing("payment_intent", call.id, "intent")
    if intent["status"] != "requires_capture":
        raise unexpected_state(
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a "
            "PaymentIntent with one of the following statuses may be captured: requires_capture.",
            public(intent),
        )
    amount = amounts_to_capture(call, intent)
    charge = call.existing("charge", intent["latest_charge"])
    merge_metadata(call, intent)
    charges.capture(call, charge, amount)
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    call.emit("payment_intent.succeeded", intent)
    return call.save(intent)


def amounts_to_capture(call: Call, intent: Object) -> int:
    asked = {"amount_to_capture": intent["amount_capturable"]} | call.params
    amount: int = asked["amount_to_capture"]
    amounts.check_amount(amount, intent["currency"], "amount_to_capture")
    if amount > intent["amount_capturable"]:
        raise StripeError(
            "The amount_to_capture is greater than the amount that can be captured "
            f"({amounts.shown(intent['amount_capturable'], intent['currency'])}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    if call.params.get("final_capture") is False:
        raise StripeError("Multicapture is not available for this PaymentIntent.", param="final_capture")
    return amount


def cancel(call: Call) -> Object:
    intent = call.existing("payment_intent", call.id, "intent")
    if intent["status"] not in CANCELLABLE:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(CANCELLABLE)}.",
            public(intent),
        )
    if intent["status"] in ("requires_capture", "processing"):
        charges.release(call, call.existing("charge", intent["latest_charge"]))
    authentication.forget(intent)
    intent |= {
        "status": "canceled",
        "canceled_at": call.now,
        "cancellation_reason": call.params.get("cancellation_reason"),
        "amount_capturable": 0,
        "processing": None,
    }
    call.emit("payment_intent.canceled", intent)
    return call.save(intent)
