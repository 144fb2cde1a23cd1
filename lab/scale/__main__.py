"""Fits the model to what the lab measured last, and fills docs/scale.md with what comes out.

python -m lab.scale [--from FOLDER ...] [--print]
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import django

from lab.measured import full_runs, newest


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(prog="python -m lab.scale", description=__doc__, formatter_class=raw)
    options.add_argument("--from", dest="folders", nargs="+", type=Path, help="default: all full runs")
    options.add_argument("--print", action="store_true", help="and leave the document as it is")
    given = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    django.setup()
    # Not sooner: the constants of the shop that they read stand among its models.
    from lab.scale.document import DOCUMENT, filled, written
    from lab.scale.rows import NothingMeasured

    try:
        chapters = written(newest(given.folders or full_runs()))
    except (NothingMeasured, OSError) as fault:
        sys.exit(str(fault))
    if given.print:
        print("\n\n".join(chapters.values()))
    else:
        DOCUMENT.write_text(filled(DOCUMENT.read_text(), chapters))


if __name__ == "__main__":
    main()
