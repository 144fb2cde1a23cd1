import subprocess
import sys

import pytest

from lab import loads, machine
from lab.measured import full_runs, lasted, newest
from lab.rungs import RUNGS
from lab.runner import ROUNDS, Plan
from tests.processes import ROOT


@pytest.mark.parametrize("name", loads.names())
def test_a_load_says_what_the_report_needs(name: str) -> None:
    load = loads.find(name)
    assert load.__doc__
    assert load.TITLE
    assert load.FIGURES
    assert set(load.QUICK_POINTS) | set(load.POINTS)
    assert list(load.POINTS) == sorted(load.POINTS)
    assert Plan([name]).rungs_of(name) or not set(load.RUNGS) & set(RUNGS)


def test_the_page_has_a_place_for_each_load() -> None:
    page = (ROOT / "docs" / "how-far.md").read_text()
    for name in (*loads.names(), "machine", "summary"):
        assert page.count(f"<!-- lab:{name} -->") == page.count(f"<!-- /lab:{name} -->") == 1, name


def test_rungs_take_turns_within_each_load_of_each_round() -> None:
    plan = Plan(["fan-out", "signed-in"], only_rungs=["daphne-serve", "tornado-tuned"])
    rounds = [list(plan.visits(number)) for number in range(ROUNDS)]
    for visits in rounds:
        assert [visit.load for visit in visits] == ["signed-in"] * 2 + ["fan-out"] * 2
        assert {visit.rung for visit in visits[2:]} == {"daphne-serve", "tornado-tuned"}
    assert rounds[0][2].rung != rounds[1][2].rung  # nobody is always the first


def test_a_rung_is_asked_for_no_more_than_it_can() -> None:
    plan = Plan(["fan-out"])
    assert plan.points_of("fan-out", "channels-tutorial") == [100, 1000]
    assert plan.points_of("fan-out", "daphne-serve")[-1] == 10_000


def test_the_whole_fits_the_time_that_is_promised() -> None:
    took = lasted(newest(full_runs()))
    assert Plan(loads.names()).budget(took) < 60 * 60
    assert Plan(loads.names(), quick=True).budget(took) < 5 * 60


def test_too_few_open_files_are_said_before_anything_starts() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500));"
        "from lab import machine; machine.demand(5000)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ulimit -n 6900" in done.stderr
    assert "--points N" in done.stderr


def test_too_few_ports_are_said_with_what_to_set() -> None:
    with pytest.raises(machine.CannotMeasure, match=r"ip_local_port_range"):
        machine.demand_ports(10_000, ports=(32_768, 33_000), sources=1)


def test_what_others_use_is_told_from_what_is_ours() -> None:
    import psutil

    ours = psutil.Process()
    foreign = machine.Foreign([ours])
    before = machine.cpu_seconds([ours])
    foreign.begin()
    sum(number * number for number in range(2_000_000))
    assert machine.cpu_seconds([ours]) - before > 0.01
    assert 0 <= foreign.cores() < 64
