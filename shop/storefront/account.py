"""An account's own pages: overview, orders, name, inbox. Sign-in and passwords are django-allauth's."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications.inbox import inbox, inbox_stream, mark_read
from notifications.log import positions
from shop.news import news_of
from shop.orders.services import claimable_by
from shop.storefront.forms import NameForm
from shop.storefront.orders import claim_and_tell
from shop.storefront.requests import SignedInRequest

ORDERS_A_PAGE = 10
INBOX_LENGTH = 50


@login_required
@require_safe
def account(request: SignedInRequest) -> HttpResponse:
    own = EmailAddress.objects.filter(user=request.user, verified=True)
    context = {
        "orders": request.user.orders.for_list()[:3],
        "address": request.user.addresses.first(),
        "verified": own.filter(email=request.user.email).exists(),
        "claimable": claimable_by(request.user).count(),
    }
    return render(request, "storefront/account.html", context)


@login_required
@require_safe
def account_orders(request: SignedInRequest) -> HttpResponse:
    pages = Paginator(request.user.orders.for_list(), ORDERS_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    numbers = pages.get_elided_page_range(page.number, on_each_side=1)
    context = {"page": page, "numbers": numbers, "claimable": claimable_by(request.user).count()}
    return render(request, "storefront/account_orders.html", context)


@login_required
@require_POST
def orders_claim(request: SignedInRequest) -> HttpResponse:
    claim_and_tell(request)
    return redirect("storefront:account_orders")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account_name(request: SignedInRequest) -> HttpResponse:
    form = NameForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your name is saved.")
        return redirect("storefront:account")
    return render(request, "storefront/account_name.html", {"form": form})


@login_required
@require_safe
def notifications(request: SignedInRequest) -> HttpResponse:
    position = positions(inbox_stream(request.user))
    items = [_told(event) for event in inbox(request.user, INBOX_LENGTH)]
    context = {"items": items, "position": position, "unread": any(item["unread"] for item in items)}
    template = "storefront/notifications.html#items" if request.htmx else "storefront/notifications.html"
    return render(request, template, context)


@login_required
@require_POST
def notifications_read(request: SignedInRequest) -> HttpResponse:
    offset = request.POST.get("offset", "")
    if offset.isdecimal():
        mark_read(request.user, int(offset))
    return redirect("storefront:notifications")


def _told(event: Any) -> dict[str, object]:
    return {
        "news": news_of(event.kind, event.payload),
        "at": event.created_at,
        "offset": event.offset,
        "unread": event.unread,
    }
