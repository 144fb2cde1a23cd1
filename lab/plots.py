"""Curves as SVG, written by hand so that they are small, the same bytes every time, and readable in light and dark.

A line is a rung, in the colour of its family, and is named where it ends; the band about it is from the least to the
most of the rounds. Where there is one point only, bars stand for the lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 62, 190, 66, 52
LINE_HEIGHT = 16
BAR_HEIGHT, BAR_LEFT = 30, 190
MARKS = ("circle", "square", "diamond", "ring", "triangle", "cross")

STYLE = """
  svg { --paper: #fffdf8; --ink: #16202a; --muted: #5b6670; --line: #ddd6c8; --django: #1f4e5f;
    --tornado: #8a6423; --limit: #5b6670; }
  @media (prefers-color-scheme: dark) { svg { --paper: #141d25; --ink: #e9e4d8; --muted: #9aa6af; --line: #26323c;
    --django: #7fb3c4; --tornado: #d8ab5a; --limit: #9aa6af; } }
  text { font: 12px ui-sans-serif, system-ui, "Segoe UI", sans-serif; fill: var(--muted);
    font-variant-numeric: tabular-nums; }
  .title { font: 600 18px Newsreader, "Iowan Old Style", Georgia, serif; fill: var(--ink); letter-spacing: -.01em; }
  .paper { fill: var(--paper); } .grid { stroke: var(--line); } .axis { stroke: var(--muted); }
  .django { --hue: var(--django); } .tornado { --hue: var(--tornado); } .limit { --hue: var(--limit); }
  .curve { fill: none; stroke: var(--hue); stroke-width: 1.5; stroke-linejoin: round; }
  .main .curve { stroke-width: 3; } .limit .curve { stroke-dasharray: 2 5; stroke-linecap: round; }
  .band { fill: var(--hue); opacity: .14; } .bar { fill: var(--hue); opacity: .55; } .main .bar { opacity: 1; }
  .range { stroke: var(--ink); stroke-width: 1.5; } .main .range { stroke: var(--muted); }
  .mark { fill: var(--hue); stroke: var(--paper); }
  .hollow { fill: var(--paper); stroke: var(--hue); stroke-width: 1.5; }
  .name { fill: var(--hue); stroke: var(--paper); stroke-width: 4; paint-order: stroke; stroke-linejoin: round; }
  .main .name { font-weight: 650; } .lead { stroke: var(--hue); opacity: .5; }
"""


class Point(NamedTuple):
    x: float
    median: float
    least: float
    most: float


class Series(NamedTuple):
    """`main` draws it with more weight. `family` is its colour: django, tornado or limit."""

    title: str
    family: str
    points: Sequence[Point]
    main: bool = False

    @property
    def css(self) -> str:
        return f"{self.family} main" if self.main else self.family


class Scale:
    """From values to pixels; in powers of ten where `log`."""

    def __init__(self, low: float, high: float, start: float, end: float, *, log: bool) -> None:
        self.log, self._start, self._end = log, start, end
        self.low, self.high = (low, high) if low < high else (low * 0.9, high * 1.1 or 1.0)
        self._from, self._to = self._of(self.low), self._of(self.high)

    def _of(self, value: float) -> float:
        return math.log10(max(value, self.low if self.low > 0 else 1e-9)) if self.log else value

    def __call__(self, value: float) -> float:
        share = (self._of(value) - self._from) / (self._to - self._from)
        return self._start + share * (self._end - self._start)


def draw(title: str, y_title: str, x_title: str, series: Sequence[Series], *, log: bool = True) -> str:
    """An image with its own style. Values that are not above nought have no place on an axis of powers."""
    if log:
        series = [each._replace(points=[p for p in each.points if p.least > 0]) for each in series]
    series = [each for each in series if each.points]
    if not series:
        raise ValueError(f"nothing to draw: {title}")
    if len({point.x for each in series for point in each.points}) == 1:
        return _page(title, y_title, _bars(series, x_title), 100 + BAR_HEIGHT * len(series))
    return _page(title, y_title, _curves(series, x_title, log=log), HEIGHT)


def _page(title: str, y_title: str, parts: Iterator[str], height: int) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="{escape(title)}: {escape(y_title)}">\n<style>{STYLE}</style>\n'
        f'<rect class="paper" width="{WIDTH}" height="{height}" rx="6"/>\n'
        f'<text class="title" x="24" y="32">{escape(title)}</text>\n'
        f'<text x="24" y="51">{escape(y_title)}</text>\n{body}\n</svg>\n'
    )


# Curves


def _curves(series: Sequence[Series], x_title: str, *, log: bool) -> Iterator[str]:
    points = [point for each in series for point in each.points]
    xs = sorted({point.x for point in points})
    x = Scale(xs[0], xs[-1], LEFT, WIDTH - RIGHT, log=xs[0] > 0 and xs[-1] / xs[0] >= 8)
    low, high = min(point.least for point in points), max(point.most for point in points)
    ticks = _powers(low, high) if log else _steps(high)
    y = Scale(ticks[0], ticks[-1], HEIGHT - BOTTOM, TOP + 8, log=log)
    yield from _axes(xs, ticks, x, y, x_title)
    for each in series:
        yield f'<g class="{each.css}">'
        yield _band(each, x, y)
        places = " ".join(f"{x(point.x):.1f},{y(point.median):.1f}" for point in each.points)
        yield f'<polyline class="curve" points="{places}"/></g>'
    for number, each in enumerate(series):
        yield f'<g class="{each.css}">'
        for point in each.points:
            mark = MARKS[0] if each.main else MARKS[1 + number % (len(MARKS) - 1)]
            yield _mark(mark, x(point.x), y(point.median), 5 if each.main else 4)
        yield "</g>"
    yield from _names(series, x, y)


def _axes(xs: Sequence[float], ticks: Sequence[float], x: Scale, y: Scale, x_title: str) -> Iterator[str]:
    for tick in ticks:
        yield (
            f'<path class="grid" d="M{LEFT - 8} {y(tick):.1f}H{WIDTH - RIGHT + 8}"/>'
            f'<text x="{LEFT - 14}" y="{y(tick) + 4:.1f}" text-anchor="end">{short(tick)}</text>'
        )
    floor, last = HEIGHT - BOTTOM, -1e9
    for value in xs:
        yield f'<path class="axis" d="M{x(value):.1f} {floor}v5"/>'
        if x(value) - last > 26:  # or its figure would run into the one before
            yield f'<text x="{x(value):.1f}" y="{floor + 20}" text-anchor="middle">{short(value)}</text>'
            last = x(value)
    yield f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_title)}</text>'


def _band(each: Series, x: Scale, y: Scale) -> str:
    above = [f"{x(point.x):.1f},{y(point.most):.1f}" for point in each.points]
    below = [f"{x(point.x):.1f},{y(point.least):.1f}" for point in reversed(each.points)]
    return f'<polygon class="band" points="{" ".join(above + below)}"/>'


def _mark(kind: str, x: float, y: float, r: float) -> str:
    match kind:
        case "circle" | "ring":
            css = "mark" if kind == "circle" else "hollow"
            return f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>'
        case "square" | "cross":
            css = "mark" if kind == "square" else "hollow"
            return f'<rect class="{css}" x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}"/>'
        case "diamond":
            path = f"M{x:.1f} {y - r - 1:.1f}l{r + 1} {r + 1}l{-r - 1} {r + 1}l{-r - 1} {-r - 1}z"
        case _:
            path = f"M{x:.1f} {y - r - 1:.1f}l{r + 1} {2 * r}h{-2 * r - 2}z"
    return f'<path class="mark" d="{path}"/>'


def _names(series: Sequence[Series], x: Scale, y: Scale) -> Iterator[str]:
    """To the right of where each ends; those that end on the right edge are spread so that none hides another."""
    edge = WIDTH - RIGHT
    there = [each for each in series if x(each.points[-1].x) > edge - 1]
    wanted = sorted(((y(each.points[-1].median), each) for each in there), key=lambda pair: pair[0])
    for at, (end, each) in zip(_spread([end for end, _ in wanted]), wanted, strict=True):
        yield (
            f'<g class="{each.css}"><path class="lead" d="M{edge + 8} {end:.1f}L{edge + 20} {at:.1f}"/>'
            f'<text class="name" x="{edge + 24}" y="{at + 4:.1f}">{escape(each.title)}</text></g>'
        )
    for each in series:
        if each not in there:
            last = each.points[-1]
            yield (
                f'<g class="{each.css}"><text class="name" x="{x(last.x) + 10:.1f}" y="{y(last.median) + 4:.1f}">'
                f"{escape(each.title)}</text></g>"
            )


def _spread(places: Sequence[float]) -> list[float]:
    """The same order, a line's height apart, each as near to its place as the others let it, inside of the picture."""
    groups: list[list[float]] = []  # of places that touch, each about their middle
    for place in places:
        groups.append([place])
        while len(groups) > 1 and _edge(groups[-2], 1) > _edge(groups[-1], -1):
            last = groups.pop()
            groups[-1] += last
    spread = [_edge(group, -1) + (n + 0.5) * LINE_HEIGHT for group in groups for n in range(len(group))]
    over = max(0.0, spread[-1] - (HEIGHT - BOTTOM + 4)) if spread else 0.0
    return [place - over for place in spread]


def _edge(group: Sequence[float], side: int) -> float:
    return sum(group) / len(group) + side * len(group) * LINE_HEIGHT / 2


# Bars


def _bars(series: Sequence[Series], x_title: str) -> Iterator[str]:
    most = max(each.points[0].most for each in series)
    x = Scale(0, most, BAR_LEFT, WIDTH - 90, log=False)
    for number, each in enumerate(series):
        point, top = each.points[0], TOP + 8 + number * BAR_HEIGHT
        middle = top + BAR_HEIGHT / 2 - 4
        yield (
            f'<g class="{each.css}"><text class="name" x="{BAR_LEFT - 10}" y="{middle + 4:.1f}" text-anchor="end">'
            f'{escape(each.title)}</text><rect class="bar" x="{BAR_LEFT}" y="{top}" rx="2" '
            f'width="{max(1.0, x(point.median) - BAR_LEFT):.1f}" height="{BAR_HEIGHT - 8}"/>'
            f'<path class="range" d="M{x(point.least):.1f} {middle:.1f}H{x(point.most):.1f}"/></g>'
            f'<text x="{x(point.most) + 8:.1f}" y="{middle + 4:.1f}">{short(point.median)}</text>'
        )
    where = f"{short(series[0].points[0].x)} {x_title}"
    yield f'<text x="{WIDTH - 24}" y="51" text-anchor="end">{escape(where)}</text>'


# Axes' figures


def _powers(low: float, high: float) -> list[float]:
    """Tens, and where those would be few, also twos and fives; the first is not above, the last not below the data."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    tens = [10.0**n for n in range(first, last + 1)]
    if len(tens) > 4:
        return tens
    finer = [base * step for base in tens for step in (1, 2, 5)]
    start = max((tick for tick in finer if tick <= low), default=finer[0])
    return [tick for tick in finer if start <= tick <= min(t for t in finer if t >= high)]


def _steps(high: float) -> list[float]:
    """From nought, four or five of a round size."""
    rough = high / 4 if high > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough)
    return [step * n for n in range(math.ceil(high / step) + 1)] if high > 0 else [0.0, 1.0]


def short(value: float) -> str:
    """12k, 1.5M, 0.2: three figures at most."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{float(f'{value / size:.3g}'):g}{letter}"
    return f"{float(f'{value:.3g}'):g}"
