"""The fault runs in their small form, with the bounds they print. How many milliseconds late something is, and how it
compares with before, is for the runs themselves, on a machine that does nothing else.
"""

import json
import os
import subprocess
import sys
from typing import Any

from lab.faults import disk
from tests.processes import ROOT

ELSEWHERE = ("_ms", "_ratio")


def play(door: str, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """What each run found, once all of them have kept their bounds."""
    if not disk.can_be_had():
        names = tuple(name for name in names if name != "disk")
    command = [sys.executable, "-m", "lab.faults", *names, "--small", "--door", door]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "BREAKWATER"))
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=580)
    assert done.returncode in (0, 1), done.stderr[-4000:]
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert [run["run"] for run in runs] == list(names)
    broken = [
        f"{run['run']}, {name}: {count} is {case[count]}"
        for run in runs
        for name, case in run["cases"].items()
        for count, most in run["bounds"].items()
        if not case["control"] and not count.endswith(ELSEWHERE) and case.get(count, 0) > most
    ]
    assert not broken, done.stderr[-4000:]
    return runs


def controls(runs: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    cases = [case for run in runs if run["run"] == name for case in run["cases"].values()]
    return [case for case in cases if case["control"]]
