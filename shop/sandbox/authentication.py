"""3-D Secure: which cards ask for it, and the challenge that a buyer passes or fails in the browser."""

from shop.sandbox.calls import Call
from shop.sandbox.cards import TestCard
from shop.sandbox.shapes import shaped
from shop.sandbox.store import Object, new_id


def needed_to_pay(card: TestCard, off_session: bool, set_up: bool, requested: str | None) -> bool:
    return {
        "always": True,
        "unless_set_up": not set_up,
        "on_session": not off_session,
        "optional": requested in ("any", "challenge"),
    }.get(card.authentication, False)


def needed_to_set_up(card: TestCard) -> bool:
    return card.authentication in ("always", "unless_set_up")


def ask(call: Call, intent: Object) -> None:
    """Leaves the intent waiting for the buyer, who is sent to the challenge's page."""
    challenge = {"id": new_id("tds"), "object": "challenge", "intent": intent["id"], "kind": intent["object"]}
    call.save(challenge)
    url = f"{call.stripe_url}/3ds/{challenge['id']}"
    return_url = call.params.get("return_url")
    intent["_"] |= {"challenge": challenge["id"], "return_url": return_url}
    intent["status"] = "requires_action"
    if return_url and not call.params.get("use_stripe_sdk"):
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    else:
        sdk = {"type": "three_d_secure_redirect", "stripe_js": url, "source": challenge["id"]}
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}
    intent["next_action"] = action


def forget(intent: Object) -> None:
    intent["next_action"] = None
    intent["_"].pop("challenge", None)


def failure(intent: Object, method: Object, resource: type) -> Object:
    """The last error of an intent whose buyer failed the challenge."""
    kind = intent["object"]
    return shaped(
        resource,
        {
            "code": f"{kind}_authentication_failure",
            "doc_url": f"https://stripe.com/docs/error-codes/{kind.replace('_', '-')}-authentication-failure",
            "message": "We are unable to authenticate your payment method. Please choose a different payment method "
            "and try again.",
            "payment_method": {name: value for name, value in method.items() if name != "_"},
            "type": "invalid_request_error",
        },
    )
