"""Which order a request is about, and whether the caller may act on it."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from notifications.log_context import bind
from shop.api.refusals import NotFound
from shop.api.shapes import ProblemSerializer
from shop.orders.models import Order
from shop.problems import MEDIA_TYPE

PUBLIC_ID = r"[A-Za-z0-9_-]{1,32}"
ORDER = OpenApiParameter(
    "public_id",
    {"type": "string", "pattern": f"^{PUBLIC_ID}$"},
    OpenApiParameter.PATH,
    description="The order's; of a guest's order the secret that opens it.",
)

ONLY_LOOKS = {
    (403, MEDIA_TYPE): OpenApiResponse(
        ProblemSerializer, "Staff may look at others' orders, and not act for them."
    )
}


def find_order(request: Request, public_id: str, *, for_page: bool = True) -> Order:
    """An account's own, a guest's by what nobody can guess, any for staff by permission. Raises NotFound.

    With everything that its page shows, or else the row alone.
    """
    orders = Order.objects.visible_to(request.user).filter(public_id=public_id)
    order = (orders.for_page() if for_page else orders).first()
    if order is None:
        raise NotFound
    bind(order=order.number)
    return order


def find_own_order(request: Request, public_id: str, *, for_page: bool = True) -> Order:
    """To act on it. Raises NotFound, or PermissionDenied for staff, who only look."""
    order = find_order(request, public_id, for_page=for_page)
    if not order.is_of(request.user):
        raise PermissionDenied("This is somebody else's order, which you may only look at.")
    return order
