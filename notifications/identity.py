"""Who opens a connection: a browser by its session, an app by a ticket or by what the project knows it by; and who may
stay.

All of it is synchronous.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user,
    get_user_model,
)
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string

from notifications.models import Ticket
from notifications.streams import Reader, may_read

TICKET_AGE = timedelta(seconds=60)


def anonymous() -> Reader:
    return Reader(AnonymousUser(), {})


def reader_by_session(key: str) -> Reader:
    session = _session_store()(key)
    # A socket cannot hand out a cookie: a session that is due for a new key gets it with the next request.
    session.cycle_key, session.flush = _unchanged, session.clear
    user = get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]
    return Reader(user, session, session.session_key or "")


def _unchanged() -> None: ...


def readers_by_session(keys: Sequence[str]) -> list[Reader | Exception | None]:
    """For each key what `reader_by_session` gives, in two queries for all who are signed in as usual."""
    plain = _plain_readers(keys)
    return [plain.get(key) or _or_fault(reader_by_session, key) for key in keys]


def _plain_readers(keys: Sequence[str]) -> dict[str, Reader]:
    """Those whose session is in the database, with a user whom Django's own way to find one certainly accepts."""
    store = _session_store()
    if not hasattr(store, "get_model_class") or len(keys) < 2:
        return {}
    rows = store.get_model_class().objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    sessions = {}
    for key, data in rows.values_list("session_key", "session_data"):
        session = store(key)
        session._session_cache = session.decode(data)
        if str(session.get(SESSION_KEY, "")).isdecimal() and _is_of_users(session.get(BACKEND_SESSION_KEY)):
            sessions[key] = session
    users = _users({int(session[SESSION_KEY]) for session in sessions.values()})
    readers = {}
    for key, session in sessions.items():
        user = users.get(int(session[SESSION_KEY]))
        if user is not None and user.is_active and _is_signed_by(session, user):
            session.cycle_key, session.flush = _unchanged, session.clear
            readers[key] = Reader(user, session, key)
    return readers


def _is_of_users(backend: str | None) -> bool:
    """Whether its users are simply those of the table."""
    if backend not in settings.AUTHENTICATION_BACKENDS:
        return False
    found = import_string(backend)
    return issubclass(found, ModelBackend) and found.get_user is ModelBackend.get_user


def _is_signed_by(session: SessionBase, user: AbstractBaseUser) -> bool:
    return constant_time_compare(session.get(HASH_SESSION_KEY) or "", user.get_session_auth_hash())


def _or_fault[Q, A](answer: Callable[[Q], A], question: Q) -> A | Exception:
    try:
        return answer(question)
    except Exception as fault:
        return fault


def issue_ticket(
    user: AbstractBaseUser | AnonymousUser, session_key: str = "", grants: Mapping[str, Any] | None = None
) -> str:
    """Good for one connection within a minute. One that belongs to a session ends with it, also before it was used.

    `grants` stand in for what a session holds: streams that are open to it are open to the ticket, also to a guest's.
    """
    secret = secrets.token_urlsafe(32)
    Ticket.objects.create(
        digest=_digest(secret),
        user_id=user.pk,
        session_key=session_key,
        grants=dict(grants or {}),
        expires_at=timezone.now() + TICKET_AGE,
    )
    return secret


def reader_by_ticket(secret: str) -> Reader | None:
    """Whom it was issued to. It is gone afterwards, also for a second socket at the same moment."""
    with transaction.atomic():
        ticket = Ticket.objects.select_related("user").filter(digest=_digest(secret)).first()
        if ticket is None or not Ticket.objects.filter(pk=ticket.pk).delete()[0]:
            return None
    user = ticket.user or AnonymousUser()
    fresh = ticket.expires_at > timezone.now() and (ticket.user is None or ticket.user.is_active)
    return Reader(user, ticket.grants, ticket.session_key) if fresh and _still_stands(ticket) else None


