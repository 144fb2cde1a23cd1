"""Public answers as the bytes they were, until something that they show changes.

A process keeps what it rendered, and serves it before REST framework does any work (shop/api/serving.py) or before
Django does any (shop/ahead.py): no rows are read and nothing is rendered. Each read first looks at the log of changes
(shop/catalog/changes.py), which is written by the transaction of the change itself; so after a commit the next read
shows it, in every process, whether or not a broker runs. An event could not promise that: it is on its way while the
next read arrives. One look is one statement that reads no more than the end of an index, and reads that come together
share it: whoever waits while a look is under way, which may have begun before the commit it is to see, is served by
the next one. Where the log cannot be read, nothing is served from here.

A render may begin before a commit and end after it. So it remembers how many changes had been seen before its first
query, and is kept only if none that it shows was seen since; what was not seen yet drops it at the next look.

Time changes things too: all is forgotten when the next product comes or goes by its dates, or a drop ends.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as time_of_day
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.utils import timezone

from shop.catalog.changes import EVERYTHING, changed_after
from shop.catalog.models import Product
from shop.drops.models import Drop

AGE = 300.0  # seconds; much shorter than the log keeps what it has
SMALL_CHANGE = 1000  # bytes that an answer takes beside its own
NOTE = "shop.rendered"

Key = tuple[str, ...]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    body: bytes
    headers: dict[str, str]
    etag: str
    about: str  # the slug of the product it shows; EVERYTHING for lists
    until: float
    # How the whole stack answered with it, by status: for shop/ahead.py, and gone when it goes.
    answers: dict[int, Any] = field(default_factory=dict)


class Begun(NamedTuple):
    """What was known when a render began."""

    changes: int
    until: float


@dataclass(slots=True)
class Note:
    """What a view tells of its answer, for who would give the same one ahead of Django the next time.

    `kept` is what it was served from; or it was rendered, and may be kept as what `begun` and `about` say.
    """

    route: str = ""
    kept: Kept | None = None
    begun: Begun | None = None
    about: str = EVERYTHING


def note_of(request: Any) -> Note | None:
    """Where somebody ahead of Django listens."""
    return getattr(request, "scope", {}).get(NOTE)


class Memory:
    def __init__(self) -> None:
        self.hits = self.looks = 0
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._size = 0
        self._changes = 0  # how many looks saw something
        self._changed: dict[str, int] = {}  # which of those was the last that saw this product
        self._turn: float | None = None  # when time itself changes something
        self._seen: str | None = None
        self._looking = threading.Lock()
        self._writing = threading.RLock()
        self._was_heard = False

    def look(self) -> bool:
        """Drops what has changed before this call; whether the log could be read."""
        if connection.in_atomic_block:  # what is seen there may be undone
            return False
        before = self.looks
        with self._looking:
            # Another look that began after this call is as good as its own.
            if self.looks == before:
                self._was_heard = self._look()
            return self._was_heard

    def find(self, key: Key) -> Kept | None:
        with self._writing:
            kept = self._kept.get(key)
            if kept is None:
                return None
            if kept.until <= time.time():
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            self.hits += 1
            return kept

    def begin(self) -> Begun:
        """To be asked before the first query of a render."""
        changes = self._changes
        turn = self._turn
        if turn is None:
            turn = next_turn()
            with self._writing:
                if self._changes == changes:
                    self._turn = turn
        return Begun(changes, min(turn, time.time() + AGE))

    def keep(
        self, key: Key, about: str, body: bytes, headers: dict[str, str], etag: str, begun: Begun
    ) -> Kept | None:
        with self._writing:
            if self._is_stale(about, begun) or len(body) > settings.API_RENDERED_BYTES // 8:
                return None
            self._drop(key)
            kept = self._kept[key] = Kept(body, headers, etag, about, begun.until)
            self._size += len(body) + SMALL_CHANGE
            while self._size > settings.API_RENDERED_BYTES:
                self._drop(next(iter(self._kept)))
            return kept

    def glance(self, key: Key) -> Kept | None:
        """What is kept there, whether or not it still holds: to know whether to look is worth it."""
        return self._kept.get(key)

    def forget(self) -> None:
        with self._writing:
            self._changes += 1
            self._kept.clear()
            self._changed = {EVERYTHING: self._changes}
            self._size, self._turn, self._seen = 0, None, None

    @property
    def size(self) -> int:
        return self._size

    def _look(self) -> bool:
        self.looks += 1
        try:
            self._seen, slugs = changed_after(self._seen)
        except Exception:  # whatever it is: without the log nobody knows
            if self._was_heard:
                logger.warning(
                    "The log of changes cannot be read; nothing is served from memory.", exc_info=True
                )
            self.forget()
            return False
        if slugs:
            self._note(slugs)
        return True

    def _note(self, slugs: set[str]) -> None:
        with self._writing:
            self._changes += 1
            self._turn = None
            self._changed |= dict.fromkeys(slugs, self._changes)
            for key, kept in list(self._kept.items()):
                if kept.about == EVERYTHING or not slugs.isdisjoint({kept.about, EVERYTHING}):
                    self._drop(key)

    def _is_stale(self, about: str, begun: Begun) -> bool:
        if about == EVERYTHING:
            return self._changes > begun.changes
        return max(self._changed.get(one, 0) for one in (about, EVERYTHING)) > begun.changes

    def _drop(self, key: Key) -> None:
        if kept := self._kept.pop(key, None):
            self._size -= len(kept.body) + SMALL_CHANGE


def next_turn() -> float:
    """When, by this process' clock, a product comes or goes or a drop ends without anybody writing it.

    At midnight at the latest: pages say on which day a parcel would be there.
    """
    now = timezone.now()
    midnight = datetime.combine(timezone.localdate() + timedelta(days=1), time_of_day.min)
    moments = [
        rows.filter(**{f"{column}__gt": now}).order_by(column).values_list(column, flat=True).first()
        for rows, column in (
            (Product.objects.all(), "visible_from"),
            (Product.objects.all(), "visible_until"),
            (Drop.objects.all(), "closes_at"),
        )
    ]
    moments.append(timezone.make_aware(midnight))
    return min(moment.timestamp() for moment in moments if moment)


memory = Memory()
