"""When a digest is gathered, what it holds, and that it is gathered once."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client as Browser

from notifications import preferences
from notifications.digest import Rhythm, forget, gather_digests, items, note_here
from notifications.inbox import mark_read
from notifications.models import Digest, DigestItem
from notifications.preferences import register_kind
from notifications.services import prune, tell
from tests.notifications.writing import run_python

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def kinds(monkeypatch):
    monkeypatch.setattr(preferences, "_registered", {})
    register_kind("letter", "Letters", "What people write.", email=True)
    register_kind("card", "Cards", "What people send.", live=False, email=True)


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user(email="reader@example.com", password="x")


@pytest.fixture
def clock(settings):
    settings.NOTIFICATIONS_DIGEST = {}
    with time_machine.travel(NOON, tick=False) as traveller:
        yield lambda **later: traveller.move_to(NOON + timedelta(**later))


def say(user, *texts, kind="letter"):
    for text in texts:
        with transaction.atomic():
            tell(user.pk, kind, text=text)


def gathered():
    """What each digest that is due now holds."""
    turns = []
    gather_digests(lambda user_id, number: turns.append((user_id, number)))
    return [[item.payload["text"] for item in items(*turn)] for turn in turns]


def test_it_waits_for_a_quiet_time_after_the_first_message(user, clock):
    say(user, "one")
    clock(minutes=14)
    say(user, "two")
    assert gathered() == []
    clock(minutes=15)
    assert gathered() == [["two", "one"]]
    assert gathered() == []


def test_the_next_one_comes_after_a_pause_and_holds_what_is_new(user, clock):
    say(user, "one")
    clock(minutes=15)
    assert gathered() == [["one"]]
    say(user, "two")
    clock(hours=4, minutes=14)
    assert gathered() == []
    clock(hours=4, minutes=15)
    assert gathered() == [["two"]]


def test_none_is_gathered_at_night(user, clock):
    say(user, "one")
    clock(hours=9)
    assert gathered() == []
    clock(hours=19, minutes=59)
    assert gathered() == []
    clock(hours=20)
    assert gathered() == [["one"]]


@pytest.mark.parametrize(
    ("night", "hours"),
    [((21, 8), {21, 22, 23, *range(8)}), ((1, 3), {1, 2}), ((0, 0), set()), ((0, 24), set())],
)
def test_the_night_may_reach_over_midnight_or_not_be(night, hours):
    rules = Rhythm(night=night)
    assert {hour for hour in range(24) if rules.is_night(NOON.replace(hour=hour))} == hours


def test_the_night_is_that_of_the_site_s_time_zone(settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    assert Rhythm().is_night(NOON)
    assert not Rhythm().is_night(NOON.replace(hour=0))


def test_what_was_read_meanwhile_is_not_mailed(user, clock):
    say(user, "one", "two")
    mark_read(user, 2)
    clock(minutes=15)
    assert gathered() == []
    say(user, "three", "four")
    mark_read(user, 4)  # "three": the mark itself took an offset
    clock(minutes=30)
    assert gathered() == [["four"]]


def test_what_is_read_between_gathering_and_sending_is_not_mailed(user, clock):
    say(user, "one")
    clock(minutes=15)
    turns = []
    gather_digests(lambda *turn: turns.append(turn))
    mark_read(user, 1)
    assert not items(*turns[0]).exists()


def test_what_mail_alone_tells_cannot_be_read_elsewhere(user, clock):
    say(user, "one")
    say(user, "two", kind="card")
    mark_read(user, 99)
    clock(minutes=15)
    assert gathered() == [["two"]]


def test_nobody_who_is_here_gets_mail(user, clock):
    say(user, "one")
    clock(minutes=15)
    note_here([user.pk, None])
    assert gathered() == []
    clock(minutes=16)
    note_here([user.pk])
    clock(minutes=16, seconds=59)
    assert gathered() == []
    clock(minutes=17)
    assert gathered() == [["one"]]


def test_being_here_is_noted_only_while_something_waits(user, clock, django_assert_num_queries):
    with django_assert_num_queries(1):
        note_here([user.pk])
    assert not Digest.objects.exists()


def test_a_mail_that_could_not_be_enqueued_is_gathered_again(user, clock):
    say(user, "one")
    clock(minutes=15)

    def fail(user_id, number):
        raise OSError("the process dies here")

    assert gather_digests(fail) == 0
    assert gathered() == [["one"]]


def test_one_that_fails_does_not_hold_up_the_others(user, clock):
    other = get_user_model().objects.create_user(email="other@example.com", password="x")
    say(user, "one")
    say(other, "two")
    clock(minutes=15)
    sent = []

    def send(user_id, number):
        if user_id == user.pk:
            raise OSError
        sent.append(user_id)

    assert gather_digests(send) == 1
    assert sent == [other.pk]


def test_what_was_sent_is_forgotten_and_what_waits_is_not(user, clock):
    say(user, "one")
    clock(minutes=15)
    gathered()
    say(user, "two")
    forget(user.pk, 1)
    assert [item.payload["text"] for item in DigestItem.objects.all()] == ["two"]


def test_what_could_never_be_mailed_goes_with_the_log(user, clock):
    say(user, "one")
    clock(days=7, minutes=-1)
    say(user, "two")
    clock(days=7, minutes=1)
    prune()
    assert [item.payload["text"] for item in DigestItem.objects.all()] == ["two"]


def test_an_open_socket_is_noted(connect, harbour, user):
    say(user, "one")
    browser = Browser()
    browser.force_login(user)
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    client = connect(headers=cookie, origin=f"http://127.0.0.1:{harbour.port}")
    client.hello()
    deadline = time.monotonic() + 10
    while not Digest.objects.filter(user=user, seen_at__isnull=False).exists():
        assert time.monotonic() < deadline
        client.hear_nothing(0.1)


RACE = """
import json, os, threading
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone
from notifications.digest import gather_digests
from notifications.models import Digest, DigestItem

GUARDED = os.environ["GUARDED"] == "yes"
DigestItem.objects.all().delete()
Digest.objects.all().delete()
user, _ = get_user_model().objects.get_or_create(email="race@example.com")
old = timezone.now() - timedelta(hours=1)
DigestItem.objects.create(user=user, kind="letter", payload={}, created_at=old)
both_began, sent = threading.Barrier(2), []

def send(user_id, number):
    sent.append(list(DigestItem.objects.filter(digest=number).values_list("pk", flat=True)))
    try:
        both_began.wait(1 if GUARDED else 20)  # until the other sends too, if it can
    except threading.BrokenBarrierError:
        pass

def unguarded(send):
    # What it would be to look, act and then write down that one has.
    with transaction.atomic():
        if DigestItem.objects.filter(digest=None).exists():
            send(user.pk, 1)
            DigestItem.objects.filter(digest=None).update(digest=1)

def work():
    gather_digests(send) if GUARDED else unguarded(send)
    connection.close()

workers = [threading.Thread(target=work) for _ in range(2)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(json.dumps({"mails": len(sent), "items": DigestItem.objects.filter(digest=1).count()}))
"""


@pytest.mark.parametrize(("guarded", "mails"), [("yes", 1), ("no", 2)])
def test_two_workers_gather_one_digest_once(postgres, transactional_db, guarded, mails):
    """The second row is the control: without the conditional update both would send."""
    daytime = {"DIGEST_NIGHT_FROM": "0", "DIGEST_NIGHT_UNTIL": "0"}
    result = json.loads(run_python(RACE, GUARDED=guarded, **daytime, **postgres).stdout)
    assert result == {"mails": mails, "items": 1}
