import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lab import plots, report
from lab.measured import Measured
from lab.plots import Point, Series
from lab.runner import Row

MACHINE = {
    "date": "2026-11-28",
    "cpus": 2,
    "processor": "A processor",
    "memory_gib": 8.0,
    "system": "Linux 6",
    "pinned": True,
    "python": "3.13.0",
    "versions": {"django": "6.1"},
}
LEVELS = {"daphne-serve": 50_000.0, "tornado-tuned": 25_000.0}


def rows(**changed: Any) -> list[Row]:
    """Three rounds on a machine that slows down: only what is compared within a round is the same."""
    return [
        Row(
            "fan-out",
            rung,
            point,
            number,
            {
                "deliveries_per_core": level * slower,
                "last_p50_ms": 10 / slower,
                "last_p99_ms": 30.0,
                **changed,
            },
            foreign=0.02,
        )
        for number, slower in enumerate((1.0, 0.8, 0.5))
        for rung, level in LEVELS.items()
        for point in (100, 1000)
    ]


@pytest.fixture
def measured() -> dict[str, Measured]:
    return {"fan-out": Measured("fan-out", MACHINE, rows())}


def test_the_same_rows_give_the_same_bytes(tmp_path: Path, measured: dict[str, Measured]) -> None:
    page = tmp_path / "how-far.md"
    report.write(page, measured)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert len(files) == 4
    report.write(page, measured)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == files


def test_ratios_are_of_the_same_round(measured: dict[str, Measured]) -> None:
    assert measured["fan-out"].ratio("daphne-serve", "tornado-tuned", 1000, "deliveries_per_core") == 2
    assert measured["fan-out"].ratio("daphne-serve", "tornado", 1000, "deliveries_per_core") is None


def test_the_table_has_medians_ranges_and_the_command(tmp_path: Path, measured: dict[str, Measured]) -> None:
    page = tmp_path / "how-far.md"
    report.write(page, measured)
    text = page.read_text()
    line = next(line for line in text.splitlines() if line.startswith("| **our serve"))
    assert [cell.strip() for cell in line.split("|")[2:6]] == ["40k (25k–50k)", "40k (25k–50k)", "", "2"]
    assert "python3 manage.py lab --only fan-out" in text
    assert "2 × A processor" in text
    assert "more than 0.1 in 0 of 12 measurements" in text


def test_the_summary_says_who_is_better_and_by_how_much(
    tmp_path: Path, measured: dict[str, Measured]
) -> None:
    page = tmp_path / "how-far.md"
    report.write(page, measured)
    lines = [line for line in page.read_text().splitlines() if line.startswith("| Fan-out")]
    assert [line.split("|")[3].strip() for line in lines] == [
        "2.0 × better (at 1k)",
        "a tie, 1.00 (at 1k)",
        "a tie, 1.00 (at 1k)",
    ]


def test_what_the_author_wrote_stays(tmp_path: Path, measured: dict[str, Measured]) -> None:
    page = tmp_path / "how-far.md"
    page.write_text("# Mine\n\nBefore.\n\n<!-- lab:fan-out -->\nold\n<!-- /lab:fan-out -->\n\nAfter \\1.\n")
    report.write(page, measured)
    text = page.read_text()
    assert text.startswith("# Mine\n\nBefore.\n\n<!-- lab:fan-out -->\n![")
    assert "<!-- /lab:fan-out -->\n\nAfter \\1.\n" in text
    assert "old" not in text


def test_losses_failures_and_a_full_load_are_said(tmp_path: Path) -> None:
    told = [
        *rows(missing=7.0, load_busy=0.99),
        Row("fan-out", "tornado-tuned", 5000, 0, failed="TimeoutError: \nx"),
    ]
    page = tmp_path / "how-far.md"
    report.write(page, {"fan-out": Measured("fan-out", MACHINE, told)})
    text = page.read_text()
    assert "7 deliveries never came" in text
    assert "at 5k it could not be measured (TimeoutError: )" in text
    assert "the load's own processor was full" in text


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("xs", [(1,), (1, 2, 4), (100, 1000, 10_000)])
def test_a_plot_is_an_image_that_names_each_line(xs: tuple[int, ...], log: bool) -> None:
    series = [
        Series(f"rung <{n}>", family, [Point(x, n * x, n * x * 0.9, n * x * 1.1) for x in xs], n == 2)
        for n, family in enumerate(("django", "tornado", "limit"), start=1)
    ]
    image = ElementTree.fromstring(plots.draw("A & B", "what", "sockets", series, log=log))
    texts = [text.text for text in image.iter("{http://www.w3.org/2000/svg}text")]
    assert {"A & B", "what", "rung <1>", "rung <2>", "rung <3>"} <= set(texts)
    assert "prefers-color-scheme: dark" in plots.STYLE


def test_names_never_hide_one_another() -> None:
    places = plots._spread([50, 51, 52, 200, 203, 390])
    assert all(after - before >= plots.LINE_HEIGHT - 0.01 for before, after in pairwise(places))


@pytest.mark.parametrize(
    ("low", "high", "first", "last"), [(3, 90_000, 1, 100_000), (12, 40, 10, 50), (0.2, 0.9, 0.2, 1)]
)
def test_axes_in_powers_hold_all_values(low: float, high: float, first: float, last: float) -> None:
    ticks = plots._powers(low, high)
    assert (ticks[0], ticks[-1]) == (pytest.approx(first), pytest.approx(last))
    assert len(ticks) >= 3


def test_figures_are_short() -> None:
    assert [plots.short(value) for value in (0.123456, 12, 1234, 99_950, 1_500_000)] == [
        "0.123",
        "12",
        "1.23k",
        "100k",
        "1.5M",
    ]
