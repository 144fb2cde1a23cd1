"""What a site of some size takes: processes, cores, memory, and what goes through Valkey and PostgreSQL."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from channels_redis.serializers import registry

from lab.scale.rows import Fitted
from notifications import hub, protocol
from notifications.protocol import Entry, Limits

PER_PROCESS = 10_000  # sockets: as many as were measured in one
BUSY = 0.6  # of a core, so that a burst finds room
POLL_SECONDS = 1.0
TOPS_A_QUERY = 1000


@dataclass(frozen=True)
class Demand:
    """`events` a second in all, each to `fan_out` sockets; each socket follows a stream of its own and a shared one."""

    name: str
    sockets: int
    events: float
    fan_out: float


@dataclass(frozen=True)
class Needs:
    processes: int
    cores: float
    memory_gib: float
    valkey_out: float  # MB/s
    frames: float  # a second, both ways, of heartbeats alone
    queries: float  # a second, where nothing happens
    rows: float  # a second, that these look at


DEMANDS = (
    Demand("a first shop", 1_000, 5, 50),
    Demand("a busy one", 10_000, 50, 100),
    Demand("a city's", 100_000, 200, 500),
    Demand("a million", 1_000_000, 400, 1000),
    Demand("a million, busy", 1_000_000, 1000, 1000),
)


class OneChannelIsNotEnough(ValueError):
    """Each process hears of each event: at so many, hearing alone fills it."""


def most_events(fitted: Fitted) -> float:
    """A second, until hearing of them is all that a process can do."""
    hearing = fitted.cpu["process"]
    return (BUSY - fitted.alone) / hearing if hearing else math.inf


def needs(demand: Demand, fitted: Fitted) -> Needs:
    """As few processes as have room for the sockets, and time for the work."""
    each = fitted.alone + demand.events * fitted.cpu["process"]
    if each >= BUSY:
        raise OneChannelIsNotEnough(f"{demand.events:g} events a second")
    shared = demand.events * demand.fan_out * fitted.cpu["delivery"] + demand.sockets * fitted.staying
    processes = math.ceil(max(1, demand.sockets / PER_PROCESS, shared / (BUSY - each)))
    memory = processes * fitted.memory["process"] + demand.sockets * fitted.signed_in
    return Needs(
        processes,
        cores=processes * each + shared,
        memory_gib=memory / 1024,
        valkey_out=processes * demand.events * hint_bytes() / 1e6 if processes > 1 else 0.0,
        frames=2 * demand.sockets / Limits().ping,
        queries=processes * queries(demand.sockets / processes),
        rows=rows_looked_at(demand.sockets),
    )


def queries(sockets: float) -> float:
    """A second, of a process with so many signed-in sockets, each with a stream of its own."""
    polls = (math.ceil(sockets / TOPS_A_QUERY) + 1) / POLL_SECONDS  # the tops, and what waits for a relay
    reviews = (
        3 * math.ceil(sockets / hub.REVIEW_BATCH) / hub.REVIEW_SECONDS
    )  # users, sessions, and who is here
    return polls + reviews


def rows_looked_at(sockets: float) -> float:
    """A second: a top for each stream, a user and a session for each reader."""
    return sockets / POLL_SECONDS + 2 * sockets / hub.REVIEW_SECONDS


def hint_bytes() -> int:
    """Of an event as it goes to another process."""
    data = {"status": "shipped", "number": "BW-10417", "carrier": "Tideway", "tracking": "TW4410927IE"}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    frame = protocol.event("order:8Fq2vXnW3kLd", "4f1c", 17, uuid.UUID(int=1), "order.shipped", at, data)
    entry = Entry("order:8Fq2vXnW3kLd", "4f1c", 17, frame, at.timestamp())
    serializer = registry.get_serializer("msgpack")
    return len(serializer.serialize({"type": "hint", "entries": [list(entry)]}))
