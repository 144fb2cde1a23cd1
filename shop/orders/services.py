"""What staff and payments do to an order. Each function is one transaction; mail leaves after its commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower

from notifications.preferences import wants
from shop.errors import ShopError
from shop.inventory import services as inventory
from shop.inventory.models import Reservation
from shop.inventory.shelf import require_some_on_shelf
from shop.orders.invoicing import invoice_order
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderQuerySet, Shipment
from shop.promotions.services import UNKNOWN, Customer, customer_key

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

Status = Order.Status
AT_ONCE = 200


class TrackingNumberTaken(ShopError):
    code = "tracking_number_taken"
    message = "This tracking number already belongs to another parcel of this carrier."


class NothingToShip(ShopError):
    code = "nothing_to_ship"
    message = "Not so many of it are left to send."


class EmailNotVerified(ShopError):
    code = "email_not_verified"
    message = "Please confirm your e-mail address first; then we can be sure that these orders are yours."


class OtherAddress(ShopError):
    code = "other_address"
    message = "This order was made for an address that you have not confirmed as yours."


def customer_of(user: User | AnonymousUser | None, email: str = "") -> Customer:
    """Who buys, as offers ask: an account by its orders, a guest by those of the address. Nobody yet has none."""
    if user is not None and user.is_authenticated:
        mine = Order.objects.filter(user=user)
    elif email:
        mine = Order.objects.guests_of(email)
    else:
        return UNKNOWN
    key = customer_key(user.pk if user else None, email)
    return Customer(key, cache(mine.exclude(status=Status.CANCELLED).exists))


@transaction.atomic
def mark_paid(order: Order, *, why: str = "") -> bool:
    """The money is there: the stock stays the order's, the invoice is issued, the buyer is told.

    Returns whether it was this call that paid the order. False says that it was paid or cancelled before.
    """
    if not order.move_to(Status.PAID, why=why, strict=False):
        return False
    inventory.keep(order.public_id)
    invoice = invoice_order(order, paid_by=why)
    send_order_mail.enqueue(order.pk, "confirmation", {"document_id": invoice.pk if invoice else None})
    return True


@transaction.atomic
def pack_order(order: Order, by: User | None = None) -> None:
    """Raises WrongStatus unless the order is paid, EditWaits while a change of it is not, NotThereYet where nothing
    of it is on the shelf.
    """
    order.move_to(Status.PACKED, by=by)
    order.require_no_open_edit()
    require_some_on_shelf(order.public_id)


def tell_arrived() -> int:
    """Tells those whose prints were made to order that all are there now. Returns how many it told.

    What is due is read from the shelf as it is, whatever filled it, so that nothing that dies in between is lost.
    """
    waiting = Reservation.objects.waiting().values_list("reference", flat=True)
    due = Order.objects.made_to_order().exclude(public_id__in=list(waiting))
    return sum(_tell_arrived(pk) for pk in due.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def _tell_arrived(pk: int) -> bool:
    # Locked, and looked at again: several processes may do this.
    order = Order.objects.select_for_update(no_key=True).made_to_order().filter(pk=pk).first()
    if order is None:
        return False
    order.record("stock_arrived")
    return True


@transaction.atomic
def ship_order(
    order: Order,
    carrier: str,
    tracking_number: str,
    by: User | None = None,
    quantities: Mapping[int, int] | None = None,
) -> Shipment:
    """A parcel leaves, with everything that is left or with so many of each line (by its id).

    The order is shipped when nothing is left to send. The same parcel twice is one parcel. Raises WrongStatus unless
    packed, NothingToShip for more than is left or nothing, NotThereYet for what is not on the shelf,
    TrackingNumberTaken for a number used before.
    """
    # Read anew: what the caller holds may be older than the lock.
    locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    if sent := order.shipments.filter(carrier=carrier, tracking_number=tracking_number).first():
        return sent
    if locked.status != Status.PACKED:
        raise locked.wrong_status()
    shipment = _new_parcel(locked, carrier, tracking_number)
    contents = _put_into(shipment, quantities)
    _say_it_left(locked, shipment, by)
    order.status = locked.status
    inventory.ship(order.public_id, contents, actor=by)
    return shipment


def _new_parcel(order: Order, carrier: str, tracking_number: str) -> Shipment:
    try:
        with transaction.atomic():
            return order.shipments.create(carrier=carrier, tracking_number=tracking_number)
    except IntegrityError:
        raise TrackingNumberTaken from None


def _put_into(shipment: Shipment, quantities: Mapping[int, int] | None) -> Counter[int]:
    """Counts the lines as sent in this parcel; returns how many of each variant it holds."""
    lines = list(shipment.order.lines.all())
    wanted = {line.pk: line.to_ship if quantities is None else quantities.get(line.pk, 0) for line in lines}
    if not any(wanted.values()):
        raise NothingToShip("There is nothing in this parcel.")
    variants: Counter[int] = Counter()
    for line in lines:
        if quantity := wanted[line.pk]:
            if quantity < 0 or not line.send(quantity):
                raise NothingToShip
            shipment.lines.create(order_line=line, quantity=quantity)
            variants[line.variant_id or 0] += quantity
    return variants


def _say_it_left(order: Order, shipment: Shipment, by: User | None) -> None:
    if more_follows := bool(order.unsent):
        order.record("partly_shipped", by=by, why=str(shipment), shipment=shipment.pk)
    else:
        order.move_to(Status.SHIPPED, by=by, why=str(shipment))
    # News, which a buyer may decline: no law asks for it, and the order's page says the same. Confirmation,
    # cancellation and refund are the buyer's proof and are always sent, as is this to a guest, who has no choice.
    if order.user_id is None or wants(order.user_id, "order.shipped", "email"):
        details = {"shipment_id": shipment.pk, "more_follows": more_follows}
        send_order_mail.enqueue(order.pk, "shipped", details)


@transaction.atomic
def deliver_parcel(shipment: Shipment, by: User | None = None) -> None:
    """This parcel arrived; the order is delivered when it was the last. A second call does nothing."""
    order = Order.objects.select_for_update(no_key=True).get(pk=shipment.order_id)
    if not shipment.mark_delivered():
        return
    under_way = order.shipments.filter(delivered_at=None).exists()
    if under_way or not order.move_to(Status.DELIVERED, by=by, why=str(shipment), strict=False):
        order.record("parcel_delivered", by=by, why=str(shipment), shipment=shipment.pk)


@transaction.atomic
def deliver_order(order: Order, by: User | None = None) -> None:
    """All of it arrived. Raises WrongStatus unless everything is under way."""
    if order.move_to(Status.DELIVERED, by=by):
        for shipment in order.shipments.all():
            shipment.mark_delivered()


def claimable_by(user: User) -> OrderQuerySet:
    """Guests' orders of the addresses that this account has shown to be its own."""
    confirmed = EmailAddress.objects.filter(user=user, verified=True).values(of=Lower("email"))
    return Order.objects.annotate(of=Lower("email")).filter(user=None, of__in=confirmed)


def may_claim(user: User | AnonymousUser, order: Order) -> bool:
    """Whether it is a guest's, made for an address that this account has shown to be its own."""
    if order.user_id is not None or not user.is_authenticated:
        return False
    return EmailAddress.objects.filter(user=user, verified=True, email__iexact=order.email).exists()


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


@transaction.atomic
def claim_order(order: Order, user: User) -> None:
    """The same; raises OtherAddress, and claims nothing, where this one would not be among them."""
    claim_orders(user)
    order.refresh_from_db(fields=["user"])
    if order.user_id != user.pk:
        raise OtherAddress
