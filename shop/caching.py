"""The cache in Redis or Valkey while that answers, in this process' own memory while it does not.

No page fails because what it keeps for speed is away, and limits on guessing still hold, in each process by itself. So
the cache is for what may be old or gone at any moment: never for a session, a price or stock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import redis
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

AWAY_SECONDS = 1.0  # no request waits for a server that just did not answer

logger = logging.getLogger(__name__)


def incr_all(cache: Any, amounts: Mapping[str, int], seconds: int) -> dict[str, int]:
    """Adds to many counters, each of which begins at 0 and ends `seconds` later."""
    if hasattr(cache, "incr_all"):
        return cache.incr_all(amounts, seconds)
    counts = {}
    for name, amount in amounts.items():
        cache.add(name, 0, seconds)
        try:
            counts[name] = cache.incr(name, amount)
        except ValueError:  # its time ended between the two
            counts[name] = amount
    return counts


@cache
def client_of(servers: tuple[str, ...], **options: Any) -> RedisCacheClient:
    """One for the process, with connections that threads share: Django would connect anew for each request."""
    return RedisCacheClient(list(servers), **options)


class InOneTrip(RedisCache):
    _servers: list[str]
    _options: dict[str, Any]

    @property
    def _cache(self) -> RedisCacheClient:
        return client_of(tuple(self._servers), **self._options)

    def incr_all(self, amounts: Mapping[str, int], seconds: int) -> dict[str, int]:
        pipeline = self._cache.get_client(None, write=True).pipeline(transaction=False)
        for name, amount in amounts.items():
            key = self.make_and_validate_key(name)
            pipeline.set(key, 0, ex=seconds, nx=True)
            pipeline.incrby(key, amount)
        return dict(zip(amounts, pipeline.execute()[1::2], strict=True))


class InThisProcess(LocMemCache):
    def incr_all(self, amounts: Mapping[str, int], seconds: int) -> dict[str, int]:
        return incr_all(super(), amounts, seconds)


def _there_or_here(name: str) -> Any:
    there, here = getattr(InOneTrip, name), getattr(InThisProcess, name)

    def either(self: FailoverCache, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= FailoverCache.asks_again_at:
            try:
                return there(self, *args, **kwargs)
            except (redis.ConnectionError, redis.TimeoutError):
                FailoverCache.asks_again_at = time.monotonic() + AWAY_SECONDS
                logger.warning("The cache is away; each process keeps its own.", exc_info=True)
        return here(self.here, *args, **kwargs)

    return either


class FailoverCache(InOneTrip):
    asks_again_at: ClassVar[float] = 0.0  # of the process: Django makes a cache for each thread

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.here = InThisProcess("failover", params)

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
    incr_all = _there_or_here("incr_all")
    clear = _there_or_here("clear")
