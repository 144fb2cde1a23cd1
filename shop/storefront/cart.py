"""The cart's page and what can be done on it. Each action answers a plain form with a redirect, htmx with a part."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from djmoney.money import Money

from accounts.models import User
from notifications.log import positions
from notifications.protocol import Position
from shop.cart.models import Cart
from shop.cart.review import HOME, Review, look_over
from shop.cart.services import (
    add_to_cart,
    apply_code,
    bring_cart,
    open_cart,
    remove_coupon,
    remove_gift_card,
    set_quantity,
)
from shop.catalog.models import Variant
from shop.checkout.sums import sums_of
from shop.drops.admission import WaitingRoom
from shop.errors import ShopError
from shop.orders.services import customer_of
from shop.payments.holding import held_orders
from shop.promotions.guessing import TooManyGuesses, counting_guesses
from shop.shipping.services import parcel_from
from shop.storefront.drops import signed_places, to_waiting_room
from shop.storefront.forms import AddToCartForm, CouponForm, QuantityForm, first_error
from shop.storefront.holding import guest_orders
from shop.storefront.requests import ShopRequest
from shop.storefront.templatetags.shop import money


def current_cart(request: HttpRequest) -> Cart | None:
    """The visitor's cart if there is one; looking makes none."""
    return Cart.objects.belonging_to(request.user, request.session.get("cart"))


def filled_cart(request: HttpRequest) -> Cart:
    """The visitor's cart, made if there is none, and remembered in a guest's session."""
    cart = open_cart(request.user, request.session.get("cart"))
    if not request.user.is_authenticated:
        request.session["cart"] = cart.token
    return cart


def followed(cart: Cart | None) -> dict[str, Position]:
    """Where the cart's stream stands. Read it before the lines, so that no change falls between."""
    return positions(cart.stream) if cart and cart.pk else {}


@receiver(user_logged_in)
def bring_guest_cart(request: HttpRequest | None, user: User, **_: Any) -> None:
    """What was put in the cart before signing in is still there after."""
    bring_cart(user, request.session.pop("cart", None) if request is not None else None)


@never_cache
@require_safe
def cart(request: ShopRequest) -> HttpResponse:
    return _cart_page(request, current_cart(request))


@never_cache
@require_safe
def cart_count(request: ShopRequest) -> HttpResponse:
    """The number in the header, for a page that learned that the customer has another cart than it knows."""
    return render(request, "storefront/partials/cart_count.html")


@require_POST
def cart_add(request: ShopRequest) -> HttpResponse:
    form = AddToCartForm(request.POST)
    if not form.is_valid():
        return _refused(request, first_error(form))
    variant = get_object_or_404(
        Variant.objects.select_related("product", "stock"), pk=form.cleaned_data["variant"]
    )
    cart = filled_cart(request)
    try:
        line = add_to_cart(cart, variant, form.cleaned_data["quantity"], places=signed_places(request))
    except WaitingRoom as error:
        return to_waiting_room(request, error)
    except ShopError as error:
        return _refused(request, error.message, variant)
    if not request.htmx:
        messages.success(request, f"“{variant.product.title}” is in your cart.")
        return redirect("storefront:cart")
    added = {"variant": variant, "line": line, "quantity": form.cleaned_data["quantity"]}
    return render(request, "storefront/partials/cart_added.html", added)


@require_POST
def cart_line(request: ShopRequest, line_id: int) -> HttpResponse:
    cart, form = current_cart(request), QuantityForm(request.POST)
    error = ""
    if cart and form.is_valid():
        try:
            set_quantity(cart, line_id, form.wanted())
        except ShopError as refusal:
            error = refusal.message
    elif cart:
        error = "Please enter the quantity as a number."
    return _answer(request, cart, line_error={"id": line_id, "message": error} if error else None)


@require_POST
def cart_coupon(request: ShopRequest) -> HttpResponse:
    """Also used by the checkout, which says in `next` where to go back to."""
    cart, error = filled_cart(request), ""
    form = CouponForm(request.POST)
    try:
        if "remove" in request.POST:
            remove_gift_card(cart) if request.POST["remove"] == "gift-card" else remove_coupon(cart)
        elif form.is_valid():
            with counting_guesses(request.user.pk, request.META["REMOTE_ADDR"]):
                apply_code(cart, form.cleaned_data["code"])
        else:
            error = first_error(form)
    except TooManyGuesses as refusal:
        return _cart_page(request, cart, status=429, coupon_error=refusal.message)
    except ShopError as refusal:
        error = refusal.message
    return _answer(request, cart, coupon_error=error, coupon_code=request.POST.get("code", ""))


def _answer(request: ShopRequest, cart: Cart | None, **seen: Any) -> HttpResponse:
    """Back to where the buyer was: with a part of the page for htmx, else by a redirect with the error told."""
    if request.htmx:
        return _cart_page(request, cart, **seen)
    if error := _told_error(seen):
        messages.error(request, error)
    return redirect(_next_page(request))


def _told_error(seen: dict[str, Any]) -> str:
    return (seen.get("line_error") or {}).get("message") or seen.get("coupon_error") or ""


def _next_page(request: ShopRequest) -> str:
    page = request.POST.get("next", "")
    return page if url_has_allowed_host_and_scheme(page, None) and page.startswith("/") else "storefront:cart"


def _cart_page(request: ShopRequest, cart: Cart | None, status: int = 200, **seen: Any) -> HttpResponse:
    following = followed(cart)
    looked = look_over(cart)
    sums = sums_of(looked, customer=customer_of(request.user))
    totals = sums.totals
    bought_again = {line.variant.pk for line in looked.lines}
    held, theirs = held_orders(request.user, guest_orders(request), in_cart=bought_again)
    context = {
        "review": looked,
        "held": held,
        "following": following | theirs,
        "totals": totals,
        "gift": sums.gift,
        "due": sums.due,
        **_deliveries(looked, totals.goods),
        "cart_badge": {"count": looked.count, "following": following},
        "said": _told_error(seen) or f"{looked.count} in your cart, {money(totals.total)}.",
        **seen,
    }
    template = "storefront/cart.html#cart" if request.htmx else "storefront/cart.html"
    return TemplateResponse(request, template, context, status=status)


def _deliveries(looked: Review, goods: Money) -> dict[str, Money | None]:
    """What a parcel within the country costs at least, and how much more in goods would make one free."""
    cheapest, gap = parcel_from(HOME, looked.weight_g, goods) if looked.lines else (None, None)
    return {"delivery_from": cheapest, "more_for_free": gap}


def _refused(request: ShopRequest, message: str, variant: Variant | None = None) -> HttpResponse:
    if request.htmx:
        return render(request, "storefront/partials/cart_added.html", {"error": message})
    messages.error(request, message)
    return redirect(variant.product if variant else request.headers.get("referer", "storefront:cart"))
