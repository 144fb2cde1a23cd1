"""What a cart comes to, as the cart and each way of delivery say it."""

from rest_framework import serializers

from shop.api.prices import VerdictSerializer
from shop.api.shapes import Amount, StepSerializer


class SumsSerializer(serializers.Serializer):
    """The amounts of `steps` add up to `total`; `due` is what of it no gift card pays."""

    subtotal = Amount(source="totals.subtotal")
    discount = Amount(source="totals.discount")
    shipping = Amount(source="totals.shipping", help_text="After an offer that makes it free.")
    tax_added = Amount(
        source="totals.tax_added", help_text="On top of the prices; below zero where it is taken off."
    )
    tax = Amount(source="totals.tax", help_text="What part of `total` is tax.")
    tax_note = serializers.CharField(source="totals.taxation.note", help_text="The legal line; mostly empty.")
    total = Amount(source="totals.total")
    gift_card_pays = Amount(source="gift")
    due = Amount()
    steps = StepSerializer(many=True)
    offers = VerdictSerializer(source="totals.verdicts", many=True)
