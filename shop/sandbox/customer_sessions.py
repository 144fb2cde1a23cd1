"""Customer sessions: what lets a payment sheet on somebody's telephone show and keep that customer's cards."""

from stripe import CustomerSession

from shop.sandbox import customers
from shop.sandbox.calls import Call
from shop.sandbox.errors import StripeError
from shop.sandbox.shapes import fields, shaped
from shop.sandbox.store import Object, new_id

SECONDS = 30 * 60


def create(call: Call) -> Object:
    if "customer" not in call.params:
        raise StripeError("Missing required param: customer.", code="parameter_missing", param="customer")
    wanted = call.params["components"]
    if not any(component["enabled"] for component in wanted.values()):
        raise StripeError("You must enable at least one component.", param="components")
    customer = customers.living(call, call.params["customer"])
    known = fields(CustomerSession.Components)
    return shaped(
        CustomerSession,
        {
            "object": "customer_session",
            "client_secret": new_id("cuss_secret", 40),
            "components": {name: wanted.get(name, {"enabled": False}) for name in known},
            "created": call.now,
            "customer": customer["id"],
            "expires_at": call.now + SECONDS,
            "livemode": False,
        },
    )
