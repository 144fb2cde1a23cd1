"""What somebody means to buy, before it is an order."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import CharField, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils import timezone
from djmoney.models.fields import MoneyField

from notifications.log import with_position
from shop.catalog.models import Variant
from shop.giftcards.models import GiftCard
from shop.promotions.models import Coupon

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

MAX_QUANTITY = 20
CART_KEPT = timedelta(days=90)


def new_token() -> str:
    return secrets.token_urlsafe(24)


class CartQuerySet(models.QuerySet["Cart"]):
    def belonging_to(self, user: User | AnonymousUser, token: str | None) -> Cart | None:
        """The cart of an account, or of a guest by the token that the session keeps. One query at most."""
        if user.is_authenticated:
            return self.filter(user=user).first()
        return self.filter(user=None, token=token).first() if token else None

    def at_a_glance(self) -> CartQuerySet:
        """With `item_count`, and `epoch` and `top` of the cart's stream at that count."""
        lines = CartLine.objects.filter(cart=OuterRef("pk")).order_by().values("cart")
        counted = Coalesce(Subquery(lines.annotate(n=Sum("quantity")).values("n")), 0)
        stream = Concat(Value("cart:"), Cast(OuterRef("pk"), CharField()))
        return with_position(self.annotate(item_count=counted), stream)

    def abandoned(self) -> CartQuerySet:
        """Guests' carts that outlived the session which could still open them."""
        horizon = timezone.now() - CART_KEPT
        return self.filter(user=None, created_at__lt=horizon).exclude(lines__created_at__gte=horizon)


class Cart(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="cart"
    )
    token = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    coupon = models.ForeignKey(Coupon, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    gift_card = models.ForeignKey(
        GiftCard, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    # The key of the one order this cart becomes; a new one is drawn once it has.
    checkout_key = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CartQuerySet.as_manager()

    # Of `at_a_glance()`
    item_count: int
    epoch: str | None
    top: int | None

    def __str__(self) -> str:
        return f"cart {self.pk}"

    @property
    def stream(self) -> str:
        """Its name opens nothing: the cart's owner reads it, or the session that has the token."""
        return f"cart:{self.pk}"

    def count(self) -> int:
        return self.lines.aggregate(n=Sum("quantity"))["n"] or 0


class CartLine(models.Model):
    """`seen_price` and `seen_lead_days` (0 from the shelf) are what the buyer was last shown, so that a change can be
    told.
    """

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+")
    quantity = models.PositiveIntegerField()
    seen_price = MoneyField(max_digits=12, decimal_places=3, default_currency=settings.DEFAULT_CURRENCY)
    seen_lead_days = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "variant"], name="variant_once_per_cart"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=MAX_QUANTITY), name="cart_quantity_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant_id}"
