"""What staff and payments do to an order. Each function is one transaction; mail leaves after its commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from notifications.preferences import wants
from shop.errors import ShopError
from shop.inventory import services as inventory
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, Shipment

if TYPE_CHECKING:
    from accounts.models import User

Status = Order.Status


class TrackingNumberTaken(ShopError):
    code = "tracking_number_taken"
    message = "This tracking number already belongs to another parcel of this carrier."


class EmailNotVerified(ShopError):
    code = "email_not_verified"
    message = "Please confirm your e-mail address first; then we can be sure that these orders are yours."


@transaction.atomic
def mark_paid(order: Order, *, why: str = "") -> bool:
    """The money is there: the stock stays the order's, the buyer is told.

    Returns whether it was this call that paid the order. False says that it was paid or cancelled before.
    """
    if not order.move_to(Status.PAID, why=why, strict=False):
        return False
    inventory.keep(order.public_id)
    send_order_mail.enqueue(order.pk, "confirmation")
    return True


def pack_order(order: Order, by: User | None = None) -> None:
    """Raises WrongStatus unless the order is paid."""
    order.move_to(Status.PACKED, by=by)


@transaction.atomic
def ship_order(order: Order, carrier: str, tracking_number: str, by: User | None = None) -> Shipment:
    """The parcel leaves. Raises WrongStatus unless packed, TrackingNumberTaken for a number used before."""
    moved = order.move_to(Status.SHIPPED, by=by, why=f"{carrier} {tracking_number}")
    if not moved:
        return order.shipments.latest("id")
    try:
        with transaction.atomic():
            shipment = order.shipments.create(carrier=carrier, tracking_number=tracking_number)
    except IntegrityError:
        raise TrackingNumberTaken from None
    inventory.ship(order.public_id, actor=by)
    # News, which a buyer may decline: no law asks for it, and the order's page says the same. Confirmation,
    # cancellation and refund are the buyer's proof and are always sent, as is this to a guest, who has no choice.
    if order.user_id is None or wants(order.user_id, "order.shipped", "email"):
        send_order_mail.enqueue(order.pk, "shipped")
    return shipment


def deliver_order(order: Order, by: User | None = None) -> None:
    """Raises WrongStatus unless the order is under way."""
    order.move_to(Status.DELIVERED, by=by)


@transaction.atomic
def claim_orders(user: User) -> int:
    """Gives an account the guest orders of its verified address. Raises EmailNotVerified where there is none."""
    verified = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    if not verified:
        raise EmailNotVerified
    claimed = 0
    for email in verified:
        for order in Order.objects.guests_of(email):
            if Order.objects.filter(pk=order.pk, user=None).update(user=user):
                order.user = user
                order.record("claimed", by=user)
                claimed += 1
    return claimed
