"""What a user wants to be told, and how: live, by e-mail, both or neither.

A kind of message is named with dots (`order`, `order.shipped`). The project registers prefixes of those names;
the longest one that fits decides, and each stands alone: a choice about `order` says nothing of `order.shipped`
where that is registered too. Only where a user chose otherwise is there a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from notifications.models import DigestItem, Preference

Channel = Literal["live", "email"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A kind, in the words of the page that asks, and the channels its messages take."""

    kind: str
    label: str
    explains: str
    live: bool
    email: bool


_registered: dict[str, Choice] = {}
_kept_from_digests: set[str] = set()
_UNREGISTERED = Choice("", "", "", live=True, email=False)


def register_kind(prefix: str, label: str, explains: str, *, live: bool = True, email: bool = False) -> None:
    """Offer a choice about `prefix` and every `prefix.<more>`; `live` and `email` hold until it is made."""
    _registered[prefix] = Choice(prefix, label, explains, live, email)


def keep_from_digests(*kinds: str) -> None:
    """No digest repeats these: whoever tells them sends a mail of its own, or the user did it and knows."""
    _kept_from_digests.update(kinds)


def goes_into_digests(kind: str) -> bool:
    return kind not in _kept_from_digests


def wants(user_id: int, kind: str, channel: Channel) -> bool:
    return getattr(chosen(user_id, kind), channel)


def chosen(user_id: int, kind: str) -> Choice:
    """How this user is told messages of this kind. One nobody registered is told live."""
    default = _default(kind)
    row = Preference.objects.filter(user_id=user_id, kind=default.kind).first()
    return replace(default, live=row.live, email=row.email) if row else default


def choices(user: AbstractBaseUser) -> list[Choice]:
    """One for each registered kind, in the order of registration."""
    rows = {row.kind: row for row in Preference.objects.filter(user_id=user.pk)}
    return [
        replace(default, live=rows[kind].live, email=rows[kind].email) if kind in rows else default
        for kind, default in _registered.items()
    ]


@transaction.atomic
def choose(user: AbstractBaseUser, kind: str, *, live: bool, email: bool) -> None:
    """Raises LookupError for a kind that is not registered."""
    if kind not in _registered:
        raise LookupError(f"not a registered kind: {kind!r}")
    default = _registered[kind]
    if (live, email) == (default.live, default.email):
        Preference.objects.filter(user_id=user.pk, kind=kind).delete()
    else:
        values = {"live": live, "email": email}
        Preference.objects.update_or_create(user_id=user.pk, kind=kind, defaults=values)
    if not email:
        _drop_from_digest(user, kind)


def longest_prefix[T](kind: str, registered: Mapping[str, T], default: T) -> T:
    while kind:
        if kind in registered:
            return registered[kind]
        kind = kind.rpartition(".")[0]
    return default


def _default(kind: str) -> Choice:
    return longest_prefix(kind, _registered, _UNREGISTERED)


def _drop_from_digest(user: AbstractBaseUser, kind: str) -> None:
    waiting = DigestItem.objects.filter(user_id=user.pk)
    dropped = [item.pk for item in waiting if _default(item.kind).kind == kind]
    waiting.filter(pk__in=dropped).delete()
