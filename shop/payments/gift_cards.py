"""A gift card as a means of payment: a payment that no provider knows, there at once and going back on the card."""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction
from djmoney.money import Money

from shop.giftcards.models import GiftCard, GiftCardMovement
from shop.giftcards.services import put_back, spend
from shop.orders.models import Order
from shop.payments.models import Payment, Refund
from shop.payments.stripe_gateway import GatewayRefund

Kind = GiftCardMovement.Kind


@transaction.atomic
def pay_with_gift_card(order: Order, card: GiftCard) -> Money:
    """Pays what the card can of what is due, within the transaction that places the order; returns how much.

    Raises GiftCardShort where somebody else was faster.
    """
    amount = min(card.balance, order.due)
    if amount.amount <= 0:
        return Money(0, order.total.currency)
    spend(card, amount, order.public_id)
    order.payments.create(
        gift_card=card, amount=amount, status=Payment.Status.SUCCEEDED, method=f"gift card ···· {card.ending}"
    )
    return amount


@transaction.atomic
def refund_to_gift_card(refund: Refund) -> GatewayRefund:
    """Puts the money back once, and answers as a provider would."""
    card = refund.payment.gift_card
    if card is None:
        raise ValueError(f"refund {refund.pk} is not of a gift card")
    put_back(card, refund.amount, _reference(refund))
    return GatewayRefund(
        id=f"gift-card-{refund.pk}", status="succeeded", key=refund.idempotency_key, failure=""
    )


def movement_faults() -> list[str]:
    """One line for each payment and refund by gift card that the card's ledger does not have, or has otherwise."""
    booked: defaultdict[tuple[int | None, str], Money | int] = defaultdict(int)
    for one in GiftCardMovement.objects.filter(kind__in=[Kind.SPENT, Kind.RETURNED]).iterator():
        # Added up here: SQLite would add them as binary fractions.
        booked[one.card_id, one.reference] += one.amount
    known = _known()
    endings: dict[int | None, str] = dict(GiftCard.objects.values_list("pk", "ending"))
    return [
        f"gift card ···· {endings[card]}, {what}: {booked[card, what] or 'nothing'} by its movements, "
        f"{known.get((card, what)) or 'nothing'} by payments"
        for card, what in sorted(booked.keys() | known.keys())
        if booked[card, what] != known.get((card, what), 0)
    ]


def _known() -> dict[tuple[int | None, str], Money]:
    """By card and reference: what orders took from it, below zero, and what refunds put back."""
    known: dict[tuple[int | None, str], Money] = {}
    paid = Payment.objects.filter(gift_card__isnull=False).select_related("order").prefetch_related("refunds")
    for payment in paid.iterator(chunk_size=500):
        known[payment.gift_card_id, payment.order.public_id] = -payment.amount
        for refund in payment.refunds.all():
            if refund.status == Refund.Status.SUCCEEDED:
                known[payment.gift_card_id, _reference(refund)] = refund.amount
    return known


def _reference(refund: Refund) -> str:
    return f"refund {refund.pk}"
