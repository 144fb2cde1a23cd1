"""Paying: the card form's page, the way back from the bank, and a status to ask for.

All are asynchronous because they wait for the payment provider. Rows are read and written in services and
in one block each; no transaction is open while the provider is waited for.
"""

from __future__ import annotations

import contextlib

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from notifications.log import positions
from notifications.protocol import Position
from shop.orders.models import Order
from shop.payments.models import Payment
from shop.payments.saved_cards import NoSuchCard, pay_with_saved, saved_cards
from shop.payments.services import PaymentClosed, refresh_payment, start_payment
from shop.payments.stripe_gateway import GatewayRefused, GatewayUnavailable, SavedCard
from shop.storefront.orders import find_order

Status = Order.Status


@never_cache
@require_safe
async def pay(request: HttpRequest, public_id: str) -> HttpResponse:
    position, order = await sync_to_async(_find)(request, public_id)
    if order.status not in (Status.PENDING, Status.PAID, Status.CANCELLED):
        return redirect(order)
    try:
        payment = await start_payment(order)
    except PaymentClosed:
        if order.status == Status.PAID:
            return redirect(order)
        return await sync_to_async(_closed_page)(request, order)
    except (GatewayUnavailable, GatewayRefused) as error:
        return await sync_to_async(_trouble_page)(request, order, error.message)
    cards = await _kept_cards(request, order)
    return await sync_to_async(_pay_page)(request, order, position, payment, cards)


@never_cache
@require_POST
async def pay_with(request: HttpRequest, public_id: str) -> HttpResponse:
    """With a card that the account keeps; a bank that wants to be asked first has a page of its own."""
    order = await sync_to_async(find_order)(request, public_id)
    user = await request.auser()
    if not settings.SAVED_CARDS or not isinstance(user, User) or order.user_id != user.pk:
        raise Http404
    back = request.build_absolute_uri(reverse("storefront:pay_return", args=[order.public_id]))
    try:
        bank = await pay_with_saved(order, user, request.POST.get("card", ""), back)
    except GatewayRefused as error:
        with contextlib.suppress(GatewayUnavailable, GatewayRefused):
            await refresh_payment(order)  # the decline for the log, or a payment that another tab made
        if await sync_to_async(_is_payable)(order):
            messages.error(request, error.message)
    except (PaymentClosed, GatewayUnavailable, NoSuchCard) as error:
        messages.error(request, error.message)
    else:
        return redirect(bank or back)
    return redirect("storefront:pay", order.public_id)


@never_cache
@require_safe
async def pay_return(request: HttpRequest, public_id: str) -> HttpResponse:
    """Where the provider sends the buyer back to. What is true is asked, not read from the address."""
    order = await sync_to_async(find_order)(request, public_id)
    try:
        await refresh_payment(order)
    except (GatewayUnavailable, GatewayRefused):
        # The provider's own message will bring the news; until then the order's page says that we wait.
        return redirect(order)
    return await sync_to_async(_after_return)(request, order)


@never_cache
@require_safe
async def pay_status(request: HttpRequest, public_id: str) -> JsonResponse:
    """For the pay page's script, where no push arrives. `?ask` also asks the provider: after a card was sent."""
    order = await sync_to_async(find_order)(request, public_id)
    if "ask" in request.GET and order.status in (Status.PENDING, Status.PAID):
        try:
            await refresh_payment(order)
        except (GatewayUnavailable, GatewayRefused) as error:
            return JsonResponse({"status": order.status, "trouble": error.message}, status=503)
    return JsonResponse(await sync_to_async(_state)(order))


def _find(request: HttpRequest, public_id: str) -> tuple[dict[str, Position], Order]:
    """The order, and where its stream stood before it was read."""
    position = positions(f"order:{public_id}")
    return position, find_order(request, public_id)


async def _kept_cards(request: HttpRequest, order: Order) -> list[SavedCard]:
    """The buyer's own; without an answer the card form alone will do."""
    user = await request.auser()
    if not settings.SAVED_CARDS or not isinstance(user, User) or order.user_id != user.pk:
        return []
    try:
        return await saved_cards(user)
    except (GatewayUnavailable, GatewayRefused):
        return []


def _is_payable(order: Order) -> bool:
    return order.status == Status.PENDING or order.open_edit() is not None


def _state(order: Order) -> dict[str, str]:
    payment = order.payments.last()
    state = {"status": order.status, "payment": payment.status if payment else ""}
    done = not _is_payable(order) or (payment and payment.status == Payment.Status.PROCESSING)
    if order.status == Status.CANCELLED:
        state["url"] = reverse("storefront:pay", args=[order.public_id])
    elif done:
        state["url"] = order.get_absolute_url()
    return state


def _after_return(request: HttpRequest, order: Order) -> HttpResponse:
    payment = order.payments.last()
    if not _is_payable(order) or (payment and payment.status == Payment.Status.PROCESSING):
        return redirect(order)
    if payment and payment.last_error:
        messages.error(request, payment.last_error)
    return redirect("storefront:pay", order.public_id)


def _pay_page(
    request: HttpRequest,
    order: Order,
    position: dict[str, Position],
    payment: Payment,
    cards: list[SavedCard],
) -> HttpResponse:
    if payment.status == Payment.Status.PROCESSING:
        return redirect(order)
    context = {
        "order": order,
        "position": position,
        "payment": payment,
        "edit": payment.edit,
        "to_pay": payment.amount,
        "saved_cards": cards,
        "publishable_key": settings.STRIPE_PUBLISHABLE_KEY,
        "stripe_js": settings.STRIPE_JS,
        "return_url": request.build_absolute_uri(reverse("storefront:pay_return", args=[order.public_id])),
    }
    return render(request, "storefront/pay.html", context)


def _closed_page(request: HttpRequest, order: Order) -> HttpResponse:
    context = {
        "order": order,
        "expired": order.reserved_until <= timezone.now(),
        "was_paid": order.payments.filter(status=Payment.Status.SUCCEEDED, gift_card=None).exists(),
    }
    return render(request, "storefront/pay_closed.html", context, status=410)


def _trouble_page(request: HttpRequest, order: Order, message: str) -> HttpResponse:
    response = render(
        request, "storefront/pay_trouble.html", {"order": order, "message": message}, status=503
    )
    response.headers["Retry-After"] = "20"
    return response
