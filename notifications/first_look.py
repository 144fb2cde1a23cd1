"""Between Daphne's port and its two protocols: the first bytes of a connection say whose it is.

A plain handshake becomes a `LeanSocket` on the loop's own transport, before twisted.web has made anything of it.
Everything else, and what stays silent for a while, goes on as if nobody had looked.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.protocol import Factory
from twisted.internet.tcp import Port
from twisted.internet.tcp import Server as Transport
from zope.interface import implementer  # type: ignore[import-untyped]

from notifications import handshakes
from notifications.lean_socket import LeanSocket

if TYPE_CHECKING:
    from notifications.daphne_server import Server

READS = 64 * 1024
LOOKS_FOR = 5.0  # seconds, then twisted.web waits with a limit of its own

logger = logging.getLogger(__name__)


class Looks(Factory):
    """In the place of a port's own factory and transport."""

    def __init__(self, server: Server, port: Port) -> None:
        self._server, self._port, self._http = server, port, port.factory
        self._looking: dict[FirstLook, float] = {}  # since when, oldest first
        self._moving: set[asyncio.Task[None]] = set()
        port.factory, port.transport = self, self._come

    def doStop(self) -> None:
        self._http.doStop()

    def buildProtocol(self, address: Any) -> FirstLook:
        return FirstLook(self, address)

    def _come(self, connection: socket.socket, look: FirstLook, *rest: Any) -> None:
        connection.setblocking(False)
        look.socket, look.rest = connection, rest
        self._looking[look] = time.monotonic()
        self._port.reactor.addReader(look)

    def leave(self, look: FirstLook) -> None:
        self._port.reactor.removeReader(look)
        self._looking.pop(look, None)

    def tire(self) -> None:
        """Called now and then."""
        until = time.monotonic() - LOOKS_FOR
        for look in [look for look, since in self._looking.items() if since < until]:
            self.leave(look)
            self.to_http(look, b"")

    def to_http(self, look: FirstLook, data: bytes) -> None:
        protocol = self._http.buildProtocol(look.address)
        if protocol is None:
            look.socket.close()
            return
        transport = Transport(look.socket, protocol, *look.rest)
        protocol.makeConnection(transport)
        if data:
            protocol.dataReceived(data)

    def to_socket(self, look: FirstLook, handshake: handshakes.Handshake) -> None:
        moving = asyncio.get_running_loop().create_task(self._move(look, handshake))
        self._moving.add(moving)
        moving.add_done_callback(self._moving.discard)

    async def _move(self, look: FirstLook, handshake: handshakes.Handshake) -> None:
        try:
            here = look.socket.getsockname()
            peer = [str(look.address.host), look.address.port], [str(here[0]), here[1]]
            made = LeanSocket(self._server, handshake, peer)
            await asyncio.get_running_loop().connect_accepted_socket(lambda: made, look.socket)
        except OSError as fault:  # it is gone already
            logger.info("a connection ends: %s", fault)
            look.socket.close()


@implementer(IReadDescriptor)
class FirstLook:
    __slots__ = ("_looks", "address", "rest", "socket")
    connected = True  # Twisted's word for what can still be lost

    def __init__(self, looks: Looks, address: Any) -> None:
        self._looks, self.address = looks, address
        self.socket: socket.socket
        self.rest: tuple[Any, ...]

    def makeConnection(self, transport: None) -> None:
        """Twisted's port asks for it."""

    def fileno(self) -> int:
        return self.socket.fileno()

    def logPrefix(self) -> str:
        return "first look"

    def doRead(self) -> Any:
        try:
            data = self.socket.recv(READS)
        except BlockingIOError:
            return None
        except OSError:
            return CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        self._looks.leave(self)
        if handshake := handshakes.read(data):
            self._looks.to_socket(self, handshake)
        else:
            self._looks.to_http(self, data)
        return None

    def connectionLost(self, reason: Any) -> None:
        self._looks.leave(self)
        self.socket.close()
