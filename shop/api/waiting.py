"""Operations that wait for another machine: what comes before, the wait, what comes after.

    @waiting
    def post(self, request, public_id):
        order = find_own_order(request, public_id)      # before: rows are read, and it is decided whether to ask
        payment = yield start_payment(order)            # the wait: no connection is held, and no transaction is open
        return Response(...)                            # after

DRF has no asynchronous views, so the handler waits in its thread and gives its connection back meanwhile. Only
`_drive` knows that: a driver that awaits what a handler yields would serve the same handlers.

Effect and kept answer of such an operation cannot be one transaction. Sent again with its Idempotency-Key it must
come to the same by itself: a placed order by its checkout key, a payment by the row that is written before anybody
is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import wraps
from typing import Any

from asgiref.sync import async_to_sync
from rest_framework.response import Response

from shop.api.views import ApiView

type Steps = Generator[Awaitable[Any], Any, Response]


def waiting(handler: Callable[..., Steps]) -> Callable[..., Response]:
    @wraps(handler)
    def drive(*args: Any, **kwargs: Any) -> Response:
        return _drive(handler(*args, **kwargs))

    return drive


class WaitingView(ApiView):
    waits = True


def _drive(steps: Steps) -> Response:
    try:
        asked = next(steps)
        while True:
            try:
                answer = async_to_sync(_awaited)(asked)
            except Exception as error:
                asked = steps.throw(error)
            else:
                asked = steps.send(answer)
    except StopIteration as end:
        return end.value


async def _awaited(asked: Awaitable[Any]) -> Any:
    return await asked
