"""The cards that an account keeps. They lie at the payment provider: these pages name them, and never see a number."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from shop.errors import ShopError
from shop.payments.saved_cards import begin_saving, forget_card, saved_cards


@login_required
@never_cache
@require_safe
async def saved(request: HttpRequest) -> HttpResponse:
    user = await _owner(request)
    context: dict[str, Any] = {}
    try:
        context["cards"] = await saved_cards(user)
    except ShopError as error:
        context["trouble"] = error.message
    status = 503 if "trouble" in context else 200
    return await sync_to_async(render)(request, "storefront/saved_cards.html", context, status=status)


@login_required
@never_cache
@require_safe
async def add(request: HttpRequest) -> HttpResponse:
    user = await _owner(request)
    try:
        secret = await begin_saving(user)
    except ShopError as error:
        messages.error(request, error.message)
        return redirect("storefront:saved_cards")
    context = {
        "secret": secret,
        "publishable_key": settings.STRIPE_PUBLISHABLE_KEY,
        "stripe_js": settings.STRIPE_JS,
        "return_url": request.build_absolute_uri(reverse("storefront:saved_cards")),
    }
    return await sync_to_async(render)(request, "storefront/saved_card_add.html", context)


@login_required
@require_POST
async def remove(request: HttpRequest, card_id: str) -> HttpResponse:
    user = await _owner(request)
    try:
        await forget_card(user, card_id)
        messages.success(request, "The card is no longer kept.")
    except ShopError as error:
        messages.error(request, error.message)
    return redirect("storefront:saved_cards")


async def _owner(request: HttpRequest) -> User:
    user = await request.auser()
    if not settings.SAVED_CARDS or not isinstance(user, User):
        raise Http404
    return user
