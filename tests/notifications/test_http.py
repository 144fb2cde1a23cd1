"""Door 3 over a real server: the same frames by long poll and as an event stream, and how each mistake is told."""

import asyncio
import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError, connection
from django.test import Client as Browser

from notifications import hub as hubs
from notifications import identity
from notifications.identity import _schemes, issue_ticket, register_scheme
from notifications.log import position
from notifications.models import Event, Stream
from notifications.streams import Reader
from tests.notifications.visitor import SECONDS, Answer, query
from tests.notifications.writing import say


@pytest.fixture(scope="module")
def harbour(channels):
    return channels


@pytest.fixture
def user(transactional_db):
    return get_user_model().objects.create_user(email=f"{uuid.uuid4().hex[:8]}@example.com", password="x")


@pytest.fixture
def cookie(user) -> dict[str, str]:
    browser = Browser()
    browser.force_login(user)
    return {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}


def eventually(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    assert condition()


# Long poll


def test_poll_without_a_position_learns_it_at_once(visitor, room):
    say(room, 2)
    started = time.monotonic()
    epoch = position(room).epoch
    ok = {"t": "ok", "id": 0, "stream": room, "e": epoch, "o": 2, "recovered": True}
    assert visitor.poll(room, wait=20).frames == [ok]
    assert time.monotonic() - started < SECONDS


def test_poll_waits_for_an_event_and_answers_with_the_very_frame_of_the_socket(visitor, connect, hub, room):
    socket = connect()
    socket.hello()
    socket.sub(room)

    async def poll_and_say() -> Answer:
        polling = asyncio.create_task(visitor.polling((room, "", 0), wait=20))
        await asyncio.to_thread(eventually, lambda: len(hub.conversations) == 2)
        assert not polling.done()
        await asyncio.to_thread(say, room)
        return await polling

    answer = visitor.run(poll_and_say())
    assert answer.kinds == ["ok", "ev"]
    assert json.dumps(socket.hear(), separators=(",", ":")) in answer.text


def test_poll_gives_up_after_its_wait_with_the_position_it_came_with(visitor, room):
    say(room, 3)
    here = position(room)
    started = time.monotonic()
    answer = visitor.poll((room, here.epoch, 3), wait=0.4)
    assert (answer.kinds, answer.frames[0]["o"]) == (["ok"], 3)
    assert 0.4 <= time.monotonic() - started < SECONDS


def test_polls_that_carry_positions_lose_nothing_between_them(visitor, room):
    writer = threading.Thread(target=say_slowly, args=(room, 60))
    writer.start()
    heard, here = [], ("", 0)
    while len(heard) < 60:
        answer = visitor.poll((room, *here))
        heard += answer.offsets
        last = answer.frames[-1]
        here = (last["e"], last["o"])
    writer.join()
    assert heard == list(range(1, 61))


def say_slowly(stream: str, count: int) -> None:
    for _ in range(count):
        say(stream)
        time.sleep(0.005)
    connection.close()


def test_poll_has_at_most_a_window_and_the_next_one_goes_on(visitor, room):
    say(room, 200)
    epoch = position(room).epoch
    answer = visitor.poll((room, "", 0))
    assert answer.offsets == list(range(1, 129))
    bye = answer.frames[-1]
    assert (bye["t"], bye["code"], bye["reconnect"]) == ("bye", 4009, True)
    assert bye["retry_ms"] <= 100
    assert visitor.poll((room, epoch, 128)).offsets == list(range(129, 201))


def test_full_window_keeps_no_other_stream_from_its_turn(visitor, room):
    rooms = [room, *(f"{room}-{number}" for number in range(8))]
    places = dict.fromkeys(rooms, ("", 0))
    say(room, 300)
    for other in rooms[1:]:
        say(other)
    while sum(offset for _, offset in places.values()) < 308:
        answer = visitor.poll(*((name, *place) for name, place in places.items()))
        for frame in answer.frames:
            if frame["t"] == "ev":
                assert frame["o"] == places[frame["s"]][1] + 1
                places[frame["s"]] = (frame["e"], frame["o"])


def test_large_events_fill_a_poll_by_their_size(visitor, room):
    say(room, 40, text="x" * 15_000)
    assert visitor.poll((room, "", 0)).offsets == list(range(1, 19))  # the first that make 256 KiB


def test_poll_tells_what_it_cannot_recover_and_what_it_may_not_read(visitor, room):
    say(room, 5)
    here = position(room)
    Event.objects.filter(offset__lte=2).delete()
    answer = visitor.poll((room, here.epoch, 1), ("room:closed", "", 0), ("room:other", "", 0))
    ok, err, other = sorted(answer.frames, key=lambda frame: frame["id"])
    assert (ok["recovered"], ok["o"]) == (False, 5)
    assert (err["t"], err["code"], err["stream"]) == ("err", "not_found", "room:closed")
    assert other["recovered"] is True


def test_open_poll_is_told_of_a_cut_log(visitor, room):
    say(room)
    here = position(room)

    async def poll_and_cut() -> Answer:
        polling = asyncio.create_task(visitor.polling((room, here.epoch, 1), wait=20))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(lambda: Stream.objects.update(epoch="restored"))
        return await polling

    bye = visitor.run(poll_and_cut()).frames[-1]
    assert (bye["t"], bye["code"], bye["reconnect"]) == ("bye", 4002, True)


def test_poll_outlasts_short_heartbeats_and_keeps_them_to_itself(visitor, room, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 0.05, "pong": 0.1}
    assert visitor.poll((room, "", 0), wait=0.6).kinds == ["ok"]


# Event stream


def test_stream_sends_the_very_frames_of_the_socket(visitor, connect, room):
    socket = connect()
    welcome = socket.hello()
    source = visitor.stream(room)
    assert source.hear().keys() == welcome.keys()
    assert source.hear() == socket.sub(room) | {"id": 0}
    say(room, 3)
    assert [source.hear() for _ in range(3)] == [socket.hear() for _ in range(3)]


def test_stream_resumes_by_its_last_id_which_wins_over_the_query(visitor, room):
    other = f"{room}-other"
    source = visitor.stream((room, "", 0), (other, "", 0))
    source.opened()
    assert 1000 <= source.retry_ms <= 3000
    say(room, 2)
    assert source.offsets(2) == [1, 2]
    source.close()
    say(room)
    say(other)
    source.open()
    heard = [source.hear() for _ in range(5)]
    assert {(frame["stream"], frame["o"]) for frame in heard if frame["t"] == "ok"} == {(room, 2), (other, 0)}
    assert {(frame["s"], frame["o"]) for frame in heard if frame["t"] == "ev"} == {(room, 3), (other, 1)}


def test_id_of_an_event_never_speaks_of_one_that_comes_after_it(visitor, room):
    say(room, 20)
    source = visitor.stream((room, "", 0))
    for _ in range(8):
        frame = source.hear()
    source.close()
    assert source.open().opened()[0]["o"] == frame["o"]
    assert source.offsets(1) == [frame["o"] + 1]


def test_full_stream_ends_and_coming_again_is_the_acknowledgement(visitor, room):
    say(room, 300)
    source = visitor.stream((room, "", 0))
    heard = []
    while len(heard) < 300:
        frame = source.hear()
        if frame["t"] == "ev":
            heard.append(frame["o"])
        if frame["t"] == "bye":
            assert (frame["code"], frame["reconnect"]) == (4009, True)
            assert source.retry_ms == frame["retry_ms"] <= 100
            assert source.hear() == {"t": "end"}
            source.open()
    assert heard == list(range(1, 301))


def test_heartbeats_of_a_stream_need_no_answer_and_fill_its_window_too(visitor, room, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 0.05, "pong": 0.1, "window_bytes": 1000}
    source = visitor.stream(room)
    source.opened()
    frames = []
    while not frames or frames[-1]["t"] == "ping":
        frames.append(source.hear())
    assert frames[0] == {"t": "ping", "top": {room: 0}}
    assert len(frames) > 10
    assert (frames[-1]["t"], frames[-1]["code"]) == ("bye", 4009)


def test_old_stream_is_sent_for_fresh_credentials(visitor, room, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 0.05, "age": 0.1}
    source = visitor.stream(room)
    while (frame := source.hear())["t"] != "bye":
        pass
    assert (frame["code"], frame["reconnect"]) == (4020, True)
    assert source.hear() == {"t": "end"}


# Who may ask


def test_session_cookie_opens_a_users_own_stream_and_no_other(visitor, cookie, user):
    own, other = f"own:{user.pk}", f"own:{user.pk + 1}"
    assert visitor.poll(own, **cookie).kinds == ["ok"]
    assert sorted(visitor.poll(own, other, **cookie).kinds) == ["err", "ok"]
    assert visitor.poll(own).error == (404, "not_found")
    assert visitor.poll(other, "nothing:here", **cookie).error == (404, "not_found")


def test_ticket_opens_one_connection_once(visitor, user):
    ticket = {"Authorization": f"Ticket {issue_ticket(user)}"}
    assert visitor.poll(f"own:{user.pk}", **ticket).kinds == ["ok"]
    again = visitor.poll(f"own:{user.pk}", **ticket)
    assert again.error == (401, "bad_ticket")
    assert again.headers["WWW-Authenticate"] == "Ticket"


def test_ticket_with_grants_opens_a_poll_to_a_guest(visitor, user):
    ticket = {"Authorization": f"Ticket {issue_ticket(AnonymousUser(), grants={'guest_of': ['7']})}"}
    assert sorted(visitor.poll("guest:7", f"own:{user.pk}", **ticket).kinds) == ["err", "ok"]


@pytest.fixture
def signed_in_app(user):
    """As a project does that knows its people by tokens: these name the session."""
    browser = Browser()
    browser.force_login(user)
    key = browser.session.session_key
    register_scheme("Pass", lambda token: Reader(user, {}, key) if token == "good" else None)
    yield browser
    _schemes.pop("pass")


def test_scheme_of_the_project_opens_a_poll_and_a_stream(visitor, user, signed_in_app):
    for spelled in ("Pass good", "pass good"):
        assert visitor.poll(f"own:{user.pk}", Authorization=spelled).kinds == ["ok"]
    refused = visitor.poll(f"own:{user.pk}", Authorization="Pass bad")
    assert refused.error == (401, "token_invalid")
    assert refused.headers["WWW-Authenticate"] == "Pass"
    # What nobody registered, such as what a proxy asks for, is not looked at.
    assert visitor.poll(f"own:{user.pk}", Authorization="Basic eDp5").error == (404, "not_found")


def test_stream_of_a_token_ends_with_its_session(visitor, user, signed_in_app):
    source = visitor.stream(f"own:{user.pk}", Authorization="Pass good")
    source.opened()
    signed_in_app.logout()
    bye = source.hear()
    assert (bye["code"], bye["reconnect"]) == (4503, False)


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_page_of_another_site_gets_nothing(visitor, cookie, user, headers):
    answer = visitor.poll(f"own:{user.pk}", **cookie, **headers)
    assert answer.error == (403, "foreign_origin")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_page_of_ours_is_answered(visitor, harbour, cookie, user):
    ours = {"Origin": f"http://127.0.0.1:{harbour.port}", "Sec-Fetch-Site": "same-origin"}
    answer = visitor.poll(f"own:{user.pk}", **cookie, **ours)
    assert answer.kinds == ["ok"]
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_whoever_signs_out_loses_an_open_stream(visitor, cookie, user):
    source = visitor.stream(f"own:{user.pk}", **cookie)
    source.opened()
    user.set_password("another")
    user.save()
    bye = source.hear()
    assert (bye["code"], bye["reconnect"]) == (4503, False)
    assert source.hear() == {"t": "end"}


# What is told instead


def test_server_that_cannot_wait_says_so(client):
    answer = client.get("/api/v1/events/?stream=room:1")
    assert (answer.status_code, answer.json()["code"]) == (501, "not_here")


MISTAKES = [
    ("", "no_stream"),
    ("stream=", "bad_stream"),
    ("stream=no-colon", "bad_stream"),
    ("stream=room:1&stream=room:1", "stream_twice"),
    ("&".join(f"stream=room:{n}" for n in range(33)), "too_many_streams"),
    ("stream=room:1&e=x", "bad_position"),
    ("stream=room:1&o=1", "bad_position"),
    ("stream=room:1&stream=room:2&e=x&o=1", "bad_position"),
    ("stream=room:1&e=x&o=1&e=y&o=2", "bad_position"),
    ("stream=room:1&e=x&o=", "bad_position"),
    ("stream=room:1&e=x&o=-1", "bad_position"),
    ("stream=room:1&e=x&o=1e3", "bad_position"),
    ("stream=room:1&e=x&o=%D9%A1", "bad_position"),
    ("stream=room:1&e=x&o=9999999999999999", "bad_position"),
    ("stream=room:1&wait=26", "bad_wait"),
    ("stream=room:1&wait=-1", "bad_wait"),
    ("stream=room:1&wait=nan", "bad_wait"),
    ("stream=room:1&wait=1&wait=2", "bad_wait"),
    ("&".join(f"x{n}=" for n in range(1100)), "bad_query"),
]


@pytest.mark.parametrize(("text", "code"), MISTAKES, ids=[f"{code} {text[:40]}" for text, code in MISTAKES])
def test_query_that_could_mean_two_things_is_refused(visitor, text, code):
    assert visitor.run(visitor.ask("", text, {})).error == (400, code)


def test_last_id_that_is_none_of_ours_is_refused(visitor, room):
    for last_id in ("x", "1:x", "a:1,b:2", ",", "%"):
        answer = visitor.run(visitor.ask("stream/", {"stream": room}, {"Last-Event-ID": last_id}))
        assert answer.error == (400, "bad_position"), last_id


def test_only_get_is_answered(visitor, room):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        for path in ("", "stream/"):
            answer = visitor.run(visitor.ask(path, {"stream": room}, {}, method))
            assert answer.error == (405, "method_not_allowed"), (method, path)
            assert answer.headers["Allow"] == "GET"


def test_eleventh_connection_of_a_user_is_refused_until_one_hangs_up(
    visitor, connect, harbour, hub, cookie, user
):
    own = f"own:{user.pk}"
    socket = connect(headers=cookie, origin=f"http://127.0.0.1:{harbour.port}")
    socket.hello()
    sources = [visitor.stream(own, **cookie) for _ in range(9)]
    assert visitor.poll(own, **cookie).error == (429, "too_many_connections")
    for source in sources:
        source.close()
    eventually(lambda: hub.sockets[user.pk] == 1, 1)
    assert visitor.poll(own, **cookie).kinds == ["ok"]


def test_polls_that_hang_up_free_their_places_at_once(visitor, hub, cookie, user):
    own = (f"own:{user.pk}", "", 0)

    async def hang_up() -> None:
        polls = [asyncio.create_task(visitor.polling(own, wait=20, **cookie)) for _ in range(10)]
        await asyncio.to_thread(eventually, lambda: hub.sockets[user.pk] == 10)
        for poll in polls:
            poll.cancel()
        await asyncio.wait(polls)

    for _ in range(2):
        visitor.run(hang_up())
        eventually(lambda: not hub.sockets[user.pk], 1)
    assert visitor.poll(own, wait=0, **cookie).kinds == ["ok"]


def test_client_that_leaves_before_the_answer_begins_leaves_nothing_behind(visitor, hub, room):
    """It hangs up at ever later moments, while the server is somewhere between the request and its answer."""

    async def peek(seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await visitor.ask("stream/", query(room), {})

    async def peek_at_all_moments() -> None:
        for moment in range(60):
            await peek(0.001 * moment)

    visitor.run(peek_at_all_moments())
    eventually(lambda: not hub.conversations and not any(feed.members for feed in hub._feeds.values()), 2)


def test_server_that_is_busy_greeting_says_when_to_come_again(visitor, hub, room, monkeypatch):
    monkeypatch.setattr(hubs, "GREETINGS", 0)
    answer = visitor.poll(room)
    assert answer.error == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_database_that_is_away_is_a_503_with_a_time_to_come_again(visitor, cookie, user, monkeypatch):
    def away(*_):
        raise OperationalError("away")

    monkeypatch.setattr(identity, "reader_by_session", away)
    for path in ("", "stream/"):
        answer = visitor.run(visitor.ask(path, query((f"own:{user.pk}", "", 0)), cookie))
        assert answer.error == (503, "unavailable")
        assert 1 <= int(answer.headers["Retry-After"]) <= 6


def test_server_that_leaves_sends_its_streams_elsewhere(other_harbours, visitor_at, room):
    process, port = other_harbours.process(poll=0.2)
    source = visitor_at(port).stream(room)
    source.opened()
    process.terminate()
    bye = source.hear()
    assert (bye["code"], bye["reconnect"]) == (4001, True)
    assert source.retry_ms == bye["retry_ms"]
    assert source.hear() == {"t": "end"}
    assert process.wait(SECONDS) == 0


def test_two_hundred_waiting_polls_keep_no_thread(visitor, hub, room):
    async def wait_and_count() -> tuple[int, list[Answer]]:
        before = threading.active_count()
        polls = [asyncio.create_task(visitor.polling((room, "", 0), wait=20)) for _ in range(200)]
        waiting = lambda: len(hub.conversations) == 200 and len(hub._feeds[room].members) == 200  # noqa: E731
        await asyncio.to_thread(eventually, waiting, 30)
        await asyncio.sleep(1)
        more = threading.active_count() - before
        await asyncio.to_thread(say, room)
        return more, await asyncio.gather(*polls)

    more, answers = visitor.run(wait_and_count())
    assert more < 10
    assert {tuple(answer.offsets) for answer in answers} == {(1,)}


def test_a_hundred_open_streams_keep_no_thread(visitor, hub, room):
    before = threading.active_count()
    sources = [visitor.stream(room) for _ in range(100)]
    for source in sources:
        source.opened()
    eventually(lambda: threading.active_count() - before < 10)
    say(room)
    assert {tuple(source.offsets(1)) for source in sources} == {(1,)}
