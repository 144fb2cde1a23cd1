"""What it costs when sockets leave and come back, one or thousands."""

import socket
import struct
import time
import uuid
from contextlib import contextmanager

from django.db.backends.signals import connection_created

from notifications import daphne_server
from notifications import hub as hubs
from notifications.log import position
from tests.notifications.client import subscribed
from tests.notifications.harbour import closed_squares, rule_calls
from tests.notifications.writing import say
from tests.waiting import eventually


def test_nothing_is_kept_of_sockets_that_left(connect, room, harbour, monkeypatch):
    monkeypatch.setattr(hubs, "LINGER_SECONDS", 0.1)
    clients = [subscribed(connect, room) for _ in range(5)]
    hub = hubs._hubs[harbour.loop]
    assert (sum(hub.sockets.values()), room in hub._feeds) == (5, True)
    for client in clients:
        client.close()
    eventually(lambda: room not in hub._feeds, 3)
    assert not hub.sockets


@contextmanager
def queries_of_the_log():
    """The statements on the log that the hub's threads run meanwhile; each opens a connection of its own."""
    asked = []

    def watch(execute, sql, params, many, context):
        if "notifications_event" in sql:
            asked.append(sql)
        return execute(sql, params, many, context)

    def opened(connection, **_):
        if watch not in connection.execute_wrappers:
            connection.execute_wrappers.append(watch)

    connection_created.connect(opened)
    try:
        yield asked
    finally:
        connection_created.disconnect(opened)


def test_resume_costs_one_query_of_the_log_and_none_where_others_heard_it(connect, room):
    watchers = [subscribed(connect, room) for _ in range(2)]
    say(room, 4)
    for client in watchers:
        client.offsets(4)
    resume = {room: {"e": position(room).epoch, "o": 1}}
    with queries_of_the_log() as asked:
        for client in [connect() for _ in range(10)]:
            client.hello(resume=resume)
            assert (client.hear()["recovered"], client.offsets(3)) == (True, [2, 3, 4])
    assert asked == []
    alone = f"{room}-alone"
    say(alone, 3)
    resume = {alone: {"e": position(alone).epoch, "o": 1}}
    with queries_of_the_log() as asked:
        client = connect()
        client.hello(resume=resume)
        assert (client.hear()["recovered"], client.offsets(2)) == (True, [2, 3])
    assert len(asked) == 1


def test_a_crowd_that_was_cut_off_at_once_comes_back_without_a_query(connect, room, harbour):
    crowd = [subscribed(connect, room) for _ in range(3)]
    say(room, 2)
    for client in crowd:
        client.offsets(2)
        client.close()
    eventually(lambda: not hubs._hubs[harbour.loop].sockets, 3)
    say(room, 3)  # with nobody there
    with queries_of_the_log() as asked:
        for client in [connect() for _ in range(3)]:
            client.hello(resume={room: {"e": position(room).epoch, "o": 1}})
            assert (client.hear()["recovered"], client.offsets(4)) == (True, [2, 3, 4, 5])
        newcomer = connect()
        newcomer.hello()
        assert newcomer.sub(room)["o"] == 5
    assert asked == []


def test_whether_a_public_stream_may_be_read_is_asked_once_for_all(connect, harbour, monkeypatch):
    monkeypatch.setattr("notifications.subscription.PUBLIC_SECONDS", 1.0)
    square = f"square:{uuid.uuid4().hex[:8]}"
    say(square, 1)
    crowd = [connect() for _ in range(5)]
    for client in crowd:
        client.hello()
        assert client.sub(square)["t"] == "ok"
    assert rule_calls[square.removeprefix("square:")] == 1
    closed_squares.add(square.removeprefix("square:"))
    eventually(lambda: crowd[0].sub(square)["t"] == "err", 5)
    assert crowd[1].sub(square)["t"] == "err"


def test_a_handshake_that_no_application_answers_holds_no_place_at_the_doorway(
    connect, room, channels, monkeypatch
):
    monkeypatch.setattr(daphne_server, "AT_ONCE", 2)
    lost = [socket.create_connection(("127.0.0.1", channels.port)) for _ in range(20)]
    for each in lost:
        each.sendall(handshake(channels, "/ws/nowhere/"))
    begun = time.monotonic()
    subscribed(connect, room, port=channels.port)
    assert time.monotonic() < begun + 3  # Daphne looks once a second for applications that ended
    for each in lost:
        each.close()


def handshake(server, path="/ws/notifications/"):
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
    ).encode()


def test_handshakes_that_break_off_hold_no_place_at_the_doorway(connect, room, channels, monkeypatch):
    monkeypatch.setattr(daphne_server, "AT_ONCE", 2)
    for number in range(40):
        with socket.create_connection(("127.0.0.1", channels.port)) as hasty:
            hasty.sendall(handshake(channels))
            if number % 2:  # reset instead of a farewell
                hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    clients = [subscribed(connect, room, port=channels.port) for _ in range(5)]
    say(room)
    assert [client.offsets(1) for client in clients] == [[1]] * 5
    doorway = channels._server.doorway
    eventually(lambda: not (doorway._waiting or doorway._under_way), 5)
