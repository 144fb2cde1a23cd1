"""Checkout, second page: how it travels and what it comes to, and the click that makes the order.

The page is asynchronous because it waits for carriers. It enters the database once before that wait and once
after it; what is decided with the buyer's click is synchronous and asks no other machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from djmoney.money import Money

from accounts.book import keep_address
from accounts.models import Address
from notifications.protocol import Position
from shop.cart.models import Cart
from shop.cart.review import Review, look_over
from shop.checkout.services import CartChanged, EmptyCart, place_order
from shop.checkout.sums import Sums, sums_of
from shop.drops.admission import WaitingRoom
from shop.errors import ShopError
from shop.inventory.services import OutOfStock
from shop.orders.models import Order
from shop.orders.services import customer_of
from shop.places import Destination
from shop.promotions.services import Customer
from shop.shipping.services import Choice, Options, ShippingGone, find_choice, gather_options
from shop.storefront.cart import current_cart, followed
from shop.storefront.checkout import DRAFT, back_to_cart, destination_of, draft_of, evidence_of
from shop.storefront.drops import signed_places, to_waiting_room
from shop.storefront.forms import DeliveryForm, first_error
from shop.storefront.orders import remember_guest_order


@dataclass(frozen=True, slots=True)
class Step:
    """What the delivery page needs to know before and after it asks the carriers."""

    cart: Cart
    following: dict[str, Position]
    review: Review
    draft: dict[str, Any]
    customer: Customer
    goods: Money

    @property
    def destination(self) -> Destination:
        return destination_of(self.draft)

    def sums(self, choice: Choice | None) -> Sums:
        return sums_of(self.review, self.destination, choice.price if choice else None, self.customer)

    def find(self, code: str) -> Choice:
        return find_choice(
            code,
            destination=self.destination,
            weight_g=self.review.weight_g,
            goods=self.goods,
        )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
async def delivery(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return await sync_to_async(_place)(request)
    step = await sync_to_async(_open_step)(request)
    if isinstance(step, HttpResponse):
        return step
    options = await gather_options(step.destination, step.review.weight_g, step.goods)
    return await sync_to_async(_delivery_page)(request, step, options)


@require_safe
def checkout_summary(request: HttpRequest) -> HttpResponse:
    """The sums for another way of delivery, for htmx; the price was quoted when the page was made."""
    step = _open_step(request)
    if isinstance(step, HttpResponse):
        return HttpResponse(status=204, headers={"HX-Redirect": step["Location"]})
    try:
        choice = step.find(request.GET.get("shipping", ""))
    except ShippingGone:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    _remember_shipping(request, choice.code)
    sums = step.sums(choice)
    context = {
        "review": step.review,
        "totals": sums.totals,
        "gift": sums.gift,
        "due": sums.due,
        "choice": choice,
    }
    return render(request, "storefront/partials/checkout_sums.html", context)


def _open_step(request: HttpRequest) -> Step | HttpResponse:
    """The cart and the draft as they stand, or where to go first."""
    cart = current_cart(request)
    following = followed(cart)
    looked = look_over(cart)
    if cart is None or looked.blocked:
        return back_to_cart(request, looked)
    draft = draft_of(request)
    if "address" not in draft:
        return redirect("storefront:checkout")
    customer = customer_of(request.user, draft["email"])
    totals = looked.totals(destination_of(draft), customer=customer)
    return Step(cart, following, looked, draft, customer, totals.goods)


def _delivery_page(request: HttpRequest, step: Step, options: Options) -> HttpResponse:
    choice = _selected(options.choices, step.draft)
    offered = {choice.code: choice.name for choice in options.choices}
    request.session[DRAFT] = draft_of(request) | {"offered": offered}
    sums = step.sums(choice)
    context = {
        "review": step.review,
        "following": step.following,
        "totals": sums.totals,
        "gift": sums.gift,
        "due": sums.due,
        "options": options,
        "choice": choice,
        "draft": step.draft,
        "address": Address(**step.draft["address"]),
        "key": step.cart.checkout_key,
    }
    return render(request, "storefront/checkout_delivery.html", context)


def _selected(choices: list[Choice], draft: dict[str, Any]) -> Choice | None:
    """The one chosen before, else the cheapest parcel. Carriers quote anew under new codes: the name is known again."""
    code = draft.get("shipping")
    name = draft.get("offered", {}).get(code)
    same = [choice for choice in choices if choice.code == code or choice.name == name]
    brought = [choice for choice in choices if not choice.collected]
    return next(iter(same or brought or choices), None)


def _place(request: HttpRequest) -> HttpResponse:
    """The click that makes the order. Whatever stops it leads back to the page that says why; nothing is lost."""
    form, draft = DeliveryForm(request.POST), draft_of(request)
    if "address" not in draft:
        return redirect("storefront:checkout")
    if "update" in request.POST:
        _remember_shipping(request, request.POST.get("shipping", ""))
        return redirect("storefront:checkout_delivery")
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect("storefront:checkout_delivery")
    _remember_shipping(request, form.cleaned_data["shipping"])
    try:
        order = _order_from(request, form, draft)
    except (EmptyCart, OutOfStock) as error:
        messages.error(request, error.message)
        return redirect("storefront:cart")
    except WaitingRoom as error:
        return to_waiting_room(request, error)
    except CartChanged as error:
        # The page it leads to looks the cart over again and tells each change.
        if not error.details.get("notices"):
            messages.warning(request, error.message)
        return redirect("storefront:checkout_delivery")
    except ShopError as error:
        messages.error(request, error.message)
        return redirect("storefront:checkout_delivery")
    _after_placing(request, order, draft)
    return redirect("storefront:pay", order.public_id)


def _order_from(request: HttpRequest, form: DeliveryForm, draft: dict[str, Any]) -> Order:
    sent = form.cleaned_data
    return place_order(
        # After a double click the cart is empty or gone, and the key alone finds the order.
        cart=current_cart(request) or Cart(),
        key=sent["key"],
        user=request.user if request.user.is_authenticated else None,
        email=draft["email"],
        address=draft["address"],
        shipping_code=sent["shipping"],
        vat_id=draft.get("vat_id", ""),
        evidence=evidence_of(request),
        expected_total=Money(sent["shown_total"], settings.DEFAULT_CURRENCY),
        expected_due=_shown_due(sent),
        places=signed_places(request),
    )


def _shown_due(sent: dict[str, Any]) -> Money | None:
    due = sent["shown_due"]
    return None if due is None else Money(due, settings.DEFAULT_CURRENCY)


def _after_placing(request: HttpRequest, order: Order, draft: dict[str, Any]) -> None:
    if draft.get("keep") and request.user.is_authenticated:
        keep_address(request.user, draft["address"])
    remember_guest_order(request, order)
    request.session[DRAFT] = {
        name: draft[name] for name in ("email", "address", "address_id", "vat_id") if name in draft
    }


def _remember_shipping(request: HttpRequest, code: str) -> None:
    request.session[DRAFT] = draft_of(request) | {"shipping": code}
