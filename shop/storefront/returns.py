"""Sending something back: which prints, how many, why, and what the buyer would like instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from shop.errors import ShopError
from shop.orders.models import Order
from shop.returns.models import Return
from shop.returns.services import request_return, returnable, withdraw_return
from shop.storefront.forms import ReturnForm
from shop.storefront.orders import find_order

if TYPE_CHECKING:
    from accounts.models import User

TOO_LATE = "Nothing of this order can be sent back any more. Write to us and we will see."


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def order_return(request: HttpRequest, public_id: str) -> HttpResponse:
    order = find_order(request, public_id)
    most = returnable(order) if order.is_of(request.user) else {}
    if not most:
        messages.error(request, TOO_LATE)
        return redirect(order)
    form = ReturnForm(
        request.POST or None, lines=[line for line in order.lines.all() if line.pk in most], most=most
    )
    if request.method == "POST" and form.is_valid():
        return _request(request, order, form)
    status = 422 if form.is_bound else 200
    return render(request, "storefront/order_return.html", {"order": order, "form": form}, status=status)


def _request(request: HttpRequest, order: Order, form: ReturnForm) -> HttpResponse:
    asked = {name: form.cleaned_data[name] for name in ("reason", "wish", "note")}
    try:
        request_return(order, form.quantities(), by=_user(request), **asked)
        messages.success(request, "We have your wish and answer within two working days.")
    except ShopError as error:
        messages.error(request, error.message)
    return redirect(order)


@require_POST
def return_withdraw(request: HttpRequest, public_id: str, return_id: int) -> HttpResponse:
    order = find_order(request, public_id)
    if order.is_of(request.user):
        asked = get_object_or_404(Return, pk=return_id, order=order)
        try:
            withdraw_return(asked, by=_user(request))
        except ShopError as error:
            messages.error(request, error.message)
    return redirect(order)


def _user(request: HttpRequest) -> User | None:
    return request.user if request.user.is_authenticated else None
