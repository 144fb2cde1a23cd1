"""What staff may still change of an order before it is packed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import transaction

from accounts.postal import normalise
from shop.errors import ShopError
from shop.orders.mails import send_order_mail
from shop.orders.models import Order
from shop.places import Destination
from shop.pricing.models import TaxZone
from shop.shipping.models import ShippingZone

if TYPE_CHECKING:
    from accounts.models import User

BEFORE_PACKING = (Order.Status.PENDING, Order.Status.PAID)


class OtherPlace(ShopError):
    code = "other_place"
    message = (
        "Another country or state is taxed and sent to at another price. Cancel the order and place it again."
    )


class OtherZone(OtherPlace):
    code = "other_zone"
    message = "That address is delivered to at another price. Cancel the order and place it again."


@transaction.atomic
def change_address(order: Order, address: Mapping[str, str], *, why: str, by: User | None = None) -> bool:
    """Sends the parcel elsewhere within its country and zones, and where tax came on top within its region.

    `address` has PostalAddress.FIELDS. Returns whether it changed; what was invoiced stays as it was. Raises
    WrongStatus once packed, OtherPlace, or accounts.postal.AddressInvalid.
    """
    locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    if locked.status not in BEFORE_PACKING:
        raise locked.wrong_status()
    fields = {name: normalise(address).get(name, "") for name in Order.FIELDS}
    known = {name: str(getattr(locked, name)) for name in Order.FIELDS}
    taxed_by_region = bool(locked.tax_added.amount)
    if fields["country"] != known["country"] or (taxed_by_region and fields["region"] != known["region"]):
        raise OtherPlace
    _require_same_zones(Destination.of(known), Destination.of(fields))
    if fields == known:
        return False
    before = ", ".join(locked.as_lines())
    Order.objects.filter(pk=locked.pk).update(**fields)
    locked.refresh_from_db()
    locked.record("address_changed", by=by, why=why[:300], before=before, after=", ".join(locked.as_lines()))
    send_order_mail.enqueue(locked.pk, "address_changed", {"before": before})
    return True


def _require_same_zones(now: Destination, then: Destination) -> None:
    """Zones may end at a postal code: Northern Ireland is taxed unlike Great Britain, and islands cost more."""
    if TaxZone.objects.closest(now) != TaxZone.objects.closest(then):
        raise OtherZone("That address is taxed at other rates. Cancel the order and place it again.")
    if ShippingZone.objects.around(now) != ShippingZone.objects.around(then):
        raise OtherZone
