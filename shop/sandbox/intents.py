"""What payment intents and setup intents share: whose they are, which card, which redirects."""

import re
from typing import Any

from shop.sandbox import customers, payment_methods
from shop.sandbox.calls import Call
from shop.sandbox.errors import StripeError
from shop.sandbox.shapes import shaped_fields
from shop.sandbox.store import Object

ADDRESS = re.compile(r"(?!(?:javascript|data|vbscript):)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
TYPES = ["card"]
TYPE_LISTS = ("allowed_payment_method_types", "excluded_payment_method_types")


def automatic(params: Object) -> Object | None:
    wanted = params.get("automatic_payment_methods", {"enabled": True})
    return (
        {"allow_redirects": wanted.get("allow_redirects", "always"), "enabled": True}
        if wanted["enabled"]
        else None
    )


def allowed_types(params: Object) -> list[str]:
    allowed, excluded = (params.get(name) for name in TYPE_LISTS)
    types = [type for type in TYPES if (not allowed or type in allowed) and type not in (excluded or [])]
    if not types:
        raise StripeError(
            "No valid payment method types for this Payment Intent. The sandbox plays cards only.",
            param=TYPE_LISTS[0],
        )
    return types


def method_options(resource: Any, params: Object) -> Object:
    sent = (params.get("payment_method_options") or {}).get("card") or {}
    return {
        "card": shaped_fields(
            resource.PaymentMethodOptions, {"card": {"request_three_d_secure": "automatic", **sent}}
        )["card"]
    }


def choose_customer(call: Call, intent: Object) -> None:
    if "customer" in call.params:
        intent["customer"] = customers.living(call, call.params["customer"])["id"]


def choose_method(call: Call, intent: Object) -> None:
    """Takes the payment method from the parameters, if there is one, and checks whose it is."""
    if call.params.get("payment_method_data"):
        method = payment_methods.from_data(call, call.params["payment_method_data"])
    elif call.params.get("payment_method"):
        method = payment_methods.resolve(call, call.params["payment_method"])
    else:
        return
    check_owner(method, intent)
    intent["payment_method"] = method["id"]
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"


def check_owner(method: Object, intent: Object) -> None:
    if method["customer"] and method["customer"] != intent["customer"]:
        raise StripeError(
            f"The provided PaymentMethod ({method['id']}) belongs to the Customer {method['customer']}. Please include "
            "the Customer in the `customer` parameter.",
            param="payment_method",
        )
    if not method["customer"] and (method["_"].get("used") or method["_"].get("detached")):
        raise StripeError(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, or was "
            "detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must "
            "attach it to a Customer first.",
            param="payment_method",
        )


def own(call: Call, kind: str) -> Object:
    """The intent; a browser has to show its client secret."""
    intent = call.existing(kind, call.id, "intent")
    if call.from_browser and call.params.get("client_secret") != intent["client_secret"]:
        raise StripeError(
            f"The client_secret provided does not match the {kind}: '{call.id}'.",
            code=f"{kind}_invalid_parameter" if kind == "payment_intent" else None,
            param="client_secret",
        )
    return intent


def check_return_url(call: Call, intent: Object) -> None:
    automatic = intent["automatic_payment_methods"]
    if "return_url" in call.params:
        _check_url(call.params["return_url"])
    elif automatic and automatic["allow_redirects"] == "always" and not _without_redirects(call):
        raise StripeError(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. If "
            "you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to "
            "`true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents."
        )


def _check_url(url: str) -> None:
    """An app's own scheme is as good as https; a script is no address."""
    if not ADDRESS.match(url) or len(url) > 5000:
        raise StripeError(
            "Invalid URL: An explicit scheme (such as https) must be provided.",
            code="url_invalid",
            param="return_url",
        )


def _without_redirects(call: Call) -> bool:
    return bool(
        call.params.get("use_stripe_sdk")
        or call.params.get("error_on_requires_action")
        or call.params.get("off_session")
        or call.from_browser
    )
