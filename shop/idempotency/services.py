"""One effect for a request however often it is sent: the first claims its key, the others get the first one's answer.

Who dies between the claim and the answer has done nothing where effect and answer are one transaction; two
minutes later the key may be claimed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from shop.errors import ShopError
from shop.idempotency.models import KeptAnswer

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class KeyReused(ShopError):
    code = "idempotency_key_reused"
    message = "This key was used for another request. Take a new key for each thing that is to happen."


class RequestInFlight(ShopError):
    code = "request_in_flight"
    message = "A request with this key is under way. Ask again in a moment for its answer."


def claim(owner: str, key: str, fingerprint: str) -> KeptAnswer:
    """The key's row: claimed for the caller, or with `status` where it was answered before.

    Raises KeyReused, or RequestInFlight where another request holds it. Call it outside of any transaction: others
    must see the claim.
    """
    try:
        with transaction.atomic():
            return KeptAnswer.objects.create(owner=owner, key=key, fingerprint=fingerprint)
    except IntegrityError:
        pass
    kept = KeptAnswer.objects.filter(owner=owner, key=key).first()
    if kept is None:  # released in this instant
        raise RequestInFlight
    if kept.fingerprint != fingerprint:
        raise KeyReused
    if kept.status is None and not _take_over(kept):
        raise RequestInFlight
    return kept


def keep(kept: KeptAnswer, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Within the transaction of the effect, so that either both are there or neither."""
    fields = {"status": status, "headers": dict(headers), "body": body}
    # Whoever was so slow that the key was claimed again has lost it, and its effect with it.
    mine = KeptAnswer.objects.filter(pk=kept.pk, status=None, claimed_at=kept.claimed_at)
    if not mine.update(**fields):
        raise RequestInFlight
    kept.status, kept.headers, kept.body = status, dict(headers), body


def release(kept: KeptAnswer) -> None:
    """It came to nothing that would be worth repeating, and may be tried again."""
    KeptAnswer.objects.filter(pk=kept.pk, status=None, claimed_at=kept.claimed_at).delete()


def forget_answers() -> int:
    return KeptAnswer.objects.outlived().delete()[0]


def forget_answers_to(user: User) -> None:
    """What an account was told, when it is closed; what is under way is answered yet."""
    KeptAnswer.objects.filter(owner=owner_of(user)).exclude(status=None).delete()


def owner_of(user: User | AnonymousUser) -> str:
    """A guest's key is as good as a secret: it must be guessed together with all that was sent under it."""
    return f"user:{user.pk}" if user.is_authenticated else "guest"


def _take_over(kept: KeptAnswer) -> bool:
    now = timezone.now()
    mine = KeptAnswer.objects.abandoned().filter(pk=kept.pk, claimed_at=kept.claimed_at)
    if not mine.update(claimed_at=now):
        return False
    kept.claimed_at = now
    return True
