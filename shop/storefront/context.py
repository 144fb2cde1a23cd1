"""What every page's frame shows. Nothing is asked of the database until a template shows it."""

from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest

from accounts.models import User
from notifications.inbox import inbox_stream, unread_count
from shop.cart.models import CartLine
from shop.catalog.models import Category


def shop(request: HttpRequest) -> dict[str, Any]:
    user = _signed_in(request)
    return {
        "SHOP_NAME": settings.SHOP_NAME,
        "SANDBOX": settings.SANDBOX,
        "DEMO": settings.DEMO,
        "sections": cache(lambda: list(Category.objects.filter(depth=1))),
        "cart_count": cache(lambda: _cart_count(request)),
        "inbox_stream": inbox_stream(user) if user else "",
        "unread_count": cache(lambda: unread_count(user) if user else 0),
    }


def _signed_in(request: HttpRequest) -> User | None:
    user = getattr(request, "user", None)  # A request refused early has neither user nor session.
    return user if isinstance(user, User) else None


def _cart_count(request: HttpRequest) -> int:
    token = getattr(request, "session", {}).get("cart")
    if user := _signed_in(request):
        lines = CartLine.objects.filter(cart__user=user)
    elif token:
        lines = CartLine.objects.filter(cart__user=None, cart__token=token)
    else:
        return 0
    return lines.aggregate(count=Sum("quantity"))["count"] or 0
