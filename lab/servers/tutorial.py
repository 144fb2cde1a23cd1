"""The sockets as the Channels tutorial writes them: a consumer for each client, a group for each stream, `group_send`.

    python -m lab.servers.tutorial --port 8000 [--layer memory|redis]

Everything around the consumer is as Channels' pages have it: the origin validator, `AuthMiddlewareStack`, Daphne with
its defaults, the layer in memory for one process and `channels_redis` for several. Only the frames are the shop's, so
that the same clients can talk to it, and a stream must be one that the reader may read. There is no window, no log to
come back to and no heartbeat of its own; `ok` says where the stream stands so that clients can count what they miss.

An event would be sent to its group by whoever commits it. Here other processes commit, so the first of these servers
does that for them: it hears of each event as the hubs do and calls `group_send`.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import time
from typing import IO, Any

import django
from django.conf import settings

if __name__ == "__main__":
    from daphne.server import Server  # it chooses Twisted's loop, before anything of Django may

    django.setup()

from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

from lab.servers.hearing import committed
from notifications import log
from notifications.protocol import SUBPROTOCOL, Limits, Position, build
from notifications.streams import Reader, may_read

LAYERS = ("memory", "redis")
LAYER = "tutorial"  # beside the shop's own, which wakes


class NotificationConsumer(AsyncJsonWebsocketConsumer):
    channel_layer_alias = LAYER

    async def connect(self) -> None:
        self.streams: set[str] = set()
        await self.accept(subprotocol=SUBPROTOCOL)

    async def disconnect(self, code: int) -> None:
        for stream in self.streams:
            await self.channel_layer.group_discard(group(stream), self.channel_name)

    async def receive_json(self, content: dict[str, Any], **kwargs: Any) -> None:
        if content["t"] == "hello":
            await self.send_json(self.welcome())
        elif content["t"] == "sub":
            await self.subscribe(content["id"], content["stream"])

    def welcome(self) -> dict[str, Any]:
        limits, reader = Limits(), self.scope["user"].pk
        return {
            "t": "welcome",
            "conn": self.channel_name,
            "ping": limits.ping,
            "pong": limits.pong,
            "window": limits.window,
            "time": int(time.time() * 1000),
            "reader": str(reader or ""),
        }

    async def subscribe(self, id: str | int, stream: str) -> None:
        await self.channel_layer.group_add(group(stream), self.channel_name)
        self.streams.add(stream)
        place = await self.place(stream)
        if place is None:
            await self.channel_layer.group_discard(group(stream), self.channel_name)
            refused = {"t": "err", "id": id, "stream": stream, "code": "not_found", "temporary": False}
            await self.send_json(refused)
        else:
            ok = {"t": "ok", "id": id, "stream": stream, "e": place.epoch, "o": place.offset}
            await self.send_json({**ok, "recovered": True})

    @database_sync_to_async
    def place(self, stream: str) -> Position | None:
        reader = Reader(self.scope["user"], self.scope["session"])
        return log.position(stream) if may_read(reader, stream) else None

    async def event(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["frame"])

    @classmethod
    async def encode_json(cls, content: dict[str, Any]) -> str:
        """The same bytes as from the other servers."""
        return build(content.pop("t"), **content)


def layers() -> dict[str, dict[str, Any]]:
    # Without the timeout a consumer that hears nothing for 5 s fails: django/channels_redis#422.
    host = {"address": settings.REDIS_URL, "socket_timeout": None}
    redis = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [host]}}
    return {"memory": {"BACKEND": "channels.layers.InMemoryChannelLayer"}, "redis": redis}


def group(stream: str) -> str:
    """A name that layers take."""
    return stream.replace(":", ".")


application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(
                URLRouter([path("ws/notifications/", NotificationConsumer.as_asgi())])  # type: ignore[arg-type]
            )
        ),
    }
)


def become_relay(layer: str) -> IO[str] | None:
    """None where another process is it. To be held: the lock ends with the file."""
    lock = open(settings.DATA_DIR / f"tutorial-{layer}", "w")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


async def relay() -> None:
    layer = get_channel_layer(LAYER)
    async for entry in committed():
        await layer.group_send(group(entry.stream), {"type": "event", "frame": entry.frame})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--layer", choices=LAYERS, default="memory")
    given = options.parse_args()
    settings.CHANNEL_LAYERS[LAYER] = layers()[given.layer]
    lock, tasks = become_relay(given.layer), []

    def ready() -> None:
        if lock:
            tasks.append(asyncio.get_event_loop().create_task(relay()))

    Server(application, [f"tcp:port={given.port}:interface=127.0.0.1"], ready_callable=ready).run()


if __name__ == "__main__":
    main()
