"""Issuing, spending and giving back. Each is a change of the balance and a line of its ledger, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Round
from django.utils import timezone
from djmoney.money import Money

from shop.codes import new_code
from shop.errors import ShopError
from shop.giftcards.models import GiftCard, GiftCardMovement, digest_of
from shop.money import rounded

if TYPE_CHECKING:
    from accounts.models import User

Kind = GiftCardMovement.Kind
STAYS = timedelta(days=90)


class GiftCardShort(ShopError):
    code = "gift_card_short"
    message = "There is less on your gift card than a moment ago. Please look over what is left to pay."


class WrongAmount(ShopError):
    code = "wrong_amount"
    message = "A gift card is for an amount above nothing that can be paid."


@transaction.atomic
def issue_card(
    amount: Money, *, by: User | None = None, note: str = "", expires_at: datetime | None = None
) -> tuple[GiftCard, str]:
    """The card and its code, which is told now and never again. Raises WrongAmount."""
    if amount.amount <= 0 or amount != rounded(amount):
        raise WrongAmount
    code = new_code()
    card = GiftCard.objects.create(
        digest=digest_of(code), ending=code[-4:], balance=amount, note=note, expires_at=expires_at
    )
    card.movements.create(kind=Kind.ISSUED, amount=amount, actor=by)
    return card, code


def take_balance(card_id: int, amount: Money) -> bool:
    """Takes so much if it is there; the database decides, in one statement."""
    there = GiftCard.objects.spendable().filter(pk=card_id, balance__gte=amount)
    return bool(there.update(balance=_moved(-amount)))


def _moved(amount: Money) -> Round:
    """SQLite subtracts binary fractions, and 50.00 less 24.90 must not fall short of 25.10."""
    return Round(F("balance") + amount.amount, 3)


@transaction.atomic
def spend(
    card: GiftCard, amount: Money, reference: str, *, take: Callable[[int, Money], bool] = take_balance
) -> None:
    """Raises GiftCardShort where less is there, or the card has been closed."""
    if not take(card.pk, amount):
        raise GiftCardShort
    card.movements.create(kind=Kind.SPENT, amount=-amount, reference=reference)


@transaction.atomic
def put_back(card: GiftCard, amount: Money, reference: str) -> GiftCard | None:
    """So much goes back, once for each `reference`: the card that has it now, or None the second time.

    Money that went back can be spent for at least STAYS, whatever the card said. A card that staff made void stays so,
    for its code may be in wrong hands: a new one is made, whose code renew_code() tells.
    """
    held = GiftCard.objects.select_for_update(no_key=True).get(pk=card.pk)
    try:
        with transaction.atomic():
            held.movements.create(kind=Kind.RETURNED, amount=amount, reference=reference)
    except IntegrityError:
        return None
    if held.voided_at:
        held.movements.create(kind=Kind.VOIDED, amount=-amount, reference=reference)
        return issue_card(amount, note=f"Instead of the {held}, which is void.")[0]
    until = held.expires_at and max(held.expires_at, timezone.now() + STAYS)
    GiftCard.objects.filter(pk=held.pk).update(balance=_moved(amount), expires_at=until)
    held.refresh_from_db()
    return held


@transaction.atomic
def renew_code(card: GiftCard) -> str:
    """Another code for the card, which is told now and never again; the one before opens it no more."""
    code = new_code()
    GiftCard.objects.filter(pk=card.pk).update(digest=digest_of(code), ending=code[-4:])
    card.refresh_from_db()
    return code


@transaction.atomic
def void_card(card: GiftCard, by: User | None = None) -> bool:
    """Takes what is left and closes the card. A second call does nothing."""
    locked = GiftCard.objects.select_for_update().get(pk=card.pk)
    if locked.voided_at:
        return False
    if locked.balance.amount:
        locked.movements.create(kind=Kind.VOIDED, amount=-locked.balance, actor=by)
    GiftCard.objects.filter(pk=card.pk).update(voided_at=timezone.now(), balance=0)
    return True


def gift_card_faults() -> list[str]:
    """One line for each card whose balance is not the sum of its movements."""
    faults = []
    for card in GiftCard.objects.prefetch_related("movements").iterator(500):
        # Added up here: SQLite would add them as binary fractions.
        moved = sum((one.amount for one in card.movements.all()), Money(0, card.balance.currency))
        if rounded(card.balance) != moved:
            faults.append(f"{card}: {card.balance} on it, {moved} by its movements")
    return faults
