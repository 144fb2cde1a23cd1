"""The fault runs in their small form. How late is for the runs themselves, on a machine that does nothing else."""

import json
import os
import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.mark.timeout(300)
@pytest.mark.parametrize("door", ["channels", "tornado"])
def test_nothing_is_lost_when_a_relay_is_killed_or_a_thread_blocks(door: str) -> None:
    command = [sys.executable, "-m", "lab.faults", "relay", "block", "--small", "--door", door]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "BREAKWATER"))
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode in (0, 1), done.stderr[-4000:]
    runs = {run["run"]: run["cases"] for run in map(json.loads, done.stdout.splitlines())}
    assert set(runs) == {"relay", "block"}
    ours = [case for cases in runs.values() for case in cases.values() if not case["control"]]
    counts = ("lost", "disordered", "resets", "doubled", "not_killed")
    assert {case.get(count, 0) for case in ours for count in counts} == {0}, done.stderr[-4000:]
    # The control: what Channels does by itself when a thread blocks.
    controls = [case for case in runs["block"].values() if case["control"]]
    assert controls
    assert all(case["lost"] for case in controls)
