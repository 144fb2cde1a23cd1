"""The writing side: what is in the log, when, and in which order."""

import json
import time
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.template import Context, Template
from django.utils import timezone

from notifications import wake
from notifications.inbox import inbox, inbox_stream, mark_read, unread_count
from notifications.log import position, positions
from notifications.models import READ, Event, Pending, Stream
from notifications.protocol import FrameTooLarge, Position
from notifications.services import NotInTransaction, notify, prune, relay
from tests.notifications.harbour import register
from tests.notifications.layers import NotingLayer
from tests.notifications.writing import run_python, say


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user(email="reader@example.com", password="x")


@pytest.mark.django_db
def test_offsets_count_from_one_per_stream():
    say("room:a", 3)
    say("room:b", 1)
    assert list(Event.objects.on("room:a").after(0).values_list("offset", flat=True)) == [1, 2, 3]
    assert position("room:b").offset == 1


@pytest.mark.django_db
def test_event_keeps_its_payload_whatever_its_keys_are_called():
    with transaction.atomic():
        event = notify("room:a", "said", stream="x", kind="y", at=timezone.now())
    event.refresh_from_db()
    assert set(event.payload) == {"stream", "kind", "at"}


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_refuses():
    with pytest.raises(NotInTransaction):
        notify("room:a", "said")


@pytest.mark.django_db(transaction=True)
def test_rollback_leaves_nothing():
    with transaction.atomic():
        notify("room:a", "said")
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    assert position("room:a") == Position()
    say("room:a")
    assert position("room:a").offset == 1


@pytest.mark.django_db
@pytest.mark.parametrize("stream", ["room", "room:", ":a", "Room:a", "room:a b", "room:" + "a" * 141])
def test_a_name_that_no_client_could_ask_for_is_refused(stream):
    with pytest.raises(ValueError, match="not the name"), transaction.atomic():
        notify(stream, "said")


@pytest.mark.django_db
@pytest.mark.parametrize("stream", ["room:a", "crowd:a"])
def test_what_no_frame_could_hold_is_refused(stream):
    register()
    with pytest.raises(FrameTooLarge), transaction.atomic():
        notify(stream, "said", text="x" * 17_000)


@pytest.mark.django_db
def test_positions_are_read_in_one_query(django_assert_num_queries):
    say("room:a", 2)
    with django_assert_num_queries(1):
        found = positions("room:a", "room:none")
    assert found["room:a"].offset == 2
    assert found["room:none"] == Position("", 0)


@pytest.mark.django_db
def test_template_tag_prints_the_position_of_each_stream(django_assert_num_queries):
    say("room:a", 2)
    epoch = position("room:a").epoch
    template = Template('{% load notifications %}<p {% stream_attrs "room:a" known %}>')
    with django_assert_num_queries(1):
        html = template.render(Context({"known": {"room:b": Position("4f", 7)}}))
    assert html == f'<p data-stream="room:b room:a" data-epoch="4f {epoch}" data-offset="7 2">'


@pytest.mark.django_db
def test_template_tag_escapes_and_marks_an_empty_log():
    html = Template("{% load notifications %}{% stream_attrs name %}").render(Context({"name": 'room:"><x>'}))
    assert html == 'data-stream="room:&quot;&gt;&lt;x&gt;" data-epoch="-" data-offset="0"'


@pytest.mark.django_db
def test_prune_keeps_a_week_and_the_newest_thousand():
    say("room:a", 1)
    stream = Stream.objects.get()
    old = timezone.now() - timedelta(days=8)
    Event.objects.bulk_create(
        Event(stream=stream, offset=n, kind="said", created_at=old) for n in range(2, 1501)
    )
    Event.objects.filter(offset=1).update(created_at=old)
    Stream.objects.update(top=1500)
    assert prune() == 500
    assert prune() == 0
    assert Event.objects.order_by("offset").first().offset == 501
    assert position("room:a").offset == 1500


@pytest.mark.django_db
def test_prune_leaves_a_busy_week_whole():
    say("room:a", 1)
    stream = Stream.objects.get()
    Event.objects.bulk_create(Event(stream=stream, offset=n, kind="said") for n in range(2, 1501))
    Stream.objects.update(top=1500)
    assert prune() == 0


@pytest.mark.django_db
def test_inbox_counts_what_is_unread(user, django_assert_num_queries):
    say(inbox_stream(user), 4)
    with django_assert_num_queries(1):
        assert unread_count(user) == 4
    assert mark_read(user, 3)
    assert unread_count(user) == 1
    assert [(event.offset, event.unread) for event in inbox(user, 3)] == [(4, True), (3, False), (2, False)]


@pytest.mark.django_db
def test_reading_tells_the_other_screens_and_counts_as_nothing_unread(user):
    say(inbox_stream(user), 2)
    mark_read(user, 1)
    told = Event.objects.on(inbox_stream(user)).after(2).get()
    assert (told.kind, told.payload) == (READ, {"offset": 1, "unread": 1})
    assert unread_count(user) == 1
    say(inbox_stream(user))
    mark_read(user, told.offset + 1)
    assert unread_count(user) == 0


@pytest.mark.django_db
def test_read_mark_only_moves_forward_and_not_past_the_top(user):
    assert not mark_read(user, 5)
    say(inbox_stream(user), 2)
    assert mark_read(user, 999)
    assert not mark_read(user, 1)
    assert not mark_read(user, 2)
    say(inbox_stream(user))
    assert unread_count(user) == 1


