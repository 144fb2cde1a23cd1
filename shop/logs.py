"""Log lines: what they are about, and nothing about people.

Each line names its request, connection, stream and order where they are known. It never holds an e-mail address, a
name, an address, a key that opens something or what somebody searched for. Our own messages are written that way;
here the rest is kept from those of others: Django tells paths (with the keys in them), PostgreSQL quotes the row that
it refuses, Daphne and Tornado describe requests by their client, mail servers repeat who was written to.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from notifications.log_context import log_context

FIELDS = ("route", "status", "milliseconds")  # what a message may bring along beside its text
REMOVED = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<e-mail>"),
    (re.compile(r"^(DETAIL|CONTEXT): .*$", re.M), r"\1: <left out>"),
    (re.compile(r"\b(client|remote_ip|uri|path)=\S+"), r"\1=<left out>"),
    (re.compile(r"\((?:\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:.]+)\)"), "(<left out>)"),
    (re.compile(r"\?[\w%+.~-]+=[^\s'\">]*"), "?<left out>"),
)


def route_of(request: Any) -> str:
    """The pattern of the path, which has no keys in it; of an unknown path its first part."""
    match = getattr(request, "resolver_match", None)
    if match is not None:
        return f"/{match.route}"
    first, _, rest = request.path.removeprefix("/").partition("/")
    return f"/{first[:40]}/…" if rest else f"/{first[:40]}"


def without_people(text: str) -> str:
    for pattern, instead in REMOVED:
        text = pattern.sub(instead, text)
    return text


def message_of(record: logging.LogRecord) -> str:
    message = record.getMessage()
    path = getattr(getattr(record, "request", None), "path", "/")
    if path != "/":
        escaped = path.encode("unicode_escape").decode("ascii")  # as Django logs it
        message = message.replace(escaped, route_of(record.request))  # type: ignore[attr-defined]
    return without_people(message)


class LineFormatter(logging.Formatter):
    """For people at a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        about = "".join(f" {name}={value}" for name, value in log_context().items())
        at = self.formatTime(record)
        return f"{at} {record.levelname} {record.name}: {message_of(record)}{about and f' [{about[1:]}]'}"

    def formatException(self, exception: Any) -> str:
        return without_people(super().formatException(exception))


class JsonLines(JsonFormatter):
    """For machines: one object a line. Of what else a record carries nothing rides along."""

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        log_data |= {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record),
            **log_context(),
            **{name: record.__dict__[name] for name in FIELDS if name in record.__dict__},
        }
        if "exc_info" in message_dict:
            log_data["exception"] = message_dict["exc_info"]

    def formatException(self, exception: Any) -> str:
        return without_people(str(super().formatException(exception)))
