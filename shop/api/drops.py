"""Waiting rooms: prints that go on sale at one moment, and the line in front of them."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Prefetch, QuerySet, Value
from django.db.models.functions import Concat
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.log import with_position
from notifications.protocol import Position
from shop.api.carts import ProductLinkSerializer
from shop.api.guests import DROP_PLACES, GuestMixin
from shop.api.refusals import NotFound
from shop.api.schema import refusals
from shop.api.shapes import StreamSerializer, stream
from shop.api.views import ApiView
from shop.catalog.models import Product
from shop.drops.admission import places_of, sign
from shop.drops.models import Drop, Place
from shop.drops.rooms import Room, Stage
from shop.drops.services import DropOver, take_place


class LineNumbersSerializer(serializers.Serializer):
    """As the stream's `drop.moved` brings them anew. Whoever has a number up to `admitted` was let in.

    Times are milliseconds since 1970.
    """

    opens = serializers.IntegerField()
    closes = serializers.IntegerField(allow_null=True)
    opened = serializers.BooleanField()
    admitted = serializers.IntegerField(min_value=0)
    last = serializers.IntegerField(min_value=0, help_text="The end of the line.")
    rate = serializers.IntegerField(min_value=1, help_text="How many are let in per minute.")
    paused = serializers.BooleanField()
    sold_out = serializers.BooleanField()


class PlaceSerializer(serializers.Serializer):
    state = serializers.ChoiceField(Place.State.choices, source="place.standing")
    number = serializers.IntegerField(
        source="place.number", allow_null=True, help_text="Drawn at the opening; null before."
    )
    expires_at = serializers.DateTimeField(
        source="place.expires_at", allow_null=True, help_text="Until when whoever is inside can order."
    )
    position = serializers.IntegerField(help_text="How far from the door.")
    wait = serializers.CharField(help_text="`about 6 minutes`")


class TakenPlaceSerializer(PlaceSerializer):
    token = serializers.SerializerMethodField(
        help_text="A guest's: it goes into `Drop-Places`. Null for an account, which is known on every device."
    )

    def get_token(self, room: Room) -> str | None:
        return sign(room.place) if room.place and not room.place.user_id else None


class DropSerializer(serializers.Serializer):
    slug = serializers.CharField(source="drop.slug")
    title = serializers.CharField(source="drop.title")
    description = serializers.CharField(source="drop.description")
    web_url = serializers.SerializerMethodField()
    opens_at = serializers.DateTimeField(source="drop.opens_at")
    closes_at = serializers.DateTimeField(
        source="drop.closes_at", allow_null=True, help_text="From then on its prints are sold like any other."
    )
    now = serializers.SerializerMethodField(help_text="By the shop's clock.")
    stage = serializers.ChoiceField(
        [stage.value for stage in Stage],
        help_text="Where the caller stands: `before` the opening, `drawing` of numbers, in `line`, `inside`, `outside` "
        "without a place; or it is `sold_out` or `over`.",
    )
    line = LineNumbersSerializer(source="drop.as_told")
    position = serializers.IntegerField(help_text="How far from the door the caller is, or would be.")
    wait = serializers.CharField(help_text="`about 6 minutes`")
    place = serializers.SerializerMethodField()
    products = ProductLinkSerializer(source="drop.shown", many=True)
    seed_digest = serializers.CharField(
        source="drop.seed_digest", help_text="SHA-256 of the seed of the draw, told before it."
    )
    draw_url = serializers.SerializerMethodField(
        help_text="The draw, to be made again by anybody; once it is open."
    )
    stream = serializers.SerializerMethodField()

    def get_web_url(self, room: Room) -> str:
        return self._absolute(room.drop.get_absolute_url())

    @extend_schema_field(serializers.DateTimeField())
    def get_now(self, room: Room) -> Any:
        return serializers.DateTimeField().to_representation(timezone.now())

    @extend_schema_field(PlaceSerializer(allow_null=True))
    def get_place(self, room: Room) -> dict[str, Any] | None:
        return PlaceSerializer(room).data if room.place else None

    def get_draw_url(self, room: Room) -> str | None:
        opened = room.drop.opened_at
        return self._absolute(reverse("storefront:drop_draw", args=[room.drop.slug])) if opened else None

    @extend_schema_field(StreamSerializer)
    def get_stream(self, room: Room) -> dict[str, Any]:
        drop: Any = room.drop
        return stream(drop.stream, Position(drop.epoch or "", drop.top or 0))

    def _absolute(self, path: str) -> str:
        return self.context["request"].build_absolute_uri(path)


class DropMixin(GuestMixin):
    headers_taken = (DROP_PLACES,)

    def drops(self) -> QuerySet[Drop]:
        """With where the streams stood when the rows were read."""
        shown = Prefetch("products", Product.objects.visible().order_by("position", "id"), to_attr="shown")  # type: ignore[attr-defined]
        return with_position(Drop.objects.all(), Concat(Value("drop:"), OuterRef("slug"))).prefetch_related(
            shown
        )

    def rooms(self, drops: list[Drop]) -> list[Room]:
        places = places_of(self.request.user, self.place_tokens, drops)
        return [Room(drop, places.get(drop.pk)) for drop in drops]

    def room(self, slug: str) -> Room:
        drop = self.drops().filter(slug=slug).first()
        if drop is None:
            raise NotFound
        return self.rooms([drop])[0]


class DropsView(DropMixin, ApiView):
    @extend_schema(operation_id="drop_list", responses=DropSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Drops that are announced or open, the latest first, and where the caller stands in each."""
        rooms = self.rooms(list(self.drops().current()))  # type: ignore[attr-defined]
        return Response(DropSerializer(rooms, many=True, context={"request": request}).data)


class DropView(DropMixin, ApiView):
    @extend_schema(operation_id="drop_show", responses=DropSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """One drop, and where the caller stands. Follow its stream instead of asking again."""
        return Response(DropSerializer(self.room(slug), context={"request": request}).data)


class DropPlaceView(DropMixin, ApiView):
    secret = True

    @extend_schema(operation_id="drop_place_show", responses=PlaceSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The caller's place, for instance to learn its number after the opening."""
        room = self.room(slug)
        if room.place is None:
            raise NotFound("You have no place there.")
        return Response(PlaceSerializer(room).data)

    @extend_schema(
        operation_id="drop_place_take",
        request=None,
        responses={201: TakenPlaceSerializer, **refusals(DropOver)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Take a place at the end of the line; the same one again while it counts."""
        room = self.room(slug)
        place = take_place(room.drop, self.user_or_none, room.place)
        room.drop.refresh_from_db()
        place.drop = room.drop
        return Response(TakenPlaceSerializer(Room(room.drop, place)).data, status=201)
