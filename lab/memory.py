"""Whose is the memory of a socket that waits? `python -m lab.memory [--sockets N]`

So many clients, each signed in, come to a server that has seen such clients before, and stay. What the server has
allocated since and not given back, each object by itself, is theirs; memray says where it was asked for. An allocation
belongs to the innermost frame that has an owner, as in `lab.profiles`. The buffers of the kernel are in no figure, and
what the lab measures from outside (`signed-in`) has the allocators' own loss in it as well.

The sums go to lab/results/profiles/memory.jsonl, and the picture to docs/sockets/memory.svg.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import memray

from lab import bench, machine
from lab.bench import Bench
from lab.loads.signed_in import WARM
from lab.profiled import BEFORE, NOW, ON_AUTOBAHN, Profile, draw, owner_of
from lab.rungs import RUNGS, TORNADO

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PICTURE = ROOT / "lab/results/profiles/memory.jsonl", ROOT / "docs/sockets/memory.svg"
SOCKETS = 1000
LOOP = "loop, threads"  # memray does not see the frames that were there before it
WITHIN = 60.0  # for memray to begin, and to write down what it has
RESTS_SECONDS = 3.0
# What stands before a file's place in its package, in ours, or in the standard library.
PREFIX = re.compile(r"^.*(?:site-packages/|lib/python3\.\d+/)|^" + re.escape(f"{ROOT}/"))


class Form(NamedTuple):
    rung: str
    environment: dict[str, str] = {}


FORMS = {
    BEFORE: Form("daphne-stock"),
    ON_AUTOBAHN: Form("daphne-serve", {"LEAN_SOCKETS": "off"}),
    NOW: Form("daphne-serve"),
    TORNADO: Form(TORNADO),
}


def held(file: Path) -> Counter[str]:
    """Bytes that were allocated and not given back, by their owner."""
    owners: Counter[str] = Counter()
    with memray.FileReader(str(file)) as reader:
        for record in reader.get_leaked_allocation_records(merge_threads=True):
            frames = [
                f"{function} ({PREFIX.sub('', path)}:{line})" for function, path, line in record.stack_trace()
            ]
            owner = owner_of(";".join(reversed(frames))) if frames else LOOP
            owners[owner] += record.size
    return owners


def _fill(at: Bench, file: Path, sockets: int) -> None:
    users = asyncio.run(_warm(at, sockets))
    time.sleep(RESTS_SECONDS)
    at.server.process.send_signal(signal.SIGUSR1)
    _wait_for(file.exists)
    asyncio.run(at.load("open", at.ports, sockets, own=users))
    time.sleep(RESTS_SECONDS)
    begun = file.stat().st_size
    at.server.process.send_signal(signal.SIGUSR1)
    _wait_for(lambda: file.stat().st_size > begun)
    asyncio.run(at.load("close"))


async def _warm(at: Bench, sockets: int) -> list[tuple[str, str]]:
    users = await at.users(sockets)
    await at.load("open", at.ports, WARM, own=users[:WARM])
    await at.rest()
    return users


def _wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"memray took more than {WITHIN:.0f} s")
        time.sleep(0.1)


def run(sockets: int) -> Iterable[Profile]:
    shared: dict[str, Any] = {}
    with bench.around() as (site, generator), tempfile.TemporaryDirectory() as folder:
        for name, form in FORMS.items():
            rung, file = RUNGS[form.rung], Path(folder) / name
            command = ("-m", "lab.tracked", str(file), *rung.command)
            rung = replace(rung, command=command, environment={**rung.environment, **form.environment})
            at = Bench(site, generator, rung, shared)
            try:
                at.start()
                _fill(at, file, sockets)
            finally:
                at.stop()  # memray has ended by then
            owners = held(file)
            total = owners.total()
            shares = {owner: size / total for owner, size in owners.most_common()}
            yield Profile("socket", name, total / sockets / 1024, sockets, shares)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sockets", type=int, default=SOCKETS)
    sockets = parser.parse_args().sockets
    machine.demand(sockets)
    found = []
    for profile in run(sockets):
        found.append(profile)
        parts = ", ".join(f"{owner} {share:.0%}" for owner, share in profile.shares.items() if share >= 0.01)
        print(f"{profile.rung}: {profile.cost:.3g} KiB; {parts}", flush=True)
    RESULTS.write_text("".join(profile.as_json() + "\n" for profile in found))
    PICTURE.parent.mkdir(exist_ok=True)
    picture = draw(
        found,
        {"socket": "One socket of a signed-in client, that waits"},
        "Where a socket’s memory is",
        "KiB of the server’s memory, by whose code asked for it",
        "KiB",
    )
    PICTURE.write_text(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
