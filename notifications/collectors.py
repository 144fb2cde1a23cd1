"""What is read for Prometheus when it asks, and costs nothing in between.

Hubs are read from another thread than theirs: plain numbers, and a pass over the open connections that takes
about 0.2 us for each. Rows are read on one connection, which is given back; while others wait for one, none is
taken and these figures are left out.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from asgiref.sync import SyncToAsync
from django.db import connections
from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from notifications import log
from notifications.hub import READERS, Hub, running_hubs, with_connection

logger = logging.getLogger(__name__)


class Hubs(NamedTuple):
    """All hubs of this process at this moment; `queue` is of queries that wait for a thread."""

    sockets: Counter[str]
    delivered: int
    unacknowledged: int
    most_unacknowledged: int
    reading: int
    queue: int


def read_hubs() -> Hubs:
    hubs = running_hubs()
    sockets: Counter[str] = Counter()
    for hub in hubs:
        sockets.update(dict(hub.doors))  # a copy: it may change meanwhile
    windows = [each.window.open_events for hub in hubs for each in tuple(hub.conversations)]
    return Hubs(
        sockets=sockets,
        delivered=sum(hub.delivered for hub in hubs),
        unacknowledged=sum(windows),
        most_unacknowledged=max(windows, default=0),
        reading=sum(min(hub.reading, READERS) for hub in hubs),
        queue=sum(_queue(hub) for hub in hubs),
    )


def _queue(hub: Hub) -> int:
    return max(0, hub.reading - READERS)


def request_threads() -> int:
    """Under ASGI a request that touches the database has a thread of its own."""
    return len(SyncToAsync.context_to_thread_executor)


def shared_thread_queue() -> int:
    """What waits for the one thread of all synchronous code outside of requests. It has no public name."""
    return SyncToAsync.single_thread_executor._work_queue.qsize()


def pools() -> Iterator[tuple[str, dict[str, int]]]:
    """The statistics of each database's connection pool, where it has one (see psycopg_pool)."""
    for alias in connections:
        pool = getattr(connections[alias], "pool", None)
        if pool is not None:
            yield alias, pool.get_stats()


# Rows


class Figure(NamedTuple):
    name: str
    documentation: str
    read: Callable[[], float]


OUTBOX = (
    Figure(
        "notifications_outbox_events", "Events of shared streams without an offset yet.", log.outbox_depth
    ),
    Figure("notifications_outbox_oldest_seconds", "For how long the oldest of them waits.", log.outbox_age),
)
_figures = [*OUTBOX]


def add_figure(name: str, documentation: str, read: Callable[[], float]) -> None:
    """Adds a figure of the project's own; `read` may ask the database, and is called in a thread."""
    _figures.append(Figure(name, documentation, read))


def read_figures(figures: Sequence[Figure]) -> list[float] | None:
    """None while the database cannot be asked or has no connection to spare."""
    if any(stats["requests_waiting"] for _, stats in pools()):
        return None
    try:
        return with_connection(lambda: [figure.read() for figure in figures])
    except Exception:
        logger.warning("The figures that are rows cannot be read.", exc_info=True)
        return None


# For Prometheus


class ReadWhenAsked(Collector):
    def describe(self) -> list[Metric]:
        return []  # the registry would read them to find their names


class HubCollector(ReadWhenAsked):
    def collect(self) -> Iterator[Metric]:
        hubs = read_hubs()
        open_sockets = GaugeMetricFamily("notifications_open_sockets", "Open connections.", labels=["door"])
        for door, count in hubs.sockets.items():
            open_sockets.add_metric([door], count)
        yield open_sockets
        yield CounterMetricFamily(
            "notifications_deliveries", "Events handed to a connection.", value=hubs.delivered
        )
        yield GaugeMetricFamily(
            "notifications_unacknowledged_events",
            "On their way to all connections.",
            value=hubs.unacknowledged,
        )
        yield GaugeMetricFamily(
            "notifications_unacknowledged_events_max",
            "On their way to the connection with the most.",
            value=hubs.most_unacknowledged,
        )
        yield GaugeMetricFamily("notifications_reads", "Queries in the hub's threads.", value=hubs.reading)
        yield GaugeMetricFamily(
            "notifications_reads_waiting", "Queries that wait for one of the hub's threads.", value=hubs.queue
        )


class ThreadCollector(ReadWhenAsked):
    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("process_threads", "Threads of Python.", value=threading.active_count())
        yield GaugeMetricFamily(
            "asgi_request_threads", "Threads that requests have for themselves.", value=request_threads()
        )
        yield GaugeMetricFamily(
            "asgi_shared_thread_waiting",
            "Calls that wait for the thread of all synchronous code outside of requests.",
            value=shared_thread_queue(),
        )


class PoolCollector(ReadWhenAsked):
    GAUGES = (
        ("pool_size", "database_pool_connections", "Connections of the pool."),
        ("pool_available", "database_pool_available", "Of these, the idle ones."),
        ("requests_waiting", "database_pool_requests_waiting", "Who waits for a connection."),
    )
    COUNTERS = (
        ("requests_num", "database_pool_requests", "Connections asked for.", 1),
        ("requests_queued", "database_pool_requests_queued", "Of these, those that had to wait.", 1),
        ("requests_wait_ms", "database_pool_wait_seconds", "For how long, all together.", 1000),
        ("requests_errors", "database_pool_requests_failed", "Those that waited in vain.", 1),
    )

    def collect(self) -> Iterator[Metric]:
        found = list(pools())
        for key, name, documentation in self.GAUGES:
            gauge = GaugeMetricFamily(name, documentation, labels=["database"])
            for alias, stats in found:
                gauge.add_metric([alias], stats.get(key, 0))
            yield gauge
        for key, name, documentation, unit in self.COUNTERS:
            counter = CounterMetricFamily(name, documentation, labels=["database"])
            for alias, stats in found:
                counter.add_metric([alias], stats.get(key, 0) / unit)
            yield counter


class FigureCollector(ReadWhenAsked):
    def collect(self) -> Iterator[Metric]:
        for figure, value in zip(_figures, read_figures(_figures) or [], strict=False):
            yield GaugeMetricFamily(figure.name, figure.documentation, value=value)


for _collector in (HubCollector(), ThreadCollector(), PoolCollector(), FigureCollector()):
    REGISTRY.register(_collector)
