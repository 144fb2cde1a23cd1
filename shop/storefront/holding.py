"""What was ordered without an account in this session: held_orders() and the live door ask for it."""

from django.http import HttpRequest

GUEST_ORDERS = "guest_orders"  # in the session: what was ordered without an account


def guest_orders(request: HttpRequest) -> list[str]:
    return request.session.get(GUEST_ORDERS, [])
