"""What Prometheus is told by a real server while sockets open, hear, acknowledge and close."""

import asyncio
import contextlib
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta

import aiohttp
import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from notifications import hub as hubs
from notifications import metrics, vitals
from notifications.hub import READERS, current_hub
from notifications.models import Pending
from notifications.monitoring import CannotServeMetrics, serve_metrics
from notifications.vitals import Reporter, quantile, reports
from tests.notifications.client import Client
from tests.notifications.harbour import Harbour
from tests.notifications.writing import say
from tests.processes import free_port
from tests.waiting import eventually

Connect = Callable[..., Client]
Scrape = Callable[[], "Figures"]


class Figures(dict[str, float]):
    """Values by `name` or `name{label}`, labels by their values; what is not there is 0."""

    def __missing__(self, key: str) -> float:
        return 0.0

    @classmethod
    def of(cls, text: str) -> "Figures":
        figures = cls()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ",".join(sample.labels.values())
                figures[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return figures

    def since(self, before: "Figures") -> "Figures":
        return Figures({name: value - before[name] for name, value in self.items()})


@pytest.fixture(scope="module")
def port() -> int:
    port = free_port()
    serve_metrics("127.0.0.1", port)
    return port


@pytest.fixture
def scrape(port: int) -> Scrape:
    def read() -> Figures:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            return Figures.of(answer.read().decode())

    return read


@contextlib.contextmanager
def standing() -> Iterator[None]:
    """The loops of all hubs here stand still, and no query of theirs is under way."""
    go_on, loops = threading.Event(), [loop for loop in hubs._hubs if loop.is_running()]
    stands = {loop: threading.Event() for loop in loops}

    def stand(loop: asyncio.AbstractEventLoop) -> None:
        if current_hub().reading:
            loop.call_soon(stand, loop)
        else:
            stands[loop].set()
            go_on.wait(20)

    for loop in loops:
        loop.call_soon_threadsafe(stand, loop)
    try:
        assert loops
        assert all(event.wait(10) for event in stands.values())
        yield
    finally:
        go_on.set()


@pytest.fixture
def hub(channels: Harbour) -> Harbour:
    """There is a hub, also before anybody opened a socket."""
    made = threading.Event()
    channels.loop.call_soon_threadsafe(lambda: (current_hub(), made.set()))
    assert made.wait(10)
    return channels


def test_connections_are_counted_by_door_and_by_how_they_end(
    request: pytest.FixtureRequest, connect: Connect, scrape: Scrape
) -> None:
    door = request.node.callspec.params["harbour"]
    before = scrape()
    one, other, bad = connect(), connect(), connect()
    for client in (one, other, bad):
        client.hello()
    assert scrape().since(before)[f"notifications_open_sockets{{{door}}}"] == 3
    bad.say_raw("not a frame")
    assert bad.ended()[1] == 4506
    one.close()
    eventually(lambda: scrape().since(before)[f"notifications_open_sockets{{{door}}}"] == 1)
    assert ends(scrape().since(before)) == {f"{{4506,{door}}}": 1, f"{{gone,{door}}}": 1}


def ends(grown: Figures) -> dict[str, float]:
    name = "notifications_closes_total"
    return {key.removeprefix(name): value for key, value in grown.items() if value and key.startswith(name)}


def test_polls_and_event_streams_are_doors_of_their_own(
    channels: Harbour, transactional_db: None, scrape: Scrape, room: str
) -> None:
    # Those whom a test before left connected go when their server notices.
    eventually(lambda: not scrape()["notifications_open_sockets{sse}"])
    url, before = f"http://127.0.0.1:{channels.port}/api/v1/events/", scrape()
    with urllib.request.urlopen(f"{url}stream/?stream={room}", timeout=10) as stream:
        assert stream.readline().startswith(b"retry: ")
        assert scrape().since(before)["notifications_open_sockets{sse}"] == 1
    urllib.request.urlopen(f"{url}?stream={room}&wait=0", timeout=10).close()
    eventually(lambda: ends(scrape().since(before)) == {"{gone,poll}": 1, "{gone,sse}": 1})
    still = scrape().since(before)
    assert still["notifications_open_sockets{sse}"] == still["notifications_open_sockets{poll}"] == 0


def test_events_are_timed_once_each_and_acknowledgements_once_each(
    connect: Connect, scrape: Scrape, room: str
) -> None:
    clients = [connect(), connect(), connect()]
    for client in clients:
        client.hello()
        client.sub(room)
    before = scrape()
    say(room, 10)
    for client in clients:
        assert client.offsets(10) == [*range(1, 11)]
    # An event is timed once its frame has gone to the last, who may have it before that is counted.
    eventually(lambda: scrape().since(before)["notifications_commit_to_send_seconds_count"] == 10)
    grown = scrape().since(before)
    assert grown["notifications_deliveries_total"] == 30
    assert 0 < grown["notifications_commit_to_send_seconds_sum"] < 60
    assert grown["notifications_unacknowledged_events"] == 30
    assert scrape()["notifications_unacknowledged_events_max"] == 10

    clients[0].say("ack", s=room, o=10)
    clients[1].say("ack", s=room, o=4)
    eventually(lambda: scrape().since(before)["notifications_unacknowledged_events"] == 16)
    assert scrape().since(before)["notifications_send_to_ack_seconds_count"] == 2


def test_resumes_are_counted_by_whether_anything_was_missing(
    connect: Connect, scrape: Scrape, room: str
) -> None:
    say(room, 2)
    before, client = scrape(), connect()
    client.hello()
    here = client.sub(room)
    assert client.sub(room, e=here["e"], o=2)["recovered"]
    assert not client.sub(room, e="elsewhere", o=1)["recovered"]
    grown = scrape().since(before)
    assert (grown["notifications_resumes_total{true}"], grown["notifications_resumes_total{false}"]) == (1, 1)


def test_a_loop_that_stands_still_shows_as_lag(hub: Harbour, scrape: Scrape) -> None:
    before = scrape()
    with standing():
        time.sleep(0.8)
    # The timer that was due meanwhile came late by at least what the stand lasted beyond its quarter second.
    eventually(lambda: scrape().since(before)["notifications_loop_lag_seconds_sum"] > 0.4)
    lag = scrape().since(before)
    assert lag["notifications_loop_lag_seconds_bucket{0.2}"] < lag["notifications_loop_lag_seconds_count"]


def test_queries_that_wait_for_a_thread_are_counted(hub: Harbour, scrape: Scrape) -> None:
    go_on = threading.Event()

    async def read() -> None:
        await current_hub().read(go_on.wait, 20)

    try:
        for _ in range(READERS + 3):
            asyncio.run_coroutine_threadsafe(read(), hub.loop)
        # The hub's own poll may wait there, too.
        eventually(lambda: scrape()["notifications_reads_waiting"] >= 3)
        eventually(lambda: scrape()["notifications_reads"] == READERS)
    finally:
        go_on.set()
    eventually(lambda: scrape()["notifications_reads_waiting"] == 0)


def test_the_outbox_shows_its_depth_and_its_oldest(
    hub: Harbour, transactional_db: None, scrape: Scrape
) -> None:
    made = timezone.now() - timedelta(seconds=90)
    with standing():  # it would relay them
        Pending.objects.create(stream_name="crowd:a", kind="said", created_at=made)
        Pending.objects.create(stream_name="crowd:b", kind="said")
        figures = scrape()
        assert figures["notifications_outbox_events"] == 2
        assert 90 <= figures["notifications_outbox_oldest_seconds"] < 150
    eventually(lambda: scrape()["notifications_outbox_events"] == 0)
    assert scrape()["notifications_outbox_oldest_seconds"] == 0


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_connection_shows_and_rows_are_then_left_unread(scrape: Scrape) -> None:
    if connection.vendor != "postgresql":
        assert not [name for name in scrape() if name.startswith("database_pool")]
        return
    connection.ensure_connection()
    pool, held = connection.pool, []
    eventually(lambda: "notifications_outbox_events" in scrape())  # the hubs of this process ask now and then
    try:
        while pool.get_stats()["pool_size"] < pool.max_size or pool.get_stats()["pool_available"]:
            held.append(pool.getconn(5))
        waiting = threading.Thread(target=lambda: pool.putconn(pool.getconn(20)))
        waiting.start()
        eventually(lambda: scrape()["database_pool_requests_waiting{default}"] >= 1)
        assert "notifications_outbox_events" not in scrape()
        assert scrape()["database_pool_available{default}"] == 0
    finally:
        for each in held:
            pool.putconn(each)
    waiting.join(20)
    eventually(lambda: scrape()["database_pool_wait_seconds_total{default}"] > 0)


def test_a_clock_that_was_set_back_times_nothing(scrape: Scrape) -> None:
    before = scrape()
    metrics.event_sent(time.time() + 3600)
    metrics.event_sent(0.0)  # of a process that does not tell
    metrics.event_sent(time.time() - 0.003)
    assert scrape().since(before)["notifications_commit_to_send_seconds_count"] == 1


def test_a_port_that_is_taken_is_named(port: int) -> None:
    with pytest.raises(
        CannotServeMetrics, match=f"Cannot serve metrics on 127.0.0.1, port {port}: Address already"
    ):
        serve_metrics("127.0.0.1", port)
    with pytest.raises(CannotServeMetrics, match="port 70000"):
        serve_metrics("127.0.0.1", 70000)


@pytest.mark.parametrize(
    ("share", "counts", "seconds"),
    [
        (0.5, [0] * 15, None),
        (0.5, [0, 0, 10] + [10] * 12, 0.0035),  # half way between 2 and 5 ms
        (0.99, [50, 100] + [100] * 13, 0.00198),
        (0.5, [0] * 14 + [4], 30),  # longer than anybody thought
    ],
)
def test_quantiles_are_read_off_the_buckets(share: float, counts: list[int], seconds: float | None) -> None:
    assert quantile(share, counts) == (seconds if seconds is None else pytest.approx(seconds))


def test_each_process_reports_for_itself_and_is_forgotten_when_it_is_gone(
    hub: Harbour, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "EXPIRES", 3)
    started = [Reporter("web"), Reporter("relay")]
    for reporter in started:
        reporter.start()
    try:
        eventually(lambda: [report["name"] for report in reports()] == ["relay", "web"])
        with standing():
            # Told while it stands: nothing of the loop is needed for it.
            eventually(lambda: any((report["samples"][-1].lag or 0) > 1000 for report in reports()))
        cache.clear()  # as a restarted Redis: whose place is whose is settled anew
        eventually(lambda: [report["name"] for report in reports()] == ["relay", "web"])
        started[0].stop()
        eventually(lambda: [report["name"] for report in reports()] == ["relay"])
    finally:
        for reporter in started:
            reporter.stop()
            reporter.join(10)


def test_refused_handshakes_are_counted_by_their_status(
    connect: Connect, harbour: Harbour, hub: hubs.Hub, scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = "channels" if isinstance(harbour, Harbour) else "tornado"
    before = scrape()
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        connect(origin="http://evil.example")
    monkeypatch.setattr(hubs, "GREETINGS", 0)
    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
        connect()
    told, name = scrape().since(before), "notifications_refusals_total"
    assert {status: told[f"{name}{{{door},{status}}}"] for status in (403, 503)} == {403: 1, 503: 1}
