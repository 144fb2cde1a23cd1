"""The token against forgery in a page's forms, and its cookie, as Django makes them.

Django's own ask the system for each of 64 characters by itself, which took half of what such a page costs here; the
forms of a page share one token. The cookie is Django's, made once a second.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH, CsrfViewMiddleware

CHARACTERS = CSRF_ALLOWED_CHARS
COUNT = len(CHARACTERS)
NUMBER = {character: number for number, character in enumerate(CHARACTERS)}
FAIR = 256 - 256 % COUNT  # a byte from here on would favour the first characters

against_forgery = CsrfViewMiddleware(lambda request: HttpResponse())


def new_secret() -> str:
    return "".join([CHARACTERS[number] for number in _numbers()])


def token_of(secret: str) -> bytes:
    """Masked anew for each page, so that nothing in two compressed pages is the same."""
    mask = _numbers()
    hidden = [(NUMBER[character] + number) % COUNT for character, number in zip(secret, mask, strict=True)]
    return "".join([CHARACTERS[number] for number in (*mask, *hidden)]).encode()


def cookie_of(secret: str) -> bytes:
    """Set-Cookie: each page that has a form lets it last for another year."""
    return _cookie(int(time.time())).replace(b"*", secret.encode())


@lru_cache(2)
def _cookie(second: int) -> bytes:
    request, response = HttpRequest(), HttpResponse()
    request.META |= {"CSRF_COOKIE": "*", "CSRF_COOKIE_NEEDS_UPDATE": True}
    against_forgery.process_response(request, response)
    return response.cookies[settings.CSRF_COOKIE_NAME].OutputString().encode("ascii")


def _numbers() -> list[int]:
    """As many as a secret has characters, each below COUNT and all alike."""
    found: list[int] = []
    while len(found) < CSRF_SECRET_LENGTH:
        found += [byte % COUNT for byte in os.urandom(2 * CSRF_SECRET_LENGTH) if byte < FAIR]
    return found[:CSRF_SECRET_LENGTH]
