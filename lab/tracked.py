"""A program whose memory is looked at: `python -m lab.tracked FILE [-m] PROGRAM [ARGUMENT ...]` (see `lab.memory`).

Between one SIGUSR1 and the next memray writes to FILE what is allocated and not given back.
"""

from __future__ import annotations

import runpy
import signal
import sys
from typing import Any

import memray


def main() -> None:
    file, *command = sys.argv[1:]
    tracker: memray.Tracker | None = None

    def turn(*_: Any) -> None:
        nonlocal tracker
        if tracker is None:
            tracker = memray.Tracker(
                file,
                trace_python_allocators=True,  # each object, not the arenas that hold many
                file_format=memray.FileFormat.AGGREGATED_ALLOCATIONS,
            )
            tracker.__enter__()
        else:
            tracker.__exit__(None, None, None)

    signal.signal(signal.SIGUSR1, turn)
    is_module = command[0] == "-m"
    sys.argv = command[is_module:]
    if is_module:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
