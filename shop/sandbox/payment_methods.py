"""Cards that somebody typed in, kept for one payment or attached to a customer."""

from stripe import PaymentMethod

from shop.sandbox import cards
from shop.sandbox.calls import Call, merge_metadata
from shop.sandbox.errors import StripeError, no_such
from shop.sandbox.events import changes
from shop.sandbox.lists import page
from shop.sandbox.shapes import shaped
from shop.sandbox.store import Object, new_id

NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}


def create(call: Call) -> Object:
    return from_data(call, call.params)


def retrieve(call: Call) -> Object:
    return resolve(call, call.id, "id", 404)


def update(call: Call) -> Object:
    method = call.existing("payment_method", call.id)
    before = dict(method)
    if method["customer"] is None:
        raise StripeError(
            "You must save this PaymentMethod to a customer before you can update it.", param="payment_method"
        )
    for name in ("exp_month", "exp_year"):
        if name in call.params.get("card", {}):
            method["card"] = {**method["card"], name: call.params["card"][name]}
    if "billing_details" in call.params:
        method["billing_details"] = _billing(call.params["billing_details"], method["billing_details"])
    method |= call.taken("allow_redisplay")
    merge_metadata(call, method)
    call.emit("payment_method.updated", method, changes(before, method))
    return call.save(method)


def list_all(call: Call) -> Object:
    if "customer" in call.params:
        call.existing("customer", call.params["customer"], "customer", 400)
    return page(
        call,
        "payment_method",
        "/v1/payment_methods",
        ("customer", "type"),
        "body ->> '$.customer' IS NOT NULL",
    )


def list_of_customer(call: Call) -> Object:
    call.existing("customer", call.id)
    call.params["customer"] = call.id
    return page(call, "payment_method", f"/v1/customers/{call.id}/payment_methods", ("customer", "type"))


def attach(call: Call) -> Object:
    method = resolve(call, call.id, "id", 404)
    customer = call.params.get("customer")
    if customer is None:
        raise StripeError("Missing required param: customer.", code="parameter_missing", param="customer")
    attach_to(call, method, customer)
    return method


def attach_to(call: Call, method: Object, customer: str) -> None:
    owner = call.existing("customer", customer, "customer", 400)
    if owner.get("deleted"):
        raise no_such("customer", customer, "customer", 400)
    if method["customer"] == customer:
        return
    if method["customer"] is not None:
        raise StripeError("The payment method you provided has already been attached to a customer.")
    if method["_"].get("used") or method["_"].get("detached"):
        raise StripeError(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again.",
            param="payment_method",
        )
    method["customer"] = customer
    call.emit("payment_method.attached", method)
    call.save(method)


def detach(call: Call) -> Object:
    method = call.existing("payment_method", call.id)
    if method["customer"] is None:
        raise StripeError(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    previous = {"customer": method["customer"]}
    method["customer"] = None
    method["_"]["detached"] = True
    call.emit("payment_method.detached", method, previous)
    return call.save(method)


def resolve(call: Call, id: str, param: str = "payment_method", status: int = 400) -> Object:
    """The payment method of that id; a shortcut such as `pm_card_visa` makes a new one each time."""
    card = cards.by_shortcut(id) if id.startswith("pm_card_") else None
    if card is None:
        return call.existing("payment_method", id, param, status)
    return _save_new(call, card, {"exp_month": 12, "exp_year": cards.next_year()}, {})


def from_data(call: Call, data: Object) -> Object:
    if data.get("type", "card") != "card":
        raise StripeError(f"The sandbox plays cards only, not `{data['type']}`.", param="type")
    details = data.get("card")
    if not details:
        raise StripeError("Missing required param: card.", code="parameter_missing", param="card")
    if "token" in details:
        card = cards.by_shortcut(details["token"])
        if card is None:
            raise no_such("token", details["token"], "card[token]", 400)
        details = {"exp_month": 12, "exp_year": cards.next_year()}
    else:
        card = cards.read(details)
    return _save_new(call, card, details, data)


def _save_new(call: Call, card: cards.TestCard, details: Object, data: Object) -> Object:
    method = shaped(
        PaymentMethod,
        {
            "id": new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": data.get("allow_redisplay", "unspecified"),
            "billing_details": {"address": NO_ADDRESS},
            "card": _card(card, details),
            "created": call.now,
            "livemode": False,
            "metadata": {},
            "type": "card",
        },
    )
    method["billing_details"] = _billing(data.get("billing_details", {}), method["billing_details"])
    method["metadata"] = data.get("metadata") or {}
    method["_"] = {"number": card.number}
    return call.save(method)


def _card(card: cards.TestCard, details: Object) -> Object:
    year = details["exp_year"]
    return {
        "brand": card.brand,
        "checks": {"cvc_check": "unchecked" if details.get("cvc") else None},
        "country": card.country,
        "display_brand": {"amex": "american_express", "diners": "diners_club", "unionpay": "union_pay"}.get(
            card.brand, card.brand
        ),
        "exp_month": details["exp_month"],
        "exp_year": year + 2000 if year < 100 else year,
        "fingerprint": cards.fingerprint(card.number),
        "funding": card.funding,
        "last4": card.number[-4:],
        "networks": {"available": [card.brand]},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": card.brand != "unionpay"},
    }


def _billing(sent: Object, before: Object) -> Object:
    after = {**before, **{name: None if value == "" else value for name, value in sent.items()}}
    if isinstance(sent.get("address"), dict):
        after["address"] = {**NO_ADDRESS, **sent["address"]}
    elif after["address"] is None:
        after["address"] = NO_ADDRESS
    return after
