"""What a client may say, what it gets, and how each breach ends."""

import json
import threading
import time
import uuid

import aiohttp
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError
from django.test import Client as Browser

from notifications import identity
from notifications.identity import issue_ticket
from notifications.models import Ticket
from notifications.origins import may_open
from notifications.protocol import FRAME_BYTES
from tests.notifications.doors import SERVERS
from tests.notifications.visitor import query
from tests.notifications.writing import say


@pytest.fixture(scope="session", params=SERVERS)
def harbour(request, django_db_setup):
    """Daphne's own protocol has its turn as well."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def user(transactional_db):
    return get_user_model().objects.create_user(email=f"{uuid.uuid4().hex[:8]}@example.com", password="x")


def cookie_of(user) -> dict[str, str]:
    browser = Browser()
    browser.force_login(user)
    return {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}


def signed_in(connect, harbour, user):
    return connect(headers=cookie_of(user), origin=f"http://127.0.0.1:{harbour.port}")


def test_hello_is_welcomed_with_the_limits_in_force(connect):
    welcome = connect().hello()
    assert welcome["t"] == "welcome"
    assert (welcome["ping"], welcome["pong"], welcome["window"]) == (25, 8, 128)
    assert len(welcome["conn"]) == 12
    assert welcome["time"] > 1_700_000_000_000


def test_subscriber_hears_events_with_data_and_position(connect, room):
    client = connect()
    client.hello()
    assert client.sub(room) == {"t": "ok", "id": 1, "stream": room, "e": "", "o": 0, "recovered": True}
    say(room, text="grüße")
    event = client.hear()
    assert (event["t"], event["s"], event["o"], event["k"]) == ("ev", room, 1, "said")
    assert event["d"] == {"n": 1, "text": "grüße"}
    assert uuid.UUID(event["id"])
    assert event["e"]
    assert event["ts"] > 1_700_000_000_000


def test_replay_continues_from_an_offset_then_goes_live(connect, room):
    say(room, 30)
    client = connect()
    client.hello()
    epoch = client.sub(room)["e"]
    ok = client.sub(room, e=epoch, o=12)
    assert (ok["o"], ok["recovered"]) == (12, True)
    say(room, 2)
    assert client.offsets(20) == list(range(13, 33))


def test_resume_in_hello_subscribes(connect, room):
    say(room, 3)
    client = connect()
    epoch = _epoch(connect, room)
    client.hello(resume={room: {"e": epoch, "o": 1}})
    assert client.hear() == {"t": "ok", "id": None, "stream": room, "e": epoch, "o": 1, "recovered": True}
    assert client.offsets(2) == [2, 3]


def _epoch(connect, stream):
    client = connect()
    client.hello()
    return client.sub(stream)["e"]


@pytest.mark.parametrize(("epoch", "offset"), [("another", 1), (None, 9)])
def test_a_position_of_another_log_is_not_recovered(connect, room, epoch, offset):
    say(room, 3)
    epoch = epoch or _epoch(connect, room)
    client = connect()
    client.hello()
    ok = client.sub(room, e=epoch, o=offset)
    assert (ok["recovered"], ok["o"]) == (False, 3)
    say(room)
    assert client.offsets(1) == [4]


def test_start_of_a_log_that_was_empty_is_recovered(connect, room):
    say(room, 2)
    client = connect()
    client.hello()
    assert client.sub(room, e="", o=0)["recovered"] is True
    assert client.offsets(2) == [1, 2]


def test_unsubscribed_stream_is_silent(connect, room):
    client = connect()
    client.hello()
    client.sub(room)
    client.say("unsub", id=2, stream=room)
    client.sub(f"{room}-other")
    say(room)
    client.hear_nothing(0.3)


def test_forbidden_and_unknown_streams_give_the_same_error(connect, room):
    client = connect()
    client.hello()
    answers = [client.sub(name) for name in ("room:closed", "nothing:here", "own:7", "guest:7")]
    assert {(answer["t"], answer["code"], answer["temporary"]) for answer in answers} == {
        ("err", "not_found", False)
    }
    say("room:closed")
    client.hear_nothing(0.3)


def test_session_cookie_opens_a_users_own_stream_and_no_other(connect, harbour, user):
    client = signed_in(connect, harbour, user)
    client.hello()
    assert client.sub(f"own:{user.pk}")["t"] == "ok"
    assert client.sub(f"own:{user.pk + 1}")["t"] == "err"


def test_signed_out_cookie_is_anonymous(connect, harbour, user):
    headers = cookie_of(user)
    user.set_password("another")
    user.save()
    client = connect(headers=headers, origin=f"http://127.0.0.1:{harbour.port}")
    client.hello()
    assert client.sub(f"own:{user.pk}")["t"] == "err"


def test_grant_in_a_guests_session_opens_a_stream(connect, harbour):
    browser = Browser()
    session = browser.session
    session["guest_of"] = ["7"]
    session.save()
    headers = {"Cookie": f"sessionid={session.session_key}"}
    client = connect(headers=headers, origin=f"http://127.0.0.1:{harbour.port}")
    client.hello()
    assert client.sub("guest:7")["t"] == "ok"
    assert client.sub("guest:8")["t"] == "err"


def test_ticket_opens_one_socket_once(connect, user):
    ticket = issue_ticket(user)
    client = connect()
    client.hello(ticket=ticket)
    assert client.sub(f"own:{user.pk}")["t"] == "ok"
    bye, code = connect().say("hello", ticket=ticket).ended()
    assert (bye["code"], bye["reconnect"], code) == (4501, False, 4501)


def test_ticket_with_grants_opens_what_a_session_with_them_would(connect, user):
    for owner in (AnonymousUser(), user):
        client = connect()
        client.hello(ticket=issue_ticket(owner, grants={"guest_of": ["7"]}))
        assert client.sub("guest:7")["t"] == "ok"
        assert client.sub("guest:8")["t"] == "err"
        assert client.sub(f"own:{user.pk}")["t"] == ("err" if owner.pk is None else "ok")


def test_ticket_of_a_guest_opens_one_socket_once_and_soon(connect):
    ticket = issue_ticket(AnonymousUser(), grants={"guest_of": ["7"]})
    assert connect().say("hello", ticket=ticket).hear()["reader"] == ""
    assert connect().say("hello", ticket=ticket).ended()[1] == 4501
    late = issue_ticket(AnonymousUser(), grants={"guest_of": ["7"]})
    Ticket.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert connect().say("hello", ticket=late).ended()[1] == 4501


def test_old_ticket_opens_nothing(connect, user):
    ticket = issue_ticket(user)
    Ticket.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert connect().say("hello", ticket=ticket).ended()[1] == 4501


def test_eleventh_socket_of_a_user_is_refused_until_one_closes(connect, harbour, user):
    clients = [signed_in(connect, harbour, user) for _ in range(10)]
    assert {client.hello()["t"] for client in clients} == {"welcome"}
    assert signed_in(connect, harbour, user).say("hello").ended()[1] == 4504
    clients[0].close()
    for _ in range(20):
        answer = signed_in(connect, harbour, user).hello()
        if answer["t"] == "welcome":
            break
    assert answer["t"] == "welcome"


def test_thirty_third_stream_is_refused(connect, room):
    client = connect()
    client.hello(resume={f"{room}-{n}": {"e": "", "o": 0} for n in range(32)})
    assert {client.hear()["t"] for _ in range(32)} == {"ok"}
    assert client.sub(room)["code"] == "too_many_streams"
    client.say("unsub", id=1, stream=f"{room}-0")
    assert client.sub(room)["t"] == "ok"


def test_hello_while_the_database_is_away_ends_in_4003(connect, harbour, user, monkeypatch, caplog):
    headers, ticket = cookie_of(user), issue_ticket(user)
    with_cookie = connect(headers=headers, origin=f"http://127.0.0.1:{harbour.port}")
    with_ticket, told = connect(), "could not connect to the host of the database"

    def away(*_):
        raise OperationalError(told)

    with monkeypatch.context() as at_the_hello:
        at_the_hello.setattr(identity, "reader_by_session", away)
        at_the_hello.setattr(identity, "reader_by_ticket", away)
        for client in (with_cookie.say("hello"), with_ticket.say("hello", ticket=ticket)):
            bye, code = client.ended()
            assert (bye["code"], bye["reconnect"], code) == (4003, True, 4003)
            assert 1000 <= bye["retry_ms"] <= 5000
    lines = [record for record in caplog.records if record.name == "notifications.conversation"]
    assert [(record.levelname, record.exc_info) for record in lines] == [("WARNING", None)] * 2
    assert told not in caplog.text
    assert connect().hello(ticket=ticket)["t"] == "welcome"  # it was not used up


def test_silence_instead_of_hello_ends_in_4502(connect, settings):
    settings.NOTIFICATIONS_LIMITS = {"hello": 0.1}
    bye, code = connect().ended()
    assert (bye["code"], bye["reconnect"], code) == (4502, False, 4502)


def test_hello_in_time_counts_though_the_loop_was_too_busy_to_read_it(connect, settings, harbour):
    settings.NOTIFICATIONS_LIMITS = {"hello": 0.3}
    client, unblock = connect(), threading.Event()
    harbour.loop.call_soon_threadsafe(unblock.wait, 20)
    client.say("hello")
    time.sleep(1.5)
    unblock.set()
    assert client.hear()["t"] == "welcome"


def test_another_frame_before_hello_ends_in_4502(connect, room):
    assert connect().say("sub", id=1, stream=room).ended()[1] == 4502


def test_pinged_client_that_answers_stays_and_learns_the_tops(connect, room, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 0.1, "pong": 0.5}
    client = connect()
    client.hello()
    client.sub(room)
    say(room, 2)
    client.offsets(2)
    for _ in range(3):
        assert client.hear() == {"t": "ping", "top": {room: 2}}
        client.say("pong")


def test_no_pong_ends_in_4012(connect, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 0.1, "pong": 0.2}
    client = connect()
    client.hello()
    bye, code = client.ended()
    assert (bye["code"], bye["reconnect"], code) == (4012, True, 4012)
    assert 200 <= bye["retry_ms"] <= 3000


def test_more_than_a_burst_of_frames_ends_in_4013(connect):
    client = connect()
    client.hello()
    for _ in range(60):
        client.say("pong")
    assert client.ended()[1] == 4013


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "not json",
        "[]",
        "null",
        "{}",
        '{"t":"dance"}',
        '{"t":["sub"]}',
        '{"t":"hello"}',
        '{"t":"sub","id":1,"stream":"no colon"}',
        '{"t":"sub","id":1,"stream":"room:1","e":"x","o":-1}',
        '{"t":"sub","id":1,"stream":"room:1","e":"x","o":true}',
        '{"t":"sub","id":{},"stream":"room:1"}',
        '{"t":"ack","s":"room:1"}',
        "[" * 5000,
        json.dumps({"t": "pong", "pad": "x" * FRAME_BYTES}),
        json.dumps({"t": "pong", "pad": "ü" * (FRAME_BYTES // 2)}, ensure_ascii=False),
        b'{"t":"pong"}',
    ],
    ids=lambda raw: f"{raw[:40]!r}",
)
def test_bad_frame_ends_in_4506(connect, raw):
    client = connect()
    client.hello()
    client.say_raw(raw)
    bye, code = client.ended()
    assert (bye["reconnect"], code) == (False, 4506)


def test_largest_frame_is_still_read(connect):
    client = connect()
    client.hello()
    frame = json.dumps({"t": "sub", "id": 1, "stream": "room:large", "pad": ""})
    client.say_raw(frame[:-2] + "x" * (FRAME_BYTES - len(frame)) + frame[-2:])
    assert client.hear()["t"] == "ok"


@pytest.mark.parametrize("protocols", [[], ["shop-notify.v2"]])
def test_another_version_is_told_so(connect, protocols):
    bye, code = connect(protocols=protocols).ended()
    assert (bye["code"], bye["reconnect"], code) == (4508, False, 4508)


BAD_ORIGINS = [
    "https://127.0.0.1:{port}",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://localhost:{port}",
    "http://evil.example:{port}",
    "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1.evil.example:{port}",
    "http://evil.example@127.0.0.1:{port}",
    "http://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}",
    "file://",
    "null",
]


@pytest.mark.parametrize("origin", BAD_ORIGINS)
def test_page_of_another_origin_is_refused_with_a_cookie_and_without(connect, harbour, user, origin):
    origin = origin.format(port=harbour.port)
    for headers in ({}, cookie_of(user)):
        with pytest.raises(aiohttp.WSServerHandshakeError, match=r"40[03]"):  # Daphne refuses some with a 400
            connect(origin=origin, headers=headers)
    headers = [(b"host", f"127.0.0.1:{harbour.port}".encode()), (b"origin", origin.encode())]
    assert not may_open({"headers": headers})


@pytest.mark.parametrize("origin", BAD_ORIGINS)
def test_plain_http_tells_a_page_of_another_origin_nothing(visitor, channels, user, origin):
    headers = cookie_of(user) | {"Origin": origin.format(port=channels.port)}
    for path in ("", "stream/"):
        for sent in (headers, {"Origin": headers["Origin"]}):
            answer = visitor.run(visitor.ask(path, query((f"own:{user.pk}", "", 0)), sent))
            assert answer.error == (403, "foreign_origin")


def test_two_origins_are_refused(connect, harbour):
    ours = f"http://127.0.0.1:{harbour.port}"
    with pytest.raises(aiohttp.WSServerHandshakeError, match="40"):
        connect(headers=[("Origin", ours), ("Origin", "http://evil.example")])


def test_page_that_calls_itself_ours_is_refused_all_the_same(connect):
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        connect(headers={"Sec-Fetch-Site": "same-origin"}, origin="http://evil.example")


def test_cookie_without_an_origin_is_refused(connect):
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        connect(headers={"Cookie": "sessionid=x"})


def test_host_of_somebody_else_is_no_origin_of_ours(connect, harbour):
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        connect(headers={"Host": "evil.example"}, origin="http://evil.example")


def test_listed_origin_may_open(connect, settings):
    settings.NOTIFICATIONS_ALLOWED_ORIGINS = ["https://shop.example"]
    assert connect(origin="https://shop.example").hello()["t"] == "welcome"
    assert connect(origin="https://shop.example:443").hello()["t"] == "welcome"


def test_own_host_is_no_origin_where_that_is_off(connect, harbour, settings):
    settings.NOTIFICATIONS_SAME_HOST_ORIGIN = False
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        connect(origin=f"http://127.0.0.1:{harbour.port}")


def test_socket_after_a_changed_secret_leaves_the_session_as_it_is(connect, harbour, user, settings):
    headers = cookie_of(user)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [settings.SECRET_KEY]
    for _ in range(2):
        client = connect(headers=headers, origin=f"http://127.0.0.1:{harbour.port}")
        client.hello()
        assert client.sub(f"own:{user.pk}")["t"] == "ok"
