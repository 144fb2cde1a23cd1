"""A line on stderr that grows: a bar for people, one plain line at the end for logs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper

WIDTH = 24


class Progress:
    def __init__(self, out: OutputWrapper, *, quiet: bool = False) -> None:
        self.out = out
        self.quiet = quiet
        self.live = out.isatty()

    @contextmanager
    def step(self, name: str, total: int) -> Iterator[Callable[..., None]]:
        """Gives the function to call for each one done, from any thread."""
        started, done, lock = time.monotonic(), 0, threading.Lock()

        def advance(by: int = 1) -> None:
            nonlocal done
            with lock:
                done += by
                if self.live and not self.quiet:
                    self._write(f"\r{name:<10} {self._bar(done, total)} {done}/{total}", ending="")

        yield advance
        if total and not self.quiet:
            begin = "\r" if self.live else ""
            took = time.monotonic() - started
            self._write(
                f"{begin}{name:<10} {self._bar(done, total)} {done}/{total} in {took:.1f} s", ending="\n"
            )

    def _bar(self, done: int, total: int) -> str:
        full = WIDTH * done // max(total, 1)
        return "█" * full + "░" * (WIDTH - full)

    def _write(self, text: str, ending: str) -> None:
        # Not through OutputWrapper's style, which paints errors red.
        self.out.write(text, lambda plain: plain, ending=ending)
        self.out.flush()
