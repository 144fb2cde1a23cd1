"""How the processes of the shop are doing now, and in the last two minutes.

The page asks for fresh figures every second. It is a plain view on purpose: it reads what the processes left in the
cache and ends, so that nothing (no thread, no connection) is held while a page stays open.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse

from notifications.metrics import GONE
from notifications.protocol import Bye
from notifications.vitals import Report, Sample, reports

PERMISSION = "notifications.view_stream"
CHARTS = [
    # Title, fields of a sample, unit, how processes add up, and the least that the whole height stands for.
    ("Open sockets", "sockets", "", "sum", 10),
    ("Deliveries a second", "deliveries", "", "sum", 10),
    ("Event loop lag", "lag", "ms", "max", 10),
    ("Commit to send, half and 99 % within", "p99 p50", "ms", "max", 10),
    ("Waiting for a thread", "queue", "", "sum", 5),
    ("Outbox", "outbox", "", "max", 5),
    ("Oldest in the outbox", "outbox_age", "s", "max", 5),
    ("Closes a second", "closes", "", "sum", 5),
    ("Resumes a second", "resumes", "", "sum", 5),
]

MEANINGS = {
    GONE: "the client just went, or its poll was answered",
    **{str(end.code): end.reason for end in Bye.__subclasses__()},
}


def live(request: HttpRequest) -> HttpResponse:
    _check(request)
    context = {**admin.site.each_context(request), "title": "Live", "charts": CHARTS, **_state(after=0)}
    return TemplateResponse(request, "backoffice/live.html", context)


def live_figures(request: HttpRequest) -> JsonResponse:
    """The samples after `?after=` (seconds since 1970, of those that it has), and everything else as it is now."""
    _check(request)
    after = request.GET.get("after", "")
    return JsonResponse({"fields": Sample._fields, **_state(int(after) if after.isdecimal() else 0)})


def _check(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _state(after: int) -> dict[str, Any]:
    processes = reports()
    ends = sum((Counter(report["closes"]) for report in processes), Counter[str]())
    resumes = sum((Counter(report["resumes"]) for report in processes), Counter[str]())
    return {
        "processes": [_process(report, after) for report in processes],
        "closes": [(code, MEANINGS.get(code, ""), count) for code, count in sorted(ends.items())],
        "resumes": [("Nothing was missing", resumes["true"]), ("Told to fetch afresh", resumes["false"])],
    }


def _process(report: Report, after: int) -> dict[str, Any]:
    doors = ", ".join(f"{count} by {door}" for door, count in report["sockets"].items() if count)
    return {
        "id": report["id"],
        "name": report["name"],
        "place": report["place"],
        "doors": doors,
        "last": report["samples"][-1]._asdict() if report["samples"] else {},
        "samples": [sample for sample in report["samples"] if sample.at > after],
    }
