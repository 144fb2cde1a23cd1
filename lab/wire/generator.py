"""The process that makes the load: `python -m lab.wire.generator FD`, on the processor that no server has.

What a load may call (`await bench.load("closed", ...)`) is in CALLS.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from lab.faults.remote import answer_in_background
from lab.wire import buyers, http
from lab.wire.provider import Provider
from lab.wire.sockets import Crowd


async def live(descriptor: int) -> None:
    crowd, loop = Crowd(), asyncio.get_running_loop()
    provider = Provider()

    async def forget() -> None:
        crowd.forget()

    calls: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {
        "closed": http.closed,
        "opened": http.opened,
        "open": crowd.open,
        "cut": crowd.cut,
        "close": crowd.close,
        "expect": crowd.expect,
        "lateness": crowd.lateness,
        "forget": forget,
        "buy": buyers.buy,
        "provider_listens": provider.listen,
        "provider_takes": provider.take,
    }

    def perform(name: str, *args: Any, **kwargs: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(calls[name](*args, **kwargs), loop).result()

    # What there is now stays, and what comes is mostly counted, not collected.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    answer_in_background(descriptor, perform)
    await crowd.tick_for_ever()


if __name__ == "__main__":
    uvloop.run(live(int(sys.argv[1])))
