"""Clients that come back, simulated: after a deploy, and after a network that dropped them all.

What the servers and the clients of this shop do, with their own constants. Time goes in steps, and everybody is
somewhere at each of them, so nobody can be lost without being missed.

A client comes to two lines. At the door so many wait for their handshake, which takes a process's CPU; whoever gives up
there costs nothing when its turn comes. Inside, fewer wait for the database to say who they are; whoever gives up there
keeps the place, and the database answers for nobody. Where a line is full one is told to come later. Clients wait with
full jitter, and give up a connection that is not welcomed in time.

A balancer with `least_conn` and `proxy_next_upstream http_503` makes one long line of the processes' own.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from notifications.daphne_server import WAITING
from notifications.hub import GREETINGS
from notifications.protocol import Drain

# Of notifications/static/notifications/link.js; a test reads them there.
RETRY_S, RETRY_MAX_S = 0.5, 30.0
PATIENCE_S, TICK_S = 15.0, 5.0  # not welcomed by then, it is given up at the next tick
QUERIES = 3  # of a signed-in client: its session, its user, its stream; a test counts them
STEP_S = 0.05
MOST_S = 300.0

type Floats = NDArray[np.float64]
type Places = NDArray[np.int64]


@dataclass(frozen=True)
class Servers:
    """`handshakes` a second of each process; `database` queries a second of all together."""

    processes: int
    handshakes: float
    database: float = math.inf
    waiting: int = WAITING
    greetings: int = GREETINGS


@dataclass
class Seen:
    back: Floats  # when each client was back; nan for who was not
    missing: int
    shaken: list[int] = field(default_factory=list)  # hands, in each step
    refused: int = 0
    given_up: int = 0

    @property
    def last(self) -> float:
        return float(np.nanmax(self.back))

    def share(self, percent: float) -> float:
        return float(np.nanpercentile(self.back, percent))

    def peak(self, processes: int) -> float:
        """Handshakes a second of each process, over the busiest second."""
        sums = np.convolve(np.array(self.shaken, dtype=float), np.ones(round(1 / STEP_S)))
        return float(sums.max()) / processes


def told_to_leave(clients: int, random: np.random.Generator) -> Floats:
    """When those come whom a server that leaves has said good-bye to."""
    low, high = Drain.retry_ms
    return random.uniform(low / 1000, high / 1000, clients)


def dropped(clients: int, random: np.random.Generator) -> Floats:
    return random.uniform(0, RETRY_S, clients)


def come_back(come_at: Floats, servers: Servers, random: np.random.Generator, *, tried: int) -> Seen:
    """`tried` is how often each had failed before: a good-bye is no failure, a lost connection is one.

    It ends when all are back, or after five minutes.
    """
    clients, now = len(come_at), 0.0
    seen, due, tries = Seen(np.full(clients, np.nan), clients), come_at.copy(), np.full(clients, tried)
    until = np.full(clients, math.inf)  # when each gives up the connection that it has now
    door = Line(servers.processes * servers.waiting, servers.processes * servers.handshakes)
    inside = Line(servers.processes * servers.greetings, servers.database / QUERIES, serves_nobody=True)
    while seen.missing and now < MOST_S:
        now += STEP_S
        given_up = np.concatenate([line.give_up(until, now) for line in (door, inside)])
        arrived = random.permutation(np.flatnonzero(due <= now))
        due[arrived] = math.inf
        until[arrived] = now + PATIENCE_S + random.uniform(0, TICK_S, len(arrived))
        turned_away = door.join(arrived, until)
        shaken = door.serve()
        not_greeted = inside.join(shaken, until)
        greeted = inside.serve()
        seen.back[greeted] = now
        seen.missing -= len(greeted)
        refused = np.concatenate([turned_away, not_greeted])
        for unlucky in (given_up, refused):
            wait = np.minimum(RETRY_MAX_S, RETRY_S * 2.0 ** tries[unlucky])
            due[unlucky] = now + random.random(len(unlucky)) * wait
            tries[unlucky] = np.minimum(tries[unlucky] + 1, 20)
        seen.shaken.append(len(shaken))
        seen.given_up += len(given_up)
        seen.refused += len(refused)
    return seen


@dataclass
class Group:
    """Who came together; `there` is who of them still is, `first` when the next of them gives up."""

    clients: Places
    there: NDArray[np.bool_]
    first: float

    def split(self, cut: int) -> tuple[Group, Group]:
        parts = (slice(None, cut), slice(cut, None))
        before, after = (Group(self.clients[part], self.there[part], self.first) for part in parts)
        return before, after


class Line:
    """First come, first served, so many a second; who gave up keeps a place until the turn comes."""

    def __init__(self, room: int, rate: float, *, serves_nobody: bool = False) -> None:
        self._room, self._rate = room, rate
        self._serves_nobody = serves_nobody  # whether the turn of who gave up takes as long as another's
        self._credit = 0.0
        self._length = 0
        self._groups: deque[Group] = deque()

    def join(self, clients: Places, until: Floats) -> Places:
        """Those for whom there is no room."""
        let_in, refused = np.split(clients, [max(0, self._room - self._length)])
        if len(let_in):
            there = np.ones(len(let_in), dtype=bool)
            self._groups.append(Group(let_in, there, float(until[let_in].min())))
            self._length += len(let_in)
        return refused

    def give_up(self, until: Floats, now: float) -> Places:
        gone = [np.empty(0, dtype=np.int64)]
        for group in self._groups:
            if group.first <= now:
                leaving = group.there & (until[group.clients] <= now)
                group.there &= ~leaving
                group.first = float(until[group.clients[group.there]].min(initial=math.inf))
                gone.append(group.clients[leaving])
        return np.concatenate(gone)

    def serve(self) -> Places:
        """In one step."""
        self._credit = min(self._credit + self._rate * STEP_S, float(self._length + 1))
        served = [np.empty(0, dtype=np.int64)]
        while self._groups and self._credit >= 1:
            group = self._groups.popleft()
            cost = np.cumsum(np.ones(len(group.there)) if self._serves_nobody else group.there)
            cut = int(np.searchsorted(cost, math.floor(self._credit), side="right"))
            taken, left = group.split(cut)
            served.append(taken.clients[taken.there])
            self._credit -= float(cost[cut - 1]) if cut else 0.0
            self._length -= cut
            if len(left.clients):
                self._groups.appendleft(left)
                break
        if not self._groups:
            self._credit = 0.0  # who has nothing to do saves nothing up
        return np.concatenate(served)
