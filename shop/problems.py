"""RFC 9457: what a program is told when something is wrong, in one shape wherever it asked.

    {"type": "/api/v1/problems/#out_of_stock", "title": "Conflict", "status": 409, "code": "out_of_stock",
     "detail": "There are only 2 left.", "request_id": "5f0c…", ...}

`code` is stable and for programs, `detail` is for people. `errors` names the fields that are wrong, each with
`in` (body, query, path or header), `path` (a JSON pointer in a body, otherwise the name), `code` and `detail`.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import JsonResponse

from notifications.log_context import log_context

MEDIA_TYPE = "application/problem+json"


def problem(status: int, code: str, detail: str, **more: Any) -> dict[str, Any]:
    return {
        "type": f"{settings.NOTIFICATIONS_PROBLEMS}#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": log_context().get("request", ""),
        **more,
    }


def as_response(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JsonResponse:
    body = problem(status, code, detail, **more)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE, headers=dict(headers or {}))
