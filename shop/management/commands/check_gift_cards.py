"""Compares each gift card's balance with its movements, and these with payments; ends with 1 where they differ."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.giftcards.models import GiftCard
from shop.giftcards.services import gift_card_faults
from shop.payments.gift_cards import movement_faults


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        if faults := _faults():
            # Somebody may have paid between two of our queries: what is there twice is one.
            again = set(_faults())
            if surely := [fault for fault in faults if fault in again]:
                raise CommandError("\n".join(surely))
        self.stdout.write(f"Gift cards: {GiftCard.objects.count()}, each as its movements and payments say.")


def _faults() -> list[str]:
    return gift_card_faults() + movement_faults()
