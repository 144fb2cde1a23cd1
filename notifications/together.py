"""Questions to the database that are asked in one moment are answered together: one thread, connection, few queries.

A crowd that comes at once (a deploy, a lost network) would otherwise pay a hop and a connection for each of its
thousands. Nobody waits for the sake of it: the first question goes out at once, and whatever comes while it is under
way goes out with the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

UNDER_WAY = 2  # batches: one that waits for a lock does not hold up all that come after it
TOGETHER = 64


class Together[Q, A]:
    """`answer(questions)` gives for each its answer or an exception of its own; `start` has that run in a thread."""

    def __init__(
        self,
        start: Callable[[Callable[[], Sequence[A | Exception]]], asyncio.Future[Sequence[A | Exception]]],
        answer: Callable[[list[Q]], Sequence[A | Exception]],
    ) -> None:
        self._start, self._answer = start, answer
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._under_way = 0
        self._due = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def ask(self, question: Q) -> asyncio.Future[A]:
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        self._go_soon()
        return future

    def _go_soon(self) -> None:
        if self._waiting and not self._due and self._under_way < UNDER_WAY:
            self._due = True
            asyncio.get_running_loop().call_soon(self._go)  # after what this turn of the loop still asks

    def _go(self) -> None:
        self._due = False
        batch = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
        batch = [
            (question, future) for question, future in batch if not future.done()
        ]  # not cancelled meanwhile
        if batch:
            self._under_way += 1
            answers = self._start(partial(self._answer, [question for question, _ in batch]))
            answers.add_done_callback(partial(self._hand_out, [future for _, future in batch]))
        self._go_soon()

    def _hand_out(
        self, futures: list[asyncio.Future[A]], answers: asyncio.Future[Sequence[A | Exception]]
    ) -> None:
        self._under_way -= 1
        for future, answer in zip(futures, _answers(answers, len(futures)), strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._go_soon()


def _answers[A](answers: asyncio.Future[Sequence[A | Exception]], count: int) -> Sequence[A | Exception]:
    if answers.cancelled():
        return [ConnectionError("the hub has closed")] * count
    fault = answers.exception()
    if isinstance(fault, Exception):
        return [fault] * count
    return answers.result()
