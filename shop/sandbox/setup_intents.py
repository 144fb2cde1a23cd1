"""Setup intents: a card made ready for later payments without taking money now."""

from stripe import SetupAttempt, SetupIntent

from shop.sandbox import authentication, cards, charges, intents, payment_methods
from shop.sandbox.calls import Call, merge_metadata
from shop.sandbox.cards import DECLINES
from shop.sandbox.errors import Declined, StripeError, unexpected_state
from shop.sandbox.lists import page
from shop.sandbox.shapes import shaped, shaped_fields
from shop.sandbox.store import Object, new_id, public

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(call: Call) -> Object:
    id, params = new_id("seti"), call.params
    intent = shaped(
        SetupIntent,
        {
            "id": id,
            "object": "setup_intent",
            "automatic_payment_methods": intents.automatic(params),
            "client_secret": f"{id}_{new_id('secret', 25)}",
            "created": call.now,
            "description": params.get("description"),
            "livemode": False,
            "metadata": {},
            "payment_method_types": intents.allowed_types(params),
            "status": "requires_payment_method",
            "usage": params.get("usage", "off_session"),
        },
    )
    intent["payment_method_options"] = intents.method_options(SetupIntent, params)
    intent |= {name: params[name] for name in intents.TYPE_LISTS if name in params} | {"_": {}}
    merge_metadata(call, intent)
    intents.choose_customer(call, intent)
    intents.choose_method(call, intent)
    call.save(intent)
    call.emit("setup_intent.created", intent)
    return _attempt(call, intent) if params.get("confirm") else intent


def retrieve(call: Call) -> Object:
    return intents.own(call, "setup_intent")


def list_all(call: Call) -> Object:
    return page(call, "setup_intent", "/v1/setup_intents", ("customer", "payment_method"))


def update(call: Call) -> Object:
    intent = call.existing("setup_intent", call.id, "intent")
    _check_open(intent, "update")
    intent |= shaped_fields(SetupIntent, call.taken("description"))
    merge_metadata(call, intent)
    intents.choose_customer(call, intent)
    intents.choose_method(call, intent)
    return call.save(intent)


def confirm(call: Call) -> Object:
    return _attempt(call, intents.own(call, "setup_intent"))


def cancel(call: Call) -> Object:
    intent = call.existing("setup_intent", call.id, "intent")
    _check_open(intent, "cancel")
    authentication.forget(intent)
    intent |= {"status": "canceled", "cancellation_reason": call.params.get("cancellation_reason")}
    call.emit("setup_intent.canceled", intent)
    return call.save(intent)


def _check_open(intent: Object, verb: str) -> None:
    if intent["status"] not in OPEN:
        raise unexpected_state(
            f"You cannot {verb} this SetupIntent because it has a status of {intent['status']}. Only a SetupIntent "
            f"with one of the following statuses may be used: {', '.join(OPEN)}.",
            public(intent),
        )


def _attempt(call: Call, intent: Object) -> Object:
    _check_open(intent, "confirm")
    intents.choose_method(call, intent)
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a "
            "payment method and then confirm it again.",
            public(intent),
        )
    method = call.existing("payment_method", intent["payment_method"], "payment_method", 400)
    card = charges.card_of(method)
    intents.check_return_url(call, intent)
    authentication.forget(intent)
    if authentication.needed_to_set_up(card):
        authentication.ask(call, intent)
        call.emit("setup_intent.requires_action", intent)
        return call.save(intent)
    if card.decline and card.shortcut != "chargeCustomerFail":
        raise _decline(call, intent, method, DECLINES[card.decline])
    _succeed(call, intent, method)
    return intent


def _decline(call: Call, intent: Object, method: Object, decline: cards.Decline) -> StripeError:
    error = {
        "advice_code": decline.advice,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": "https://stripe.com/docs/error-codes/" + decline.code.replace("_", "-"),
        "message": decline.message,
        "param": decline.param,
        "type": "card_error",
    }
    whole = shaped(SetupIntent.LastSetupError, error) | {"payment_method": public(method)}
    _fail(call, intent, method, whole)
    return cards.refusal(decline, Declined, setup_intent=public(intent), payment_method=public(method))


def _fail(call: Call, intent: Object, method: Object, error: Object) -> None:
    intent |= {"status": "requires_payment_method", "payment_method": None, "last_setup_error": error}
    intent["latest_attempt"] = _record(call, intent, method, "failed", error)["id"]
    call.emit("setup_intent.setup_failed", intent)
    call.save(intent)


def _succeed(call: Call, intent: Object, method: Object) -> None:
    if intent["customer"]:
        payment_methods.attach_to(call, method, intent["customer"])
    method["_"] |= {"set_up": True}
    call.save(method)
    intent |= {"status": "succeeded", "last_setup_error": None}
    intent["latest_attempt"] = _record(call, intent, method, "succeeded", None)["id"]
    call.emit("setup_intent.succeeded", intent)
    call.save(intent)


def _record(call: Call, intent: Object, method: Object, status: str, error: Object | None) -> Object:
    attempt = shaped(
        SetupAttempt,
        {
            "id": new_id("setatt"),
            "object": "setup_attempt",
            "created": call.now,
            "customer": intent["customer"],
            "livemode": False,
            "payment_method": method["id"],
            "setup_intent": intent["id"],
            "status": status,
            "usage": intent["usage"],
        },
    )
    card = {
        name: method["card"][name]
        for name in ("brand", "country", "exp_month", "exp_year", "funding", "last4")
    }
    attempt["payment_method_details"] = {
        "type": "card",
        "card": shaped(SetupAttempt.PaymentMethodDetails.Card, {**card, "network": card["brand"]}),
    }
    attempt["setup_error"] = error
    return call.save(attempt)


def authenticated(call: Call, intent: Object, passed: bool) -> None:
    method = call.existing("payment_method", intent["payment_method"])
    authentication.forget(intent)
    if passed:
        _succeed(call, intent, method)
    else:
        _fail(call, intent, method, authentication.failure(intent, method, SetupIntent.LastSetupError))
