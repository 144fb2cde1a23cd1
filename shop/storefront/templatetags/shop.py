"""What the templates of the shop say often: money, icons, prints on their paper."""

import json
from datetime import datetime
from math import ceil
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString, mark_safe
from djmoney.money import Money

from accounts.devices import device_name
from notifications.templatetags.notifications import stream_attrs
from shop.catalog.facets import Band
from shop.catalog.models import ProductImage
from shop.inventory import words
from shop.money import in_words
from shop.orders.models import OrderLine

register = template.Library()
_IN_AN_ATTRIBUTE = {ord(character): f"\\u{ord(character):04x}" for character in "&<>'"}

# Enough steps for any screen without a page of addresses for every picture.
WIDTHS = (320, 480, 640, 960, 1280, 1920, 2560)


@register.filter
def money(amount: Any) -> str:
    """`€24.00`; nothing for nothing."""
    return in_words(amount) if amount is not None else ""


@register.filter
def device(user_agent: str) -> str:
    """`Firefox on Linux`."""
    return device_name(user_agent)


@register.filter
def fours(key: str) -> list[str]:
    """In parts that an eye can hold while it is typed in."""
    return [key[at : at + 4] for at in range(0, len(key), 4)]


@register.filter
def taken_off(amount: Money) -> str:
    """`−€4.80`, of an amount above or below zero."""
    return f"−{in_words(abs(amount))}"


@register.filter
def change(amount: Money) -> str:
    """`€24.00`, or `−€4.80` below zero."""
    return taken_off(amount) if amount.amount < 0 else in_words(amount)


@register.filter
def price(amount: Any) -> str:
    """A bare number of the shop's own currency, as annotations give it."""
    return money(Money(amount, settings.DEFAULT_CURRENCY)) if amount is not None else ""


@register.filter
def promise(line: Any) -> str:
    """When a line of a cart or an order leaves, where that is not today; nothing else."""
    return words.promise(line)


@register.simple_tag(takes_context=True)
def became(context: template.Context, line: OrderLine) -> str:
    """`1 cancelled, 1 exchanged`; pages of orders that may have left know `exchanged`, how many by line."""
    other = (context.get("exchanged") or {}).get(line.pk, 0)
    counts = {"cancelled": line.cancelled, "exchanged": other, "refunded": line.refunded - other}
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count > 0)


register.filter(words.in_days)


@register.filter
def band(limits: Band) -> str:
    """`under €40`, `€40 to €80`, `€80 and more`."""
    if limits.low is None:
        return f"Under {_whole(limits.high)}"
    return (
        f"{_whole(limits.low)} to {_whole(limits.high)}" if limits.high else f"{_whole(limits.low)} and more"
    )


def _whole(amount: Any) -> str:
    return price(amount).removesuffix(".00")


class Compact(json.JSONEncoder):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "separators": (",", ":")})


@register.filter
def compact_script(value: Any, element_id: str) -> SafeString:
    """`json_script` without the spaces, of which a list of many variants has thousands."""
    return json_script(value, element_id, Compact)


@register.simple_tag
def swatch(colour: str) -> SafeString:
    """A drop of colour. As a drawing, because the page's policy allows no inline style."""
    drop = '<svg class="swatch" viewBox="0 0 20 20" aria-hidden="true"><rect width="20" height="20" fill="{}"/></svg>'
    return format_html(drop, colour)


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """A drawing beside words: hidden from who listens."""
    extra = f" icon--{size}" if size else ""
    sheet = static("storefront/icons/sprite.svg")
    return format_html('<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>', extra, sheet, name)


@register.simple_tag
def live_card(product: Any) -> SafeString:
    """The attributes of a card that cards.js keeps true while it is in view; after `cards.follow()`."""
    variants = json.dumps(product.variants_now, separators=(",", ":")).translate(_IN_AN_ATTRIBUTE)
    # In single quotes, because escaping JSON's own would double it.
    return format_html(
        "{} data-follow=\"in-view\" data-variants='{}'", stream_attrs(product.following), mark_safe(variants)
    )


@register.simple_tag
def countdown_attrs(until: datetime) -> SafeString:
    """For countdown.js: until when, and what the server's own clock says, in milliseconds."""
    return _moments("until", until)


@register.filter
def time_left(until: datetime) -> str:
    """As countdown.js has it, so that nothing moves when that takes over."""
    seconds = max(0, ceil((until - timezone.now()).total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02} left" if seconds else "which has passed"


@register.simple_tag
def turn_attrs(until: datetime) -> SafeString:
    """For turn.js: until when, and what the server's own clock says, in milliseconds."""
    return _moments("countdown", until)


def _moments(name: str, until: datetime) -> SafeString:
    end, now = (str(int(moment.timestamp() * 1000)) for moment in (until, timezone.now()))
    return format_html('data-{}="{}" data-now="{}"', name, end, now)


@register.inclusion_tag("storefront/partials/picture.html")
def print_picture(
    image: ProductImage | None, sizes: str = "100vw", *, eager: bool = False, alt: str | None = None
) -> dict[str, Any]:
    """A print in the formats and widths there are. `eager` is for the first large one of a page only."""
    if image is None:
        return {"image": None}
    formats = image.picture.aspect_ratios[None]
    return {
        "image": image,
        "alt": image.alt if alt is None else alt,
        "form": _form(image),
        "sizes": sizes,
        "eager": eager,
        "sources": [(kind.lower(), _steps(files)) for kind, files in formats.items() if files],
        "fallback": _nearest(formats.get("WEBP", {}), 960) or image.picture,
    }


@register.simple_tag
def small_picture(image: ProductImage) -> str:
    """The address of one file of 640 pixels or near, for where no choice of files can be offered."""
    formats = image.picture.aspect_ratios[None]
    return (_nearest(formats.get("WEBP") or next(iter(formats.values()), {}), 640) or image.picture).url


def _form(image: ProductImage) -> str:
    if image.width == image.height:
        return "square"
    return "landscape" if image.width > image.height else "portrait"


def _steps(files: dict[int, Any]) -> list[tuple[int, str]]:
    """The files nearest to WIDTHS, each once, by width."""
    chosen = {width: file for step in WIDTHS for width, file in [_nearest_item(files, step)]}
    return [(width, chosen[width].url) for width in sorted(chosen)]


def _nearest(files: dict[int, Any], width: int) -> Any:
    return _nearest_item(files, width)[1] if files else None


def _nearest_item(files: dict[int, Any], width: int) -> tuple[int, Any]:
    return min(files.items(), key=lambda item: abs(item[0] - width))
