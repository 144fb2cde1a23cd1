"""An order's money as its buyer sees it: what came and by which means, what goes back, and what there is to pay."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from djmoney.money import Money

from shop.money import total_of
from shop.orders.models import Order, OrderEdit
from shop.payments.carried import carried_back
from shop.payments.models import Payment

Status = Payment.Status
TELLS = (Status.PROCESSING, *Payment.HELD, Status.SUCCEEDED)  # what never came, a buyer need not see


@dataclass(frozen=True, slots=True)
class Standing:
    """`attempts` are all of its payments, `payments` those that there is something to tell of; the oldest first."""

    order: Order
    attempts: list[Payment]
    edit: OrderEdit | None

    @property
    def payments(self) -> list[Payment]:
        return [one for one in self.attempts if one.status in TELLS]

    @property
    def last_attempt(self) -> Payment | None:
        """At the provider."""
        return next((one for one in reversed(self.attempts) if not one.gift_card_id), None)

    @property
    def by_card(self) -> Payment | None:
        """The last that came."""
        came = [one for one in self.payments if not one.gift_card_id and one.status == Status.SUCCEEDED]
        return came[-1] if came else None

    @property
    def by_gift_card(self) -> list[Payment]:
        return [one for one in self.payments if one.gift_card_id and one.status == Status.SUCCEEDED]

    @property
    def refunded(self) -> Money:
        """What has left us, as far as the provider says. Reads the refunds of all `attempts`."""
        prefetch_related_objects(self.attempts, "refunds")
        sent = [one.sent_back for one in self.attempts if one.status == Status.SUCCEEDED]
        return total_of([*sent, carried_back(self.order)], self.order.total.currency)

    @property
    def processing(self) -> bool:
        """The buyer's bank has not decided yet."""
        return self.order.status == Order.Status.PENDING and self._decides(None)

    @property
    def edit_processing(self) -> bool:
        """The same of a change's difference."""
        return self.edit is not None and self._decides(self.edit.pk)

    @property
    def to_pay(self) -> Money | None:
        """What the buyer may pay now: for the order, or for a change of it."""
        if self.edit:
            return None if self.edit_processing else self.edit.difference
        waits = self.order.status == Order.Status.PENDING and not self.processing
        return self.order.due_after(self.attempts) if waits else None

    def _decides(self, edit_id: int | None) -> bool:
        return any(one.edit_id == edit_id and one.status == Status.PROCESSING for one in self.payments)


def standing_of(order: Order) -> Standing:
    return Standing(order, list(order.payments.all()), order.open_edit())
