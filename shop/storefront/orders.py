"""An order's page: its log as a book, the parcel's way as a chart, and what its owner may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications.log import positions
from notifications.log_context import bind
from shop.cart.models import MAX_QUANTITY
from shop.cart.services import add_to_cart
from shop.errors import ShopError
from shop.invoices.services import as_pdf
from shop.orders.invoicing import documents_of
from shop.orders.log import title_of
from shop.orders.models import Order, OrderEvent, OrderQuerySet
from shop.orders.services import claim_orders
from shop.payments.cancellations import cancel_order
from shop.payments.carried import carried_back, exchanged_of
from shop.payments.models import Payment
from shop.payments.refunds import goes_back_if_cancelled
from shop.returns.services import returnable
from shop.storefront.cart import filled_cart
from shop.storefront.drops import signed_places
from shop.storefront.forms import CancelForm
from shop.storefront.holding import GUEST_ORDERS
from shop.storefront.passage import Passage, passage_of
from shop.storefront.requests import ShopRequest, SignedInRequest

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

GUEST_ORDERS_KEPT = 30
BY_THE_BUYER = {"placed", "paid", "payment_declined", "return_requested", "return_withdrawn"}
BEFORE_PACKING = (Order.Status.PENDING, Order.Status.PAID)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of the log: when, by whose hand, what and why."""

    kind: str
    title: str
    hand: str
    why: str
    at: datetime

    def __str__(self) -> str:
        return f"{self.title}. {self.why}".strip()


def visible_orders(user: User | AnonymousUser) -> OrderQuerySet:
    """An account's orders are its own; a guest's order is open to who holds its link, which cannot be guessed."""
    if user.is_authenticated and user.is_active and user.has_perm("orders.view_order"):
        return Order.objects.all()
    mine = Q(user=user.pk) if user.is_authenticated else Q(user=None)
    return Order.objects.filter(Q(user=None) | mine)


def find_order(request: HttpRequest, public_id: str) -> Order:
    """The order behind a link, or 404. Opening a guest's order lets this session follow it."""
    order = get_object_or_404(visible_orders(request.user).for_page(), public_id=public_id)
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
    paid = order.payments.filter(status=Payment.Status.SUCCEEDED).prefetch_related("refunds")
    by_card = [one for one in paid if not one.gift_card_id]
    payment = by_card[-1] if by_card else None
    edit = order.open_edit()
    ended = next((event.created_at for event in events if event.kind == Order.Status.CANCELLED), None)
    return {
        "documents": documents_of(order),
        "log": [_entry(event, request.user) for event in reversed(events)],
        "passage": _passage(order, events),
        "payment": payment,
        "gift_payments": [one for one in paid if one.gift_card_id],
        "exchanged": exchanged_of(order),
        "refunded": sum((one.sent_back for one in paid), carried_back(order)),
        "ran_out": payment is None and order.ran_out(ended),
        "processing": order.status == Order.Status.PENDING
        and order.payments.filter(status=Payment.Status.PROCESSING).exists(),
        "edit": edit,
        "edit_processing": edit and edit.payments.filter(status=Payment.Status.PROCESSING).exists(),
        "can_cancel": order.status in BEFORE_PACKING and is_owner(request.user, order),
        **return_facts(order, is_owner(request.user, order)),
        "can_claim": order.user_id is None and _may_claim(request.user, order),
    }


def is_owner(user: User | AnonymousUser, order: Order) -> bool:
    return order.user_id is None or order.user_id == user.pk


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def order_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    order = find_order(request, public_id)
    form = CancelForm(request.POST or None)
    if order.status not in BEFORE_PACKING or not is_owner(request.user, order):
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
    cart, places = filled_cart(request), signed_places(request)
    for line in order.lines.select_related("variant__product", "variant__stock"):
        try:
            if line.variant is None:
                raise ShopError("It is no longer for sale.")
            wanted = min(line.quantity, line.variant.stock.available, MAX_QUANTITY)
            add_to_cart(cart, line.variant, max(wanted, 1), places=places)
            if wanted < line.quantity:
                messages.warning(request, f"Of “{line.title}” there are only {wanted} left.")
        except ShopError as error:
            messages.warning(request, f"“{line.title}” could not be put back. {error.message}")
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


def _may_claim(user: User | AnonymousUser, order: Order) -> bool:
    if not user.is_authenticated:
        return False
    return EmailAddress.objects.filter(user=user, verified=True, email__iexact=order.email).exists()


def _entry(event: OrderEvent, reader: User | AnonymousUser) -> LogEntry:
    return LogEntry(event.kind, title_of(event.kind), _hand(event, reader), event.why, event.created_at)


def _hand(event: OrderEvent, reader: User | AnonymousUser) -> str:
    """Who did it, as far as the reader needs to know."""
    if event.actor == reader:
        return "you"
    if event.actor is not None:
        return event.actor.first_name or "the harbour office"
    if event.kind in BY_THE_BUYER:
        return "the buyer" if getattr(reader, "is_staff", False) else "you"
    return "the shop"


def _passage(order: Order, events: list[OrderEvent]) -> Passage | None:
    reached = {event.kind: event.created_at for event in events}
    return passage_of(order.status, reached)


def return_facts(order: Order, owner: bool) -> dict[str, Any]:
    """For the order's page: what was asked for so far, and whether more can be."""
    asked = order.returns.prefetch_related("lines__order_line").select_related("replacement")
    return {"returns": list(asked), "can_return": owner and bool(returnable(order))}
