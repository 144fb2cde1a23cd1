"""The disk that the database lies on is full while people buy, and then there is room again.

    python -m lab.faults.disk [--database postgres|sqlite] [--small]

A small file system in memory, which only root may mount. On it lie SQLite's files, or PostgreSQL's tables with their
indexes; PostgreSQL's log stays elsewhere, as on a well-kept server, for without room for its log it stops altogether,
and that is `database`. Buyers may be asked to come again, never shown a fault; what they were promised must be there;
the shop must sell again by itself; and afterwards every row and index is read and checked.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lab.faults import aftermath
from lab.faults.harness import Case, main
from lab.faults.patient import Patients
from lab.faults.site import Server, Site

BOUNDS = aftermath.BOUNDS | {
    "never_refused": 0,
    "other_faults": 0,
    "lost_orders": 0,
    "corruption": 0,
    "selling_again_s": 10.0,
}
ROOM = 128 << 20
CHUNK = 4096
REFUSES_WITHIN = 60.0
SELLS_WITHIN = 60.0


class Size(NamedTuple):
    sockets: int
    buyers: int
    times: int
    full: float  # seconds, from the first refusal
    after: float


FULL = Size(0, 20, 5, 10.0, 8.0)
SMALL = Size(0, 4, 1, 0.5, 0.0)


def run(site: Site, size: Size) -> Iterator[Case]:
    site.fresh()
    with _on_a_small_disk(site) as disk, site.server("serve") as shop:
        product, before = site.product(stock=100_000), aftermath.at_rest(shop, within=2.0)
        for number in range(size.times):
            yield _fill(site, shop, disk, product, before, f"{number + 1} of {size.times}", size)


def _fill(
    site: Site, shop: Server, disk: Path, product: tuple[str, int], before: int, name: str, size: Size
) -> Case:
    since = site.writer.call("sales.last_order")
    with Patients(shop.url, *product, size.buyers) as buyers:
        buyers.promise_after(time.monotonic(), SELLS_WITHIN)
        had = len(buyers.promised)
        _fill_up(disk / "ballast")
        until = time.monotonic() + REFUSES_WITHIN
        while not buyers.answers[503] and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(size.full)
        while_full = len(buyers.promised) - had
        (disk / "ballast").unlink()
        room = time.monotonic()
        again = buyers.promise_after(room, SELLS_WITHIN)
        time.sleep(size.after)
    for fault, count in buyers.faults.items():
        print(f"  {count} times {fault}", file=sys.stderr)
    figures = {
        **buyers.figures(),
        "promised_while_full": while_full,
        "never_refused": int(not buyers.answers[503]),
        "selling_again_s": again,
        **aftermath.settle(site, shop, since),
        **aftermath.left(site, shop, since, before),
        "lost_orders": site.writer.call("whole.missing", list(buyers.promised)),
        "corruption": len(site.writer.call("room.corruption")),
    }
    return Case(f"full for {size.full:g} s, {name}", figures)


def _fill_up(ballast: Path) -> None:
    """To the last page."""
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(CHUNK))


@contextlib.contextmanager
def _on_a_small_disk(site: Site) -> Iterator[Path]:
    """The database, for so long."""
    if site.database == "postgres":
        with _mounted(site.folder / "disk") as disk:
            tables = disk / "tables"
            tables.mkdir()
            if site.postgres.system_user:
                shutil.chown(tables, site.postgres.system_user)
            site.writer.call("room.move_to", str(tables))
            try:
                yield disk
            finally:
                site.writer.call("room.move_back")
        return
    files = site.folder / "database"
    kept = Path(shutil.copytree(files, site.folder / "kept"))
    with _mounted(files):
        shutil.copytree(kept, files, dirs_exist_ok=True)
        yield files
        shutil.copytree(files, kept, dirs_exist_ok=True)
    shutil.copytree(kept, files, dirs_exist_ok=True)


@contextlib.contextmanager
def _mounted(folder: Path) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    if fault := _mount(folder):
        sys.exit(f"A small disk cannot be had here, and the run needs one: {fault}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(folder: Path) -> str:
    """Why it cannot be had."""
    if not shutil.which("mount"):
        return "there is no mount"
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=755", "tmpfs", str(folder)]
    return subprocess.run(mount, capture_output=True, text=True).stderr.strip()


def can_be_had() -> bool:
    """Whether this machine lets us mount a small disk."""
    with tempfile.TemporaryDirectory() as folder:
        if _mount(Path(folder)):
            return False
        subprocess.run(["umount", "--lazy", folder], check=True)
    return True


if __name__ == "__main__":
    main("disk")
