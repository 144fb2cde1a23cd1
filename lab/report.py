"""Redraws docs/how-far.md from what was measured: `python -m lab.report [--from FOLDER ...] [--into docs/how-far.md]`.

For each load that has rows, what stands between `<!-- lab:NAME -->` and `<!-- /lab:NAME -->` is written anew: a picture
for each figure, a table of ratios, the command. All other text is the author's and stays. Each load is taken from the
newest full run that has it; the same rows give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lab import loads, plots
from lab.faults.remote import ROOT
from lab.loads import Figure
from lab.measured import Measured, full_runs, newest
from lab.plots import Point, Series, short
from lab.rungs import RUNGS, TORNADO, TORNADO_TUNED
from lab.runner import Row

PAGE = ROOT / "docs" / "how-far.md"
MAIN = "daphne-serve"
TIE = 1.3
BUSY = 0.9  # of its processor: then what is measured may be the load, not the server


def write(page: Path, measured: Mapping[str, Measured]) -> None:
    """The page, and its pictures in a folder of its name beside it."""
    text = page.read_text() if page.exists() else "# How far\n"
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for name, what in measured.items():
        for figure in what.load.FIGURES:
            if picture := _picture(what, figure):
                (folder / f"{name}-{_words(figure)}.svg").write_text(picture)
        text = _between(text, name, _section(what, folder))
    if measured:
        text = _between(text, "machine", _machine(list(measured.values())))
        text = _between(text, "summary", _summary(list(measured.values())))
    page.write_text(text)


def _between(text: str, name: str, body: str) -> str:
    """Where the page has no such place yet, at its end."""
    begin, end = f"<!-- lab:{name} -->", f"<!-- /lab:{name} -->"
    place = re.compile(rf"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    section = f"{begin}\n{body.strip()}\n{end}"
    if place.search(text):
        return place.sub(lambda _: section, text)
    heading = f"## {loads.find(name).TITLE}\n\n" if name in loads.names() else ""
    return f"{text.rstrip()}\n\n{heading}{section}\n"


# Pictures


def _picture(what: Measured, figure: str) -> str:
    load, shown = what.load, what.load.FIGURES[figure]
    series = [
        Series(
            RUNGS[rung].title,
            RUNGS[rung].family,
            [_point(point, list(what.values(rung, point, figure).values())) for point in points],
            rung == MAIN,
        )
        for rung in what.rungs
        if (points := [p for p in what.points(rung) if what.values(rung, p, figure)])
    ]
    drawn = [each for each in series if any(p.least > 0 for p in each.points)] if shown.log else series
    return plots.draw(load.TITLE, _title(shown), load.UNIT, drawn, log=shown.log) if drawn else ""


def _point(x: int, values: Sequence[float]) -> Point:
    return Point(x, statistics.median(values), min(values), max(values))


def _title(figure: Figure) -> str:
    return f"{figure.title}; {figure.better} is better"


# Words


def _section(what: Measured, folder: Path) -> str:
    pictures = [
        f"![{what.load.TITLE}: {figure.title}]({folder.name}/{name}.svg)"
        for key, figure in what.load.FIGURES.items()
        if (folder / f"{(name := f'{what.name}-{_words(key)}')}.svg").exists()
    ]
    tables = [_table(what, key, figure) for key, figure in what.load.FIGURES.items() if what.rungs]
    rounds = len({row.round for row in what.rows})
    command = f"    python3 manage.py lab --only {what.name}"
    where = f"{what.machine['date']}, {rounds} {'round' if rounds == 1 else 'rounds'}: {_noise(what.rows)}."
    return "\n\n".join([*pictures[:1], *tables, *pictures[1:], *_remarks(what), where, command])


def _table(what: Measured, key: str, figure: Figure) -> str:
    points = sorted({point for rung in what.rungs for point in what.points(rung)})
    head = [_title(figure), *map(short, points), "× Tornado", "× Tornado, tuned"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for rung in what.rungs:
        mine = [point for point in what.points(rung) if what.values(rung, point, key)]
        if mine:
            cells = [_cell(list(what.values(rung, point, key).values())) for point in points]
            ratios = [_ratio(what, rung, other, mine, key) for other in (TORNADO, TORNADO_TUNED)]
            name = RUNGS[rung].title
            lines.append([f"**{name}**" if rung == MAIN else name, *cells, *ratios])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(values: Sequence[float]) -> str:
    if not values:
        return ""
    low, high = short(min(values)), short(max(values))
    spread = "" if low == high else f" ({low}–{high})"
    return short(statistics.median(values)) + spread


def _ratio(what: Measured, rung: str, other: str, mine: Sequence[int], key: str) -> str:
    """At the highest point that both have."""
    if rung == other:
        return "1"
    for point in sorted(mine, reverse=True):
        ratio = what.ratio(rung, other, point, key)
        if ratio is not None:
            where = "" if point == max(what.points(other)) else f" (at {short(point)})"
            return f"{short(round(ratio, 2))}{where}"
    return ""


def _remarks(what: Measured) -> Iterator[str]:
    for rung in what.rungs:
        if lost := [row for row in what.rows if row.rung == rung and row.figures.get("missing", 0) > 0]:
            worst = max(lost, key=lambda row: row.figures["missing"])
            yield (
                f"{RUNGS[rung].title}: at {short(worst.point)}, {worst.figures['missing']:,.0f} deliveries never came."
            )
    for row in {(row.rung, row.point, row.failed): row for row in what.rows if row.failed}.values():
        title = RUNGS[row.rung].title if row.rung in RUNGS else row.rung
        yield f"{title}: at {short(row.point)} it could not be measured ({row.failed.splitlines()[0]})."
    if busy := sorted({row.rung for row in what.rows if row.figures.get("load_busy", 0) > BUSY}):
        names = ", ".join(RUNGS[rung].title for rung in busy if rung in RUNGS)
        yield f"At some points the load's own processor was full ({names}): times there are at most what is said."


def _summary(all_: Sequence[Measured]) -> str:
    """One line for each figure: our serve against both Tornados, at the highest point that both have."""
    head = ["", f"{RUNGS[MAIN].title} beside Tornado", "beside Tornado, tuned"]
    lines = [head, ["---", "---", "---"]]
    for what in all_:
        for key, figure in what.load.FIGURES.items():
            told = [_beside(what, other, key, figure) for other in (TORNADO, TORNADO_TUNED)]
            if any(told):
                lines.append([f"{what.load.TITLE}: {figure.title}", *told])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _beside(what: Measured, other: str, key: str, figure: Figure) -> str:
    for point in sorted(what.points(MAIN), reverse=True):
        if ratio := what.ratio(MAIN, other, point, key):
            gain = ratio if figure.better == "more" else 1 / ratio
            where = f" (at {short(point)})"
            if 1 / TIE < gain < TIE:
                return f"a tie, {gain:.2f}{where}"
            return f"{gain:.1f} × better{where}" if gain > 1 else f"{1 / gain:.1f} × worse{where}"
    return ""


def _noise(rows: Sequence[Row]) -> str:
    noisy = sum(row.noisy for row in rows)
    typical = statistics.median(row.foreign for row in rows)
    others = f"others took {typical:.2f} of a core beside (median)"
    return f"{others}, more than 0.1 in {noisy} of {len(rows)} measurements"


def _machine(all_: Sequence[Measured]) -> str:
    runs = {json.dumps(each.machine, sort_keys=True): each.machine for each in all_}
    lines = []
    for machine in runs.values():
        names = [each.name for each in all_ if each.machine == machine]
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        pinned = (
            "servers on one core, everything else on the other" if machine["pinned"] else "nothing pinned"
        )
        lines.append(
            f"{machine['date']} ({', '.join(names)}): {machine['cpus']} × {machine['processor']}, "
            f"{machine['memory_gib']:g} GiB, {machine['system']}, {pinned}; Python {machine['python']}, {versions}."
        )
    return "\n\n".join(lines)


def _words(key: str) -> str:
    return key.replace("_", "-")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--from", dest="folders", nargs="+", type=Path, help="default: all full runs")
    options.add_argument("--into", type=Path, default=PAGE)
    given = options.parse_args()
    write(given.into, newest(given.folders or full_runs()))


if __name__ == "__main__":
    main()
