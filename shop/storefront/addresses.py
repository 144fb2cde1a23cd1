"""The address book of an account."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.book import make_default
from accounts.models import Address
from shop.storefront.forms import BookAddressForm
from shop.storefront.requests import SignedInRequest


@require_POST
def address_fields(request: HttpRequest) -> HttpResponse:
    """The address form again in the shape of the country just chosen, with what was typed so far, for htmx."""
    form = BookAddressForm(initial=request.POST.dict())
    return render(request, "storefront/partials/address_fields.html", {"form": form})


@login_required
@require_safe
def addresses(request: SignedInRequest) -> HttpResponse:
    return render(request, "storefront/addresses.html", {"addresses": request.user.addresses.all()})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def address_add(request: SignedInRequest) -> HttpResponse:
    initial = {"name": request.user.get_full_name(), "make_default": not request.user.addresses.exists()}
    return _edit(request, Address(user=request.user), initial)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def address_edit(request: SignedInRequest, address_id: int) -> HttpResponse:
    address = get_object_or_404(request.user.addresses, pk=address_id)
    return _edit(request, address, {"make_default": address.is_default})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def address_delete(request: SignedInRequest, address_id: int) -> HttpResponse:
    address = get_object_or_404(request.user.addresses, pk=address_id)
    if request.method != "POST":
        return render(request, "storefront/address_delete.html", {"address": address})
    address.delete()
    messages.success(request, "The address is out of your book. Orders keep the one they were sent to.")
    return redirect("storefront:addresses")


@login_required
@require_POST
def address_default(request: SignedInRequest, address_id: int) -> HttpResponse:
    make_default(get_object_or_404(request.user.addresses, pk=address_id))
    return redirect("storefront:addresses")


def _edit(request: SignedInRequest, address: Address, initial: dict[str, object]) -> HttpResponse:
    is_new = address.pk is None
    if "reshape" in request.POST:
        form = BookAddressForm(instance=address, initial=request.POST.dict())
        return render(request, "storefront/address_form.html", {"form": form, "is_new": is_new})
    form = BookAddressForm(request.POST or None, instance=address, initial=initial)
    if request.method != "POST" or not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(
            request, "storefront/address_form.html", {"form": form, "is_new": is_new}, status=status
        )
    with transaction.atomic():
        kept = form.save()
        if form.cleaned_data["make_default"]:
            make_default(kept)
    messages.success(request, "The address is in your book.")
    return redirect("storefront:addresses")
