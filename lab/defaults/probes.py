"""What a visitor with bad intentions tries, and a colleague who forgot something. Each asks a running guest book.

A probe answers whether the site holds by itself: True is what one would wish for.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp

NAME = "ada"
MEBIBYTE = 1 << 20
ELSEWHERE = "https://elsewhere.example"
SCRIPT = "<script>alert(1)</script>"

Probe = Callable[[str, str], Awaitable[bool]]
PROBES: dict[str, tuple[str, Probe]] = {}


def probe(about: str, title: str) -> Callable[[Probe], Probe]:
    def register(function: Probe) -> Probe:
        PROBES[title] = (about, function)
        return function

    return register


class Visitor:
    """A browser that is signed in. Cookies of 127.0.0.1 are kept as a browser keeps those of a name."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = aiohttp.ClientSession(url, cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.set_cookies: list[str] = []

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def sign_in(self, password: str) -> Visitor:
        answer = await self.post("/login/", {"username": NAME, "password": password})
        assert answer.status == 302, answer.status
        self.set_cookies = answer.headers.getall("Set-Cookie")
        return self

    async def get(self, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
        async with self.http.get(path, headers=headers, allow_redirects=False) as answer:
            return answer, await answer.text()

    async def post(self, path: str, fields: dict[str, str]) -> aiohttp.ClientResponse:
        """As the page's own form: with its token, where it has one."""
        _, page = await self.get("/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        fields = fields | ({"csrfmiddlewaretoken": token[1]} if token else {})
        return await self.send(path, fields)

    async def send(self, path: str, fields: dict[str, str]) -> aiohttp.ClientResponse:
        async with self.http.post(path, data=fields, allow_redirects=False) as answer:
            await answer.read()
            return answer

    @property
    def session_cookie(self) -> str:
        """As the server set it, with what it says of it."""
        return next(cookie for cookie in self.set_cookies if cookie.startswith(("sessionid=", "user=")))


async def signed_in(url: str, password: str) -> Visitor:
    return await Visitor(url).sign_in(password)


@probe("cross-site scripting", "a script in a visitor's text is shown as text")
async def escapes(url: str, password: str) -> bool:
    async with await signed_in(url, password) as ada:
        assert (await ada.post("/", {"note": SCRIPT})).status == 302
        _, page = await ada.get("/")
        assert "alert(1)" in page
        return SCRIPT not in page


@probe("request forgery", "a form that another site sends is refused")
async def refuses_forgery(url: str, password: str) -> bool:
    async with await signed_in(url, password) as ada:
        return (await ada.send("/", {"note": "forged"})).status == 403


@probe("clickjacking", "another site cannot show the page in a frame")
async def refuses_frames(url: str, password: str) -> bool:
    async with await signed_in(url, password) as ada:
        answer, _ = await ada.get("/")
        rules = answer.headers.get("X-Frame-Options", "") + answer.headers.get("Content-Security-Policy", "")
        return "DENY" in rules or "frame-ancestors" in rules


@probe("session theft", "no script can read the cookie that one is signed in by")
async def hides_cookie(url: str, password: str) -> bool:
    async with await signed_in(url, password) as ada:
        return "httponly" in ada.session_cookie.lower()


@probe("session theft", "a browser sends that cookie with no other site's form")
async def keeps_cookie_home(url: str, password: str) -> bool:
    async with await signed_in(url, password) as ada:
        return bool(re.search("samesite=(lax|strict)", ada.session_cookie, re.IGNORECASE))


@probe("session theft", "a stolen copy of it is worth nothing once its owner signed out")
async def ends_sessions(url: str, password: str) -> bool:
    async with await signed_in(url, password) as ada:
        copy = ada.session_cookie.partition(";")[0]
        assert (await ada.post("/logout/", {})).status == 302
    async with Visitor(url) as thief:
        answer, _ = await thief.get("/", Cookie=copy)
        return answer.status == 302  # to the sign-in


@probe("oversize messages", "a form of 20 MiB is refused")
async def bounds_forms(url: str, password: str) -> bool:
    async with await signed_in(url, password) as ada:
        with suppress(aiohttp.ClientError):  # hung up in the middle of it
            return (await ada.post("/", {"note": "x" * (20 * MEBIBYTE)})).status in (400, 413)
        return True


@probe("oversize messages", "a socket's message of 5 MiB is refused")
async def bounds_messages(url: str, password: str) -> bool:
    async with (
        await signed_in(url, password) as ada,
        ada.http.ws_connect("/ws/", origin=url, max_msg_size=0) as socket,
    ):
        with suppress(ConnectionError):
            await socket.send_str("x" * (5 * MEBIBYTE))
        return (await socket.receive(timeout=20)).type is not aiohttp.WSMsgType.TEXT


@probe("request forgery", "a socket that another site's page opens is refused")
async def refuses_origins(url: str, password: str) -> bool:
    async with await signed_in(url, password) as ada:
        async with ada.http.ws_connect("/ws/", origin=url) as own:  # the control
            await own.send_str("hello")
            assert (await own.receive(timeout=10)).data == "hello"
        try:
            async with ada.http.ws_connect("/ws/", origin=ELSEWHERE):
                return False
        except aiohttp.WSServerHandshakeError as refusal:
            return refusal.status == 403


@probe("forged hosts", "a request under somebody else's name is refused")
async def refuses_hosts(url: str, password: str) -> bool:
    async with await signed_in(url, password) as ada:
        answer, _ = await ada.get("/login/", Host="elsewhere.example")
        return answer.status == 400


@probe("guessed types", "a browser may not guess that a file is a page")
async def says_nosniff(url: str, password: str) -> bool:
    async with await signed_in(url, password) as ada:
        answer, _ = await ada.get("/")
        return answer.headers.get("X-Content-Type-Options") == "nosniff"


@probe("faults", "an error page tells a visitor nothing of the inside")
async def hides_faults(url: str, password: str) -> bool:
    async with Visitor(url) as stranger:
        answer, page = await stranger.get("/fault/")
        assert answer.status == 500
        return "the hinge of the door" not in page
