"""What the shop tells its people: the kinds of messages there are, and each message in words.

The inbox, the digest and the page of choices all say it from here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from notifications.preferences import keep_from_digests, longest_prefix, register_kind
from shop.alerts.models import Alert
from shop.money import from_json, in_words
from shop.orders.log import title_of


@dataclass(frozen=True, slots=True)
class News:
    """A message in words; `url` is a path of this shop or empty."""

    title: str
    detail: str = ""
    url: str = ""


Teller = Callable[[str, Mapping[str, Any]], News]

_tellers: dict[str, Teller] = {}


def register_news(prefix: str, teller: Teller) -> None:
    """Have teller(kind, payload) put into words what is of `prefix` or `prefix.<more>`; the longest prefix wins."""
    _tellers[prefix] = teller


def news_of(kind: str, payload: Mapping[str, Any]) -> News:
    return longest_prefix(kind, _tellers, _plain)(kind, payload)


def _plain(kind: str, payload: Mapping[str, Any]) -> News:
    return News(kind.replace("_", " ").replace(".", " ").capitalize())


def order_news(kind: str, payload: Mapping[str, Any]) -> News:
    number, order = payload.get("number"), payload.get("order")
    return News(
        title_of(kind.removeprefix("order.")),
        f"Order {number}" if number else "",
        reverse("storefront:order", args=[order]) if order else "",
    )


def alert_news(kind: str, payload: Mapping[str, Any]) -> News:
    title, options = f"“{payload['title']}”", payload["options"]
    price = in_words(from_json(payload["price"]))
    if kind == Alert.Kind.BACK:
        return News(f"{title} is back", ", ".join(filter(None, [options, price])), payload["path"])
    was = f"was {in_words(from_json(payload['was']))}"
    return News(f"{title} now costs {price}", ", ".join(filter(None, [options, was])), payload["path"])


def register() -> None:
    register_kind("order", "Your orders", "Each step of an order: paid, packed, delivered, refunded.")
    register_kind(
        "order.shipped",
        "Parcels on their way",
        "When a parcel leaves, and its tracking number. An e-mail of its own, at once.",
        email=True,
    )
    # What the law or the buyer's money demands has a mail of its own, and what the buyer did is known.
    keep_from_digests(
        "order.placed",
        "order.claimed",
        "order.paid",
        "order.shipped",
        "order.partly_shipped",
        "order.lines_cancelled",
        "order.cancelled",
        "order.refunded",
        "order.address_changed",
        "order.edit_proposed",
        "order.edited",
        "order.edit_undone",
        "order.return_requested",
        "order.return_approved",
        "order.return_refused",
        "order.return_received",
        "order.return_exchanged",
        "order.return_reopened",
        "order.refund_paid",
    )
    register_news("order", order_news)
    register_kind(
        Alert.Kind.BACK,
        "Prints that are back",
        "When one that you wait for can be had again. An e-mail of its own, at once.",
        email=True,
    )
    register_kind(
        Alert.Kind.CHEAPER,
        "Prints that cost less",
        "When one that you watch costs less than when you asked. An e-mail of its own, at once.",
        email=True,
    )
    keep_from_digests(*Alert.Kind.values)
    register_news(Alert.Kind.BACK, alert_news)
    register_news(Alert.Kind.CHEAPER, alert_news)
