"""What an app does to sign in, for tests: `App(client).sign_in()`, then `app.get(path)` as the account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.db import transaction
from django.test import Client

EMAIL, PASSWORD = "nora@example.com", "a-long-passphrase"
API = "/api/v1/"
BEGIN, TOTP = "account/mfa/totp/begin/", "account/mfa/totp/"


class App:
    def __init__(self, agent: str = "Breakwater/3.1 (iPhone; iOS 18.2)") -> None:
        self.client = Client(HTTP_USER_AGENT=agent)
        self.tokens: dict[str, Any] = {}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if self.tokens:
            headers.setdefault("Authorization", f"Bearer {self.tokens['access_token']}")
        more = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self.client, method)(API + path, headers=headers, **more)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("get", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("post", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.send("patch", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self.send("put", path, body)

    def delete(self, path: str, body: Any = None) -> Any:
        return self.send("delete", path, body)

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **headers: str) -> App:
        self.tokens = {}
        answer = self.post("auth/sign-in/", {"email": email, "password": password}, **headers)
        assert answer.status_code == 200, answer.content
        self.tokens = answer.json()
        return self

    def reauthenticate(self, password: str = PASSWORD) -> App:
        assert self.post("auth/reauthenticate/", {"password": password}).status_code == 204
        return self

    @property
    def is_in(self) -> bool:
        status = self.get("orders/").status_code
        assert status in (200, 401)
        return status == 200


def refused(answer: Any, status: int, code: str, path: str | None = None) -> bool:
    """Whether it is this refusal: of the whole by `code`, or of the field at `path`."""
    told = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json", told
    if path is None:
        assert (answer.status_code, told["code"]) == (status, code), told
    else:
        assert (answer.status_code, told["code"]) == (status, "invalid"), told
        assert (code, path) in [(one["code"], one["path"]) for one in told["errors"]], told
    return True


def code_of(secret: str) -> str:
    """As the telephone shows it now."""
    return format_hotp_value(hotp_value(secret, list(yield_hotp_counters_from_time())[1]))


def set_up(app: App, password: str = PASSWORD) -> tuple[str, list[str]]:
    """An authenticator app: its secret, and the recovery codes."""
    secret = app.reauthenticate(password).post(BEGIN).json()["secret"]
    answer = app.post(TOTP, {"code": code_of(secret)})
    assert answer.status_code == 201, answer.content
    return secret, answer.json()["codes"]


@contextmanager
def undone() -> Iterator[None]:
    """What is done in it is undone after it, so that the next finds all as it was."""
    around = transaction.atomic()
    around._from_testcase = True  # else the shop would not wait for another machine in it
    with around:
        yield
        transaction.set_rollback(True)
    cache.clear()
