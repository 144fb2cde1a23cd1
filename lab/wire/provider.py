"""A payment provider that takes as long as it is told: two calls of Stripe's API, in as little work as an answer takes.

The shop's own sandbox keeps books and writes to its disk for each call, and would be what is measured.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import cast
from urllib.parse import parse_qs

KEY = re.compile(rb"(?i)\r\nidempotency-key: *([^\r\n]+)")
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
INTENT = re.compile(rb"GET \S*/payment_intents/(pi_\w+)")


class Provider:
    """Its methods are called by a load, through `lab.wire.generator`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.asked = 0

    async def listen(self) -> int:
        """At which port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0, backlog=4096)
        return int(server.sockets[0].getsockname()[1])

    async def take(self, milliseconds: float) -> None:
        """From now on, for each answer."""
        self.seconds = milliseconds / 1000


class Connection(asyncio.Protocol):
    """One question at a time, as every client here asks."""

    def __init__(self, provider: Provider) -> None:
        self._provider, self._rest = provider, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        head, found, body = self._rest.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not found or len(body) < (int(length[1]) if length else 0):
            return
        self._rest = b""
        self._provider.asked += 1
        answer = _answer(head, body)
        asyncio.get_running_loop().call_later(self._provider.seconds, self._write, answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _answer(head: bytes, body: bytes) -> bytes:
    asked = INTENT.match(head)
    key = KEY.search(head)
    form = parse_qs(body.decode())
    name = asked[1].decode() if asked else "pi_" + (key[1].decode().replace("-", "") if key else "unknown")
    intent: dict[str, object] = {
        "id": name,
        "object": "payment_intent",
        "status": "requires_payment_method",
        "amount": int(form.get("amount", ["100"])[0]),
        "amount_received": 0,
        "currency": "eur",
        "client_secret": f"{name}_secret_{name[3:]}",
        "latest_charge": None,
        "last_payment_error": None,
        "metadata": {},
    }
    told = json.dumps(intent).encode()
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(told)}", "", ""]
    return "\r\n".join(lines).encode() + told
