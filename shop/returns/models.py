"""Prints that come back: what the buyer asked for, what we answered, what arrived, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models, transaction
from django.db.models import F, Q

from shop.errors import ShopError
from shop.orders.models import Order, OrderLine
from shop.payments.models import Refund

if TYPE_CHECKING:
    from accounts.models import User


class WrongReturnStatus(ShopError):
    code = "wrong_return_status"
    message = "The return is not in a state that allows this."


class ReturnQuerySet(models.QuerySet["Return"]):
    def in_full(self) -> ReturnQuerySet:
        """With its lines and what came instead, in a fixed number of queries."""
        return self.prefetch_related("lines__order_line").select_related("replacement")


class Return(models.Model):
    class Status(models.TextChoices):
        REQUESTED = "requested", "Asked for"
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        RECEIVED = "received", "Received"
        REFUNDED = "refunded", "Refunded"
        EXCHANGED = "exchanged", "Exchanged"

    class Wish(models.TextChoices):
        REFUND = "refund", "My money back"
        EXCHANGE = "exchange", "Another print instead"

    class Reason(models.TextChoices):
        MIND = "mind", "I changed my mind"
        DAMAGED = "damaged", "It arrived damaged"
        WRONG = "wrong", "It is not what I ordered"
        OTHER = "other", "Something else"

    # Which statuses a return may come from; read with `move_to`, its only reader.
    COMES_FROM: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.APPROVED: (Status.REQUESTED,),
        Status.REFUSED: (Status.REQUESTED,),
        Status.WITHDRAWN: (Status.REQUESTED, Status.APPROVED),
        Status.RECEIVED: (Status.APPROVED,),
        Status.REFUNDED: (Status.RECEIVED,),
        Status.EXCHANGED: (Status.RECEIVED,),
    }

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="returns")
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED, editable=False)
    wish = models.CharField(max_length=10, choices=Wish, default=Wish.REFUND)
    reason = models.CharField(max_length=10, choices=Reason)
    note = models.CharField("in the buyer's words", max_length=500, blank=True)
    answer = models.CharField("in our words", max_length=500, blank=True)
    replacement = models.OneToOneField(
        Order, null=True, blank=True, on_delete=models.PROTECT, related_name="replaces", editable=False
    )
    # All that it gave: in money, and what was set aside for another print.
    gave = models.ManyToManyField(Refund, related_name="returns", blank=True, editable=False)
    requested_at = models.DateTimeField(auto_now_add=True)

    objects = ReturnQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.order} {self.get_status_display().lower()}"

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.REQUESTED, self.Status.APPROVED, self.Status.RECEIVED)

    @property
    def can_withdraw(self) -> bool:
        """Until it has arrived."""
        return self.status in self.COMES_FROM[self.Status.WITHDRAWN]

    @property
    def named(self) -> str:
        return ", ".join(f"{line.quantity} × {line.order_line.title}" for line in self.lines.all())

    @transaction.atomic
    def move_to(self, status: str, *, by: User | None = None, why: str = "") -> bool:
        """The writer of `status`, with `reopen`: one conditional update, and a line in the order's log.

        Returns whether it moved. The same once more changes nothing. Raises WrongReturnStatus from anywhere else.
        """
        fresh = Return.objects.filter(pk=self.pk, status__in=self.COMES_FROM[status])
        if not fresh.update(status=status):
            self.refresh_from_db(fields=["status"])
            if self.status != status:
                raise WrongReturnStatus(f"This return is {self.get_status_display().lower()}.")
            return False
        self.status = status
        self.order.record(f"return_{status}", by=by, why=why[:300], about=self.pk)
        return True

    @transaction.atomic
    def reopen(self, why: str) -> bool:
        """The other print was called off: what came back waits for an answer again. Nothing else leads back.

        Returns whether it was this call.
        """
        exchanged = Return.objects.filter(
            pk=self.pk, status=self.Status.EXCHANGED, replacement=self.replacement_id
        )
        if not exchanged.update(status=self.Status.RECEIVED, replacement=None):
            return False
        self.status, self.replacement = self.Status.RECEIVED, None
        self.order.record("return_reopened", why=why[:300], about=self.pk)
        return True


class ReturnLine(models.Model):
    about = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="return_lines")
    quantity = models.PositiveIntegerField()
    restocked = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["about", "order_line"], name="order_line_once_per_return"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="return_line_quantity_positive"),
            models.CheckConstraint(
                condition=Q(restocked__lte=F("quantity")), name="no_more_restocked_than_returned"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.order_line.title}"
