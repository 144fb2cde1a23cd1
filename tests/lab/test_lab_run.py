"""One load on one rung, small, from the command line: all the processes, a row, a report."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import measured
from tests.processes import ROOT


@pytest.mark.timeout(200)
def test_a_run_writes_down_what_it_measured_and_on_what(tmp_path: Path) -> None:
    command = ["lab", "--quick", "--database", "sqlite", "--only", "fan-out", "--rungs", "daphne-serve"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "BREAKWATER_T"))
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *command, "--points", "20", "--into", str(tmp_path)],
        cwd=ROOT,
        env=environment | {"BREAKWATER_VENV": "off"},
        capture_output=True,
        text=True,
        timeout=190,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "About" in done.stdout
    run = measured.read(tmp_path)
    [row] = run.rows
    assert (row.load, row.rung, row.point, row.round, row.failed) == ("fan-out", "daphne-serve", 20, 0, "")
    assert row.figures["deliveries_per_core"] > 100
    assert row.figures["missing"] == 0
    assert 0 < row.figures["last_p50_ms"] <= row.figures["last_p99_ms"]
    assert row.noisy == (row.foreign > 0.1)
    assert run.machine["versions"]["django"]
    assert json.loads((tmp_path / "machine.json").read_text())["loads"] == ["fan-out"]
    assert "our serve" in (tmp_path / "report.md").read_text()
    assert "<svg" in (tmp_path / "report" / "fan-out-deliveries-per-core.svg").read_text()
