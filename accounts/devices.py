"""Where an account is signed in: one row of allauth's a sign-in, beside the session that it names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from allauth.headless.internal.sessionkit import lookup_session
from allauth.headless.tokens.strategies.jwt import internal as jwt
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

if TYPE_CHECKING:
    from accounts.models import User

BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox", "Chrome": "Chrome"}
BROWSERS |= {"CriOS": "Chrome", "Safari": "Safari"}
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows"}
SYSTEMS |= {"Mac OS X": "macOS", "macOS": "macOS", "CrOS": "ChromeOS", "Linux": "Linux"}
# Browsers that signed in to an account before, by a mark that goes with its password.
KNOWN, KNOWN_FOR = "known_here", 365 * 24 * 60 * 60
MOST_KNOWN = 5  # accounts on one browser
A_PRODUCT = re.compile(r"([A-Za-z][\w .-]{0,39})/")


def devices_of(user: User) -> list[UserSession]:
    """The latest seen first. Those whose session is over, or of an older password, are cleared away."""
    rows = list(UserSession.objects.filter(user=user).order_by("-last_seen_at", "-pk"))
    keys = [row.session_key for row in rows]
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    now = user.get_session_auth_hash()
    alive = {
        session.session_key
        for session in sessions
        if constant_time_compare(session.get_decoded().get(HASH_SESSION_KEY, ""), now)
    }
    dead = [row.pk for row in rows if row.session_key not in alive]
    if dead:
        UserSession.objects.filter(pk__in=dead).delete()
    return [row for row in rows if row.session_key in alive]


def device_name(user_agent: str) -> str:
    """In words a person knows: `Firefox on Linux`, `Breakwater on iPhone`."""
    browser = next((name for mark, name in BROWSERS.items() if f"{mark}/" in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    if not browser and not user_agent.startswith("Mozilla/"):
        known = A_PRODUCT.match(user_agent)
        browser = known[1].strip() if known else ""
    return " on ".join(part for part in (browser, system) if part) or "A device that did not say its name"


@transaction.atomic
def sign_out(user: User, keys: list[str]) -> None:
    """Ends these sign-ins at once, with all their tokens."""
    UserSession.objects.filter(user=user, session_key__in=keys).delete()
    Session.objects.filter(session_key__in=keys).delete()


def sign_out_others(user: User, current: str) -> None:
    rows = UserSession.objects.filter(user=user).exclude(session_key=current)
    sign_out(user, list(rows.values_list("session_key", flat=True)))


def is_known_here(request: HttpRequest, user: User) -> bool:
    """Whether this browser was signed in to the account before, by the same password."""
    return _mark(user) in _marks(request)


def know_here(request: HttpRequest, response: HttpResponse, user: User) -> None:
    mine = _mark(user)
    marks = [mine, *(mark for mark in _marks(request) if mark != mine)][:MOST_KNOWN]
    response.set_signed_cookie(
        KNOWN,
        ".".join(marks),
        salt=KNOWN,
        max_age=KNOWN_FOR,
        path="/accounts/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _mark(user: User) -> str:
    return salted_hmac(KNOWN, f"{user.pk} {user.get_session_auth_hash()}", algorithm="sha256").hexdigest()[
        :32
    ]


def _marks(request: HttpRequest) -> list[str]:
    found = request.get_signed_cookie(KNOWN, default="", salt=KNOWN, max_age=KNOWN_FOR)
    return found.split(".") if found else []


def hold_device(refresh_token: str) -> UserSession | None:
    """The sign-in that a refresh token of ours belongs to, until the transaction ends nobody else's."""
    payload = jwt.decode_token(refresh_token, "refresh")
    key = jwt.session_key_from_sid(payload["sid"]) if payload else None
    return UserSession.objects.select_for_update().filter(session_key=key).first() if key else None


def seen(device: UserSession, ip: str, user_agent: str) -> None:
    device.last_seen_at, device.ip, device.user_agent = timezone.now(), ip, user_agent
    device.save(update_fields=["last_seen_at", "ip", "user_agent"])


def new_tokens(user: User, session_key: str) -> dict[str, str]:
    """For a session that got another key; the refresh tokens of the old one hold no more."""
    session = lookup_session(session_key)
    assert session is not None
    jwt.get_refresh_token_state(session).clear()
    tokens = {
        "access_token": jwt.create_access_token(user, session, {}),
        "refresh_token": jwt.create_refresh_token(user, session),
    }
    session.save()
    return tokens
