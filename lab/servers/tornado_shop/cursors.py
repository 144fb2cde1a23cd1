"""Pages by cursor, in the form of the shop's API: a position, how many to skip of those that share it, a direction."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import NamedTuple, Self
from urllib.parse import parse_qsl, urlencode

from lab.servers.tornado_shop.refusals import Refused

MOST_SKIPPED = 1000


class Cursor(NamedTuple):
    position: int | None = None
    skip: int = 0
    backwards: bool = False

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises Refused."""
        try:
            parts = dict(parse_qsl(b64decode(text.encode()).decode(), keep_blank_values=True))
            position = int(parts["p"]) if "p" in parts else None
            skip = int(parts.get("o", 0))
            if not 0 <= skip <= MOST_SKIPPED:
                raise ValueError(skip)
            return cls(position, skip, parts.get("r") == "1")
        except ValueError:
            raise Refused(422, "invalid", "cursor: take it from `next` or `previous` of a page.") from None

    def __str__(self) -> str:
        parts = {"o": self.skip or None, "r": 1 if self.backwards else None, "p": self.position}
        return b64encode(urlencode({n: v for n, v in parts.items() if v is not None}).encode()).decode()


class Page(NamedTuple):
    """`positions` of its rows, in the order of the list, and of the row behind them as the cursor goes, if any."""

    cursor: Cursor
    size: int
    positions: Sequence[int]
    behind: int | None

    @property
    def next(self) -> Cursor | None:
        return self._beyond(forward=True)

    @property
    def previous(self) -> Cursor | None:
        return self._beyond(forward=False)

    def _has(self, forward: bool) -> bool:
        if self.cursor.backwards == forward:  # the side that it came from
            return self.cursor.position is not None or self.cursor.skip > 0
        return self.behind is not None

    def _beyond(self, forward: bool) -> Cursor | None:
        if not self._has(forward):
            return None
        turns = self.cursor.backwards == forward
        outward = list(reversed(self.positions)) if forward else list(self.positions)
        edge = self.cursor.position if turns else self.behind
        if not outward:
            return Cursor(edge, 0, not forward)
        if turns and self.cursor.skip:
            edge = outward[0]
        shared = next((n for n, position in enumerate(outward) if position != edge), None)
        if shared is not None:
            return Cursor(outward[shared], shared, not forward)
        return self._among_equals(forward, turns)

    def _among_equals(self, forward: bool, turns: bool) -> Cursor:
        """Every row of the page has the position of the one beyond: only counting tells them apart."""
        if not self._has(not forward):
            return Cursor(None, self.size, not forward)
        if turns:
            return Cursor(self.behind, 0, not forward)
        return Cursor(self.cursor.position, self.cursor.skip + self.size, not forward)
