"""Gift cards: money that was paid for before, spent in part or whole by who knows the code."""

from __future__ import annotations

from hashlib import sha256

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from djmoney.models.fields import MoneyField

from shop.codes import plain
from shop.errors import ShopError
from shop.promotions.guessing import CodeUnknown


class GiftCardUnknown(CodeUnknown):
    code = "gift_card_unknown"
    message = "We do not know this code. Codes are letters and digits, as on your voucher or gift card."


class GiftCardClosed(ShopError):
    code = "gift_card_closed"
    message = "This gift card is no longer valid."


class GiftCardEmpty(ShopError):
    code = "gift_card_empty"
    message = "There is nothing left on this gift card."


def digest_of(code: str) -> str:
    """What is kept instead of the code. With 80 bits behind it no list of digests gives a code away."""
    return sha256(plain(code).encode()).hexdigest()


class GiftCardQuerySet(models.QuerySet["GiftCard"]):
    def spendable(self) -> GiftCardQuerySet:
        in_time = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(in_time, voided_at=None, balance__gt=0)

    def known_by(self, code: str) -> GiftCard:
        """The card of this code as somebody typed it. Raises GiftCardUnknown, GiftCardClosed or GiftCardEmpty."""
        card = self.filter(digest=digest_of(code)).first()
        if card is None:
            raise GiftCardUnknown
        card.check_usable()
        return card


class GiftCard(models.Model):
    """`balance` is the sum of its movements. The code is not kept, only its digest and its last letters."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    ending = models.CharField(max_length=4, editable=False)
    balance = MoneyField(
        max_digits=12, decimal_places=3, default_currency=settings.DEFAULT_CURRENCY, default=0, editable=False
    )
    note = models.CharField(max_length=120, blank=True, help_text="Who it is for, or why: for staff.")
    expires_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True, editable=False)
    issued_at = models.DateTimeField(auto_now_add=True)

    objects = GiftCardQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(balance__gte=0), name="gift_card_never_below_zero"),
        ]

    def __str__(self) -> str:
        return f"gift card ···· {self.ending}"

    @property
    def is_open(self) -> bool:
        return not self.voided_at and (self.expires_at is None or self.expires_at > timezone.now())

    def check_usable(self) -> None:
        """Raises GiftCardClosed or GiftCardEmpty."""
        if not self.is_open:
            raise GiftCardClosed
        if not self.balance.amount:
            raise GiftCardEmpty


class GiftCardMovement(models.Model):
    """A line of a card's ledger; never changed. `reference` is the order's public id."""

    class Kind(models.TextChoices):
        ISSUED = "issued", "Issued"
        SPENT = "spent", "Spent"
        RETURNED = "returned", "Returned"
        VOIDED = "voided", "Voided"

    card = models.ForeignKey(GiftCard, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=10, choices=Kind)
    amount = MoneyField(max_digits=12, decimal_places=3, default_currency=settings.DEFAULT_CURRENCY)
    reference = models.CharField(max_length=60, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["issued", "returned"], amount__gt=0)
                | Q(kind__in=["spent", "voided"], amount__lt=0),
                name="gift_card_movement_has_the_sign_of_its_kind",
            ),
            # A refund that is carried out twice gives the money back once.
            models.UniqueConstraint(
                fields=["card", "reference"], condition=Q(kind="returned"), name="returned_once_per_reference"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"
