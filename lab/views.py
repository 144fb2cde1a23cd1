"""`/lab/` in the demo: how this very process is doing, and a crowd for it at the press of a button."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from lab.live import Sample, meter
from lab.rehearsal import CHOICES, EVENTS, Refused, begin
from notifications.hub import current_hub
from notifications.threads import give_thread_back


class Strip(NamedTuple):
    field: str
    title: str
    meaning: str
    unit: str = ""
    least: float = 10  # what the whole height stands for, at least


STRIPS = [
    Strip("sockets", "Open sockets", "pages and programs that follow something here"),
    Strip("lag", "Loop lag", "how late a timer comes", "ms", 5),
    Strip("deliveries", "Deliveries", "an event handed to one socket is one", "/s", 50),
    Strip("events", "Events", "that had somebody here to hear them", "/s"),
    Strip("memory", "Memory", "of this process, resident", "MiB", 50),
]


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "lab/page.html", {"strips": STRIPS, "choices": CHOICES, "events": EVENTS})


@never_cache
@require_safe
async def live(request: ASGIRequest) -> HttpResponseBase:
    return await _stream(_samples())


@never_cache
@require_POST
async def rehearsal(request: ASGIRequest) -> HttpResponseBase:
    count = request.POST.get("count", "")
    try:
        begun = begin(int(count) if count.isdecimal() else 0, current_hub(), meter())
    except Refused as refused:
        return JsonResponse({"why": str(refused)}, status=409)
    # Also where the visitor is gone before the first line.
    task = asyncio.current_task()
    assert task is not None
    task.add_done_callback(lambda _: begun.end())
    port = request.scope["server"][1]  # where this process listens, whatever the request calls it
    return await _stream(_lines(begun.play(port)))


async def _samples() -> AsyncIterator[str]:
    """The first line has the names of what is in the others."""
    yield _line(Sample._fields)
    async for samples in meter().follow():
        yield _line(samples)


async def _lines(told: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    async for each in told:
        yield _line(each)


def _line(data: Any) -> str:
    return f"data: {json.dumps(data)}\n\n"


async def _stream(lines: AsyncIterator[str]) -> HttpResponseBase:
    await give_thread_back()  # an event stream needs none
    response = StreamingHttpResponse(lines, content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"
    return response
