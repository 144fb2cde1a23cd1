"""Orders: what was bought, at which price, by whom, and everything that happened to it since."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Prefetch, Q
from django.urls import reverse
from django.utils import timezone
from djmoney.money import Money

from accounts.models import PostalAddress
from notifications.services import notify, tell
from shop.errors import ShopError
from shop.orders.edits import EditWaits, OrderEdit, OrderEditLine
from shop.orders.fields import money_field, percent_field, sums_to
from shop.orders.lines import OrderLine
from shop.orders.log import OrderEvent
from shop.orders.parcels import Shipment, ShipmentLine
from shop.pricing.steps import Kind, Step, steps_from_json
from shop.pricing.taxation import Treatment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from shop.payments.models import Payment

__all__ = [
    "Order",
    "OrderEdit",
    "OrderEditLine",
    "OrderEvent",
    "OrderLine",
    "Shipment",
    "ShipmentLine",
    "WrongStatus",
    "money_field",
]
FIRST_NUMBER = 100_000


def new_public_id() -> str:
    """128 bits: whoever has the link of a guest's order may see it, so it must not be guessed."""
    return secrets.token_urlsafe(16)


class WrongStatus(ShopError):
    code = "wrong_status"
    message = "The order is not in a state that allows this."


class OrderQuerySet(models.QuerySet["Order"]):
    def for_list(self) -> OrderQuerySet:
        return self.select_related("user").prefetch_related("lines")

    def for_page(self) -> OrderQuerySet:
        """Everything an order's page shows, in a fixed number of queries."""
        events = OrderEvent.objects.select_related("actor")
        parcels = Shipment.objects.prefetch_related("lines__order_line")
        return self.prefetch_related(
            "lines", Prefetch("shipments", queryset=parcels), Prefetch("events", queryset=events)
        )

    def made_to_order(self) -> OrderQuerySet:
        """Paid or packed, with prints that were not there when it was placed and have not been told of as there."""
        told = OrderEvent.objects.filter(order=OuterRef("pk"), kind="stock_arrived")
        ahead = OrderLine.objects.filter(order=OuterRef("pk"), ahead__gt=0, quantity__gt=F("cancelled"))
        sold = self.filter(status__in=[Order.Status.PAID, Order.Status.PACKED])
        return sold.filter(Exists(ahead), ~Exists(told))

    def overdue(self, at: datetime | None = None) -> OrderQuerySet:
        """Unpaid, and their half hour is over."""
        return self.filter(status=Order.Status.PENDING, reserved_until__lte=at or timezone.now())

    def visible_to(self, user: User | AnonymousUser) -> OrderQuerySet:
        """An account's orders are its own; a guest's order is open to who holds its link, which cannot be guessed."""
        if user.is_authenticated and user.is_active and user.has_perm("orders.view_order"):
            return self.all()
        mine = Q(user=user.pk) if user.is_authenticated else Q(user=None)
        return self.filter(Q(user=None) | mine)

    def changed_since(self, at: datetime) -> OrderQuerySet:
        """With something in their log from then on."""
        return self.filter(Exists(OrderEvent.objects.filter(order=OuterRef("pk"), created_at__gte=at)))

    def guests_of(self, email: str) -> OrderQuerySet:
        return self.filter(user=None, email__iexact=email)


