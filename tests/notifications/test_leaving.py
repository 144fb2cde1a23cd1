"""A server that leaves, and people who must: everybody is told, within seconds, and nothing is lost."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from types import SimpleNamespace

import aiohttp
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client as Browser

from notifications import daphne_server
from notifications.hub import Hub
from notifications.identity import issue_ticket
from notifications.models import Event, Stream
from notifications.protocol import SUBPROTOCOL
from tests.notifications.doors import Pier
from tests.notifications.writing import ROOT, environment, run_python, say

SECONDS = 5


@pytest.fixture
def user(transactional_db):
    return get_user_model().objects.create_user(email="mate@example.com", password="x", is_staff=True)


@pytest.fixture
def opened(connect, harbour, user):
    """A signed-in browser's socket on the user's own stream, and the browser."""
    browser = Browser()
    browser.force_login(user)
    headers = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    client = connect(headers=headers, origin=f"http://127.0.0.1:{harbour.port}")
    client.hello()
    assert client.sub(f"own:{user.pk}")["t"] == "ok"
    return client, browser


def sign_out(browser, user):
    browser.logout()


def change_password(browser, user):
    user.set_password("another")
    user.save()


def disable(browser, user):
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)


def delete(browser, user):
    user.delete()


def let_the_session_run_out(browser, user):
    Session.objects.update(expire_date="2020-01-01T00:00:00Z")


def change_password_here(browser, user):
    """The page that does it stays signed in, under a new session."""
    change_password(browser, user)
    browser.force_login(user)


REASONS = [sign_out, change_password, disable, delete, let_the_session_run_out]


@pytest.mark.parametrize("happens", REASONS)
def test_open_socket_of_whoever_may_not_stay_ends_within_five_seconds(opened, user, happens):
    client, browser = opened
    happens(browser, user)
    started = time.monotonic()
    bye, code = client.ended()
    assert (bye["code"], bye["reconnect"], code) == (4503, False, 4503)
    assert time.monotonic() - started < SECONDS


def test_socket_of_a_ticket_ends_with_the_session_that_asked_for_it(connect, user):
    browser = Browser()
    browser.force_login(user)
    client = connect()
    client.hello(ticket=issue_ticket(user, browser.session.session_key))
    assert client.sub(f"own:{user.pk}")["t"] == "ok"
    browser.logout()
    assert client.ended()[1] == 4503


@pytest.mark.parametrize("happens", [*REASONS, change_password_here])
def test_ticket_of_a_session_that_ended_before_it_was_used_opens_nothing(connect, visitor, user, happens):
    browser = Browser()
    browser.force_login(user)
    tickets = [issue_ticket(user, browser.session.session_key) for _ in range(2)]
    happens(browser, user)
    bye, code = connect().say("hello", ticket=tickets[0]).ended()
    assert (bye["code"], bye["reconnect"], code) == (4501, False, 4501)
    answer = visitor.poll("square:any", wait=0, Authorization=f"Ticket {tickets[1]}")
    assert answer.error == (401, "bad_ticket")


def test_lost_permission_closes_the_stream_and_leaves_the_rest(opened, user):
    client, _ = opened
    user.user_permissions.add(Permission.objects.get(codename="view_session"))
    assert client.sub("desk:any")["t"] == "ok"
    user.user_permissions.clear()
    started = time.monotonic()
    wanted = {"t": "err", "id": None, "stream": "desk:any", "code": "not_found", "temporary": False}
    assert client.hear() == wanted
    assert time.monotonic() - started < SECONDS
    say("desk:any")
    say(f"own:{user.pk}")
    assert client.hear()["s"] == f"own:{user.pk}"


def test_lost_permission_cannot_be_asked_back_on_the_open_socket(opened, user):
    client, _ = opened
    user.user_permissions.add(Permission.objects.get(codename="view_session"))
    place = client.sub("desk:any")
    assert place["t"] == "ok"
    user.user_permissions.clear()
    assert client.hear()["t"] == "err"
    for where in ({}, {"e": place["e"], "o": place["o"]}):
        assert client.sub("desk:any", **where)["code"] == "not_found"
    say("desk:any")
    client.hear_nothing(0.3)


def test_permission_got_meanwhile_opens_on_the_same_socket(opened, user):
    client, _ = opened
    assert client.sub("desk:any")["t"] == "err"
    user.user_permissions.add(Permission.objects.get(codename="view_session"))
    assert client.sub("desk:any")["t"] == "ok"


def test_lost_permission_is_told_to_whoever_asks_by_plain_http(visitor, channels, user):
    browser = Browser()
    browser.force_login(user)
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    user.user_permissions.add(Permission.objects.get(codename="view_session"))
    source = visitor.stream("desk:any", f"own:{user.pk}", **cookie)
    assert [frame["t"] for frame in source.opened()] == ["ok", "ok"]
    assert visitor.poll("desk:any", **cookie).kinds == ["ok"]
    user.user_permissions.clear()
    assert visitor.poll("desk:any", **cookie).error == (404, "not_found")
    said = source.hear()
    assert (said["t"], said["stream"], said["code"]) == ("err", "desk:any", "not_found")
    say("desk:any")
    say(f"own:{user.pk}")
    assert source.hear()["s"] == f"own:{user.pk}"
    source.close()


def test_whoever_may_stay_stays(opened, connect, room, settings):
    settings.NOTIFICATIONS_REVIEW_SECONDS = 0.2
    client, _ = opened
    guest = connect()
    guest.hello()
    guest.sub(room)
    client.hear_nothing(2.5)
    say(room)
    assert guest.offsets(1) == [1]


def test_what_a_session_is_granted_later_opens_on_the_same_socket(connect, harbour):
    browser = Browser()
    session = browser.session
    session["guest_of"] = ["7"]
    session.save()
    headers = {"Cookie": f"sessionid={session.session_key}"}
    client = connect(headers=headers, origin=f"http://127.0.0.1:{harbour.port}")
    client.hello()
    assert client.sub("guest:8")["t"] == "err"
    session["guest_of"] = ["7", "8"]
    session.save()
    assert client.sub("guest:8")["t"] == "ok"


def test_socket_that_was_open_long_enough_is_asked_to_come_again(connect, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 0.1, "pong": 1, "age": 0.3}
    client = connect()
    client.hello()
    while (frame := client.hear())["t"] == "ping":
        client.say("pong")
    assert (frame["t"], frame["code"], frame["reconnect"]) == ("bye", 4020, True)


def test_pong_that_nobody_asked_for_puts_off_neither_the_heartbeat_nor_the_age(connect, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 0.4, "pong": 5, "age": 0.6}
    client = connect()
    client.hello()
    heard, until = [], time.monotonic() + SECONDS
    while "bye" not in heard and time.monotonic() < until:
        client.say("pong")
        with suppress(TimeoutError):
            frame = client.hear(0.2)
            heard.append(frame["t"])
    assert heard == ["ping", "bye"]
    assert frame["code"] == 4020


def test_more_greetings_than_there_is_room_for_are_answered_503(connect, monkeypatch, harbour):
    monkeypatch.setattr("notifications.hub.GREETINGS", 3)
    silent = [connect() for _ in range(3)]
    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
        connect()
    for client in silent:
        assert client.hello()["t"] == "welcome"
    assert connect().hello()["t"] == "welcome"


async def test_handshakes_wait_for_one_another_and_past_a_bound_are_answered_503(monkeypatch, channels, room):
    url = f"http://127.0.0.1:{channels.port}/ws/notifications/"
    async with aiohttp.ClientSession() as http:
        monkeypatch.setattr(daphne_server, "AT_ONCE", 1)
        visitors = await asyncio.gather(*(http.ws_connect(url, protocols=[SUBPROTOCOL]) for _ in range(40)))
        await asyncio.gather(*(visitor.send_json({"t": "hello"}) for visitor in visitors))
        heard = await asyncio.gather(*(visitor.receive_json(timeout=SECONDS) for visitor in visitors))
        assert {frame["t"] for frame in heard} == {"welcome"}
        monkeypatch.setattr(daphne_server, "WAITING", 0)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await http.ws_connect(url)


@pytest.mark.parametrize("lean", ["on", "off"])
def test_sigterm_says_goodbye_to_everybody_and_ends(other_harbours, connect, room, harbour, lean):
    if lean == "off" and isinstance(harbour, Pier):
        pytest.skip("a question of Daphne's")
    process, port = other_harbours.process(poll=3600, LEAN_SOCKETS=lean)
    clients = [connect(port=port) for _ in range(20)]
    for client in clients:
        client.hello()
        client.sub(room)
    halfway = connect(port=port)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    waits = []
    for client in [*clients, halfway]:
        bye, code = client.ended()
        assert (bye["code"], bye["reconnect"], code) == (4001, True, 1012)
        waits.append(bye["retry_ms"])
    assert process.wait(10) == 0
    assert time.monotonic() - started < 8
    assert len(set(waits)) > 10  # spread, so that they do not come back in one moment
    with pytest.raises(aiohttp.ClientConnectionError):
        connect(port=port)


def test_relay_command_numbers_what_others_left_and_ends_when_told(transactional_db, tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip(
            "on a copy of the database, where no other hub relays; PostgreSQL makes none while in use"
        )
    copy = tmp_path / "copy.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(copy)])
    away = {"DATABASE_URL": f"sqlite:///{copy}"}
    run_python("from tests.notifications.writing import leave; leave('crowd:pier', 3)", **away)
    command = [
        sys.executable,
        "-c",
        "import django; django.setup(); from tests.notifications.harbour import relay; relay()",
    ]
    process = subprocess.Popen(command, env=environment(**away), cwd=ROOT)
    try:
        with closing(sqlite3.connect(copy)) as rows:
            offsets, deadline = [], time.monotonic() + 20
            while len(offsets) < 3 and time.monotonic() < deadline:
                time.sleep(0.05)
                offsets = rows.execute('SELECT "offset" FROM notifications_event ORDER BY id').fetchall()
        assert offsets == [(1,), (2,), (3,)]
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_after_a_restored_backup_clients_are_told(connect, room):
    say(room, 5)
    client = connect()
    client.hello()
    epoch = client.sub(room)["e"]
    Event.objects.filter(offset__gt=3).delete()
    Stream.objects.update(top=3)
    run_python("from django.core.management import call_command; call_command('new_epoch')")
    assert client.ended()[1] == 4002
    again = connect()
    again.hello()
    say(room, 2)
    ok = again.sub(room, e=epoch, o=5)
    assert (ok["recovered"], ok["o"]) == (False, 5)


@pytest.mark.parametrize("told", [False, True])
def test_only_a_new_epoch_tells_a_restored_log_from_the_lost_one(connect, room, told):
    """The client saw five, the backup has three, and two others took the places of those that were lost."""
    say(room, 5)
    client = connect()
    client.hello()
    epoch = client.sub(room)["e"]
    client.close()
    Event.objects.filter(offset__gt=3).delete()
    Stream.objects.update(top=3)
    if told:
        call_command("new_epoch")
    say(room, 2)
    back = connect()
    back.hello()
    ok = back.sub(room, e=epoch, o=5)
    assert (ok["recovered"], ok["o"]) == (not told, 5)
    back.hear_nothing(0.3)  # the two are lost either way; without the command nobody knows


async def test_connection_that_opens_while_leaving_is_sent_away():
    hub = Hub(asyncio.get_running_loop())
    hub.drain()
    ended = []

    class Arriving:
        door = SimpleNamespace(name="channels")

        def end(self, why):
            ended.append(why.code)

    hub.opened(Arriving())
    await asyncio.sleep(0)
    assert ended == [4001]
