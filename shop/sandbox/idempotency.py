"""The same request twice is done once: the second is told what the first was told.

A key is taken in one transaction and answered in the one that does the work, so a crash between the two leaves
a key that nothing was done for, and it comes free again after a moment.
"""

import hashlib
import json
import time
from dataclasses import dataclass

from shop.sandbox.errors import StripeError
from shop.sandbox.store import Object, Store

KEPT_SECONDS = 24 * 3600
BUSY_SECONDS = 5.0
MAX_LENGTH = 255


@dataclass(frozen=True)
class Answer:
    status: int
    body: Object


@dataclass(frozen=True)
class Turn:
    key: str
    until: float


def take(store: Store, key: str, path: str, params: Object, latency: float, scope: str) -> Answer | Turn:
    """A turn when the caller shall do the work; the first answer when it was done already."""
    if not 0 < len(key) <= MAX_LENGTH:
        raise StripeError(
            f"Idempotency keys can be up to {MAX_LENGTH} characters long.", type="idempotency_error"
        )
    now, given, key = time.time(), key, scope + key
    store.execute("DELETE FROM keys WHERE created < ?", now - KEPT_SECONDS)
    fingerprint = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
    rows = store.execute("SELECT * FROM keys WHERE key = ?", key)
    if rows:
        row = rows[0]
        _check_same(given, path, fingerprint, row["path"], row["fingerprint"])
        if row["status"] is not None:
            return Answer(row["status"], json.loads(row["body"]))
        if row["busy_until"] > now:
            raise _in_use(key)
    turn = Turn(key, now + BUSY_SECONDS + latency)
    store.execute(
        "INSERT OR REPLACE INTO keys (key, path, fingerprint, created, busy_until) VALUES (?, ?, ?, ?, ?)",
        key,
        path,
        fingerprint,
        now,
        turn.until,
    )
    return turn


def _in_use(key: str) -> StripeError:
    return StripeError(
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}",
        status=409,
        type="idempotency_error",
        code="idempotency_key_in_use",
    )


def _check_same(key: str, path: str, fingerprint: str, first_path: str, first_fingerprint: str) -> None:
    if path != first_path:
        message = (
            "Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{path}' vs '{first_path}'). Try using a key other than '{key}' if you meant to execute a different "
            "request."
        )
    elif fingerprint != first_fingerprint:
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
            f"using a key other than '{key}' if you meant to execute a different request."
        )
    else:
        return
    raise StripeError(message, type="idempotency_error")


def answer(store: Store, turn: Turn, answer: Answer) -> None:
    """Part of the transaction that did the work: if somebody else has taken the turn, the work is undone."""
    updated = store.execute(
        "UPDATE keys SET status = ?, body = ? WHERE key = ? AND busy_until = ? AND status IS NULL RETURNING 1",
        answer.status,
        json.dumps(answer.body),
        turn.key,
        turn.until,
    )
    if not updated:
        raise _in_use(turn.key)


def give_back(store: Store, turn: Turn) -> None:
    store.execute(
        "DELETE FROM keys WHERE key = ? AND busy_until = ? AND status IS NULL", turn.key, turn.until
    )
