"""One cell at a time, text to value and back. Each `read_` raises ValueError in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from moneyed import get_currency

SLUG = re.compile(r"[-a-zA-Z0-9_]+")
SWATCH = re.compile(r"(.*?)\s*(#[0-9a-fA-F]{6})", re.DOTALL)
FILE_NAME = re.compile(r"[-\w][-.\w]*\.\w+")
PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")
LARGEST_COUNT = 2_147_483_647
YES, NO = ("yes", "true", "1"), ("no", "false", "0")


@dataclass(frozen=True)
class Picture:
    """A file's plain name and the words for somebody who cannot see it."""

    file: str
    alt: str


@dataclass(frozen=True)
class Choice:
    """A value of an option: `Oak #b08a5a`."""

    label: str
    swatch: str


def read_text(longest: int) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if len(cell) > longest:
            raise ValueError(f"has {len(cell)} characters, at most {longest} fit")
        return cell

    return read


def read_slug(longest: int) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if not SLUG.fullmatch(cell):
            raise ValueError(f"{short(cell)} may only have letters a-z, digits, - and _")
        return read_text(longest)(cell)

    return read


def read_one_of(allowed: Sequence[str]) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if cell.lower() not in allowed:
            raise ValueError(f"{short(cell)} is not one of {', '.join(allowed)}")
        return cell.lower()

    return read


def read_path(cell: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in cell.split(">"))
    if not all(names):
        raise ValueError("a name is missing beside a '>'")
    for name in names:
        read_text(80)(name)
    return names


def read_count(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise ValueError(f"{short(cell)} is not a whole number from 0 up")
    if len(cell) > 10 or int(cell) > LARGEST_COUNT:
        raise ValueError(f"{short(cell)} is too large")
    return int(cell)


def read_positive_count(cell: str) -> int:
    if not (count := read_count(cell)):
        raise ValueError("must be at least 1")
    return count


def read_decimal(cell: str) -> Decimal:
    if "," in cell:
        raise ValueError(f"{short(cell)} has a comma; write a point, and nothing between thousands")
    if not PLAIN_NUMBER.fullmatch(cell):
        raise ValueError(f"{short(cell)} is not a number")
    try:
        return Decimal(cell)
    except InvalidOperation:
        raise ValueError(f"{short(cell)} is not a number") from None


def read_amount(cell: str) -> Decimal:
    amount = read_decimal(cell)
    if amount < 0:
        raise ValueError("a price cannot be negative")
    if amount >= 10**9:
        raise ValueError(f"{short(cell)} is too large")
    return amount


def check_places(amount: Decimal, currency: str) -> None:
    places = price_places(currency)
    if -int(amount.normalize().as_tuple().exponent) > places:
        raise ValueError(f"{currency} has {places} decimals, {amount} has more")


def price_places(currency: str) -> int:
    return len(str(get_currency(currency).sub_unit)) - 1


def read_currency(cell: str) -> str:
    if cell.upper() not in settings.CURRENCIES:
        raise ValueError(f"this shop sells in {', '.join(settings.CURRENCIES)}, not in {short(cell)}")
    return cell.upper()


def read_fact(cell: str) -> Decimal:
    """A number that fits where attributes are kept."""
    number = read_decimal(cell)
    if abs(number) >= 10**10 or -int(number.normalize().as_tuple().exponent) > 4:
        raise ValueError(f"{short(cell)} has too many digits: ten before the point and four behind it fit")
    return number


def read_boolean(cell: str) -> bool:
    if cell.lower() not in YES + NO:
        raise ValueError(f"{short(cell)} is neither yes nor no")
    return cell.lower() in YES


def read_moment(cell: str) -> datetime:
    try:
        day, moment = parse_date(cell), parse_datetime(cell)
    except ValueError:
        raise ValueError(f"{short(cell)} is no date of the calendar") from None
    if day:
        moment = datetime.combine(day, time())
    if moment is None:
        raise ValueError(f"{short(cell)} is neither a date nor a date with a time")
    return moment if moment.tzinfo else timezone.make_aware(moment, timezone.get_default_timezone())


def write_moment(moment: datetime | None) -> str:
    if moment is None:
        return ""
    local = timezone.localtime(moment, timezone.get_default_timezone())
    return local.date().isoformat() if local.time() == time() else local.isoformat(sep=" ")


def read_file_name(cell: str) -> str:
    if not FILE_NAME.fullmatch(cell):
        raise ValueError(
            f"{short(cell)} must be a file's plain name: letters, digits, - and _, and its ending"
        )
    return read_text(120)(cell)


def read_choice(cell: str) -> Choice:
    match = SWATCH.fullmatch(cell)
    label, swatch = match.groups() if match else (cell, "")
    if not label:
        raise ValueError("has a colour but no words")
    return Choice(read_text(80)(label), swatch.lower())


def write_choice(label: str, swatch: str) -> str:
    return f"{label} {swatch}".strip()


def read_list(cell: str) -> list[str]:
    r"""`a; b` is two; a semicolon that belongs to the text is written `\;`."""
    if not cell:
        return []
    parts = re.findall(r"((?:\\.|[^;\\]|\\$)*)(;|$)", cell, re.DOTALL)
    texts = [re.sub(r"\\([\\;])", r"\1", text.strip()) for text, _ in parts]
    ended = next(index for index, (_, separator) in enumerate(parts) if not separator)
    return texts[: ended + 1]


def write_list(texts: Iterable[str]) -> str:
    return "; ".join(text.replace("\\", "\\\\").replace(";", "\\;") for text in texts)


def short(cell: str) -> str:
    return f'"{cell[:40]}…"' if len(cell) > 40 else f'"{cell}"'
