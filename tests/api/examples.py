"""The examples of the schema, and what must be there for each to succeed: `ARRANGED`, by the operation's id.

    ask = ARRANGED["cart_line_change"](world, {"quantity": 3})
    ask.app.send(ask.method, ask.path, ask.body, **ask.headers)

An arrangement puts into the shop what its example names, and into the example what cannot be known beforehand: the id
of a row, a code of this half minute.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from asgiref.sync import async_to_sync
from drf_spectacular.generators import SchemaGenerator
from stripe import StripeClient

from accounts.book import keep_address
from accounts.models import User
from shop.cart.models import Cart
from shop.cart.services import add_to_cart, open_cart
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.orders.services import deliver_order, mark_paid, pack_order, ship_order
from shop.payments.customers import customer_of
from tests.api.compatibility import METHODS
from tests.api.people import API, BEGIN, App, code_of, set_up
from tests.offers import make_coupon

Json = dict[str, Any]
EMAIL, PASSWORD = "ada@example.com", "three grey gulls at noon"


class Example(NamedTuple):
    operation: str
    name: str
    body: Json


@cache
def schema() -> Json:
    return json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True)))


def operations() -> Iterator[tuple[str, str, Json]]:
    """Method, path and what the schema says."""
    for path, item in schema()["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def request_examples() -> list[Example]:
    return [
        Example(said["operationId"], name, example["value"])
        for _, _, said in operations()
        for content in said.get("requestBody", {}).get("content", {}).values()
        for name, example in content.get("examples", {}).items()
    ]


def route_of(operation: str) -> tuple[str, str]:
    return next((method, path) for method, path, said in operations() if said["operationId"] == operation)


@dataclass
class World:
    """What arrangements are made of; the account is that of the examples."""

    make_variant: Callable[..., Variant]
    make_cart: Callable[..., Cart]
    place: Callable[..., Order]
    address: dict[str, str]
    stripe: str

    @property
    def ada(self) -> User:
        user = User.objects.filter(email=EMAIL).first()
        if user is None:
            user = User.objects.create_user(EMAIL, PASSWORD)
            EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
        return user

    def app(self) -> App:
        """Ada's, signed in."""
        return App().sign_in(self.ada.email, PASSWORD)

    def on_sale(self, sku: str, **more: Any) -> Variant:
        variant = self.make_variant(**more)
        Variant.objects.filter(pk=variant.pk).update(sku=sku)
        return variant


@dataclass
class Ask:
    app: App
    body: Json
    place: Json = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


Arrangement = Callable[[World, Json], Ask]


def as_ada(world: World, body: Json) -> Ask:
    return Ask(world.app(), body)


def once_more(world: World, body: Json) -> Ask:
    return Ask(world.app().reauthenticate(PASSWORD), body)


def as_guest_of_ada(world: World, body: Json) -> Ask:
    assert world.ada
    return Ask(App(), body)


def a_new_account(world: World, body: Json) -> Ask:
    return Ask(App(), body)


def a_kept_address(world: World, body: Json) -> Ask:
    kept = keep_address(world.ada, {**world.address, "line1": "5 Harbour Row"})
    return Ask(world.app(), body, {"address_id": kept.pk})


def an_authenticator_app(world: World, body: Json) -> Ask:
    app = world.app().reauthenticate(PASSWORD)
    return Ask(app, body | {"code": code_of(app.post(BEGIN).json()["secret"])})


def a_code(world: World, body: Json) -> Ask:
    secret, _ = set_up(world.app(), PASSWORD)
    answer = App().post("auth/sign-in/", {"email": EMAIL, "password": PASSWORD})
    return Ask(App(), {"login_token": answer.json()["login_token"], "code": code_of(secret)})


def a_print_that_is_gone(world: World, body: Json) -> Ask:
    world.on_sale(body["sku"], stock=0 if body["kind"] == "stock.back" else 5)
    return Ask(App() if "email" in body else world.app(), body)


def an_unconfirmed_address(world: World, body: Json) -> Ask:
    email = EmailAddress.objects.create(user=world.ada, email="ada@work.example.com")
    return Ask(App(), body | {"key": EmailConfirmationHMAC(email).key})


def a_link_from_the_mail(world: World, body: Json) -> Ask:
    key = f"{user_pk_to_url_str(world.ada)}-{default_token_generator.make_token(world.ada)}"
    return Ask(App(), body | {"key": key})


