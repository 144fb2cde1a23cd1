"""Many that ask, one that looks: a question is answered by a look that began after it was asked.

Whoever asks while a look is under way waits for the next one, with all who came meanwhile. The looks are made in one
thread, which keeps its connections while it is asked; no request needs a thread of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

RESTS_AFTER = 5.0  # seconds without a question


class Looks[Question, Answer]:
    """`look` gets all the questions of a turn, and returns the answer to each; `rest` is done when no more come."""

    def __init__(
        self, look: Callable[[Sequence[Question]], Sequence[Answer]], rest: Callable[[], object]
    ) -> None:
        self._look, self._rest = look, rest
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="looks")
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._turns: asyncio.Task[None] | None = None
        self._resting: asyncio.TimerHandle | None = None

    async def ask(self, question: Question) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._turns is None:
            # Not before those who came in the same turn of the loop have asked as well.
            self._turns = asyncio.create_task(self._take_turns())
        return await answer

    def close(self) -> None:
        if self._resting:
            self._resting.cancel()
        self._thread.submit(self._rest).result()
        self._thread.shutdown()

    async def _take_turns(self) -> None:
        try:
            while self._waiting:
                await self._take_turn()
        finally:
            self._turns = None
            self._rest_later()

    def _rest_later(self) -> None:
        if self._resting:
            self._resting.cancel()
        loop = asyncio.get_running_loop()
        self._resting = loop.call_later(RESTS_AFTER, self._thread.submit, self._rest)

    async def _take_turn(self) -> None:
        asked, self._waiting = self._waiting, []
        questions = [question for question, _ in asked]
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._thread, self._look, questions)
        except Exception as fault:
            for _, future in asked:
                if not future.done():
                    future.set_exception(fault)
        else:
            for (_, future), answer in zip(asked, answers, strict=True):
                if not future.done():  # who asked may have gone
                    future.set_result(answer)
