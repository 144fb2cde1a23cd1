"""The same guest book on Tornado: what is not written here is what it gives by itself.

`python -m lab.defaults.tornado_site PORT`
"""

import asyncio
import os
import secrets
import sys
from hashlib import scrypt
from pathlib import Path

from tornado.web import Application, RequestHandler, authenticated
from tornado.websocket import WebSocketHandler

notes: list[str] = []
SALT = secrets.token_bytes(16)


def hashed(password: str) -> bytes:
    return scrypt(password.encode(), salt=SALT, n=2**14, r=8, p=1)


USERS = {"ada": hashed(os.environ.get("GUESTBOOK_PASSWORD", secrets.token_urlsafe()))}


class SignedIn(RequestHandler):
    def get_current_user(self) -> bytes | None:
        return self.get_signed_cookie("user")


class Book(SignedIn):
    @authenticated
    def get(self) -> None:
        self.render("tornado_book.html", notes=notes)

    @authenticated
    def post(self) -> None:
        notes.append(self.get_body_argument("note", strip=False))
        self.redirect("/")


class Login(RequestHandler):
    def get(self) -> None:
        self.render("tornado_login.html")

    def post(self) -> None:
        name, password = self.get_body_argument("username"), self.get_body_argument("password")
        if not secrets.compare_digest(USERS.get(name, b""), hashed(password)):
            self.render("tornado_login.html")
            return
        self.set_signed_cookie("user", name)
        self.redirect("/")


class Logout(RequestHandler):
    def post(self) -> None:
        self.clear_cookie("user")
        self.redirect("/")


class Fault(RequestHandler):
    def get(self) -> None:
        raise RuntimeError("the hinge of the door")


class Echo(WebSocketHandler):
    async def on_message(self, message: str | bytes) -> None:
        await self.write_message(message, binary=isinstance(message, bytes))


application = Application(
    [("/", Book), ("/fault/", Fault), ("/login/", Login), ("/logout/", Logout), ("/ws/", Echo)],
    template_path=Path(__file__).parent / "templates",
    cookie_secret=secrets.token_urlsafe(32),
    login_url="/login/",
)


async def main() -> None:
    application.listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
