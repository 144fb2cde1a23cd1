"""What the lab writes in bulk is what the shop writes one by one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from lab import writing
from notifications import log, wake
from notifications.models import Pending
from notifications.protocol import Entry
from notifications.services import notify

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def heard() -> Iterator[list[Entry]]:
    entries: list[Entry] = []
    wake.listeners.add(entries.extend)
    yield entries
    wake.listeners.discard(entries.extend)


def test_together_is_heard_after_the_commit_and_read_from_the_log_alike(heard: list[Entry]) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the lab measures on PostgreSQL")
    with transaction.atomic():
        notify("user:1", "lab.said", n=0)
    before = len(heard)
    with ThreadPoolExecutor(1) as thread:
        saying = thread.submit(writing.say_together, ["user:2", "user:1"], size=10)
        assert writing.written()
        assert len(heard) == before
        writing.commit()
        assert saying.result(10) > 0
    together = {entry.stream: entry for entry in heard[before:]}
    assert {stream: entry.offset for stream, entry in together.items()} == {"user:1": 2, "user:2": 1}
    assert log.entries_after("user:1", 1, 10) == [together["user:1"]]
    assert log.entries_after("user:2", 0, 10) == [together["user:2"]]


def test_what_many_write_to_is_numbered_before_anybody_hears_of_it(heard: list[Entry]) -> None:
    committed = writing.say("product:low-tide", 3)
    assert committed == sorted(committed)
    assert [entry.offset for entry in heard if entry.offset] == [1, 2, 3]
    assert not Pending.objects.exists()
    assert [entry.frame.fields["d"]["n"] for entry in heard if entry.offset] == [0, 1, 2]
