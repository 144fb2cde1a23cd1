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
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from lab import bench, machine
from lab.bench import Bench
from lab.loads import checkout, fan_out, slow_upstream
from lab.plots import STYLE, WIDTH, short
from lab.reading import FROM_DATABASE
from lab.rungs import RUNGS, TORNADO
from lab.wire.http import request

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PICTURE = ROOT / "lab/results/profiles", ROOT / "docs/speed/profiles.svg"
BEFORE, NOW = "daphne-stock", "daphne-serve"
TITLES = {BEFORE: "before", NOW: "now", TORNADO: "Tornado"}
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

# The first that fits the file of a frame.
OWNERS = (
    ("the shop", r"(shop|accounts|notifications)/"),
    ("by hand", r"lab/"),
    ("ORM", r"django/db/"),
    ("REST framework", r"(rest_framework|drf_spectacular)/"),
    ("Django", r"django/"),
    ("drivers", r"(psycopg\w*|asyncpg|redis|sqlite3)/"),
    ("Daphne, Twisted", r"(daphne|twisted|autobahn|channels|txaio|hyperlink|zope|wsproto)/"),
    ("Tornado", r"tornado/"),
    ("loop, threads", r"(asgiref|asyncio|concurrent)/|threading\.py|selectors\.py|queue\.py"),
    ("libraries", r"(allauth|stripe|aiohttp|httpx|httpcore|djmoney|moneyed|yarl|multidict|structlog|jwt)/"),
)
OTHERS = "others"
HUES = {
    "the shop": ("#1f4e5f", "#7fb3c4"),
    "by hand": ("#1f4e5f", "#7fb3c4"),
    "ORM": ("#a2472f", "#e08a6d"),
    "REST framework": ("#d19a3d", "#e9bd6c"),
    "Django": ("#4f8a6b", "#86c3a2"),
    "drivers": ("#7a5c91", "#b79acd"),
    "Daphne, Twisted": ("#8a97a0", "#c3cdd4"),
    "Tornado": ("#8a97a0", "#c3cdd4"),
    "loop, threads": ("#4a545c", "#76838d"),
    "libraries": ("#c98ba0", "#d9a7b8"),
    OTHERS: ("#cfc8ba", "#3a4650"),
}
# What the interpreter shows while the loop itself, in C, is at work.
LOOPS = ("AsyncioSelectorReactor.run ", "BaseAsyncIOLoop.start ", "Runner.run ", "run_forever ")


@dataclass(frozen=True)
class Profile:
    """Milliseconds of the server's CPU for one piece of the work, and whose they are."""

    path: str
    rung: str
    ms: float
    samples: int
    shares: dict[str, float]

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def owner_of(stack: str) -> str:
    frames = stack.split(";")
    if frames[-1].startswith(LOOPS):
        return "loop, threads"
    for frame in reversed(frames):
        _, _, file = frame.rpartition("(")
        for owner, pattern in OWNERS:
            if re.match(pattern, file):
                return owner
    return OTHERS


def shares(lines: Iterable[str]) -> tuple[int, dict[str, float]]:
    """Of stacks as py-spy writes them, a line each with how often it was seen: how many, and each owner's part."""
    seen: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.strip().rpartition(" ")
        if stack:
            seen[owner_of(stack)] += int(count)
    total = seen.total()
    return total, {owner: count / total for owner, count in seen.most_common()}


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
    return f"{profile.path} {profile.rung}: {profile.ms:.3g} ms; {parts} ({profile.samples} samples)"


# The picture

LEFT, RIGHT, BAR, GROUP = 150, 90, 20, 44


def draw(profiles: list[Profile]) -> str:
    """A bar for each server, as long as a piece of the work takes it, in the colours of whose code that is."""
    parts, top = [*_legend(profiles)], 124
    for name in dict.fromkeys(profile.path for profile in profiles):
        rows = [profile for profile in profiles if profile.path == name]
        scale = (WIDTH - LEFT - RIGHT) / max(row.ms for row in rows)
        parts.append(f'<text class="name" x="24" y="{top}">{escape(PATHS[name].title)}</text>')
        for number, row in enumerate(rows):
            parts += _bar(row, top + 10 + number * (BAR + 4), scale)
        top += GROUP + len(rows) * (BAR + 4)
    hues = "".join(
        f".o{number} {{ fill: {light}; }} @media (prefers-color-scheme: dark) {{ .o{number} {{ fill: {dark}; }} }}\n"
        for number, (light, dark) in enumerate(HUES.values())
    )
    told = ", ".join(f"{row.path} {TITLES[row.rung]} {_two_figures(row.ms)} ms" for row in profiles)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top - 16}" width="{WIDTH}" '
        f'height="{top - 16}" role="img" aria-label="{escape(told)}">\n<style>{STYLE}'
        f"  .name {{ fill: var(--ink); font-weight: 600; stroke: none; }}\n{hues}</style>\n"
        f'<rect class="paper" width="{WIDTH}" height="{top - 16}" rx="6"/>\n'
        f'<text class="title" x="24" y="32">Where the time goes</text>\n'
        f'<text x="24" y="51">milliseconds of the server’s CPU for one of each, by whose code it is in</text>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _legend(profiles: list[Profile]) -> Iterable[str]:
    x, y = 24, 66
    used = {owner for profile in profiles for owner in profile.shares}
    twins = {
        "by hand": "the shop",
        "Tornado": "Daphne, Twisted",
    }  # the same part of another server, one colour
    for number, owner in enumerate(HUES):
        if owner not in used or owner in twins:
            continue
        title = ", ".join([owner, *(twin for twin, of in twins.items() if of == owner and twin in used)])
        width = 24 + 6.6 * len(title)
        if x + width > WIDTH - 24:
            x, y = 24, y + 18
        yield (
            f'<rect class="o{number}" x="{x}" y="{y}" width="11" height="11" rx="2"/>'
            f'<text x="{x + 16}" y="{y + 10}">{escape(title)}</text>'
        )
        x += round(width) + 12


def _bar(row: Profile, top: float, scale: float) -> Iterable[str]:
    yield f'<text x="{LEFT - 10}" y="{top + 14}" text-anchor="end">{TITLES[row.rung]}</text>'
    x = float(LEFT)
    for number, owner in enumerate(HUES):
        ms = row.ms * row.shares.get(owner, 0.0)
        if ms:
            yield (
                f'<rect class="o{number}" x="{x:.1f}" y="{top}" width="{ms * scale:.1f}" height="{BAR}">'
                f"<title>{escape(owner)}: {ms:.3g} ms</title></rect>"
            )
        x += ms * scale
    yield f'<text x="{x + 8:.1f}" y="{top + 14}">{_two_figures(row.ms)} ms</text>'


def _two_figures(ms: float) -> str:
    return short(float(f"{ms:.2g}"))


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
    PICTURE.write_text(draw(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
