"""What a program holds is told by whose code asked for it; what it gave back is not."""

import subprocess
import sys
from pathlib import Path

from lab.memory import held
from tests.processes import ROOT

MEGABYTE = 1_000_000
PROGRAM = f"""
import os, signal
def take():
    given_back = bytearray(7 * {MEGABYTE})
    return [bytearray(3 * {MEGABYTE}), *(object() for _ in range(1000))]
before = bytearray(5 * {MEGABYTE})
os.kill(os.getpid(), signal.SIGUSR1)
kept = take()
os.kill(os.getpid(), signal.SIGUSR1)
after = bytearray(11 * {MEGABYTE})
"""


def test_what_is_held_is_counted_for_whoever_asked(tmp_path: Path) -> None:
    program, told = tmp_path / "lib/python3.13/site-packages/twisted/program.py", tmp_path / "told"
    program.parent.mkdir(parents=True)
    program.write_text(PROGRAM)
    subprocess.run([sys.executable, "-m", "lab.tracked", told, program], cwd=ROOT, check=True, timeout=60)
    owners = held(told)
    # Each of the small objects by itself, not the arena that holds them.
    assert 3 * MEGABYTE + 1000 * 16 <= owners["Daphne, Twisted"] < 3.2 * MEGABYTE
    assert owners.total() < 3.4 * MEGABYTE
