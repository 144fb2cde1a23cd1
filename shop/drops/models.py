"""A drop: prints that go on sale at one moment and draw a crowd. And the line in front of it."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import IntegrityError, models, transaction
from django.db.models import F, OuterRef, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from shop.catalog.models import Product
from shop.inventory.models import Stock

if TYPE_CHECKING:
    from accounts.models import User


def new_seed() -> str:
    return secrets.token_hex(16)


def new_public_id() -> str:
    return secrets.token_hex(8)


class DropQuerySet(models.QuerySet["Drop"]):
    def current(self) -> DropQuerySet:
        """Announced or open: what is not over guards its prints."""
        return self.filter(Q(closes_at=None) | Q(closes_at__gt=Now()))

    def due(self) -> DropQuerySet:
        """Those whose line moves, each with the database's `now`: one clock for all who move it."""
        return self.current().filter(opens_at__lte=Now()).annotate(now=Now())

    def of(self, product: Product | OuterRef) -> DropQuerySet:
        return self.current().filter(products=product)

    def guarding(self, product_ids: Collection[int]) -> DropQuerySet:
        return self.current().filter(products__in=product_ids).order_by("pk").distinct()


class Drop(models.Model):
    """The line is two numbers: whoever has a number up to `admitted` was let in, `last_number` is its end."""

    title = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80, unique=True)
    description = models.TextField(blank=True, help_text="Shown in the waiting room.")
    products = models.ManyToManyField(Product, related_name="drops")
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField(
        null=True, blank=True, help_text="From then on its prints are sold like any other."
    )
    rate = models.PositiveIntegerField(
        "let in per minute", default=30, validators=[MinValueValidator(1), MaxValueValidator(60_000)]
    )
    paused = models.BooleanField(default=False, help_text="Nobody is let in; whoever is inside may go on.")
    admission_minutes = models.PositiveIntegerField(
        "minutes inside", default=10, validators=[MinValueValidator(1)], help_text="To place the order in."
    )
    inside_limit = models.PositiveIntegerField(
        "at most inside", null=True, blank=True, help_text="At the same time. Empty: no bound."
    )
    # Written by services.advance() alone.
    opened_at = models.DateTimeField(null=True, editable=False)
    drawn = models.PositiveIntegerField(default=0, editable=False)
    last_number = models.PositiveIntegerField(default=0, editable=False)
    admitted = models.PositiveIntegerField(default=0, editable=False)
    paced_at = models.DateTimeField(null=True, editable=False)
    sold_out = models.BooleanField(default=False, editable=False)
    # Drawn when the drop is made and secret until it opens; its digest is public from the start.
    seed = models.CharField(max_length=64, default=new_seed, editable=False)

    objects = DropQuerySet.as_manager()

    class Meta:
        ordering = ["-opens_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_at=None) | Q(closes_at__gt=F("opens_at")),
                name="drop_closes_after_opening",
                violation_error_message="It has to close after it opens.",
            ),
            models.CheckConstraint(condition=Q(rate__gte=1), name="drop_rate_positive"),
            models.CheckConstraint(
                condition=Q(admitted__lte=F("last_number")) & Q(drawn__lte=F("last_number")),
                name="drop_admits_only_given_numbers",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("storefront:drop", args=[self.slug])

    @property
    def stream(self) -> str:
        return f"drop:{self.slug}"

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None and not self.is_over

    @property
    def is_over(self) -> bool:
        return self.closes_at is not None and self.closes_at <= timezone.now()

    @property
    def seed_digest(self) -> str:
        """What is published before the opening: afterwards nobody can have chosen another seed."""
        return sha256(self.seed.encode()).hexdigest()

    @property
    def waiting(self) -> int:
        return self.last_number - self.admitted

    def draw(self, public_id: str) -> str:
        """Where a place that waits for the opening comes to stand: in the order of these."""
        return sha256(f"{self.seed}:{public_id}".encode()).hexdigest()

    def has_stock(self) -> bool:
        return Stock.objects.to_sell().filter(variant__product__drops=self).exists()

    def as_told(self) -> dict[str, int | bool | None]:
        """All that anybody in the line needs to know; the same for everybody. Times in milliseconds."""
        return {
            "opens": int(self.opens_at.timestamp() * 1000),
            "closes": int(self.closes_at.timestamp() * 1000) if self.closes_at else None,
            "opened": self.opened_at is not None,
            "admitted": self.admitted,
            "last": self.last_number,
            "rate": self.rate,
            "paused": self.paused,
            "sold_out": self.sold_out,
        }


class PlaceQuerySet(models.QuerySet["Place"]):
    def live(self) -> PlaceQuerySet:
        return self.filter(state__in=LIVE)

    def inside(self) -> PlaceQuerySet:
        return self.filter(state=Place.State.INSIDE, expires_at__gt=Now())

    def lapse(self) -> int:
        """Gives back what was not used in time."""
        late = self.filter(state=Place.State.INSIDE, expires_at__lte=Now())
        return late.update(state=Place.State.LAPSED)

    def let_in(self, after: int, up_to: int, until: datetime) -> int:
        turn = self.filter(state=Place.State.WAITING, number__gt=after, number__lte=up_to)
        return turn.update(state=Place.State.INSIDE, expires_at=until)


class Place(models.Model):
    """One visitor in the line: an account's, or of the guest who holds its token. `draw` ranks it at the opening."""

    class State(models.TextChoices):
        WAITING = "waiting"
        INSIDE = "inside"
        BOUGHT = "bought"
        LAPSED = "lapsed", "not used in time"

    drop = models.ForeignKey(Drop, on_delete=models.CASCADE, related_name="places")
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="places"
    )
    draw = models.CharField(max_length=64, editable=False)
    number = models.PositiveIntegerField(null=True, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    expires_at = models.DateTimeField(null=True, editable=False)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PlaceQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["drop", "state", "expires_at"])]
        constraints = [
            models.UniqueConstraint(fields=["drop", "number"], name="number_once_per_drop"),
            models.UniqueConstraint(
                fields=["drop", "user"],
                condition=Q(state__in=["waiting", "inside"]),
                name="one_live_place_per_account",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", expires_at=None)
                | (~Q(state="waiting") & Q(number__isnull=False, expires_at__isnull=False)),
                name="place_inside_has_number_and_end",
            ),
        ]

    def __str__(self) -> str:
        return f"place {self.public_id} ({self.state})"

    @property
    def standing(self) -> State:
        """The state as of now: an admission ends on time, also while nobody has written that down."""
        state = self.State(self.state)
        late = state == self.State.INSIDE and self.expires_at and self.expires_at <= timezone.now()
        return self.State.LAPSED if late else state

    @property
    def is_live(self) -> bool:
        return self.standing in LIVE

    def use(self) -> bool:
        """It buys, once. False if it had bought before or its time is over."""
        mine = Place.objects.inside().filter(pk=self.pk)
        return bool(mine.update(state=self.State.BOUGHT))

    def claim(self, user: User) -> bool:
        """A guest signs in: the place becomes the account's, unless it has one here already."""
        theirs = Place.objects.live().filter(user=user)
        mine = Place.objects.live().filter(pk=self.pk, user=None).exclude(drop__in=theirs.values("drop"))
        try:
            with transaction.atomic():
                return bool(mine.update(user=user))
        except IntegrityError:  # the account took one at this moment, elsewhere
            return False


LIVE = (Place.State.WAITING, Place.State.INSIDE)
