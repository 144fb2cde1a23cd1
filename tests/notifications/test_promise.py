"""The promise as a state machine: whatever happens to the network, the server, the log or the reader's rights, each
event arrives in order, and where that cannot be, the client is told before any later one.
"""

import asyncio
import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from notifications import hub as hubs
from notifications.models import Event, Stream, new_epoch
from notifications.protocol import Position
from tests.notifications.client import Client
from tests.notifications.doors import Pier
from tests.notifications.harbour import Harbour
from tests.notifications.visitor import EventSource, Visitor
from tests.notifications.writing import say

RUNS = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class EventStream:
    """Door 3 as an event stream, with the words of a socket."""

    def __init__(self, visitor: Visitor, headers: dict[str, str]) -> None:
        self._visitor, self._headers, self._source = visitor, headers, None

    def hello(self) -> dict:
        return {"t": "welcome"}

    def sub(self, stream: str, e: str, o: int) -> dict:
        asked = [("stream", stream), ("e", e), ("o", str(o))]
        refused = (
            self._visitor.run(self._visitor.ask("", [*asked, ("wait", "0")], self._headers)).status == 404
        )
        if refused:
            return {"t": "err", "code": "not_found"}
        self._source = EventSource(self._visitor, asked, self._headers)
        return self._source.opened()[0]

    def hear(self, seconds: float = 5) -> dict:
        return self._source.hear(seconds)

    def close(self) -> None:
        if self._source:
            self._source.close()


class LongPoll(EventStream):
    """Door 3 as one question after the other: what would end a socket, the next answer tells."""

    def sub(self, stream: str, e: str, o: int) -> dict:
        self._asked, self._waiting = (stream, e, o), []
        return self._ask(wait=0)

    def hear(self, seconds: float = 5) -> dict:
        if not self._waiting:
            self._ask(wait=seconds)
        frame = self._waiting.pop(0)
        self._asked = (self._asked[0], frame["e"], frame["o"])
        return frame

    def _ask(self, wait: float) -> dict:
        answer = self._visitor.poll(self._asked, wait=wait, **self._headers)
        if answer.status == 404:
            return {"t": "err", "code": "not_found"}
        first, *self._waiting = answer.frames
        self._asked = (self._asked[0], first["e"], first["o"])
        return first

    def close(self) -> None:
        pass