class Order(PostalAddress):
    """The address fields are the parcel's. `tax` says how much of `total` is tax."""

    class Status(models.TextChoices):
        PENDING = "pending", "Awaiting payment"
        PAID = "paid", "Paid"
        PACKED = "packed", "Packed"
        SHIPPED = "shipped", "Shipped"
        DELIVERED = "delivered", "Delivered"
        CANCELLED = "cancelled", "Cancelled"
        REFUNDED = "refunded", "Refunded"

    class TaxTreatment(models.TextChoices):
        INCLUDED = Treatment.INCLUDED, "Tax included"
        ADDED = Treatment.ADDED, "Tax added"
        REVERSE_CHARGE = Treatment.REVERSE_CHARGE, "Reverse charge"

    # Which statuses an order may come from; read with `move_to`, its only reader.
    COMES_FROM: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PAID: (Status.PENDING,),
        Status.PACKED: (Status.PAID,),
        Status.SHIPPED: (Status.PACKED,),
        Status.DELIVERED: (Status.SHIPPED,),
        Status.CANCELLED: (Status.PENDING, Status.PAID, Status.PACKED),
        Status.REFUNDED: (Status.PAID, Status.PACKED, Status.SHIPPED, Status.DELIVERED, Status.CANCELLED),
    }

    public_id = models.CharField(max_length=32, unique=True, default=new_public_id, editable=False)
    checkout_key = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="orders"
    )
    email = models.EmailField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING, editable=False)
    reserved_until = models.DateTimeField()
    shipping_name = models.CharField(max_length=120)
    shipping_days_min = models.PositiveSmallIntegerField()
    shipping_days_max = models.PositiveSmallIntegerField()
    coupon_code = models.CharField(max_length=40, blank=True)
    subtotal = money_field()
    discount = money_field()
    shipping = money_field()
    tax_added = money_field(default=0, help_text="Below zero where tax was taken off listed prices.")
    tax = money_field()
    total = money_field()
    tax_treatment = models.CharField(max_length=20, choices=TaxTreatment, default=TaxTreatment.INCLUDED)
    tax_note = models.CharField(max_length=300, blank=True, help_text="The legal line of the invoice.")
    shipping_tax_percent = percent_field()
    vat_id = models.CharField("VAT id", max_length=20, blank=True)
    tax_evidence = models.JSONField(
        default=dict, blank=True, help_text="What was known of where the buyer is when the tax was decided."
    )
    steps_kept = models.JSONField(default=list, blank=True, editable=False)
    placed_at = models.DateTimeField(auto_now_add=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["status", "reserved_until"]),
            models.Index(fields=["user", "-id"]),
            models.Index(fields=["placed_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(subtotal__gte=0, discount__gte=0, shipping__gte=0, tax__gte=0, total__gte=0),
                name="order_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=~Q(tax_treatment=Treatment.REVERSE_CHARGE.value) | (Q(tax=0) & ~Q(vat_id="")),
                name="order_reverse_charge_has_a_vat_id_and_no_tax",
            ),
            models.CheckConstraint(
                condition=Q(total=sums_to(F("subtotal") - F("discount") + F("shipping") + F("tax_added"))),
                name="order_total_is_the_sum_of_its_parts",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """What people say on the telephone. The database's own sequence makes it, so none is used twice."""
        return f"BW-{FIRST_NUMBER + self.pk}"

    @property
    def stream(self) -> str:
        return f"order:{self.public_id}"

    def is_of(self, user: User | AnonymousUser) -> bool:
        """Whether this visitor, who may see it, may also act on it: staff that only look may not."""
        return self.user_id is None or self.user_id == user.pk

    @property
    def ships_by(self) -> date | None:
        """The day that was promised, where some of it is made to order."""
        days = max(
            (line.lead_days for line in self.lines.all() if line.ahead and line.quantity > line.cancelled),
            default=0,
        )
        return timezone.localdate(self.placed_at) + timedelta(days=days) if days else None

    def get_absolute_url(self) -> str:
        return reverse("storefront:order", args=[self.public_id])

    @property
    def shipping_charged(self) -> Money:
        """What the delivery cost in the end: what no line is."""
        return self.total - sum((line.total for line in self.lines.all()), Money(0, self.total.currency))

    @property
    def unsent(self) -> list[OrderLine]:
        """The lines of which something is still to be sent."""
        return [line for line in self.lines.all() if line.to_ship]

    @property
    def steps(self) -> list[Step]:
        """How the total came about, as the buyer was told then; their lines are SKUs. What changed since comes last."""
        steps = steps_from_json(self.steps_kept)
        since = self.total - sum((step.amount for step in steps), Money(0, self.total.currency))
        if steps and since.amount:
            steps.append(Step(Kind.CHANGE, "Changed after it was placed", since))
        return steps

    @property
    def due(self) -> Money:
        """What is to be paid at the provider: the total less what gift cards gave."""
        return self.due_after(self.payments.all())

    def due_after(self, payments: Iterable[Payment]) -> Money:
        """The same, where its payments are known."""
        given = [one.amount for one in payments if one.gift_card_id]
        return self.total - sum(given, Money(0, self.total.currency))

    def open_edit(self) -> OrderEdit | None:
        """A change that waits for its difference; read anew each time."""
        return self.edits.open().first() if self.status == self.Status.PAID else None

    def require_no_open_edit(self) -> None:
        """Behind the order's lock. Raises EditWaits."""
        if self.edits.open().exists():
            raise EditWaits

    @property
    def discount_changed(self) -> bool:
        """Whether the offers among its steps no longer say what is taken off, because prints were."""
        told = [step.amount.amount for step in self.steps if step.kind in (Kind.OFFER, Kind.COUPON)]
        return bool(told) and -sum(told) != self.discount.amount

    @property
    def reductions(self) -> list[str]:
        """The names of the offers that made `discount`."""
        return [step.reason for step in self.steps if step.kind in (Kind.OFFER, Kind.COUPON)]

    def ran_out(self, cancelled_at: datetime | None) -> bool:
        """Whether it was called off because nobody paid it in time."""
        late = cancelled_at is not None and cancelled_at >= self.reserved_until
        return late and self.status == self.Status.CANCELLED

    def wrong_status(self) -> WrongStatus:
        return WrongStatus(f"{self.number} is {self.get_status_display().lower()}.", status=self.status)

    @transaction.atomic
    def move_to(
        self,
        status: str,
        *,
        by: User | None = None,
        why: str = "",
        strict: bool = True,
        only_from: tuple[str, ...] | None = None,
    ) -> bool:
        """The only writer of `status`: one conditional update, an event row, and word to who follows the order.

        Returns whether it moved. A second message that says the same changes nothing; a move from a wrong
        status raises WrongStatus, or returns False when not `strict`. `only_from` narrows where it may come from.
        """
        sources = set(self.COMES_FROM[status]) & set(only_from or self.COMES_FROM[status])
        moved = Order.objects.filter(pk=self.pk, status__in=sources).update(status=status)
        if not moved:
            self.refresh_from_db(fields=["status"])
            if self.status != status and strict:
                raise self.wrong_status()
            return False
        self.status = status
        self.record(status, by=by, why=why)
        return True

    def keep_evidence(self, name: str, value: str) -> None:
        """One more fact of where the buyer is, within the caller's transaction; nothing where it is empty or known."""
        if value and self.tax_evidence.get(name) != value:
            # Read again under the lock: others may add theirs.
            row = Order.objects.select_for_update(no_key=True).only("tax_evidence").get(pk=self.pk)
            self.tax_evidence = row.tax_evidence | {name: value}
            Order.objects.filter(pk=self.pk).update(tax_evidence=self.tax_evidence)

    def record(self, kind: str, *, by: User | None = None, why: str = "", **data: Any) -> OrderEvent:
        """Adds a line to the order's log and tells the buyer and the staff, within the caller's transaction."""
        event = self.events.create(kind=kind, actor=by, why=why, data=data)
        payload = {"order": self.public_id, "number": self.number, "status": self.status, "event": event.pk}
        notify(self.stream, f"order.{kind}", **payload)
        if self.user_id:
            tell(self.user_id, f"order.{kind}", **payload)
        notify("staff:orders", f"order.{kind}", **payload, total=str(self.total.amount))
        return event
