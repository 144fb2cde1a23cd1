"""The digest as mail of the house. When it is due and what it holds, `notifications.digest` decides."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.tasks import task
from django.urls import reverse

from notifications.digest import forget, gather_digests, items
from notifications.models import DigestItem
from notifications.unsubscribe import unsubscribe_token
from shop.letters import TRIES, Letter, confirmed_address, try_again_at, write_letter
from shop.news import news_of

SHOWN = 20


def digests() -> int:
    """Enqueues the mail of every digest that is due; returns how many."""
    return gather_digests(send_digest.enqueue)


@task
def send_digest(user_id: int, number: int, attempt: int = 1) -> None:
    """Asks for the items again each time: what is read while a mail server is away is not mailed after it."""
    unread = list(items(user_id, number))
    address = confirmed_address(user_id)
    if unread and address:
        try:
            _letter(user_id, number, address, unread).send()
        except OSError:
            if attempt >= TRIES:
                raise
            again = send_digest.using(run_after=try_again_at(attempt))
            again.enqueue(user_id, number, attempt + 1)
            return
    forget(user_id, number)


def _letter(user_id: int, number: int, address: str, unread: list[DigestItem]) -> Letter:
    stop = settings.PUBLIC_URL + reverse("storefront:unsubscribe", args=[unsubscribe_token(user_id)])
    context = {
        "items": [(item, news_of(item.kind, item.payload)) for item in unread[:SHOWN]],
        "count": len(unread),
        "more": len(unread[SHOWN:]),
        "inbox_url": settings.PUBLIC_URL + reverse("storefront:notifications"),
        "choices_url": settings.PUBLIC_URL + reverse("storefront:preferences"),
        "stop_url": stop,
    }
    headers = {
        "Message-ID": f"<digest.{user_id}.{number}@{urlsplit(settings.PUBLIC_URL).hostname}>",
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return write_letter("digest", address, context, headers)
