"""What do Django and Tornado hold by themselves, asked by requests? `python -m lab.defaults`

The same guest book (sign in, write, read, a socket that echoes) is served by each as its own documentation begins:
what `startproject` and the tutorial of Channels write, and a plain `tornado.web.Application`.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

from lab.defaults.probes import PROBES
from tests.processes import free_port, running

SITES = {"django": "lab.defaults.django_site", "tornado": "lab.defaults.tornado_site"}


def ask(site: str) -> dict[str, bool]:
    """Each probe's answer, by its title."""
    with tempfile.TemporaryDirectory(prefix="breakwater-defaults-") as folder:
        password, port = secrets.token_urlsafe(16), free_port()
        url, database = f"http://127.0.0.1:{port}", str(Path(folder) / "book.sqlite3")
        environment = {
            name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"
        } | {"GUESTBOOK_PASSWORD": password, "GUESTBOOK_DATABASE": database}
        command = [sys.executable, "-m", SITES[site], str(port)]
        with running(command, log=Path(folder) / "log", ready=f"{url}/login/", env=environment):
            return asyncio.run(_ask_all(url, password))


async def _ask_all(url: str, password: str) -> dict[str, bool]:
    async with asyncio.timeout(120):
        return {title: await answer(url, password) for title, (_, answer) in PROBES.items()}


def as_table(told: dict[str, dict[str, bool]]) -> str:
    rows = ["| against | by itself | Django | Tornado |", "| --- | --- | :-: | :-: |"]
    for title, (about, _) in PROBES.items():
        cells = " | ".join("yes" if told[site][title] else "**no**" for site in SITES)
        rows.append(f"| {about} | {title} | {cells} |")
    return "\n".join(rows)


def main() -> None:
    told = {site: ask(site) for site in SITES}
    print(as_table(told) if "--json" not in sys.argv else json.dumps(told))


if __name__ == "__main__":
    main()
