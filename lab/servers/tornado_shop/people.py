"""Who asks: the account behind Django's session cookie, as django.contrib.auth knows it, in two queries."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core import signing
from django.utils.crypto import salted_hmac

from lab.servers.tornado_shop.database import Pool

SESSION = "SELECT session_data FROM django_session WHERE session_key = $1 AND expire_date > now()"
ACCOUNT = "SELECT id, email, password FROM accounts_user WHERE id = $1 AND is_active"
SESSION_SALT = "django.contrib.sessions.SessionStore"
HASH_SALT = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    email: str


async def account_of(pool: Pool, session_key: str) -> Account | None:
    """None for a guest: no session, one that ended, or one of before a password was changed."""
    async with pool.acquire() as db:
        data = await db.fetchval(SESSION, session_key)
        session = _decoded(data) if data else {}
        if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
            return None
        row = await db.fetchrow(ACCOUNT, int(session[SESSION_KEY]))
    if row is None or not _is_of(session.get(HASH_SESSION_KEY, ""), row["password"]):
        return None
    return Account(row["id"], row["email"])


def _decoded(data: str) -> dict[str, str]:
    try:
        return signing.loads(data, salt=SESSION_SALT)
    except (signing.BadSignature, ValueError):
        return {}


def _is_of(session_hash: str, password: str) -> bool:
    return any(
        secrets.compare_digest(
            session_hash, salted_hmac(HASH_SALT, password, secret=key, algorithm="sha256").hexdigest()
        )
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )
