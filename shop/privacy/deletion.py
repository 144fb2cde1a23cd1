"""An account is closed and its owner forgotten: article 17 of the GDPR, as far as the law on books lets us.

What was bought stays, as invoices and the books need it, with the address that they name; it is nobody's any more.
Everything else goes. At the payment provider the customer is forgotten by the background work, soon after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Q

from accounts.devices import sign_out_others
from accounts.models import PostalAddress, User
from notifications.inbox import forget_inbox
from shop.alerts.models import Alert
from shop.errors import ShopError
from shop.idempotency.services import forget_answers_to
from shop.invoices.models import Document
from shop.orders.models import Order
from shop.returns.models import Return

if TYPE_CHECKING:
    from django.db.models import QuerySet

Status, ReturnStatus = Order.Status, Return.Status
UNDER_WAY = (Status.PENDING, Status.PAID, Status.PACKED, Status.SHIPPED)
RETURN_UNDER_WAY = (ReturnStatus.REQUESTED, ReturnStatus.APPROVED, ReturnStatus.RECEIVED)
NOT_IN_THE_BOOKS = dict.fromkeys((set(PostalAddress.FIELDS) - {"country"}) | {"vat_id"}, "")


class OrdersUnderWay(ShopError):
    """`details`: the `orders`' numbers."""

    code = "orders_under_way"
    message = "Something is still on its way to you or back. Once it is done, the account can be closed."


class StaffAccount(ShopError):
    code = "staff_account"
    message = "An account of the shop's staff is closed by a colleague."


@transaction.atomic
def delete_account(user: User) -> None:
    """Signed out everywhere at once. Raises OrdersUnderWay or StaffAccount."""
    # Locked: an order that is placed meanwhile waits, and finds nobody to belong to.
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.is_staff:
        raise StaffAccount
    if numbers := [order.number for order in orders_under_way(user)]:
        raise OrdersUnderWay(orders=numbers)
    _separate_orders(user)
    _forget_alerts(user)
    sign_out_others(user, "")
    forget_inbox(user)
    forget_answers_to(user)
    user.delete()


def orders_under_way(user: User) -> QuerySet[Order]:
    returning = Q(returns__status__in=RETURN_UNDER_WAY)
    return user.orders.filter(Q(status__in=UNDER_WAY) | returning).distinct()


def _separate_orders(user: User) -> None:
    Return.objects.filter(order__user=user).update(note="")
    never_billed = user.orders.exclude(public_id__in=Document.objects.values("reference"))
    never_billed.update(**NOT_IN_THE_BOOKS)
    user.orders.update(email="", phone="", user=None)


def _forget_alerts(user: User) -> None:
    """Also those asked for as a guest; the account's own go with it."""
    own = EmailAddress.objects.filter(user=user, verified=True).values("email")
    Alert.objects.filter(user=None, email__in=own).delete()
