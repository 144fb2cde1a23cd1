"""Checkout, first page: who and where. The draft of the order lies in the session until the order is placed."""

from __future__ import annotations

import functools
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Address
from notifications.protocol import Position
from shop.cart.review import Review
from shop.orders.services import customer_of
from shop.storefront.cart import current_cart, followed, look_over
from shop.storefront.forms import AddressForm, ContactForm

DRAFT = "checkout"
NEW_ADDRESS = "new"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def details(request: HttpRequest) -> HttpResponse:
    cart = current_cart(request)
    following = followed(cart)
    looked = look_over(cart)
    if looked.blocked:
        return back_to_cart(request, looked)
    page = functools.partial(_details_page, request, looked, following)
    if request.method != "POST":
        return page(*_forms_from_draft(request))
    if "reshape" in request.POST:
        typed = request.POST.dict()
        return page(ContactForm(initial=typed), AddressForm(initial=typed))
    draft, contact, address = _read_details(request)
    if draft is None:
        return page(contact, address, status=422)
    request.session[DRAFT] = draft_of(request) | draft
    tell_notices(request, looked)
    return redirect("storefront:checkout_delivery")


def _read_details(request: HttpRequest) -> tuple[dict[str, Any] | None, ContactForm, AddressForm]:
    """The part of the draft that was sent, or None if a form has errors."""
    contact, kept = ContactForm(request.POST), _chosen_address(request)
    # A kept address was checked when it was kept; the form then only stands by, folded.
    address = AddressForm(initial=draft_of(request).get("address")) if kept else AddressForm(request.POST)
    if not contact.is_valid() or not (kept or address.is_valid()):
        return None, contact, address
    parcel = {name: str(getattr(kept, name)) for name in Address.FIELDS} if kept else address.as_address()
    sent = {
        "email": contact.cleaned_data["email"],
        "address": parcel,
        "address_id": kept.pk if kept else None,
        "keep": not kept and "keep_address" in request.POST,
    }
    return sent, contact, address


def _chosen_address(request: HttpRequest) -> Address | None:
    chosen = request.POST.get("address_id", NEW_ADDRESS)
    if chosen == NEW_ADDRESS or not chosen.isdecimal() or not request.user.is_authenticated:
        return None
    return request.user.addresses.filter(pk=int(chosen)).first()


def _forms_from_draft(request: HttpRequest) -> tuple[ContactForm, AddressForm]:
    draft = draft_of(request)
    email = draft.get("email") or getattr(request.user, "email", "")
    name = request.user.get_full_name() if request.user.is_authenticated else ""
    return ContactForm(initial={"email": email}), AddressForm(initial=draft.get("address") or {"name": name})


def _details_page(
    request: HttpRequest,
    looked: Review,
    following: dict[str, Position],
    contact: ContactForm,
    address: AddressForm,
    status: int = 200,
) -> HttpResponse:
    kept = list(request.user.addresses.all()) if request.user.is_authenticated else []
    totals = looked.totals(address.country, customer=customer_of(request.user))
    gift = looked.from_gift_card(totals.total)
    context = {
        "review": looked,
        "following": following,
        "totals": totals,
        "gift": gift,
        "due": totals.total - gift,
        "contact": contact,
        "form": address,
        "addresses": kept,
        "chosen": _preselected(request, kept),
        "error_count": len(contact.errors) + len(address.errors),
        "keep": request.POST.get("keep_address")
        if request.method == "POST"
        else draft_of(request).get("keep"),
    }
    return render(request, "storefront/checkout_details.html", context, status=status)


def _preselected(request: HttpRequest, kept: list[Address]) -> str:
    """Which address is ticked: as sent, as drafted, or the one the account prefers."""
    if request.method == "POST":
        return request.POST.get("address_id", NEW_ADDRESS)
    draft = draft_of(request)
    if draft.get("address"):
        known = {address.pk for address in kept}
        return str(draft["address_id"]) if draft.get("address_id") in known else NEW_ADDRESS
    return str(kept[0].pk) if kept else NEW_ADDRESS


def back_to_cart(request: HttpRequest, looked: Review) -> HttpResponse:
    tell_notices(request, looked)
    return redirect("storefront:cart")


def tell_notices(request: HttpRequest, looked: Review) -> None:
    """What changed is told once: a page that only sends the buyer on hands it to the next."""
    for notice in looked.notices:
        messages.warning(request, notice)


def draft_of(request: HttpRequest) -> dict[str, Any]:
    return request.session.get(DRAFT, {})
