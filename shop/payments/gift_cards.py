"""A gift card as a means of payment: a payment that no provider knows, there at once and going back on the card."""

from __future__ import annotations

from django.db import transaction
from djmoney.money import Money

from shop.giftcards.models import GiftCard
from shop.giftcards.services import put_back, spend
from shop.orders.models import Order
from shop.payments.models import Payment, Refund
from shop.payments.stripe_gateway import GatewayRefund


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
    put_back(card, refund.amount, f"refund {refund.pk}")
    return GatewayRefund(
        id=f"gift-card-{refund.pk}", status="succeeded", key=refund.idempotency_key, failure=""
    )
