"""An app whose client is made by a machine from the schema alone: how it buys a print, follows it and sends it back.

`shop_client` is generated for the run and kept nowhere; docs/api.md has the command.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints
from uuid import uuid4

import pytest
import stripe

from notifications.client import Client as Socket
from notifications.client import Event, Position
from shop.catalog.models import Variant
from shop.orders.models import Order
from shop.orders.services import deliver_order, pack_order, ship_order
from shop.returns.models import Return
from shop.returns.services import approve_return
from shop.shipping.models import ShippingMethod
from tests.live import LiveShop, live_shop
from tests.processes import ROOT

pytestmark = pytest.mark.timeout(180)
SCHEMA = ROOT / "docs" / "openapi.json"
CONFIG = ROOT / "tests" / "api" / "client.yml"
PATIENCE = 20.0


@pytest.fixture(scope="module", autouse=True)
def client_package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`import shop_client` works while this lives. A warning of the generator is a failure."""
    folder = tmp_path_factory.mktemp("generated")
    package = folder / "shop_client"
    command = [
        *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"),
        *("--path", str(SCHEMA), "--config", str(CONFIG), "--meta", "none", "--output-path", str(package)),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "warning" not in told.lower(), told
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop_client"]:
        del sys.modules[name]


@pytest.fixture
def shop(make_variant: Callable[..., Variant], delivery: ShippingMethod) -> Iterator[LiveShop]:
    make_variant(title="Long fetch", slug="long-fetch", price="48.00", stock=6)
    with live_shop() as shop:
        yield shop


def test_every_operation_is_there_and_typed(client_package: Path) -> None:
    from shop_client.models import Problem

    schema = json.loads(SCHEMA.read_text())
    operations = {
        one["operationId"]: one
        for item in schema["paths"].values()
        for one in item.values()
        if isinstance(one, dict) and "operationId" in one
    }
    files = {file.stem: file for file in client_package.glob("api/*/*.py") if file.stem != "__init__"}
    assert files.keys() == operations.keys()
    for name, operation in operations.items():
        module: Any = importlib.import_module(f"shop_client.api.{files[name].parent.name}.{name}")
        (answer,) = get_args(get_type_hints(module.sync_detailed)["return"])
        parsed = {*get_args(answer)} or {answer}
        assert Problem in parsed, name
        has_body = any(
            "content" in told for status, told in operation["responses"].items() if status.startswith("2")
        )
        # Any is what a success without a body is parsed into.
        assert parsed - {Problem, Any} if has_body else Any in parsed, name
        assert not (has_body and Any in parsed), name


@pytest.mark.django_db(transaction=True)
def test_an_account_buys_a_print_follows_it_and_sends_it_back(shop: LiveShop) -> None:
    from shop_client import AuthenticatedClient, Client
    from shop_client.api.auth import sign_up
    from shop_client.api.cart import cart_add, cart_shipping_options
    from shop_client.api.orders import (
        orders_payment_show,
        orders_payment_start,
        orders_place,
        orders_retrieve,
        returns_ask,
        returns_retrieve,
    )
    from shop_client.api.products import products_list, products_retrieve
    from shop_client.models import (
        AddedRequest,
        AskReturnRequest,
        CredentialsRequest,
        DestinationRequest,
        OrderStatus,
        PaymentStatus,
        PlacedRequest,
        Problem,
        ProductsListFieldsItem,
        ProductsListSort,
        ReturnedLineRequest,
        ReturnReason,
        ReturnStatus,
        ReturnWish,
        ShownAmountRequest,
    )

    # An account. Whoever signs up is signed in.
    visitor = Client(base_url=shop.url, timeout=PATIENCE, raise_on_unexpected_status=True)
    credentials = CredentialsRequest(email="nora@example.com", password="three grey gulls")
    tokens = sign_up.sync(client=visitor, body=credentials)
    app = AuthenticatedClient(
        base_url=shop.url, token=tokens.access_token, timeout=PATIENCE, raise_on_unexpected_status=True
    )

    # The list, with what is shown of each print; then one of them in full.
    shown = [ProductsListFieldsItem.SLUG, ProductsListFieldsItem.TITLE]
    page = products_list.sync(client=app, sort=ProductsListSort.PRICE, fields=shown)
    assert [card.title for card in page.results] == ["Long fetch"]
    print_ = products_retrieve.sync(page.results[0].slug, client=app)
    variant = next(one for one in print_.variants if one.available)
    assert (variant.price.amount, variant.price.currency) == ("48.00", "EUR")

    # Into the cart, and how it can travel. Carriers are asked side by side; the cheapest is the first.
    cart = cart_add.sync(client=app, body=AddedRequest(sku=variant.sku, quantity=1))
    quotes = cart_shipping_options.sync(client=app, body=DestinationRequest(address=address()))
    option = quotes.options[0]
    total = option.totals.total

    # The order. The key makes it safe to send again when the answer was lost on its way.
    wanted = PlacedRequest(
        checkout_key=cart.checkout_key,
        address=address(),
        shipping=option.code,
        expected_total=ShownAmountRequest(amount=total.amount, currency=total.currency),
    )
    key = str(uuid4())
    order = orders_place.sync(client=app, body=wanted, idempotency_key=key)
    again = orders_place.sync(client=app, body=wanted, idempotency_key=key)
    assert (order.status, order.total, again) == (OrderStatus.PENDING, total, order)

    with following(app, order.stream) as hear:
        # The payment sheet takes the card to the provider, who tells the shop, which tells the app.
        sheet = orders_payment_start.sync(order.public_id, client=app)
        payment_sheet(shop, sheet.client_secret, "pm_card_visa")
        paid = hear()
        assert (paid.kind, paid.data["status"]) == ("order.paid", "paid")
        assert paid.position == (order.stream.epoch, order.stream.offset + 1)
        state = orders_payment_show.sync(order.public_id, client=app)
        assert (state.order_status, state.payment_status) == (OrderStatus.PAID, PaymentStatus.SUCCEEDED)

        staff_send(order.public_id)
        assert [hear().kind for _ in range(3)] == ["order.packed", "order.shipped", "order.delivered"]

        # It came damaged. What may be sent back, the order says.
        order = orders_retrieve.sync(order.public_id, client=app)
        assert order.status is OrderStatus.DELIVERED
        (may,) = order.may.returns
        wanted_back = AskReturnRequest(
            lines=[ReturnedLineRequest(line=may.line, quantity=may.most)],
            reason=ReturnReason.DAMAGED,
            wish=ReturnWish.REFUND,
        )
        asked = returns_ask.sync(order.public_id, client=app, body=wanted_back)
        assert (asked.status, asked.can_withdraw) == (ReturnStatus.REQUESTED, True)
        assert [(line.sku, line.quantity) for line in asked.lines] == [(variant.sku, 1)]
        assert hear().kind == "order.return_requested"

        # Nothing is left to be sent back: a refusal is a Problem, whatever was asked for.
        refused = returns_ask.sync(order.public_id, client=app, body=wanted_back)
        assert isinstance(refused, Problem)
        assert (refused.status, refused.code) == (409, "nothing_to_return")

        approve_return(Return.objects.get())
        assert hear().kind == "order.return_approved"
    answered = returns_retrieve.sync(order.public_id, asked.id, client=app)
    assert (answered.id, answered.status, answered.reason) == (
        asked.id,
        ReturnStatus.APPROVED,
        ReturnReason.DAMAGED,
    )


@pytest.mark.django_db(transaction=True)
def test_a_guest_is_refused_in_types_declined_and_pays(shop: LiveShop) -> None:
    from shop_client import AuthenticatedClient, Client
    from shop_client.api.cart import cart_add, cart_shipping_options
    from shop_client.api.events import events_poll, events_ticket
    from shop_client.api.orders import orders_payment_show, orders_payment_start, orders_place
    from shop_client.models import (
        AddedRequest,
        AskTicketRequest,
        DestinationRequest,
        EvFrame,
        OkFrame,
        OrderStatus,
        PlacedRequest,
        Problem,
        ShownAmountRequest,
    )

    guest = Client(base_url=shop.url, timeout=PATIENCE, raise_on_unexpected_status=True)

    # The token of the first answer is the guest from then on.
    sku = Variant.objects.get().sku
    cart = cart_add.sync(client=guest, body=AddedRequest(sku=sku, quantity=2))

    # What the schema cannot say is a 422, and says where.
    nowhere = DestinationRequest(address=address(postal_code="nonsense"))
    unfit = cart_shipping_options.sync(client=guest, body=nowhere, cart_token=cart.token)
    assert isinstance(unfit, Problem)
    assert (unfit.status, unfit.code) == (422, "invalid")
    assert [(one.in_, one.path) for one in unfit.errors] == [("body", "/address/postal_code")]

    quotes = cart_shipping_options.sync(
        client=guest, body=DestinationRequest(address=address()), cart_token=cart.token
    )
    wanted = PlacedRequest(
        checkout_key=cart.checkout_key,
        email="nora@example.com",
        address=address(),
        shipping=quotes.options[0].code,
        expected_total=ShownAmountRequest(amount="1.00", currency="EUR"),
    )

    # Nobody buys at another price than was shown.
    dearer = orders_place.sync_detailed(client=guest, body=wanted, cart_token=cart.token)
    assert isinstance(dearer.parsed, Problem)
    assert (dearer.status_code, dearer.parsed.status) == (409, 409)
    total = quotes.options[0].totals.total
    wanted.expected_total = ShownAmountRequest(amount=total.amount, currency=total.currency)
    order = orders_place.sync(client=guest, body=wanted, cart_token=cart.token)

    # The same secret is good for another card.
    sheet = orders_payment_start.sync(order.public_id, client=guest)
    payment_sheet(shop, sheet.client_secret, "pm_card_visa_chargeDeclined")
    state = orders_payment_show.sync(order.public_id, client=guest)
    assert (state.order_status, state.to_pay) == (OrderStatus.PENDING, order.total)
    assert "declined" in state.last_error
    payment_sheet(shop, sheet.client_secret, "pm_card_visa")
    state = orders_payment_show.sync(order.public_id, client=guest)
    assert (state.order_status, state.to_pay) == (OrderStatus.PAID, None)

    # Where no socket opens, the frames come by long poll. A ticket is who the guest is there.
    ticket = events_ticket.sync(client=guest, body=AskTicketRequest(orders=[order.public_id]))
    reader = AuthenticatedClient(base_url=shop.url, token=ticket.ticket, prefix="Ticket", timeout=PATIENCE)
    stream = order.stream
    told = events_poll.sync(
        client=reader, stream=[stream.name], e=[stream.epoch], o=[str(stream.offset)], wait=5
    )
    assert [type(frame) for frame in told.frames] == [OkFrame, EvFrame, EvFrame]
    assert [frame.k for frame in told.frames[1:]] == ["order.payment_declined", "order.paid"]


def address(postal_code: str = "D13 F6K7") -> Any:
    from shop_client.models import CountryEnum, PostalAddressRequest

    return PostalAddressRequest(
        name="Nora Byrne",
        line1="4 Harbour Row",
        city="Howth",
        region="Co. Dublin",
        postal_code=postal_code,
        country=CountryEnum.IE,
    )


def payment_sheet(shop: LiveShop, secret: str, card: str) -> None:
    """What the provider's sheet on the telephone does with the secret; a decline it shows by itself."""
    provider = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"{shop.url}/sandbox/stripe"})
    intent = secret.partition("_secret_")[0]
    with contextlib.suppress(stripe.CardError):
        provider.v1.payment_intents.confirm(intent, {"payment_method": card, "return_url": shop.url})


def staff_send(public_id: str) -> None:
    order = Order.objects.get(public_id=public_id)
    pack_order(order)
    ship_order(order, "Gannet", "GN 1")
    deliver_order(order)


@contextlib.contextmanager
def following(app: Any, stream: Any) -> Iterator[Callable[[], Event]]:
    """The socket, as long as the order is on the screen; gives the next event, and runs while one is waited for."""
    from shop_client.api.events import events_ticket
    from shop_client.models import AskTicketRequest

    async def ticket() -> str:
        return (await events_ticket.asyncio(client=app, body=AskTicketRequest())).ticket

    async def hear() -> Event:
        async with asyncio.timeout(PATIENCE):
            news = await anext(told)
        assert isinstance(news, Event), news
        return news

    where = events_ticket.sync(client=app, body=AskTicketRequest()).socket
    with asyncio.Runner() as runner:
        socket = runner.run(opened(Socket(where, ticket=ticket)))
        told = socket.follow({stream.name: Position(stream.epoch, stream.offset)})
        try:
            yield lambda: runner.run(hear())
        finally:
            runner.run(socket.__aexit__())


async def opened(socket: Socket) -> Socket:
    return await socket.__aenter__()
