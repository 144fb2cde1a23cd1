"""Where the time goes, path by path: `python -m lab.profiles [--only PATH ...] [--seconds S]`

Each hot path is worked by its server as it was (Daphne and Django as they come), as the shop runs, and by Tornado where
that does the same. First the work is counted, and the server's CPU for each piece of it; then it goes on under py-spy,
which says in whose code the interpreter was each time it looked. A sample belongs to the innermost frame that has an
owner: what the standard library does is done for whoever called it.

The stacks go to lab/results/profiles/, as flamegraph.pl and speedscope read them, the sums beside them, and the picture
to docs/speed/profiles.svg.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from lab import bench, machine
from lab.bench import Bench
from lab.loads import checkout, fan_out, slow_upstream
from lab.profiled import BEFORE, NOW, Profile, draw, shares
from lab.reading import FROM_DATABASE
from lab.rungs import RUNGS, TORNADO
from lab.wire.http import request

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PICTURE = ROOT / "lab/results/profiles", ROOT / "docs/speed/profiles.svg"
PY_SPY = str(Path(sys.executable).with_name("py-spy"))
LOOKS_PER_SECOND = 250
SOCKETS, CONNECTIONS = 1000, 16
MOST_SECONDS = 200.0  # of a path on a server

Work = Callable[[Bench], Awaitable[float]]


class HotPath(NamedTuple):
    """`work` does a spell of it, and says how many pieces that were."""

    title: str
    rungs: tuple[str, ...]
    prepare: Work
    work: Work
    environment: dict[str, str] = {}


async def _with_prints(at: Bench) -> float:
    slugs = await at.write("lab.selling.catalogue")
    at.kept["page"] = f"/products/{slugs[0]}/"
    return 0


def _reading(path: str = "") -> Work:
    async def read(at: Bench) -> float:
        asked = [request(path or at.kept["page"], f"127.0.0.1:{at.server.port}")]
        seen = await at.load("closed", at.server.port, asked, CONNECTIONS, 1.0)
        if seen["errors"]:
            raise RuntimeError(f"refusals: {seen['statuses']}")
        return float(seen["requests"])

    return read


async def _with_sockets(at: Bench) -> float:
    await at.load("open", at.ports, SOCKETS, streams=[await at.stream()])
    return 0


async def _tell_all(at: Bench) -> float:
    seen = await fan_out.fan_out(at, await at.stream(), fan_out.EVENTS, SOCKETS)
    return seen["deliveries"]


async def _with_users(at: Bench) -> float:
    await at.users(SOCKETS)
    return 0


async def _come(at: Bench) -> float:
    await at.load("open", at.ports, SOCKETS, own=await at.users(SOCKETS))
    await at.load("close")
    return SOCKETS


async def _with_buyers(at: Bench) -> float:
    await checkout.prepare(at)
    return 0


async def _buy(at: Bench) -> float:
    return (await checkout.buy(at, 20, 10))["done"]


async def _with_orders(at: Bench) -> float:
    await slow_upstream.prepare(at)
    return 0


async def _ask_upstream(at: Bench) -> float:
    asked = [
        request(f"/api/v1/orders/{order}/payment/", f"127.0.0.1:{at.server.port}")
        for order in at.kept["orders"][:100]
    ]
    return float((await at.load("closed", at.server.port, asked, 50, 60.0, most=100))["requests"])


ALL = (BEFORE, NOW, TORNADO)
PATHS = {
    "list": HotPath("The list of prints, kept", ALL, _with_prints, _reading("/api/v1/products/")),
    "page": HotPath("A print's page, kept", (BEFORE, NOW), _with_prints, _reading()),
    "list-database": HotPath(
        "The list of prints, from the database",
        ALL,
        _with_prints,
        _reading("/api/v1/products/"),
        FROM_DATABASE,
    ),
    "fan-out": HotPath("One event to each of 1,000 sockets", ALL, _with_sockets, _tell_all),
    "handshake": HotPath("Somebody signed in comes", ALL, _with_users, _come),
    "checkout": HotPath("A cart becomes an order with a payment", ALL, _with_buyers, _buy),
    "upstream": HotPath("How does my payment stand? (asks the provider)", ALL, _with_orders, _ask_upstream),
}


async def _profile(at: Bench, name: str, seconds: float) -> Profile:
    path = PATHS[name]
    async with asyncio.timeout(MOST_SECONDS):
        await at.rest()
        await path.prepare(at)
        await path.work(at)  # what is built once
        cost = await _cost(at, path.work, seconds)
        file = RESULTS / f"{name}-{at.rung.name}.raw"
        spy = await asyncio.create_subprocess_exec(
            *(PY_SPY, "record", "--pid", str(at.server.process.pid), "--format", "raw", "--gil"),
            *("--nonblocking", "--rate", str(LOOKS_PER_SECOND), "--duration", f"{seconds:.0f}"),
            *("--output", str(file)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        watched = asyncio.create_task(spy.communicate())
        while not watched.done():
            await path.work(at)
        _, said = await watched
        await at.load("close")
    if spy.returncode:
        raise RuntimeError(f"py-spy: {said.decode()[-500:]}")
    stacks = file.read_text()
    file.unlink()
    # Without the moment, so that the same stacks are the same bytes.
    file.with_suffix(".raw.gz").write_bytes(gzip.compress(stacks.encode(), mtime=0))
    samples, parts = shares(stacks.splitlines())
    return Profile(name, at.rung.name, cost, samples, parts)


async def _cost(at: Bench, work: Work, seconds: float) -> float:
    pieces, spent, until = 0.0, at.cpu_seconds(), time.monotonic() + seconds
    while time.monotonic() < until:
        pieces += await work(at)
    return 1000 * (at.cpu_seconds() - spent) / pieces


def run(names: Iterable[str], seconds: float) -> list[Profile]:
    found = []
    shared: dict[str, Any] = {}
    with bench.around() as (site, generator):
        for name in names:
            for rung in PATHS[name].rungs:
                environment = {**RUNGS[rung].environment, **PATHS[name].environment}
                at = Bench(site, generator, replace(RUNGS[rung], environment=environment), shared)
                try:
                    at.start()
                    found.append(asyncio.run(_profile(at, name, seconds)))
                finally:
                    at.stop()
                print(_told(found[-1]), flush=True)
    return found


def _told(profile: Profile) -> str:
    parts = ", ".join(f"{owner} {share:.0%}" for owner, share in profile.shares.items() if share >= 0.01)
    return f"{profile.path} {profile.rung}: {profile.cost:.3g} ms; {parts} ({profile.samples} samples)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PATHS, default=list(PATHS))
    parser.add_argument("--seconds", type=float, default=5.0)
    told = parser.parse_args()
    machine.demand(SOCKETS)
    RESULTS.mkdir(parents=True, exist_ok=True)
    found = run(told.only, told.seconds)
    kept = RESULTS / "profiles.jsonl"
    before = [Profile(**json.loads(line)) for line in kept.read_text().splitlines()] if kept.exists() else []
    rows = [row for row in before if row.path not in told.only] + found
    rows.sort(key=lambda row: [*PATHS].index(row.path))
    kept.write_text("".join(row.as_json() + "\n" for row in rows))
    PICTURE.parent.mkdir(exist_ok=True)
    picture = draw(
        rows,
        {name: path.title for name, path in PATHS.items()},
        "Where the time goes",
        "milliseconds of the server’s CPU for one of each, by whose code it is in",
        "ms",
    )
    PICTURE.write_text(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