def a_refresh_token(world: World, body: Json) -> Ask:
    return Ask(App(), body | {"refresh_token": world.app().tokens["refresh_token"]})


def a_coupon(world: World, body: Json) -> Ask:
    make_coupon(body["code"], percent=10)
    return Ask(App(), body)


def a_print(world: World, body: Json) -> Ask:
    world.on_sale(body["sku"])
    return Ask(App(), body)


def prints(world: World, body: Json) -> Ask:
    for line in body["lines"]:
        world.on_sale(line["sku"])
    if "code" in body:
        make_coupon(body["code"], percent=10)
    return Ask(App(), body)


def a_line(world: World, body: Json) -> Ask:
    line = add_to_cart(open_cart(world.ada, ""), world.make_variant())
    return Ask(world.app(), body, {"line_id": line.pk})


def a_guest_s_cart(world: World, body: Json) -> Ask:
    cart = world.make_cart(quantity=2)
    Cart.objects.filter(pk=cart.pk).update(token=body["token"])
    return Ask(world.app(), body)


def a_cart(world: World, body: Json) -> Ask:
    return Ask(App(), body, headers={"Cart-Token": world.make_cart(quantity=2).token})


def a_cart_to_order(world: World, body: Json) -> Ask:
    cart = world.make_cart(quantity=2)
    Cart.objects.filter(pk=cart.pk).update(checkout_key=body["checkout_key"])
    return Ask(App(), body, headers={"Cart-Token": cart.token})


def a_guest_s_order(world: World, body: Json) -> Ask:
    order = world.place(world.make_cart())
    Order.objects.filter(pk=order.pk).update(public_id=body["orders"][0])
    return Ask(App(), body)


def an_order(world: World, body: Json) -> Ask:
    return Ask(App(), body, {"public_id": world.place(world.make_cart(quantity=2)).public_id})


def a_parcel_that_came(world: World, body: Json) -> Ask:
    order = world.place(world.make_cart(quantity=2))
    mark_paid(order)
    pack_order(order)
    ship_order(order, "Gannet", "GN 1")
    deliver_order(order)
    lines = [{**line, "line": order.lines.get().pk} for line in body["lines"]]
    return Ask(App(), body | {"lines": lines}, {"public_id": order.public_id})


def a_kept_card(world: World, body: Json) -> Ask:
    order = world.place(world.make_cart(user=world.ada))
    wanted: Any = {"customer": async_to_sync(customer_of)(world.ada), "confirm": True}
    wanted |= {"payment_method": "pm_card_visa", "return_url": "http://testserver/"}
    client = StripeClient("sk_test_sandbox", base_addresses={"api": world.stripe})
    card = client.v1.setup_intents.create(wanted).payment_method
    return Ask(world.app(), body | {"card_id": card}, {"public_id": order.public_id})


ARRANGED: dict[str, Arrangement] = {
    "add_address": as_ada,
    "add_authenticator_app": an_authenticator_app,
    "add_email": once_more,
    "alerts_ask": a_print_that_is_gone,
    "cart_add": a_print,
    "cart_code_use": a_coupon,
    "cart_line_change": a_line,
    "cart_merge": a_guest_s_cart,
    "cart_shipping_options": a_cart,
    "change_account": as_ada,
    "change_address": a_kept_address,
    "change_password": as_ada,
    "events_ticket": a_guest_s_order,
    "forget_password": as_guest_of_ada,
    "inbox_read": as_ada,
    "orders_cancel": an_order,
    "orders_payment_by_saved_card": a_kept_card,
    "orders_place": a_cart_to_order,
    "preferences_choose": as_ada,
    "prices_ask": prints,
    "reauthenticate": as_ada,
    "refresh_tokens": a_refresh_token,
    "reset_password": a_link_from_the_mail,
    "returns_ask": a_parcel_that_came,
    "sign_in": as_guest_of_ada,
    "sign_in_with_code": a_code,
    "sign_up": a_new_account,
    "verify_email": an_unconfirmed_address,
}


def send(operation: str, ask: Ask, body: Json | None = None) -> Any:
    """`body` instead of the example's."""
    method, path = route_of(operation)
    place = path.removeprefix(API).format(**ask.place)
    return ask.app.send(method, place, ask.body if body is None else body, **ask.headers)
