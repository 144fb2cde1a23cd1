"""Customers: a name, an address, and the cards that stay with them."""

from stripe import Customer

from shop.sandbox import payment_methods
from shop.sandbox.calls import Call, merge_metadata
from shop.sandbox.errors import StripeError
from shop.sandbox.events import changes
from shop.sandbox.lists import page
from shop.sandbox.shapes import shaped, shaped_fields
from shop.sandbox.store import Object, new_id

PLAIN = (
    "balance",
    "business_name",
    "description",
    "email",
    "individual_name",
    "invoice_prefix",
    "name",
    "next_invoice_sequence",
    "phone",
    "preferred_locales",
    "tax_exempt",
)


def create(call: Call) -> Object:
    id = new_id("cus", 14)
    customer = shaped(
        Customer,
        {
            "id": id,
            "object": "customer",
            "balance": 0,
            "created": call.now,
            "delinquent": False,
            "invoice_prefix": id[-8:].upper(),
            "invoice_settings": {},
            "livemode": False,
            "metadata": {},
            "next_invoice_sequence": 1,
            "preferred_locales": [],
            "tax_exempt": "none",
        },
    )
    _write(call, customer)
    call.save(customer)
    call.emit("customer.created", customer)
    if "payment_method" in call.params:
        payment_methods.attach_to(call, payment_methods.resolve(call, call.params["payment_method"]), id)
    return customer


def retrieve(call: Call) -> Object:
    return call.existing("customer", call.id)


def update(call: Call) -> Object:
    customer = living(call, call.id, "id", 404)
    before = dict(customer)
    _write(call, customer)
    call.emit("customer.updated", customer, changes(before, customer))
    return call.save(customer)


def delete(call: Call) -> Object:
    customer = living(call, call.id, "id", 404)
    for method in call.store.find("payment_method", "body ->> '$.customer' = ?", (call.id,)):
        method["customer"] = None
        method["_"]["detached"] = True
        call.save(method)
    call.emit("customer.deleted", customer)
    return call.save(
        {"id": call.id, "object": "customer", "deleted": True, "_": {"email": customer["email"]}}
    )


def list_all(call: Call) -> Object:
    return page(call, "customer", "/v1/customers", ("email",), "body ->> '$.deleted' IS NULL")


def living(call: Call, id: str, param: str = "customer", status: int = 400) -> Object:
    customer = call.existing("customer", id, param, status)
    if customer.get("deleted"):
        raise StripeError(f"No such customer: '{id}'", status=status, code="resource_missing", param=param)
    return customer


def _write(call: Call, customer: Object) -> None:
    email: str = call.params.get("email") or ""
    call.refuse_if(
        bool(email) and ("@" not in email or " " in email or len(email) > 512),
        f"Invalid email address: {email[:100]}",
        code="email_invalid",
        param="email",
    )
    values = call.taken(*PLAIN, "address", "shipping")
    if "invoice_settings" in call.params:
        values["invoice_settings"] = {**customer["invoice_settings"], **call.params["invoice_settings"]}
        _check_default(call, values["invoice_settings"].get("default_payment_method"), customer["id"])
    customer |= shaped_fields(Customer, values)
    merge_metadata(call, customer)


def _check_default(call: Call, method: str | None, customer: str) -> None:
    if method and payment_methods.resolve(call, method)["customer"] != customer:
        raise StripeError(
            "The customer does not have a payment method with the ID "
            f"{method}. The payment method must be attached to the customer.",
            param="invoice_settings[default_payment_method]",
        )
