"""The opening handshake of a WebSocket as nearly all clients send it, read from the first bytes of a connection.

Only what is plain is read here: one GET of HTTP/1.1, whole, with each header once that counts. Whatever is not
(also every handshake that has to be told what is wrong with it) is left to the server's full way, through
twisted.web and Autobahn. So this need not know how to refuse, and cannot take what they would not.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import unquote

from wsproto.utilities import generate_accept_token

HEAD_BYTES = 8 * 1024
# No underscore in a name (CVE-2015-0219), no folded lines, no fragment. Each part ends where the next cannot begin.
HEAD = re.compile(rb"GET (/[!\"$-~]*) HTTP/1\.1\r\n((?:[A-Za-z0-9-]+:[\t -~\x80-\xff]*\r\n)+)\r\n")
ONCE = frozenset({b"host", b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"})
# What has a body, or is for the server itself.
NEVER = frozenset({b"content-length", b"transfer-encoding", b"expect", b"daphne-root-path"})
KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")

Headers = list[tuple[bytes, bytes]]


class Handshake(NamedTuple):
    target: bytes
    headers: Headers
    key: bytes
    subprotocols: list[str]
    early: bytes  # what came behind it

    def scope(self, root_path: str, client: Any, server: Any) -> dict[str, Any]:
        """ASGI's, as Daphne makes it."""
        path, _, query = self.target.partition(b"?")
        return {
            "type": "websocket",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "root_path": root_path,
            "headers": self.headers,
            "query_string": query,
            "client": client,
            "server": server,
            "subprotocols": self.subprotocols,
        }

    def accepted(self, subprotocol: str | None, server_name: str) -> bytes:
        lines = [
            b"HTTP/1.1 101 Switching Protocols",
            b"Server: %b" % server_name.encode("ascii"),
            b"Upgrade: WebSocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: %b" % generate_accept_token(self.key),
        ]
        if subprotocol:
            lines.append(b"Sec-WebSocket-Protocol: %b" % subprotocol.encode("ascii"))
        return b"\r\n".join([*lines, b"", b""])


def refused(status: int, server_name: str) -> bytes:
    lines = f"HTTP/1.1 {status} Refused", f"Server: {server_name}", "Content-Length: 0", "Connection: close"
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def read(data: bytes) -> Handshake | None:
    """None for anything else, and for what is not all there."""
    head = HEAD.match(data, 0, HEAD_BYTES)
    if head is None:
        return None
    headers = [_field(line) for line in head[2].split(b"\r\n")[:-1]]
    counted = sorted(name for name, _ in headers if name in ONCE)
    fields = dict(headers)
    if counted != sorted(ONCE) or not NEVER.isdisjoint(fields) or not _upgrades(fields):
        return None
    offered = b",".join(value for name, value in headers if name == b"sec-websocket-protocol")
    if not offered.isascii():
        return None
    subprotocols = [each.strip() for each in unquote(offered.decode("ascii")).split(",")] if offered else []
    return Handshake(head[1], headers, fields[b"sec-websocket-key"], subprotocols, data[head.end() :])


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(b" \t")


def _upgrades(fields: dict[bytes, bytes]) -> bool:
    connection = [token.strip() for token in fields[b"connection"].lower().split(b",")]
    return (
        fields[b"upgrade"].lower() == b"websocket"
        and b"upgrade" in connection
        and fields[b"sec-websocket-version"] == b"13"
        and KEY.fullmatch(fields[b"sec-websocket-key"]) is not None
    )
