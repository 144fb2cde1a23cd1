"""Delivers events to the webhook, signed as Stripe signs, at least once, and again until it is answered with 2xx.

Whoever marks a delivery as `sending` sends that attempt, so of several processes on one file exactly one does.
The mark runs out a little after the request must have ended: what a killed process was sending is sent again.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import sqlite3
import time
from dataclasses import dataclass, field

import aiohttp

from shop.sandbox import timers
from shop.sandbox.api import Run
from shop.sandbox.asgi import logger
from shop.sandbox.calls import Call
from shop.sandbox.knobs import read as read_knobs
from shop.sandbox.store import Store, public

PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)
GIVE_UP_AFTER = 3600.0
TIMEOUT = 10.0
LEASE = 12.0
AT_ONCE = 8
LOOK_EVERY = 1.0


def signature(payload: bytes, secret: str, moment: int) -> str:
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={moment},v1={signed}"


@dataclass
class Courier:
    store: Store
    run: Run
    url: str
    secret: str
    stripe_url: str
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    def wake(self) -> None:
        self._wake.set()

    async def work(self) -> None:
        """Until cancelled. Looks every second as well, for what another process left behind."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                while True:
                    await self._round(session)
            finally:
                for task in self._sending:
                    task.cancel()
                await asyncio.gather(*self._sending, return_exceptions=True)

    async def _round(self, session: aiohttp.ClientSession) -> None:
        self._wake.clear()
        pause = LOOK_EVERY
        try:
            while await self.run(self._do_timer):
                pass
            for row in await self.run(self._claim):
                task = asyncio.create_task(self._send(session, row))
                self._sending.add(task)
                task.add_done_callback(self._sent)
            pause = await self.run(self._pause)
        except Exception:
            logger.exception("The sandbox could not look for webhooks to send")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), pause)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception():
            logger.error("The sandbox could not finish a webhook", exc_info=task.exception())

    def _do_timer(self) -> bool:
        knobs = read_knobs(self.store)
        return timers.do_next(Call(self.store, knobs, self.stripe_url, webhooks=bool(self.url)))

    def _claim(self) -> list[sqlite3.Row]:
        now = time.time()
        rows = self.store.execute(
            "UPDATE deliveries SET state = 'sending', due = ?, attempts = attempts + 1 WHERE seq IN (SELECT seq FROM "
            "deliveries WHERE state IN ('waiting', 'sending') AND due <= ? ORDER BY due, seq LIMIT ?) RETURNING *",
            now + LEASE,
            now,
            AT_ONCE - len(self._sending),
        )
        return sorted(rows, key=lambda row: row["seq"])

    def _pause(self) -> float:
        sql = (
            "SELECT MIN(due) AS due FROM (SELECT due FROM timers UNION ALL "
            "SELECT due FROM deliveries WHERE state IN ('waiting', 'sending'))"
        )
        due = self.store.execute(sql)[0]["due"]
        full = len(self._sending) >= AT_ONCE
        return LOOK_EVERY if due is None or full else min(max(due - time.time(), 0.01), LOOK_EVERY)

    async def _send(self, session: aiohttp.ClientSession, row: sqlite3.Row) -> None:
        event = await self.run(lambda: self.store.get("event", row["event"]))
        payload = json.dumps(public(event), indent=2).encode()
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "stripe-signature": signature(payload, self.secret, int(time.time())),
        }
        try:
            async with session.post(self.url, data=payload, headers=headers, allow_redirects=False) as answer:
                delivered, said = 200 <= answer.status < 300, str(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            delivered, said = False, type(error).__name__
        await self.run(lambda: self._note(row, delivered, said))

    def _note(self, row: sqlite3.Row, delivered: bool, said: str) -> None:
        now = time.time()
        pause = PAUSES[min(row["attempts"], len(PAUSES)) - 1]
        state = (
            "delivered" if delivered else "given up" if now - row["created"] > GIVE_UP_AFTER else "waiting"
        )
        self.store.execute(
            "UPDATE deliveries SET state = ?, due = ?, answer = ? WHERE seq = ? AND attempts = ? AND state = 'sending'",
            state,
            now + pause,
            said,
            row["seq"],
            row["attempts"],
        )
        if delivered:
            sql = "UPDATE objects SET body = json_set(body, '$.pending_webhooks', 0) WHERE id = ?"
            self.store.execute(sql, row["event"])
