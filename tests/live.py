"""The shop as it runs: real server processes on the test's own database."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from tests.processes import free_port, running


@dataclass(frozen=True)
class LiveShop:
    urls: list[str]
    data: Path
    processes: list[subprocess.Popen]

    @property
    def url(self) -> str:
        return self.urls[0]


@contextlib.contextmanager
def live_shop(*, processes: int = 1, **environment: str) -> Iterator[LiveShop]:
    """`processes` servers that share one database and one data folder. Needs a test with `transaction=True`."""
    with tempfile.TemporaryDirectory(prefix="breakwater-live-") as data, contextlib.ExitStack() as stack:
        urls = [f"http://127.0.0.1:{free_port()}" for _ in range(processes)]
        started = [stack.enter_context(server(url, urls[0], Path(data), **environment)) for url in urls]
        yield LiveShop(urls, Path(data), started)


def server(
    url: str, public_url: str, data: Path, **changes: str
) -> contextlib.AbstractContextManager[subprocess.Popen]:
    """One process of the shop at `url`; also to start one again that was killed."""
    port = url.rpartition(":")[2]
    command = [sys.executable, "manage.py", "serve", "--port", port]
    env = environment(str(data), public_url) | changes
    return running(command, log=data / f"server-{port}.log", ready=f"{url}/readyz", env=env)


def environment(data: str, url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BREAKWATER_TEST")}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "BREAKWATER_DATA": data,
        "DATABASE_URL": database_url(),
        "PUBLIC_URL": url,
        "BREAKWATER_VENV": "off",
    }


def database_url() -> str:
    """Where this test's own database is, for another process."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    server, _, options = os.environ["BREAKWATER_TEST_POSTGRES"].partition("?")
    return f"{server.rpartition('/')[0]}/{name}?{options}".rstrip("?")
