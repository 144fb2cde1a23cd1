"""What was seen of a server: whose code takes its time or its memory, and the picture of it.

See `lab.profiles` and `lab.memory`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape

from lab.plots import STYLE, WIDTH, short
from lab.rungs import TORNADO

BEFORE, NOW, ON_AUTOBAHN = "daphne-stock", "daphne-serve", "daphne-serve-autobahn"
TITLES = {BEFORE: "before", ON_AUTOBAHN: "now, on Autobahn", NOW: "now", TORNADO: "Tornado"}

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
    """What one piece of the work costs a server, and whose that is: milliseconds of CPU, or KiB that it holds.

    `samples` are how often the server was looked at, or how many pieces it had.
    """

    path: str
    rung: str
    cost: float
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


# The picture

LEFT, RIGHT, BAR, GROUP = 150, 90, 20, 44


def draw(
    profiles: Sequence[Profile], titles: Mapping[str, str], heading: str, caption: str, unit: str
) -> str:
    """A bar for each server, as long as a piece of the work costs it, in the colours of whose code that is.

    `titles` are the paths'.
    """
    parts, top = [*_legend(profiles)], 124
    for name in dict.fromkeys(profile.path for profile in profiles):
        rows = [profile for profile in profiles if profile.path == name]
        scale = (WIDTH - LEFT - RIGHT) / max(row.cost for row in rows)
        parts.append(f'<text class="name" x="24" y="{top}">{escape(titles[name])}</text>')
        for number, row in enumerate(rows):
            parts += _bar(row, top + 10 + number * (BAR + 4), scale, unit)
        top += GROUP + len(rows) * (BAR + 4)
    hues = "".join(
        f".o{number} {{ fill: {light}; }} @media (prefers-color-scheme: dark) {{ .o{number} {{ fill: {dark}; }} }}\n"
        for number, (light, dark) in enumerate(HUES.values())
    )
    told = ", ".join(f"{row.path} {TITLES[row.rung]} {_two_figures(row.cost)} {unit}" for row in profiles)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top - 16}" width="{WIDTH}" '
        f'height="{top - 16}" role="img" aria-label="{escape(told)}">\n<style>{STYLE}'
        f"  .name {{ fill: var(--ink); font-weight: 600; stroke: none; }}\n{hues}</style>\n"
        f'<rect class="paper" width="{WIDTH}" height="{top - 16}" rx="6"/>\n'
        f'<text class="title" x="24" y="32">{heading}</text>\n'
        f'<text x="24" y="51">{caption}</text>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _legend(profiles: Sequence[Profile]) -> Iterable[str]:
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


def _bar(row: Profile, top: float, scale: float, unit: str) -> Iterable[str]:
    yield f'<text x="{LEFT - 10}" y="{top + 14}" text-anchor="end">{TITLES[row.rung]}</text>'
    x = float(LEFT)
    for number, owner in enumerate(HUES):
        part = row.cost * row.shares.get(owner, 0.0)
        if part:
            yield (
                f'<rect class="o{number}" x="{x:.1f}" y="{top}" width="{part * scale:.1f}" height="{BAR}">'
                f"<title>{escape(owner)}: {part:.3g} {unit}</title></rect>"
            )
        x += part * scale
    yield f'<text x="{x + 8:.1f}" y="{top + 14}">{_two_figures(row.cost)} {unit}</text>'


def _two_figures(cost: float) -> str:
    return short(float(f"{cost:.2g}"))
