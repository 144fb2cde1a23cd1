"""The thread that looks for all that ask."""

import asyncio
import threading

import pytest

from shop.ahead import looks


async def test_who_looks_rests_once_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "RESTS_AFTER", 0.2)
    rested: list[str] = []
    asked = looks.Looks(list, lambda: rested.append(threading.current_thread().name))
    for question in range(4):
        assert await asked.ask(question) == question
        await asyncio.sleep(0.05)
    assert rested == []
    await asyncio.sleep(0.5)
    assert len(rested) == 1
    assert rested[0].startswith("looks")
    asked.close()
