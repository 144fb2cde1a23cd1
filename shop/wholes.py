"""An ASGI extension for answers that are there as a whole: `scope["extensions"][ANSWER](status, head, body)`.

`head` is the finished lines of the headers, with a Content-Length unless the status has no body. It is called once,
instead of all messages, and not for HEAD. shop/daphne_http.py offers it; without it the messages are sent.
"""

from __future__ import annotations

ANSWER = "shop.answer"

Pairs = list[tuple[bytes, bytes]]


def lines(headers: Pairs) -> bytes:
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])
