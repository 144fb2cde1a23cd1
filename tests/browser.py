"""Opening the real Chromium. On CI a missing one is a failure; at home the test is skipped."""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def browser_path() -> str:
    # The first has no window of its own to draw: half the work of a start.
    names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome"]
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        report = pytest.fail if os.environ.get("CI") else pytest.skip
        report("no Chromium on this machine: install it (Debian: apt-get install chromium)")
    return path


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Its driver keeps an event loop in this thread: use no ORM inside, or use it in another thread."""
    path = browser_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
