"""How a cart is told: all of it, in every answer that changed something of it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from notifications.log import position
from notifications.protocol import Position
from shop.api.guests import GuestMixin
from shop.api.product_shapes import ImageSerializer, OptionValueSerializer
from shop.api.shapes import Amount, StreamSerializer, stream
from shop.api.sums import SumsSerializer
from shop.cart.models import MAX_QUANTITY, Cart
from shop.cart.review import HOME, Review, ReviewedLine, look_over
from shop.catalog.models import Product
from shop.checkout.sums import sums_of
from shop.giftcards.models import GiftCard
from shop.orders.models import Order
from shop.orders.services import customer_of
from shop.payments.holding import held_orders
from shop.promotions.models import Coupon
from shop.shipping.services import parcel_from


class ProductLinkSerializer(serializers.HyperlinkedModelSerializer):
    url = serializers.HyperlinkedIdentityField(view_name="api:product-detail", lookup_field="slug")

    class Meta:
        model = Product
        fields = ("url", "slug", "title")


class LineProblemSerializer(serializers.Serializer):
    code = serializers.ChoiceField(["not_for_sale", "sold_out", "too_few"], source="problem_code")
    detail = serializers.CharField(source="problem")


class CartLineSerializer(serializers.Serializer):
    id = serializers.IntegerField(min_value=1)
    sku = serializers.CharField(source="variant.sku")
    product = ProductLinkSerializer()
    options_text = serializers.CharField(source="label", help_text="`30 × 40 cm, oak`")
    options = OptionValueSerializer(source="variant.option_values", many=True)
    picture = ImageSerializer(source="cover", allow_null=True)
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)
    unit_price = Amount()
    full_price = Amount(
        source="variant.full_price",
        allow_null=True,
        help_text="One without the sale that is on; null without a sale.",
    )
    total = Amount(source="gross", help_text="Before offers; `totals.steps` says what they take off.")
    available = serializers.IntegerField(help_text="How many can be had; below 1 there are none.")
    ahead = serializers.IntegerField(min_value=0, help_text="How many of them would have to be made.")
    lead_days = serializers.IntegerField(
        min_value=0, help_text="Until those are made; 0 where all are there."
    )
    problem = serializers.SerializerMethodField(help_text="What must change before it can be bought.")

    @extend_schema_field(LineProblemSerializer(allow_null=True))
    def get_problem(self, line: ReviewedLine) -> dict[str, str] | None:
        return LineProblemSerializer(line).data if line.problem else None


class CartCouponSerializer(serializers.ModelSerializer):
    name = serializers.CharField(source="offer.name")
    gives = serializers.CharField(source="offer.gives", help_text="`10 % off`")

    class Meta:
        model = Coupon
        fields = ("code", "name", "gives")


class CartGiftCardSerializer(serializers.ModelSerializer):
    balance = Amount()

    class Meta:
        model = GiftCard
        fields = ("ending", "balance", "expires_at")


class HeldOrderSerializer(serializers.ModelSerializer):
    """Not paid, and holds its prints until `reserved_until`; or called off because nobody paid it in time."""

    url = serializers.HyperlinkedIdentityField(view_name="api:order-detail", lookup_field="public_id")
    prints = serializers.IntegerField(min_value=1)
    due = Amount()
    stream = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields = ("url", "public_id", "number", "status", "prints", "reserved_until", "due", "stream")

    @extend_schema_field(StreamSerializer)
    def get_stream(self, order: Order) -> dict[str, Any]:
        return stream(order.stream, self.context["positions"][order.stream])


class CartSerializer(serializers.Serializer):
    token = serializers.CharField(
        allow_null=True,
        help_text="A guest's: send it as `Cart-Token`. Null for an account, or without a cart.",
    )
    checkout_key = serializers.CharField(
        allow_null=True, help_text="Names the one order that this cart becomes; null without a cart."
    )
    count = serializers.IntegerField(min_value=0)
    lines = CartLineSerializer(many=True)
    notices = serializers.ListField(
        child=serializers.CharField(), help_text="What changed since the cart was last looked at, told once."
    )
    can_be_ordered = serializers.BooleanField(help_text="It is not empty, and no line has a problem.")
    lead_days = serializers.IntegerField(
        min_value=0, help_text="Until the parcel can leave; 0 for all in stock."
    )
    coupon = CartCouponSerializer(allow_null=True)
    gift_card = CartGiftCardSerializer(allow_null=True)
    totals = SumsSerializer(
        help_text="For a parcel within the shop's country, without delivery: see shipping options."
    )
    delivery_from = Amount(
        allow_null=True, help_text="What a parcel within the shop's country costs at least."
    )
    more_for_free_delivery = Amount(allow_null=True, help_text="How much more in goods would make one free.")
    held_orders = HeldOrderSerializer(many=True, help_text="The caller's orders that wait to be paid.")
    stream = StreamSerializer(allow_null=True)


def told(view: GuestMixin, cart: Cart | None) -> dict[str, Any]:
    """The cart as it stands now, looked over."""
    # Read before the lines, so that no change falls between.
    here = position(cart.stream) if cart else Position()
    looked = look_over(cart)
    request = view.request
    held, positions = held_orders(
        request.user, view.guest_orders, in_cart={line.variant.pk for line in looked.lines}
    )
    shown = _shown(looked, request.user) | {
        "held_orders": held,
        "stream": stream(cart.stream, here) if cart else None,
    }
    return CartSerializer(shown, context={"request": request, "positions": positions}).data


def _shown(looked: Review, user: Any) -> dict[str, Any]:
    sums = sums_of(looked, customer=customer_of(user))
    nothing = (None, None)
    cheapest, more = parcel_from(HOME, looked.weight_g, sums.totals.goods) if looked.lines else nothing
    cart = looked.cart
    return {
        "token": cart.token if cart.pk and cart.user_id is None else None,
        "checkout_key": cart.checkout_key if cart.pk else None,
        "count": looked.count,
        "lines": looked.lines,
        "notices": looked.notices,
        "can_be_ordered": not looked.blocked,
        "lead_days": looked.lead_days,
        "coupon": looked.coupon,
        "gift_card": looked.gift_card,
        "totals": sums,
        "delivery_from": cheapest,
        "more_for_free_delivery": more,
    }
