"""How many reservations a second each way to take stock makes: `python -m lab.stock [--seconds S]`.

Buyers are threads of two processes, each with a connection of its own, who reserve one print after another as an order
does (`shop.inventory.services.reserve`): all of them the same print, or any of a hundred. On PostgreSQL, with its
default of waiting for the disk at each commit. The ways take turns in three rounds; the figures are medians.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict

from lab.faults.remote import Process
from lab.faults.site import Site

WAYS = ("guarded", "row_lock", "advisory_lock")
BUYERS = (2, 8, 32)
PLENTY = 10**8
ROUNDS = 3


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=3.0, help="of each of the 54 measurements")
    seconds = options.parse_args().seconds
    rates: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    with Site() as site:
        buyers = [site.process("lab.faults.inside", f"buyers-{number}") for number in range(2)]
        try:
            prints = [site.product(PLENTY)[1] for _ in range(100)]
            for _ in range(ROUNDS):
                for choice in (1, 100):
                    for count in BUYERS:
                        for way in WAYS:
                            rate = _rate(buyers, seconds, way, prints[:choice], count)
                            rates[way, choice, count].append(rate)
        finally:
            for process in buyers:
                process.kill()
    _show(rates)


def _rate(buyers: list[Process], seconds: float, way: str, prints: list[int], count: int) -> float:
    each = count // len(buyers)
    started = [process.start("sales.reserve_for", seconds, way, prints, each) for process in buyers]
    return sum(one.result(seconds + 60) for one in started) / seconds


def _show(rates: dict[tuple[str, int, int], list[float]]) -> None:
    columns = [(choice, count) for choice in (1, 100) for count in BUYERS]
    print(
        "| way | "
        + " | ".join(f"{choice} print{'s' * (choice > 1)}, {count}" for choice, count in columns)
        + " |"
    )
    print("| --- |" + " ---: |" * len(columns))
    for way in WAYS:
        print(
            f"| `{way}` | " + " | ".join(_cell(rates[way, choice, count]) for choice, count in columns) + " |"
        )


def _cell(rates: list[float]) -> str:
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f}–{max(rates):,.0f})"


if __name__ == "__main__":
    main()
