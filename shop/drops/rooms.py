"""A drop as one visitor stands to it: outside, in the line, or inside."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from shop.drops.models import Drop, Place


class Stage(StrEnum):
    BEFORE = "before"  # announced
    DRAWING = "drawing"  # just opened; the numbers are being given
    LINE = "line"
    INSIDE = "inside"
    OUTSIDE = "outside"  # open, and the visitor has no place
    SOLD_OUT = "sold_out"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Room:
    drop: Drop
    place: Place | None

    @property
    def inside(self) -> Place | None:
        return self.place if self.place and self.place.standing == Place.State.INSIDE else None

    @property
    def position(self) -> int:
        """How far from the door: the visitor, or whoever would come next."""
        if self.place and self.place.is_live and self.place.number:
            return self.place.number - self.drop.admitted
        return self.drop.waiting + 1

    @property
    def stage(self) -> Stage:
        """Which part of the page is shown; drops.js knows those that follow one another by themselves."""
        drop, place = self.drop, self.place
        if drop.is_over:
            return Stage.OVER
        if self.inside:
            return Stage.INSIDE
        if not drop.opened_at:
            return Stage.BEFORE
        if place and place.is_live:
            return Stage.LINE if place.number else Stage.DRAWING
        return Stage.SOLD_OUT if drop.sold_out else Stage.OUTSIDE

    @property
    def wait(self) -> str:
        return wait_in_words(self.position, self.drop.rate)


def wait_in_words(position: int, rate: int) -> str:
    """`about 6 minutes`, for somebody who is this far from the door. drops.js says it in the same words."""
    minutes = math.ceil(position / rate)
    if minutes <= 1:
        return "about a minute"
    if minutes < 90:
        return f"about {minutes} minutes"
    return f"about {round(minutes / 60)} hours"