def _still_stands(ticket: Ticket) -> bool:
    """Whether the session that asked for it is signed in as then: it may have ended, or the password be another."""
    return not ticket.session_key or reader_by_session(ticket.session_key).user.pk == ticket.user_id


# Over plain HTTP a client may say who it is in `Authorization: <scheme> <credentials>`.

Authenticator = Callable[[str], Reader | None]
_schemes: dict[str, Authenticator] = {"ticket": reader_by_ticket}


def register_scheme(scheme: str, reader_of: Authenticator) -> None:
    """Let in whom reader_of(credentials) gives, None for nobody; it may ask the database.

    A reader with the key of a session is sent away when that ends.
    """
    _schemes[scheme.lower()] = reader_of


def is_scheme(scheme: str) -> bool:
    return scheme.lower() in _schemes


def reader_by_credentials(scheme: str, credentials: str) -> Reader | None:
    return _schemes[scheme.lower()](credentials)


def renewed(reader: Reader) -> Reader:
    """The same reader with what was granted to the session since the connection opened."""
    if not reader.session_key or not isinstance(reader.session, SessionBase):
        return reader
    fresh = reader_by_session(reader.session_key)
    return fresh if fresh.user.pk == reader.user.pk else reader


def as_of_now(reader: Reader) -> Reader:
    """Staff with the permissions they have now: a user remembers for good what it was once asked for."""
    if not _is_staff(reader.user):
        return reader
    user = _users({reader.user.pk}).get(reader.user.pk, AnonymousUser())
    return Reader(user, reader.session, reader.session_key)


# Who may stay


def withdrawn(held: Sequence[tuple[Reader, Collection[str]]]) -> list[tuple[bool, list[str]]]:
    """For each reader and the streams it follows: is it still who it was, and which streams it may no longer read.

    Gone is whose session ended, whose password is another one, or whose account was disabled or deleted. Streams
    are asked about for staff only: what others may read depends on who they are, which does not change.
    Two queries for all, one for who is staff, and those of the rules for each of these. No object for each user: this
    is asked of every socket every two seconds.
    """
    rows = _rows_of({reader.user.pk for reader, _ in held if reader.user.pk is not None})
    were = {reader.user.pk for reader, _ in held if _is_staff(reader.user)}
    staff = _users(were | {pk for pk, row in rows.items() if row.get("is_staff")})
    sessions = _living_sessions({reader.session_key for reader, _ in held if reader.session_key})
    verdicts = []
    for reader, streams in held:
        user = staff.get(reader.user.pk)
        signed_in = not reader.session_key or reader.session_key in sessions
        stays = signed_in and (isinstance(reader.user, AnonymousUser) or _is_same(reader.user, rows))
        asked = streams if stays and user is not None else ()
        fresh = Reader(user or reader.user, reader.session, reader.session_key)
        verdicts.append((stays, [stream for stream in asked if not may_read(fresh, stream)]))
    return verdicts


def _is_same(before: AbstractBaseUser, rows: Mapping[Any, Mapping[str, Any]]) -> bool:
    now = rows.get(before.pk)
    return now is not None and now.get("is_active", True) and bool(now["password"] == before.password)


def _rows_of(pks: Collection[Any]) -> dict[Any, dict[str, Any]]:
    model = get_user_model()
    wanted = {"password", "is_active", "is_staff"}  # not every project's users have the last two
    columns = [field.name for field in model._meta.concrete_fields if field.name in wanted]
    return {row["pk"]: row for row in model._default_manager.filter(pk__in=pks).values("pk", *columns)}


def _users(pks: Iterable[Any]) -> Mapping[Any, AbstractBaseUser]:
    return get_user_model()._default_manager.in_bulk(list(pks))


def _living_sessions(keys: Collection[str]) -> set[str]:
    store = _session_store()
    if hasattr(store, "get_model_class"):
        rows = store.get_model_class().objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
        return set(rows.values_list("session_key", flat=True))
    return {key for key in keys if store().exists(key)}


def _is_staff(user: Any) -> bool:
    return bool(getattr(user, "is_staff", False))


def _session_store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
