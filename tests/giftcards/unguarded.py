"""The control of the race test: a balance taken as shops do that pay twice, looked at first and written after."""

import time

from djmoney.money import Money

from shop.giftcards.models import GiftCard


def take(card_id: int, amount: Money) -> bool:
    card = GiftCard.objects.get(pk=card_id)
    if card.balance < amount:
        return False
    time.sleep(0.05)  # What a busier server does between the two by itself.
    GiftCard.objects.filter(pk=card_id).update(balance=card.balance - amount)
    return True
