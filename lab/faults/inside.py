"""A process of the shop with a line to the run: `python -m lab.faults.inside FD [arguments of manage.py]`.

What can be asked of it is in `acts`, in another file here as `module.function`, or anywhere as `lab.module.function`.
Without arguments it serves nothing, and writes what the run wants written.
"""

import importlib
import runpy
import sys
import time
from typing import Any

from django.apps import apps

from lab.faults.remote import ROOT, answer, answer_in_background


def perform(name: str, *args: Any, **kwargs: Any) -> Any:
    # Not sooner: it needs the applications that the command sets up.
    while not apps.ready:
        time.sleep(0.05)
    module, _, function = name.rpartition(".")
    if not module.startswith("lab."):
        module = f"lab.faults.{module or 'acts'}"
    return getattr(importlib.import_module(module), function)(*args, **kwargs)


def main() -> None:
    descriptor, command = int(sys.argv[1]), sys.argv[2:]
    if command:
        answer_in_background(descriptor, perform)
        sys.argv = ["manage.py", *command]
        runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")
    else:
        import django

        django.setup()
        answer(descriptor, perform)


if __name__ == "__main__":
    main()
