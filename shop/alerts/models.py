"""Who waits for what: a print that is gone to be back, or one that is dear to cost less."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Count, F, OuterRef, Prefetch, Q
from django.utils import timezone
from djmoney.models.fields import MoneyField

from shop.catalog.models import Product, ProductImage, Variant
from shop.catalog.options import url_of
from shop.inventory.models import Stock
from shop.money import as_json, in_words

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class AlertQuerySet(models.QuerySet["Alert"]):
    def waiting(self) -> AlertQuerySet:
        """In the order of asking, which is the order of telling."""
        return self.filter(told_at=None).order_by("asked_at", "pk")

    def of(self, user: User | AnonymousUser) -> AlertQuerySet:
        return self.filter(user=user.pk) if user.is_authenticated else self.none()

    def to_buy(self) -> AlertQuerySet:
        """Those whose variant can be bought now."""
        return self._shown().filter(variant__stock__in=Stock.objects.to_sell())

    def on_shelf(self) -> AlertQuerySet:
        """Those whose variant is there: nobody is called to an empty shelf, nor to one that is made to order."""
        return self._shown().filter(variant__stock__in=Stock.objects.on_shelf())

    def _shown(self) -> AlertQuerySet:
        return self.filter(variant__product__in=Product.objects.visible())  # type: ignore[attr-defined]

    def cheaper(self) -> AlertQuerySet:
        return self.filter(kind=Alert.Kind.CHEAPER, variant__price__lt=F("price_asked"))

    def counted(self) -> Any:
        """How many wait for `OuterRef("pk")` to be back: for a subquery, so that a list costs no query a row."""
        mine = self.filter(told_at=None, kind=Alert.Kind.BACK, variant=OuterRef("pk"))
        return mine.order_by().values("variant").annotate(count=Count("pk")).values("count")

    def loaded(self) -> AlertQuerySet:
        """With all that is said of them, in a fixed number of queries."""
        covers = ProductImage.objects.filter(position=0)
        variants = (
            Variant.objects.with_options()
            .select_related("product")
            .prefetch_related(Prefetch("product__images", queryset=covers, to_attr="cover_images"))
        )
        return self.prefetch_related(Prefetch("variant", queryset=variants))

    def told_since(self, time: datetime) -> AlertQuerySet:
        return self.filter(told_at__gt=time)


class Alert(models.Model):
    """Waits while `told_at` is None, and is told once. Who asks again makes the same row wait again.

    It belongs to an account or to a guest, of whom only the address is known and that it is theirs.
    """

    class Kind(models.TextChoices):
        BACK = "stock.back", "Back in stock"
        CHEAPER = "price.drop", "Cheaper than"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="alerts"
    )
    email = models.EmailField("address of a guest", blank=True)
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=10, choices=Kind)
    price_asked = MoneyField("price when asked", max_digits=12, decimal_places=3, null=True, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["kind", "variant", "asked_at"], condition=Q(told_at=None), name="alerts_waiting"
            ),
            models.Index(fields=["kind", "variant", "told_at"], name="alerts_told"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "variant", "kind"], name="one_alert_of_a_kind"),
            models.UniqueConstraint(
                fields=["email", "variant", "kind"], condition=Q(user=None), name="one_alert_of_a_guest"
            ),
            models.CheckConstraint(
                condition=(Q(user=None) & ~Q(email="")) | Q(user__isnull=False, email=""),
                name="alert_of_an_account_or_a_guest",
            ),
            models.CheckConstraint(
                condition=Q(kind="stock.back", price_asked=None)
                | Q(kind="price.drop", price_asked__isnull=False),
                name="alert_below_a_price_knows_it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id or self.email} waits for {self.variant_id} ({self.kind})"

    @property
    def occasion(self) -> str:
        """When it is told, to be read after "We will tell you"."""
        title = f"“{self.variant.product.title}”"
        if self.kind == self.Kind.BACK:
            return f"when {title} is back"
        return f"if {title} costs less than {in_words(self.price_asked)}"

    @property
    def url(self) -> str:
        return url_of(self.variant)

    @property
    def payload(self) -> dict[str, Any]:
        """What is told of it: the print, what it costs and, where that was the question, what it cost before."""
        variant = self.variant
        told: dict[str, Any] = {
            "path": self.url,
            "title": variant.product.title,
            "sku": variant.sku,
            "options": variant.label,
            "price": as_json(variant.price),
        }
        return told | ({"was": as_json(self.price_asked)} if self.price_asked else {})
