"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable


def eventually(check: Callable[[], object], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.02)