@pytest.mark.django_db
def test_shared_stream_gets_its_offsets_from_the_relay():
    register()
    say("crowd:a", 3)
    assert Pending.objects.count() == 3
    uids = list(Pending.objects.order_by("pk").values_list("uid", flat=True))
    relay()
    relay()
    events = Event.objects.on("crowd:a").after(0)
    assert [(event.offset, event.uid) for event in events] == list(enumerate(uids, start=1))
    assert not Pending.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_others_are_asked_for_a_relay_only_where_no_hub_is(settings, monkeypatch):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.notifications.layers.NotingLayer"}}
    monkeypatch.setattr(NotingLayer, "taken", [])
    monkeypatch.setattr(wake, "listeners", set())
    register()
    say("crowd:a")
    wake._courier.finish()
    heard = []
    wake.listeners.add(heard.extend)
    say("crowd:b")
    relay()
    wake._courier.finish()
    places = [(stream, offset) for stream, _, offset, *_ in NotingLayer.taken]
    assert places == [("crowd:a", 0), ("crowd:a", 1), ("crowd:b", 1)]
    assert [(entry.stream, entry.offset) for entry in heard] == [("crowd:b", 0), *places[1:]]


@pytest.mark.django_db(transaction=True)
def test_a_layer_that_fails_never_reaches_the_caller(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.notifications.layers.BrokenLayer"}}
    started = time.monotonic()
    say("room:a", 20)
    assert time.monotonic() - started < 5
    assert position("room:a").offset == 20


WRITERS = """
import itertools, json, os, random, threading, time
from django.db import connection, transaction
from notifications.models import Event, Stream
from notifications.services import notify

WITHOUT_LOCK = os.environ["WITHOUT_LOCK"] == "yes"
counter = itertools.count(1)

def write():
    for _ in range(25):
        with transaction.atomic():
            if WITHOUT_LOCK:
                Event.objects.create(stream=stream, offset=next(counter), kind="said")
            else:
                notify("room:race", "said")
            time.sleep(random.random() / 200)
    connection.close()

Stream.objects.all().delete()
stream = Stream.objects.create(name="room:race")
writers = [threading.Thread(target=write) for _ in range(8)]
for writer in writers:
    writer.start()
last, skipped = 0, 0
while last < 200:
    for offset in Event.objects.on("room:race").after(last).values_list("offset", flat=True):
        skipped += offset != last + 1
        last = offset
for writer in writers:
    writer.join()
print(json.dumps({"last": last, "skipped": skipped}))
"""


def race(postgres, **env):
    return json.loads(run_python(WRITERS, **postgres, **env).stdout)


def test_commit_order_is_offset_order_under_concurrent_writers(postgres, transactional_db):
    assert race(postgres, WITHOUT_LOCK="no") == {"last": 200, "skipped": 0}


def test_without_the_lock_a_reader_would_skip_events(postgres, transactional_db):
    assert race(postgres, WITHOUT_LOCK="yes")["skipped"] > 0


CROWD = """
import json, os, threading, time
from django.db import connection, transaction
from notifications.models import Event, Pending
from notifications.services import notify, relay
from tests.notifications.harbour import register
from tests.notifications.layers import NotingLayer

register()
STREAM = os.environ["STREAM"]
first_wrote, second_done = threading.Event(), threading.Event()

def slow():
    with transaction.atomic():
        notify(STREAM, "said", by="slow")
        first_wrote.set()
        second_done.wait(3)
    connection.close()

def quick():
    first_wrote.wait()
    with transaction.atomic():
        notify(STREAM, "said", by="quick")
    second_done.set()
    connection.close()

started = time.monotonic()
threads = [threading.Thread(target=work) for work in (slow, quick)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
waited = time.monotonic() - started > 2.5
relays = [threading.Thread(target=lambda: (relay(), connection.close())) for _ in range(4)]
[thread.start() for thread in relays]
[thread.join() for thread in relays]
rows = list(Event.objects.on(STREAM).after(0).values_list("offset", flat=True))
print(json.dumps({"waited": waited, "offsets": rows, "pending": Pending.objects.count()}))
"""


@pytest.mark.parametrize(("stream", "waited"), [("crowd:queue", False), ("room:queue", True)])
def test_writers_of_a_shared_stream_do_not_wait_for_each_other(postgres, transactional_db, stream, waited):
    result = json.loads(run_python(CROWD, STREAM=stream, **postgres).stdout)
    assert result == {"waited": waited, "offsets": [1, 2], "pending": 0}


def test_killed_after_commit_and_before_the_hint_loses_nothing(connect, room):
    client = connect()
    client.hello()
    client.sub(room)
    code = f"""
import os, signal
from django.db import transaction
from notifications.services import notify
with transaction.atomic():
    transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
    notify({room!r}, "said")
"""
    assert run_python(code, check=False).returncode == -9
    assert client.offsets(1) == [1]


def test_killed_before_commit_says_nothing(connect, room):
    client = connect()
    client.hello()
    client.sub(room)
    code = f"""
import os, signal
from django.db import transaction
from notifications.services import notify
with transaction.atomic():
    notify({room!r}, "said")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run_python(code, check=False).returncode == -9
    say(room, text="the first that counts")
    assert client.hear()["d"]["text"] == "the first that counts"
