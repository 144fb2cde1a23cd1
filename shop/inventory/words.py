"""What is said of prints that are sold before they are there: on every page, in mail and to apps alike."""

from __future__ import annotations

from typing import Protocol


class Line(Protocol):
    """Of a cart or of an order."""

    @property
    def quantity(self) -> int: ...
    @property
    def ahead(self) -> int: ...
    @property
    def lead_days(self) -> int: ...


def promise(line: Line) -> str:
    """`Made to order, ships in 14 days`, or of how many that is true; nothing where all are there."""
    if not line.ahead:
        return ""
    some = "" if line.ahead == line.quantity else f"{line.ahead} of {line.quantity} "
    return f"{some}{'m' if some else 'M'}ade to order, ships in {in_days(line.lead_days)}"


def in_days(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'}"
