"""What is Tornado's own behind the second door, and that it is the same door: processes and sockets are real."""

import asyncio
import json
import re
import signal
import socket
import time
import urllib.request
from types import SimpleNamespace

import psutil
import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from tornado.iostream import IOStream

from notifications.log import position
from notifications.protocol import MESSAGE_BYTES, Frame, Limits
from notifications.tornado_server import Socket
from tests.notifications.pier import pier
from tests.notifications.writing import ROOT, say


@pytest.fixture(scope="module")
def harbour(channels):
    return channels


@pytest.fixture(scope="module")
def by_layer(django_db_setup, valkey_url):
    """A Tornado that never looks into the log by itself: what arrives live came by the layer. Its port."""
    with pier("--poll", "3600", REDIS_URL=valkey_url) as started:
        yield started.port


@pytest.fixture(params=["daphne", "tornado"])
def either_door(request, harbour, by_layer):
    return by_layer if request.param == "tornado" else harbour.port


@pytest.fixture
def layer(settings, valkey_url):
    """What this process says reaches others."""
    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": {"hosts": [valkey_url]}}}


@pytest.fixture
def user(transactional_db):
    return get_user_model().objects.create_user(email="mate@example.com", password="x")


def greeted(connect, **options):
    client = connect(**options)
    assert client.hello()["t"] == "welcome"
    return client


def test_one_event_has_the_same_bytes_through_both_doors(connect, by_layer, layer, room):
    clients = [greeted(connect), greeted(connect, port=by_layer)]
    for client in clients:
        assert client.sub(room) == {"t": "ok", "id": 1, "stream": room, "e": "", "o": 0, "recovered": True}
    say(room, 3, text="grüße", pad="x" * 200)
    live = [[client.hear_text() for _ in range(3)] for client in clients]
    for client in clients:
        assert client.sub(room, e=position(room).epoch, o=0)["recovered"]
    replayed = [[client.hear_text() for _ in range(3)] for client in clients]
    assert [json.loads(text)["o"] for text in live[0]] == [1, 2, 3]
    assert live[0] == live[1] == replayed[0] == replayed[1]


def test_what_no_door_takes_in_cuts_the_connection(connect, either_door):
    client = greeted(connect, port=either_door)
    client.say_raw("x" * (MESSAGE_BYTES + 1))
    assert client.hear()["code"] in (1006, 1009)


async def test_what_the_kernel_does_not_take_at_once_follows_in_order(small_connection):
    ours, theirs = small_connection
    door = Socket(SimpleNamespace(ws_connection=SimpleNamespace(stream=IOStream(ours))))
    frames = [Frame(f"{number} ".ljust(15_000, "x")) for number in range(50)]
    wire, read = b"".join(frame.wire for frame in frames), b""
    for frame in frames:
        door.write([frame])
        read += await receive(theirs, 2000)
    while len(read) < len(wire):
        read += await receive(theirs, 1 << 16)
    assert read == wire


async def receive(connection, size):
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(connection, size), 5)


@pytest.fixture
def small_connection():
    """Both ends of a connection that takes a few frames."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024)
        theirs.connect(listener.getsockname())
        ours = listener.accept()[0]
        with ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * 1024)
            theirs.setblocking(False)
            yield ours, theirs


def test_client_that_asks_and_never_reads_is_cut_off(connect, either_door, room):
    say(room, 18, text="x" * 15_000)
    client = greeted(connect, port=either_door)
    with pytest.raises(ConnectionError):
        ask_again_and_again(client, room)


def ask_again_and_again(client, stream, seconds=20):
    deadline, epoch = time.monotonic() + seconds, position(stream).epoch
    while time.monotonic() < deadline:
        client.say("sub", id=1, stream=stream, e=epoch, o=0)
        time.sleep(0.05)  # no more often than it may


def test_health(by_layer):
    for path, answer in {"livez": b"ok\n", "readyz": b'{"ready": true, "fault": ""}'}.items():
        with urllib.request.urlopen(f"http://127.0.0.1:{by_layer}/{path}", timeout=5) as response:
            assert response.read() == answer


def not_yet_greeted(connect, at):
    """A connection to this one of two processes that share its port."""
    for _ in range(30):
        client = connect(port=at.port)
        port = client._ws.get_extra_info("sockname")[1]
        if port in {
            one.raddr.port for one in psutil.Process(at.process.pid).net_connections("tcp") if one.raddr
        }:
            return client
    raise AssertionError("the system gave all of them to the other process")


def test_sigterm_sends_everybody_to_the_process_that_shares_the_port(connect, transactional_db, room):
    with pier("--reuse-port") as old:
        clients = [greeted(connect, port=old.port) for _ in range(10)]
        epochs = [client.sub(room)["e"] for client in clients]
        with pier("--reuse-port", "--port", str(old.port)):
            halfway = not_yet_greeted(
                connect, old
            )  # now: a process may take longer to start than one may be silent
            started = time.monotonic()
            old.process.send_signal(signal.SIGTERM)
            for client in [*clients, halfway]:
                bye, code = client.ended()
                assert (bye["code"], bye["reconnect"], code) == (4001, True, 1012)
            assert old.process.wait(10) == 0
            assert time.monotonic() - started < 8
            say(room)
            again = connect(port=old.port)
            again.hello(resume={room: {"e": epochs[0], "o": 0}})
            assert again.hear()["recovered"]
            assert again.offsets(1) == [1]


def test_shops_own_streams_stand_behind_the_command(connect, make_variant, transactional_db):
    slug = make_variant().product.slug
    with pier("--port", "0", command=("manage.py", "serve_tornado"), BREAKWATER_VENV="off") as shop:
        client = greeted(connect, port=shop.port)
        assert client.sub(f"product:{slug}")["t"] == "ok"
        for forbidden in ("product:nothing", "staff:orders", "user:1", "order:1"):
            assert client.sub(forbidden)["code"] == "not_found"


def test_address_that_cannot_be_had_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"127\.0\.0\.1, port {port}: .*in use"):
            call_command("serve_tornado", port=port)
    with pytest.raises(CommandError, match="99999"):
        call_command("serve_tornado", port=99999)


def test_documented_proxy_waits_longer_than_any_socket_is_quiet():
    manual = (ROOT / "docs/deployment.md").read_text()
    limits = Limits()
    assert int(re.search(r"proxy_read_timeout (\d+)s;", manual)[1]) > limits.ping + limits.pong
    ports = re.findall(r"serve_tornado .*--port (\d+)", manual)
    assert re.findall(r"127\.0\.0\.1:(81\d+)", manual) == ports
