"""What is kept of an account, to take along or to have deleted; and signing out a device from another."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.devices import sign_out
from shop.errors import ShopError
from shop.privacy.deletion import delete_account, orders_under_way
from shop.privacy.export import export_of
from shop.storefront.requests import SignedInRequest


@login_required
@never_cache
@require_safe
def account_export(request: SignedInRequest) -> HttpResponse:
    response = JsonResponse(export_of(request.user), json_dumps_params={"indent": 2, "ensure_ascii": False})
    response.headers["Content-Disposition"] = 'attachment; filename="breakwater-account.json"'
    return response


@login_required
@reauthentication_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account_close(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "storefront/account_close.html", {"under_way": orders_under_way(request.user)})
    try:
        delete_account(request.user)
    except ShopError as refusal:
        messages.error(request, refusal.message)
        return redirect("storefront:account_close")
    logout(request)
    messages.success(request, "Your account is closed. Fair winds.")
    return redirect("storefront:home")


@login_required
@require_POST
def device_sign_out(request: SignedInRequest, device_id: int) -> HttpResponse:
    device = get_object_or_404(UserSession, user=request.user, pk=device_id)
    sign_out(request.user, [device.session_key])
    messages.success(request, "The device is signed out.")
    return redirect("usersessions_list")
