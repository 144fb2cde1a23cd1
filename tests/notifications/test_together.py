"""Who comes together is asked about together, and gets the answer that each would have had alone."""

import asyncio
import threading
import uuid

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client as Browser

from notifications import identity, together
from notifications.identity import reader_by_session, readers_by_session
from tests.notifications.writing import say


def new_user(**fields):
    return get_user_model().objects.create_user(
        email=f"{uuid.uuid4().hex[:8]}@example.com", password="x", **fields
    )


def signed_in(user) -> str:
    browser = Browser()
    browser.force_login(user)
    return browser.cookies["sessionid"].value


def changed(key: str, **fields: object) -> str:
    session = SessionStore(key)
    session.update({name: value for name, value in fields.items() if value is not None})
    for name in [name for name, value in fields.items() if value is None]:
        del session[name]
    session.save()
    return key


def plain():
    return signed_in(new_user())


def disabled():
    user = new_user()
    key = signed_in(user)
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    return key


def deleted():
    user = new_user()
    key = signed_in(user)
    user.delete()
    return key


def with_a_new_password():
    user = new_user()
    key = signed_in(user)
    user.set_password("another")
    user.save()
    return key


def expired():
    key = plain()
    Session.objects.filter(session_key=key).update(expire_date="2020-01-01T00:00:00Z")
    return key


def of_a_guest():
    session = SessionStore()
    session["guest_of"] = ["x"]
    session.save()
    return session.session_key


def unknown():
    return "0" * 32


def empty():
    return ""


def too_short():
    return "abc"


def garbled():
    key = plain()
    Session.objects.filter(session_key=key).update(session_data="garbled")
    return key


def without_a_hash():
    return changed(plain(), **{HASH_SESSION_KEY: None})


def with_another_hash():
    return changed(plain(), **{HASH_SESSION_KEY: "x" * 64})


def of_a_backend_that_is_gone():
    return changed(plain(), **{BACKEND_SESSION_KEY: "nowhere.Backend"})


def of_a_user_that_is_no_number():
    return changed(plain(), **{SESSION_KEY: "' OR 1=1"})


CASES = [
    plain, disabled, deleted, with_a_new_password, expired, of_a_guest, unknown, empty, too_short, garbled,
    without_a_hash, with_another_hash, of_a_backend_that_is_gone, of_a_user_that_is_no_number,
]  # fmt: skip


def shown(answer):
    if isinstance(answer, Exception):
        return type(answer)
    return answer.user.pk, dict(answer.session.items()), answer.session_key


def alone(key: str):
    try:
        return shown(reader_by_session(key))
    except Exception as fault:
        return type(fault)


@pytest.mark.parametrize("made", CASES)
def test_reader_found_with_others_is_the_one_found_alone(db, made):
    key = made()
    before = Session.objects.filter(session_key=key).values().first()
    _, answer, _ = readers_by_session([plain(), key, plain()])
    assert Session.objects.filter(session_key=key).values().first() == before
    assert shown(answer) == alone(key)


def test_password_hash_signed_with_an_older_secret_still_counts(db, settings):
    key, old = plain(), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [old]
    _, answer = readers_by_session([plain(), key])
    assert answer.user.pk is not None
    assert shown(answer) == alone(key)


def test_crowd_of_sessions_takes_two_queries(db, django_assert_num_queries):
    keys = [plain() for _ in range(20)]
    with django_assert_num_queries(2):
        readers = readers_by_session(keys)
    assert len({reader.user.pk for reader in readers}) == 20
    assert [reader.session_key for reader in readers] == keys


def test_backend_with_users_of_its_own_is_asked(db, settings):
    backend = f"{__name__}.NobodyBackend"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, backend]
    keys = [changed(plain(), **{BACKEND_SESSION_KEY: backend}), plain()]
    assert [reader.user.pk is None for reader in readers_by_session(keys)] == [True, False]


class NobodyBackend(identity.ModelBackend):
    def get_user(self, user_id):
        return None


# Gathering


async def test_questions_that_come_while_others_are_answered_are_answered_together():
    asked, free = [], threading.Event()

    def answer(questions):
        asked.append(questions)
        free.wait(5)
        return [ZeroDivisionError() if each == 13 else each * 2 for each in questions]

    def start(work):
        return asyncio.get_running_loop().run_in_executor(None, work)

    gathering = together.Together(start, answer)
    first = gathering.ask(1)
    await asyncio.sleep(0.02)
    second = gathering.ask(2)
    await asyncio.sleep(0.02)
    rest = [gathering.ask(number) for number in range(3, 100)]
    given_up = gathering.ask(100)
    given_up.cancel()
    await asyncio.sleep(0.02)
    assert len(gathering) == 98
    free.set()
    answers = await asyncio.wait_for(asyncio.gather(first, second, *rest, return_exceptions=True), 5)
    assert [each for each in answers if not isinstance(each, Exception)] == [
        number * 2 for number in range(1, 100) if number != 13
    ]
    assert isinstance(answers[12], ZeroDivisionError)
    assert asked[:2] == [[1], [2]]
    assert max(map(len, asked)) == together.TOGETHER
    assert not any(100 in questions for questions in asked)


async def test_whoever_waits_hears_that_nothing_could_be_answered():
    def answer(questions):
        raise OperationalError("away")

    gathering = together.Together(lambda work: asyncio.get_running_loop().run_in_executor(None, work), answer)
    answers = await asyncio.gather(*map(gathering.ask, "abc"), return_exceptions=True)
    assert [type(each) for each in answers] == [OperationalError] * 3


@pytest.mark.django_db(transaction=True)
def test_stream_asked_for_with_others_is_answered_as_if_it_were_alone(harbour, connect, room):
    say(room, 3)
    clients = [connect() for _ in range(6)]
    for client in clients:
        client.hello()
    places = [{}, {"e": "", "o": 0}, {"e": "another", "o": 1}]
    for number, client in enumerate(clients):
        client.say("sub", id=1, stream=room if number < 4 else f"closed:{number}", **places[number % 3])
    heard = [client.hear() for client in clients]
    assert [frame["t"] for frame in heard] == ["ok"] * 4 + ["err"] * 2
    assert [(frame["o"], frame["recovered"]) for frame in heard[:4]] == [
        (3, True), (0, True), (3, False), (3, True),
    ]  # fmt: skip
    assert [client.hear()["o"] for client in [clients[1]] * 3] == [1, 2, 3]
