"""The cache in Redis or Valkey while that answers, in this process' own memory while it does not.

No page fails because what it keeps for speed is away, and limits on guessing still hold, in each process by itself. So
the cache is for what may be old or gone at any moment: never for a session, a price or stock.
"""

from __future__ import annotations

import logging
import time
from typing import Any, ClassVar

import redis
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache

AWAY_SECONDS = 1.0  # no request waits for a server that just did not answer

logger = logging.getLogger(__name__)


def _there_or_here(name: str) -> Any:
    there, here = getattr(RedisCache, name), getattr(LocMemCache, name)

    def either(self: FailoverCache, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= FailoverCache.asks_again_at:
            try:
                return there(self, *args, **kwargs)
            except (redis.ConnectionError, redis.TimeoutError):
                FailoverCache.asks_again_at = time.monotonic() + AWAY_SECONDS
                logger.warning("The cache is away; each process keeps its own.", exc_info=True)
        return here(self.here, *args, **kwargs)

    return either


class FailoverCache(RedisCache):
    asks_again_at: ClassVar[float] = 0.0  # of the process: Django makes a cache for each thread

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.here = LocMemCache("failover", params)

    add = _there_or_here("add")
    get = _there_or_here("get")
    set = _there_or_here("set")
    touch = _there_or_here("touch")
    delete = _there_or_here("delete")
    get_many = _there_or_here("get_many")
    set_many = _there_or_here("set_many")
    delete_many = _there_or_here("delete_many")
    has_key = _there_or_here("has_key")
    incr = _there_or_here("incr")
    clear = _there_or_here("clear")
