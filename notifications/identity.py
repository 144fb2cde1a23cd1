"""Who opens a connection: a browser by its session, an app by a ticket it got over HTTPS.

All of it is synchronous.
"""

import secrets
from datetime import timedelta
from hashlib import sha256
from importlib import import_module
from types import SimpleNamespace

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from notifications.models import Ticket
from notifications.streams import Reader

TICKET_AGE = timedelta(seconds=60)


def anonymous() -> Reader:
    return Reader(AnonymousUser(), {})


def reader_by_session(key: str) -> Reader:
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    # A socket cannot hand out a cookie: a session that is due for a new key gets it with the next request.
    session.cycle_key, session.flush = lambda: None, session.clear
    return Reader(get_user(SimpleNamespace(session=session)), session)  # type: ignore[arg-type]


def issue_ticket(user: AbstractBaseUser) -> str:
    secret = secrets.token_urlsafe(32)
    Ticket.objects.create(digest=_digest(secret), user_id=user.pk, expires_at=timezone.now() + TICKET_AGE)
    return secret


def reader_by_ticket(secret: str) -> Reader | None:
    """The user it was issued to. It is gone afterwards, also for a second socket at the same moment."""
    with transaction.atomic():
        ticket = Ticket.objects.select_related("user").filter(digest=_digest(secret)).first()
        if ticket is None or not Ticket.objects.filter(pk=ticket.pk).delete()[0]:
            return None
    fresh = ticket.expires_at > timezone.now() and ticket.user.is_active
    return Reader(ticket.user, {}) if fresh else None


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
