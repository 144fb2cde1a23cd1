"""Door 3: plain HTTP, for clients without WebSockets and for networks that let none through.

Both views are the conversation of the other doors. What a client would say over a socket (hello, then a sub for each
stream) stands in its request; what it would hear comes in the same frames, byte for byte.

    GET /api/v1/events/?stream=order:17&e=4f2a&o=3&stream=user:5&e=&o=0&wait=25      one answer (long poll)
    GET /api/v1/events/stream/?stream=order:17&e=4f2a&o=3                            text/event-stream

`stream` names 1 to 32 streams. `e` and `o`, epoch and offset, are left out altogether (every stream from now on) or
given once for each stream in the same order; a pair of empty ones follows that stream from now on. `wait` is 0 to 25
seconds, 25 if left out. Whatever else the query holds is left alone.

**Long poll.** `{"frames": [...]}` with an `ok` or `err` for each stream, its `id` the stream's place in the query, and
the `ev` and `bye` that came. It is answered as soon as there is anything the client cannot know (an event, an error,
`recovered: false`, the position of a stream asked for without one), otherwise after `wait`. The next request, with the
positions of the last `ok` or `ev` of each stream, is the acknowledgement: nothing lies between two polls.

**Event stream.** Each frame is a `data:`, beginning with `welcome`. The `id:` of an `ok` or `ev` holds the positions of
all streams; sent back as Last-Event-ID it wins over the query. A `ping` every 25 s is the heartbeat; nobody answers it.

Either holds at most a window (128 events, 256 KiB); what has more behind it ends in a `bye` 4009, and coming again is
the acknowledgement. Any `bye` ends the answer; come again after its `retry_ms` if it says `reconnect`.

**Who.** The session cookie, from pages of our own origin only, or `Authorization: Ticket <secret>` (good once), or
another scheme that the project registered with `identity.register_scheme`.

**Otherwise** a problem (RFC 9457) with a `code` for programs and a `detail` for people: 400 for a query that is not as
above, 401 for credentials that open nothing, 403 for pages of other sites, 404 if none of the streams may be read, 405,
429 for more than ten connections of one user (sockets and these together), 501 from a WSGI server, 503 with Retry-After
while the server leaves or greets too many.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseBase, JsonResponse, QueryDict, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from notifications.hub import current_hub
from notifications.listener import Listener
from notifications.log_context import log_context
from notifications.origins import may_ask
from notifications.query import Refusal, seconds_asked, streams_asked
from notifications.threads import give_thread_back

View = Callable[[ASGIRequest], Coroutine[Any, Any, HttpResponseBase]]

GATHER_SECONDS = 0.03  # a burst comes in one answer


def _telling_refusals(view: View) -> View:
    @csrf_exempt  # nothing changes here; another method is answered as the API answers
    async def answer(request: ASGIRequest) -> HttpResponseBase:
        try:
            if not isinstance(request, ASGIRequest):
                raise Refusal(501, "not_here", "Events wait, and a WSGI server has no place to wait in.")
            if request.method != "GET":
                raise Refusal(405, "method_not_allowed", "Only GET.", {"Allow": "GET"})
            response = await view(request)
        except Refusal as refusal:
            response = _as_problem(refusal)
        response["Cache-Control"] = "no-store"
        return response

    return answer


def _as_problem(refusal: Refusal) -> JsonResponse:
    """RFC 9457; `request_id` where the project names its requests, `type` on the page where it explains its codes."""
    body = {
        "type": f"{getattr(settings, 'NOTIFICATIONS_PROBLEMS', '')}#{refusal.code}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.message,
        "request_id": log_context().get("request", ""),
    }
    headers = dict(refusal.headers)
    return JsonResponse(body, status=refusal.status, headers=headers, content_type="application/problem+json")


@_telling_refusals
async def poll(request: ASGIRequest) -> HttpResponseBase:
    seconds = seconds_asked(_query(request))
    listener = await _listener("poll", request)
    frames = await listener.until_news(seconds, GATHER_SECONDS)
    return HttpResponse(f'{{"frames":[{",".join(frames)}]}}', "application/json")


@_telling_refusals
async def stream(request: ASGIRequest) -> HttpResponseBase:
    listener = await _listener("sse", request)
    response = StreamingHttpResponse(_events(listener), content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"
    return response


async def _events(listener: Listener) -> AsyncIterator[str]:
    await give_thread_back()  # the one that the middleware had for this response
    async for event in listener.as_events():
        yield event


async def _listener(door: str, request: ASGIRequest) -> Listener:
    """Raises Refusal."""
    if not may_ask(request.scope):
        raise Refusal(403, "foreign_origin", "Only pages of this site may ask with its cookies.")
    asked = streams_asked(_query(request), request.headers.get("Last-Event-ID"))
    if not current_hub().has_room:
        raise Refusal(503, "unavailable", "Come again in a moment.", {"Retry-After": "2"})
    await give_thread_back()
    listener = Listener(door, request, asked)
    await listener.open()
    return listener


def _query(request: ASGIRequest) -> QueryDict:
    try:
        return request.GET
    except SuspiciousOperation:
        raise Refusal(400, "bad_query", "More parameters than anybody needs.") from None
