"""The control of `block`: the consumer that every Channels tutorial ends with, one group for all, on stock Daphne.

Started by the run as `python -m lab.faults.stock FD PORT LAYER`.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from typing import Any

import django
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings

from lab.faults.remote import answer_in_background

GROUP = "news"
PATH = "/ws/news/"
LAYERS = {
    "memory": lambda redis_url: {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    "redis": lambda redis_url: {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [redis_url]},
    },
}


def application() -> Any:
    from channels.generic.websocket import AsyncWebsocketConsumer

    class NewsConsumer(AsyncWebsocketConsumer):
        async def connect(self) -> None:
            await self.channel_layer.group_add(GROUP, self.channel_name)
            await self.accept()

        async def disconnect(self, code: int) -> None:
            await self.channel_layer.group_discard(GROUP, self.channel_name)

        async def news(self, event: dict[str, Any]) -> None:
            await self.send(text_data=event["text"])

    return NewsConsumer.as_asgi()


def say(count: int, every: float, *, from_thread: bool) -> None:
    """From the loop, as an asynchronous view does; or, where that is blocked, from a thread with a loop of its own."""
    if from_thread:
        async_to_sync(_say)(count, every)
    else:
        asyncio.run_coroutine_threadsafe(_say(count, every), _loop()).result()


async def _say(count: int, every: float) -> None:
    from channels.layers import get_channel_layer

    begun = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, begun + number * every - time.monotonic()))
        await get_channel_layer().group_send(GROUP, {"type": "news", "text": str(number)})


def block(where: str, seconds: float) -> None:
    if where == "thread":
        asyncio.run_coroutine_threadsafe(sync_to_async(time.sleep)(seconds), _loop()).result()
    else:
        done = threading.Event()

        def sleep() -> None:
            time.sleep(seconds)
            done.set()

        _loop().call_soon_threadsafe(sleep)
        done.wait(seconds + 60)


def ready() -> bool:
    return _ready.wait(30)


_ready = threading.Event()


def _loop() -> asyncio.AbstractEventLoop:
    from twisted.internet import reactor

    loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop  # type: ignore[attr-defined]
    return loop


def main() -> None:
    descriptor, port, layer, redis_url = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    settings.configure(
        INSTALLED_APPS=["channels"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        CHANNEL_LAYERS={"default": LAYERS[layer](redis_url)},
    )
    django.setup()
    from daphne.server import Server

    answer_in_background(descriptor, lambda name, *args, **kwargs: globals()[name](*args, **kwargs))
    endpoint = f"tcp:port={port}:interface=127.0.0.1"
    Server(application(), [endpoint], ready_callable=_ready.set, verbosity=0).run()


if __name__ == "__main__":
    main()
