"""A gift card as a means of payment: a payment that no provider knows, there at once and going back on the card."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.tasks import task
from django.utils import timezone
from django.utils.formats import date_format
from djmoney.money import Money

from shop.errors import ShopError
from shop.giftcards.models import GiftCard, GiftCardMovement
from shop.giftcards.services import put_back, renew_code, spend
from shop.letters import TRIES, try_again_at, write_letter
from shop.money import in_words
from shop.orders.models import Order
from shop.payments.alarms import alarm
from shop.payments.models import Payment, Refund
from shop.payments.stripe_gateway import least_charge

Kind = GiftCardMovement.Kind


class TooLittle(ShopError):
    code = "too_little"
    message = "That is less than can be paid by card. Please add something to your order."


def gift_share(card: GiftCard | None, total: Money) -> Money:
    """How much of `total` the card pays: what it can, but so that the rest is nothing or can be charged."""
    share = min(card.balance, total) if card else Money(0, total.currency)
    least = least_charge(total.currency)
    if Money(0, total.currency) < total - share < least:
        return min(share, max(total - least, Money(0, total.currency)))
    return share


def check_chargeable(due: Money) -> None:
    """Raises TooLittle for what is due and cannot be charged."""
    if Money(0, due.currency) < due < (least := least_charge(due.currency)):
        raise TooLittle(
            f"The least that can be paid by card is {in_words(least)}. Please add something to your order."
        )


@transaction.atomic
def pay_with_gift_card(order: Order, card: GiftCard) -> Money:
    """Pays what the card can of what is due, within the transaction that places the order; returns how much.

    Raises GiftCardShort where somebody else was faster.
    """
    amount = gift_share(card, order.due)
    if amount.amount <= 0:
        return Money(0, order.total.currency)
    spend(card, amount, order.public_id)
    order.payments.create(
        gift_card=card, amount=amount, status=Payment.Status.SUCCEEDED, method=f"gift card ···· {card.ending}"
    )
    return amount


@transaction.atomic
def refund_to_gift_card(refund: Refund) -> str:
    """Puts the money back; returns what the buyer has to know of it, in words."""
    card, order = refund.payment.gift_card, refund.payment.order
    if card is None:
        raise ValueError(f"refund {refund.pk} is not of a gift card")
    had_ended = not card.is_open
    now_on = put_back(card, refund.amount, _reference(refund)) or card
    if now_on != card:
        send_new_code.enqueue(order.pk, now_on.pk)
        words = (
            f"The {card} was closed, so the money is on a new one. Its code comes in an e-mail of its own."
        )
    elif now_on.expires_at:
        words = f"It is on the {card} again, which is valid until {_day(now_on.expires_at)}."
    else:
        words = f"It is on the {card} again."
    if had_ended:
        alarm(
            "Money went back on a gift card that had ended",
            f"{refund.amount} of {order.number}. {words}",
            order,
        )
    return words


def _day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j F Y")


@task
def send_new_code(order_id: int, card_id: int, attempt: int = 1) -> None:
    """To who paid with the card that is closed. The code is made here, so that no row of a task ever holds one; a mail
    that is sent again has another, and the last one counts.
    """
    order, card = Order.objects.get(pk=order_id), GiftCard.objects.get(pk=card_id)
    try:
        with transaction.atomic():
            code = renew_code(card)
        context = {
            "order": order,
            "card": card,
            "code": code,
            "url": settings.PUBLIC_URL + order.get_absolute_url(),
        }
        write_letter("gift_card", order.email, context).send()
    except OSError:
        if attempt >= TRIES:
            raise
        send_new_code.using(run_after=try_again_at(attempt)).enqueue(order_id, card_id, attempt + 1)


# --- Whether the books agree ---------------------------------------------------------------------


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
