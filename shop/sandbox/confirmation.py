"""Taking the money: from a confirmed intent over the bank's answer to paid, declined, or a wait in between."""

from stripe import PaymentIntent

from shop.sandbox import authentication, cards, charges, intents, payment_methods
from shop.sandbox.calls import Call
from shop.sandbox.cards import DECLINES, Decline
from shop.sandbox.errors import Declined, StripeError, unexpected_state
from shop.sandbox.shapes import shaped, shaped_fields
from shop.sandbox.store import Object, public

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def attempt(call: Call, intent: Object) -> Object:
    _check_state(intent)
    intents.choose_customer(call, intent)
    intents.choose_method(call, intent)
    method = _method(call, intent)
    intents.check_return_url(call, intent)
    intent |= shaped_fields(
        PaymentIntent, call.taken("receipt_email", "shipping", "setup_future_usage", "capture_method")
    )
    if "payment_method_options" in call.params:
        intent["payment_method_options"] = intents.method_options(PaymentIntent, call.params)
    authentication.forget(intent)
    passed = intent["_"].pop("authenticated", None) == method["id"]
    if not passed and _must_authenticate(call, intent, method):
        return _ask(call, intent, method)
    decline = _take_payment(call, intent, method, passed)
    if decline:
        raise _declined(call, intent, decline)
    return intent


def _check_state(intent: Object) -> None:
    if intent["status"] in CONFIRMABLE:
        return
    because = f"it has a status of {intent['status']}. Only a PaymentIntent with one of the following statuses may be "
    because += f"confirmed: {', '.join(CONFIRMABLE)}."
    if intent["status"] == "succeeded":
        because = "it has already succeeded after being previously confirmed."
    raise unexpected_state(f"You cannot confirm this PaymentIntent because {because}", public(intent))


def _method(call: Call, intent: Object) -> Object:
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
            public(intent),
        )
    method = call.existing("payment_method", intent["payment_method"], "payment_method", 400)
    intents.check_owner(method, intent)
    return method


def _must_authenticate(call: Call, intent: Object, method: Object) -> bool:
    requested = intent["payment_method_options"]["card"]["request_three_d_secure"]
    return authentication.needed_to_pay(
        charges.card_of(method),
        bool(call.params.get("off_session")),
        method["_"].get("set_up", False),
        requested,
    )


def _ask(call: Call, intent: Object, method: Object) -> Object:
    required = DECLINES["authentication_required"]
    if call.params.get("off_session"):
        fail(
            call, intent, charges.new(call, intent, method, charges.card_of(method), False), method, required
        )
        raise _declined(call, intent, required)
    if call.params.get("error_on_requires_action"):
        raise cards.refusal(required, payment_intent=public(intent))
    authentication.ask(call, intent)
    call.emit("payment_intent.requires_action", intent)
    return call.save(intent)


def _declined(call: Call, intent: Object, decline: Decline) -> StripeError:
    return cards.refusal(
        decline,
        Declined,
        charge=intent["latest_charge"],
        payment_intent=public(intent),
        payment_method=intent["last_payment_error"]["payment_method"],
    )


def _take_payment(call: Call, intent: Object, method: Object, authenticated: bool) -> Decline | None:
    card = charges.card_of(method)
    charge = charges.new(call, intent, method, card, authenticated)
    if card.decline:
        fail(call, intent, charge, method, DECLINES[card.decline])
        return DECLINES[card.decline]
    intent["last_payment_error"] = None
    if card.settles:
        _wait(call, intent, charges.pending(call, charge, card))
    else:
        _succeed(
            call, intent, charges.accepted(call, charge, card, intent["capture_method"] != "manual"), method
        )
    return None


def fail(call: Call, intent: Object, charge: Object, method: Object, decline: Decline) -> None:
    charges.declined(call, charge, decline, charges.card_of(method))
    error = {
        "advice_code": decline.advice,
        "charge": charge["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": "https://stripe.com/docs/error-codes/" + decline.code.replace("_", "-"),
        "message": decline.message,
        "param": decline.param,
        "payment_method": public(method),
        "type": "card_error",
    }
    _refused(call, intent, shaped(PaymentIntent.LastPaymentError, error) | {"payment_method": public(method)})


def _refused(call: Call, intent: Object, error: Object) -> None:
    authentication.forget(intent)
    intent |= {"status": "requires_payment_method", "payment_method": None, "processing": None}
    intent |= {"last_payment_error": error, "latest_charge": error["charge"] or intent["latest_charge"]}
    call.emit("payment_intent.payment_failed", intent)
    call.save(intent)


def _succeed(call: Call, intent: Object, charge: Object, method: Object) -> None:
    intent |= {"latest_charge": charge["id"], "processing": None}
    if charge["captured"]:
        intent |= {"status": "succeeded", "amount_received": charge["amount"]}
        call.emit("payment_intent.succeeded", intent)
    else:
        intent |= {"status": "requires_capture", "amount_capturable": charge["amount"]}
        call.emit("payment_intent.amount_capturable_updated", intent)
    call.save(intent)
    _keep(call, intent, method)


def _keep(call: Call, intent: Object, method: Object) -> None:
    """A method is spent by a payment, unless it is attached to the customer for the next ones."""
    if intent["setup_future_usage"] and intent["customer"]:
        payment_methods.attach_to(call, method, intent["customer"])
        method["_"]["set_up"] = True
    method["_"]["used"] = True
    call.save(method)


def _wait(call: Call, intent: Object, charge: Object) -> None:
    intent |= {"status": "processing", "latest_charge": charge["id"]}
    intent["processing"] = {"type": "card", "card": {"customer_notification": None}}
    call.emit("payment_intent.processing", intent)
    call.save(intent)
    call.store.in_seconds(call.knobs.processing_ms / 1000, "settle_payment", intent["id"])


def settle(call: Call, id: str) -> None:
    """The end of a delayed payment's wait. A payment that was cancelled meanwhile stays as it is."""
    intent = call.store.get("payment_intent", id)
    if intent is None or intent["status"] != "processing":
        return
    charge = call.existing("charge", intent["latest_charge"])
    method = call.existing("payment_method", intent["payment_method"])
    card = charges.card_of(method)
    if card.settles == "fails later":
        fail(call, intent, charge, method, DECLINES["generic_decline"])
    else:
        _succeed(
            call, intent, charges.accepted(call, charge, card, intent["capture_method"] != "manual"), method
        )


def authenticated(call: Call, intent: Object, passed: bool) -> None:
    """The buyer's answer to the challenge. A decline after it is written down, there is nobody to raise it to."""
    method = call.existing("payment_method", intent["payment_method"])
    authentication.forget(intent)
    if not passed:
        _refused(call, intent, authentication.failure(intent, method, PaymentIntent.LastPaymentError))
    elif intent["confirmation_method"] == "manual":
        intent["_"]["authenticated"] = method["id"]
        intent["status"] = "requires_confirmation"
        call.save(intent)
    else:
        _take_payment(call, intent, method, True)
