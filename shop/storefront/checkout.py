"""Checkout, first page: who and where. The draft of the order lies in the session until the order is placed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Address
from notifications.protocol import Position
from shop.cart.review import Review, look_over
from shop.checkout.sums import sums_of
from shop.checkout.tax_facts import known_of_buyer
from shop.orders.services import customer_of
from shop.places import Destination
from shop.pricing.vies import VatIdUnknown, ask_vies, refuse_unknown
from shop.storefront.cart import current_cart, followed
from shop.storefront.forms import AddressForm, ContactForm, VatIdForm

DRAFT = "checkout"
NEW_ADDRESS = "new"


@dataclass(frozen=True, slots=True)
class Page:
    """What the page is made of, as it was sent or as it is shown for the first time."""

    review: Review
    following: dict[str, Position]
    contact: ContactForm
    business: VatIdForm
    address: AddressForm
    kept: list[Address]
    chosen: str

    @property
    def chosen_address(self) -> Address | None:
        return next((address for address in self.kept if str(address.pk) == self.chosen), None)

    @property
    def parcel(self) -> dict[str, str]:
        """The address as far as it is known; what was kept was checked when it was kept."""
        kept = self.chosen_address
        if kept:
            return {name: str(getattr(kept, name)) for name in Address.FIELDS}
        if self.address.is_bound and self.address.is_valid():
            return self.address.as_address()
        return self.address.as_typed()

    @property
    def destination(self) -> Destination:
        return Destination.of(self.parcel, self.business.as_written(self.parcel["country"]))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
async def details(request: HttpRequest) -> HttpResponse:
    """Asynchronous because it may wait for VIES, which knows whether a VAT id was given out."""
    page = await sync_to_async(_read)(request)
    if isinstance(page, HttpResponse):
        return page
    vat_id = page.destination.vat_id
    answer = await ask_vies(vat_id) if vat_id and settings.VIES_URL else None
    return await sync_to_async(_go_on)(request, page, answer)


@require_POST
def checkout_amounts(request: HttpRequest) -> HttpResponse:
    """What it comes to for the address as it is typed so far, for htmx."""
    page = _page(request)
    context = {"review": page.review, **_sums(request, page)}
    return render(request, "storefront/partials/details_sums.html", context)


def _sums(request: HttpRequest, page: Page) -> dict[str, Any]:
    sums = sums_of(page.review, page.destination, customer=customer_of(request.user))
    return {"totals": sums.totals, "gift": sums.gift, "due": sums.due}


def _read(request: HttpRequest) -> HttpResponse | Page:
    """What was sent, if it can be gone on with; else the page that says what is missing."""
    page = _page(request)
    if page.review.blocked:
        return back_to_cart(request, page.review)
    if request.method != "POST" or "reshape" in request.POST:
        return _shown(request, page)
    page.business.check(page.parcel)
    forms = [page.contact, page.business, *([] if page.chosen_address else [page.address])]
    wrong = [form for form in forms if not form.is_valid()]  # each of them, so that all is told at once
    if wrong:
        return _shown(request, page, status=422)
    return page


def _go_on(request: HttpRequest, page: Page, vies: dict[str, str] | None) -> HttpResponse:
    try:
        refuse_unknown(vies)
    except VatIdUnknown as error:
        page.business.add_error("vat_id", error.message)
        return _shown(request, page, status=422)
    request.session[DRAFT] = draft_of(request) | {
        "email": page.contact.cleaned_data["email"],
        "address": page.parcel,
        "address_id": page.chosen_address.pk if page.chosen_address else None,
        "keep": not page.chosen_address and "keep_address" in request.POST,
        "vat_id": page.destination.vat_id,
        "vies": vies,
    }
    tell_notices(request, page.review)
    return redirect("storefront:checkout_delivery")


def _page(request: HttpRequest) -> Page:
    cart = current_cart(request)
    following = followed(cart)
    kept = list(request.user.addresses.all()) if request.user.is_authenticated else []
    forms = _forms_sent(request) if request.method == "POST" else _forms_from_draft(request)
    return Page(look_over(cart), following, *forms, kept, _preselected(request, kept))


def _forms_sent(request: HttpRequest) -> tuple[ContactForm, VatIdForm, AddressForm]:
    # Neither another country's fields nor a look at the sums is a moment to complain.
    if "reshape" in request.POST or request.resolver_match.url_name == "checkout_amounts":  # type: ignore[union-attr]
        typed = request.POST.dict()
        return ContactForm(initial=typed), VatIdForm(initial=typed), AddressForm(initial=typed)
    return ContactForm(request.POST), VatIdForm(request.POST), AddressForm(request.POST)


def _forms_from_draft(request: HttpRequest) -> tuple[ContactForm, VatIdForm, AddressForm]:
    draft = draft_of(request)
    email = draft.get("email") or getattr(request.user, "email", "")
    name = request.user.get_full_name() if request.user.is_authenticated else ""
    address = AddressForm(initial=draft.get("address") or {"name": name})
    return ContactForm(initial={"email": email}), VatIdForm(initial={"vat_id": draft.get("vat_id")}), address


def _shown(request: HttpRequest, page: Page, status: int = 200) -> HttpResponse:
    # A kept address leaves the form folded beside it, with nothing to complain of.
    folded = page.address
    if folded.is_bound and page.chosen_address:
        folded = AddressForm(initial=draft_of(request).get("address"))
    forms = (page.contact, page.business, folded)
    context = {
        "review": page.review,
        "following": page.following,
        **_sums(request, page),
        "contact": page.contact,
        "business": page.business,
        "form": folded,
        "addresses": page.kept,
        "chosen": page.chosen,
        "error_count": sum(len(form.errors) for form in forms),
        "keep": request.POST.get("keep_address")
        if request.method == "POST"
        else draft_of(request).get("keep"),
    }
    return render(request, "storefront/checkout_details.html", context, status=status)


def _preselected(request: HttpRequest, kept: list[Address]) -> str:
    """Which address is ticked: as sent, as drafted, or the one the account prefers."""
    if request.method == "POST":
        sent = request.POST.get("address_id", NEW_ADDRESS)
        return sent if sent in {str(address.pk) for address in kept} else NEW_ADDRESS
    draft = draft_of(request)
    if draft.get("address"):
        known = {address.pk for address in kept}
        return str(draft["address_id"]) if draft.get("address_id") in known else NEW_ADDRESS
    return str(kept[0].pk) if kept else NEW_ADDRESS


def destination_of(draft: Mapping[str, Any]) -> Destination:
    return Destination.of(draft["address"], draft.get("vat_id", ""))


def evidence_of(request: HttpRequest) -> dict[str, Any]:
    """What is known of where the buyer is, beside the address: what VIES said, and what our proxy says."""
    return known_of_buyer(request.headers, draft_of(request).get("vies"))


def back_to_cart(request: HttpRequest, looked: Review) -> HttpResponse:
    tell_notices(request, looked)
    return redirect("storefront:cart")


def tell_notices(request: HttpRequest, looked: Review) -> None:
    """What changed is told once: a page that only sends the buyer on hands it to the next."""
    for notice in looked.notices:
        messages.warning(request, notice)


def draft_of(request: HttpRequest) -> dict[str, Any]:
    return request.session.get(DRAFT, {})
