"""Events that were never delivered: the provider lists what happened, and what we did not record is applied."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from notifications.log_context import about
from shop.payments import stripe_gateway as gateway
from shop.payments.models import Bookmark, GatewayEvent
from shop.payments.services import receive_message
from shop.payments.stripe_gateway import Message

logger = logging.getLogger(__name__)
# An event may be listed a little after its time; those read twice are known by their id.
OVERLAP = timedelta(minutes=5)
AT_FIRST = timedelta(hours=1)
AT_ONCE = 500


def hear_unheard() -> int:
    """Returns how many had not been heard. Several may run at once: an event is recorded once, with its effect."""
    now = timezone.now()
    mark, _ = Bookmark.objects.get_or_create(name="events", defaults={"at": now - AT_FIRST})
    events = gateway.ask(gateway.list_events(mark.at - OVERLAP))
    heard = sum(_applied(message) for message in _unrecorded(events))
    if heard:
        logger.info("%s events had not been delivered", heard)
    mark.move_to(now)
    return heard


def _unrecorded(events: list[Message]) -> list[Message]:
    known: set[str] = set()
    for start in range(0, len(events), AT_ONCE):
        ids = [event.id for event in events[start : start + AT_ONCE]]
        known |= set(GatewayEvent.objects.filter(event_id__in=ids).values_list("event_id", flat=True))
    return [event for event in events if event.id not in known]


def _applied(message: Message) -> bool:
    with about():
        try:
            return receive_message(message)
        except Exception:
            # It is read again, as long as the overlap lasts; what it is about has other guards.
            logger.exception("event %s could not be applied", message.id)
            return False
