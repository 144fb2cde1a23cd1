"""What a run ran on: the machine, its limits, and how much of it went to others meanwhile."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from lab.faults.harness import allow_files
from lab.faults.site import LOAD_CPU, SERVER_CPU
from lab.wire.sockets import SOURCES

PACKAGES = (
    "django",
    "channels",
    "channels-redis",
    "daphne",
    "autobahn",
    "twisted",
    "uvloop",
    "tornado",
    "uvicorn",
    "granian",
    "gunicorn",
    "wsproto",
    "picows",
    "psycopg",
    "asyncpg",
)
NOISY_CORES = 0.1  # more than this of a core for others marks a row
CAN_PIN = hasattr(os, "sched_setaffinity") and {SERVER_CPU, LOAD_CPU} <= os.sched_getaffinity(0)


class CannotMeasure(Exception):
    """This machine cannot hold what is asked; the message says what to set."""


def describe() -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "versions": dict(_versions()),
        "pinning": {"server": SERVER_CPU, "load, database and broker": LOAD_CPU},
        "pinned": CAN_PIN,
    }


def name() -> str:
    """Of the folder with what was measured today on this machine."""
    words = f"{platform.system()}-{platform.machine()}-{os.cpu_count()}cpu".lower()
    return f"{date.today().isoformat()}-{re.sub(r'[^a-z0-9]+', '-', words)}"


def demand(sockets: int) -> None:
    """Raises CannotMeasure, or ends with what to set, where so many sockets would not fit."""
    allow_files(sockets, "--points N")
    demand_ports(sockets, _ports(), SOURCES if _has_sources() else 1)
    backlog = _number("/proc/sys/net/core/somaxconn", 4096)
    if backlog < min(sockets, 1024):
        raise CannotMeasure(
            f"Only {backlog} connections may wait to be accepted: sysctl -w net.core.somaxconn=4096"
        )


def demand_ports(sockets: int, ports: tuple[int, int], sources: int) -> None:
    """Half of them at most: those of connections that have ended rest for a minute."""
    low, high = ports
    if sockets > sources * (high - low) // 2:
        raise CannotMeasure(
            f"{sockets} sockets do not fit the {high - low} ports that a client may have here: allow more "
            "(sysctl -w net.ipv4.ip_local_port_range='1024 65535'), or let clients have more addresses "
            "(on macOS: sudo ifconfig lo0 alias 127.0.0.2)."
        )


def _has_sources() -> bool:
    with contextlib.suppress(OSError), socket.socket() as one:
        one.bind(("127.0.0.2", 0))
        return True
    return False


def _ports() -> tuple[int, int]:
    with contextlib.suppress(OSError):
        low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
        return int(low), int(high)
    return 49152, 65535


def _number(path: str, otherwise: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(Path(path).read_text())
    return otherwise


def _processor() -> str:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith("model name")).partition(": ")[2]
    return platform.processor()


def _versions() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            yield package, version(package)


# CPU


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """What these have used so far, with the children they have seen the end of. To the nanosecond on Linux."""
    return sum(_cpu(process) for process in processes)


def _cpu(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error, OSError):
        times = process.cpu_times()
        ended = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        if sys.platform == "linux":
            # The clock of another process, as clock_getcpuclockid(3) makes it: CPUCLOCK_SCHED of ~pid.
            return float(time.clock_gettime((~process.pid << 3) | 2)) + ended
        return float(times.user + times.system) + ended
    return 0.0


def tree(root: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [root, *root.children(recursive=True)]
    return []


@dataclass
class Foreign:
    """CPU that went to others than us, in cores: `begin` before a measurement, `cores` after it."""

    roots: Iterable[psutil.Process]

    def begin(self) -> None:
        self._at, self._busy, self._ours = time.monotonic(), _busy(), self._of_ours()

    def cores(self) -> float:
        seconds = time.monotonic() - self._at
        busy, ours = _busy() - self._busy, self._of_ours() - self._ours
        return max(0.0, (busy - ours) / seconds) if seconds > 0 else 0.0

    def _of_ours(self) -> float:
        family = {process.pid: process for root in self.roots for process in tree(root)}
        return cpu_seconds(family.values())


def _busy() -> float:
    """Of all processes, and of other machines on the same host; what the kernel does for none of them is nobody's."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0) + getattr(times, "steal", 0.0))