class World:
    """One signed-in client, its stream, and what can happen to them."""

    # What ends an open connection is said on it.
    is_told = True

    def __init__(self, connect: Callable[..., Client], harbour: Harbour | Pier) -> None:
        self.connect, self.harbour = connect, harbour
        self.user = get_user_model().objects.create_user(
            f"{uuid.uuid4().hex}@example.com", "x", is_staff=True
        )
        browser = Browser()
        browser.force_login(self.user)
        self.options = {
            "headers": {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"},
            "origin": f"http://127.0.0.1:{harbour.port}",
        }

    def open(self) -> Client:
        client = self.knock()
        assert client.hello()["t"] == "welcome"
        return client

    def knock(self) -> Client:
        return self.connect(**self.options)

    def admit(self) -> None:
        self.user.user_permissions.add(Permission.objects.get(codename="view_session"))

    def revoke(self) -> None:
        self.user.user_permissions.clear()

    def restart(self) -> None:
        """The process goes: everybody is told, and the next connection finds a hub that knows nothing."""

        async def leave() -> None:
            hub = hubs.current_hub()
            hub.drain()
            hub.close()

        asyncio.run_coroutine_threadsafe(leave(), self.harbour.loop).result(5)


class HttpWorld(World):
    def __init__(self, door: type[EventStream], visitor: Visitor, harbour: Harbour) -> None:
        super().__init__(lambda **_: None, harbour)
        self.door, self.visitor, self.is_told = door, visitor, door is not LongPoll

    def knock(self) -> EventStream:
        return self.door(self.visitor, {"Cookie": self.options["headers"]["Cookie"]})


class Promise(RuleBasedStateMachine):
    """`heard` and `place` are what the client knows; `top`, `lowest` and `epoch` are the model of the log."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.stream = f"desk:{uuid.uuid4().hex}"
        self.client: Client | None = None
        self.place = Position()
        self.top, self.lowest, self.epoch = 0, 1, ""
        self.admitted = True
        self.world.admit()

    # What happens to the log

    @rule(count=st.integers(1, 6))
    def publish(self, count: int) -> None:
        say(self.stream, count)
        self.top += count
        self.epoch = self.epoch or Stream.objects.get(name=self.stream).epoch

    @precondition(lambda self: self.top and self.client is None)
    @rule(kept=st.integers(0, 3))
    def trim(self, kept: int) -> None:
        self.lowest = max(self.lowest, self.top - kept + 1)
        Event.objects.on(self.stream).filter(offset__lt=self.lowest).delete()

    @precondition(lambda self: self.top)
    @rule()
    def restore(self) -> None:
        """A backup came back: the same offsets may mean something else now."""
        self.epoch = new_epoch()
        Stream.objects.filter(name=self.stream).update(epoch=self.epoch)
        if self.client is not None:
            self._ended("bye", code=4002)

    # What happens to the connection

    @precondition(lambda self: self.client is not None)
    @rule()
    def drop(self) -> None:
        self._gone()

    @rule()
    def restart(self) -> None:
        self.world.restart()
        if self.client is not None:
            self._ended("bye", code=4001)

    # What happens to the reader

    @precondition(lambda self: self.admitted)
    @rule()
    def revoke(self) -> None:
        self.world.revoke()
        self.admitted = False
        if self.client is not None:
            self._refused()

    @precondition(lambda self: not self.admitted)
    @rule()
    def admit(self) -> None:
        self.world.admit()
        self.admitted = True

    # What the client does

    @precondition(lambda self: self.client is None)
    @rule()
    def resume(self) -> None:
        self.client = self.world.open()
        answer = self.client.sub(self.stream, e=self.place.epoch, o=self.place.offset)
        if not self.admitted:
            assert (answer["t"], answer["code"]) == ("err", "not_found")
            self._gone()
            return
        assert answer["recovered"] is self._can_be_recovered()
        assert answer["o"] == (self.place.offset if answer["recovered"] else self.top)
        self.place = Position(answer["e"], answer["o"])

    @precondition(lambda self: self.client is not None)
    @rule()
    def listen(self) -> None:
        while self.place.offset < self.top:
            frame = self.client.hear()
            assert frame["t"] == "ev", frame
            self._hear(frame)

    def _can_be_recovered(self) -> bool:
        if self.place == Position():
            return self.lowest == 1
        return self.place.epoch == self.epoch and self.place.offset >= self.lowest - 1

    def _hear(self, frame: dict) -> None:
        assert (frame["e"], frame["o"]) == (self.epoch, self.place.offset + 1)
        self.place = Position(frame["e"], frame["o"])

    def _ended(self, kind: str, **said: object) -> None:
        if self.world.is_told:
            frame = self._until(kind)
            assert {name: frame[name] for name in said} == said
        self._gone()

    def _refused(self) -> None:
        """What was withdrawn is not had by asking for it again on the same connection."""
        if self.world.is_told:
            assert self._until("err")["stream"] == self.stream
        again = self.client.sub(self.stream, e=self.place.epoch, o=self.place.offset)
        assert (again["t"], again["code"]) == ("err", "not_found")
        self._gone()

    def _until(self, kind: str) -> dict:
        """What comes before it counts as heard."""
        while (frame := self.client.hear(10))["t"] == "ev":
            self._hear(frame) if frame["e"] == self.epoch else None
        assert frame["t"] == kind, frame
        return frame

    def _gone(self) -> None:
        self.client.close()
        self.client = None

    def teardown(self) -> None:
        """In the end everything is there."""
        self.admit() if not self.admitted else None
        self.resume() if self.client is None else None
        self.listen()
        say(self.stream)
        self.top += 1
        self.epoch = self.epoch or Stream.objects.get(name=self.stream).epoch
        self.listen()
        self._gone()


def hold(world: World) -> None:
    world.restart()  # a hub that polls at the pace of these settings
    run_state_machine_as_test(type("ThroughThisDoor", (Promise,), {"world": world}), settings=RUNS)
    world.restart()


@pytest.fixture(autouse=True)
def quick(settings):
    settings.NOTIFICATIONS_REVIEW_SECONDS = settings.NOTIFICATIONS_POLL_SECONDS = 0.1


@pytest.mark.timeout(180)
def test_no_event_is_lost_and_no_gap_untold(connect, harbour, transactional_db):
    hold(World(connect, harbour))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("door", [EventStream, LongPoll])
def test_nor_through_plain_http(visitor, channels, transactional_db, door):
    hold(HttpWorld(door, visitor, channels))
