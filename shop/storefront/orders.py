"""An order's page: its log as a book, the parcel's way as a chart, and what its owner may do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications.log import positions
from notifications.log_context import bind
from shop.errors import ShopError
from shop.invoices.services import as_pdf
from shop.orders.editing import BEFORE_PACKING
from shop.orders.invoicing import documents_of
from shop.orders.models import Order
from shop.orders.refilling import refill
from shop.orders.services import claim_orders, may_claim
from shop.payments.cancellations import cancel_order
from shop.payments.carried import exchanged_of
from shop.payments.refunds import goes_back_if_cancelled
from shop.payments.standing import standing_of
from shop.returns.services import returnable
from shop.storefront.cart import filled_cart
from shop.storefront.drops import signed_places
from shop.storefront.forms import CancelForm
from shop.storefront.holding import GUEST_ORDERS
from shop.storefront.passage import passage_of
from shop.storefront.requests import ShopRequest, SignedInRequest

GUEST_ORDERS_KEPT = 30


def find_order(request: HttpRequest, public_id: str) -> Order:
    """The order behind a link, or 404. Opening a guest's order lets this session follow it."""
    order = get_object_or_404(Order.objects.visible_to(request.user).for_page(), public_id=public_id)
    bind(order=order.number)
    remember_guest_order(request, order)
    return order


def remember_guest_order(request: HttpRequest, order: Order) -> None:
    known = request.session.get(GUEST_ORDERS, [])
    if order.user_id is None and order.public_id not in known:
        request.session[GUEST_ORDERS] = [*known, order.public_id][-GUEST_ORDERS_KEPT:]


@never_cache
@require_safe
def order(request: ShopRequest, public_id: str) -> HttpResponse:
    # The position is read before the rows: an event in between is then shown twice rather than never.
    position = positions(f"order:{public_id}")
    order = find_order(request, public_id)
    context = {"order": order, "position": position, **order_facts(request, order)}
    template = "storefront/order.html#live" if request.htmx else "storefront/order.html"
    return render(request, template, context)


def order_facts(request: HttpRequest, order: Order) -> dict[str, Any]:
    events = list(order.events.all())
    standing = standing_of(order)
    ended = next((event.created_at for event in events if event.kind == Order.Status.CANCELLED), None)
    owner = order.is_of(request.user)
    return {
        "documents": documents_of(order),
        "log": [event.read_by(request.user) for event in reversed(events)],
        "passage": passage_of(order.status, {event.kind: event.created_at for event in events}),
        "payment": standing.by_card,
        "gift_payments": standing.by_gift_card,
        "exchanged": exchanged_of(order),
        "refunded": standing.refunded,
        "ran_out": standing.by_card is None and order.ran_out(ended),
        "processing": standing.processing,
        "edit": standing.edit,
        "edit_processing": standing.edit_processing,
        "can_cancel": order.status in BEFORE_PACKING and owner,
        **return_facts(order, owner),
        "can_claim": may_claim(request.user, order),
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def order_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    order = find_order(request, public_id)
    form = CancelForm(request.POST or None)
    if order.status not in BEFORE_PACKING or not order.is_of(request.user):
        messages.error(request, _too_late(order))
        return redirect(order)
    if request.method != "POST" or not form.is_valid():
        return render(
            request,
            "storefront/order_cancel.html",
            {"order": order, "form": form, "going_back": goes_back_if_cancelled(order)},
        )
    by = request.user if request.user.is_authenticated else None
    try:
        cancel_order(order, by=by, why=form.cleaned_data["why"], only_from=BEFORE_PACKING)
    except ShopError as error:
        messages.error(request, error.message)
    return redirect(order)


def _too_late(order: Order) -> str:
    if order.status in (Order.Status.PACKED, Order.Status.SHIPPED, Order.Status.DELIVERED):
        return (
            "It is packed already, so it can no longer be cancelled. You can send back what you do not want to keep: "
            f"ask for it on this page within {settings.RETURN_DAYS} days of the parcel's arrival."
        )
    return "This order can no longer be cancelled here. Write to us and we will see."


@never_cache
@require_safe
def order_document(request: HttpRequest, public_id: str, number: str) -> HttpResponse:
    """An invoice or a credit note, for whoever may see the order."""
    order = find_order(request, public_id)
    document = next((one for one in documents_of(order) if one.number == number), None)
    if document is None:
        raise Http404
    response = HttpResponse(as_pdf(document), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{document.filename}"'
    return response


@require_POST
def order_refill(request: HttpRequest, public_id: str) -> HttpResponse:
    """Puts the lines of an order back in the cart, as far as they can be had; says what cannot."""
    order = find_order(request, public_id)
    for line in refill(order, filled_cart(request), signed_places(request)):
        if line.words:
            messages.warning(request, line.words)
    return redirect("storefront:cart")


@login_required
@require_POST
def order_claim(request: SignedInRequest, public_id: str) -> HttpResponse:
    order = find_order(request, public_id)
    claim_and_tell(request)
    return redirect(order)


def claim_and_tell(request: SignedInRequest) -> None:
    try:
        claimed = claim_orders(request.user)
    except ShopError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{claimed} order{'s' * (claimed != 1)} moved to your account.")


def return_facts(order: Order, owner: bool) -> dict[str, Any]:
    """For the order's page: what was asked for so far, and whether more can be."""
    return {"returns": list(order.returns.in_full()), "can_return": owner and bool(returnable(order))}
