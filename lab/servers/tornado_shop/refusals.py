"""What a client is told when something cannot be done: RFC 9457, with the shop's codes."""

from __future__ import annotations

from typing import Any

from tornado.web import HTTPError


class Refused(HTTPError):
    def __init__(self, status: int, code: str, detail: str, **details: Any) -> None:
        super().__init__(status)
        self.code, self.detail, self.details = code, detail, details


def not_found() -> Refused:
    return Refused(404, "not_found", "There is nothing here, or nothing of yours.")


def invalid(detail: str, status: int = 400) -> Refused:
    return Refused(status, "invalid", detail)


def not_served(what: str) -> Refused:
    return Refused(501, "not_served", f"Not served here: {what}.")
