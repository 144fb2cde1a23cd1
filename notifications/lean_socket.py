"""A WebSocket of Daphne's without what a socket that only waits does not need.

Daphne carries one on twisted.web's request, Twisted's transport and Autobahn's protocol, with a task and a queue for
its application: some 20 KiB, and most of the time of a handshake. Here a connection's first bytes are looked at
(`FirstLook`); a plain handshake goes to `LeanSocket`, which lies on the loop's own transport and keeps what it must.
Frames are wsproto's business, except the usual one: a short text that came whole. All else stays with Daphne as it is:
listening, HTTP, limits, the application's start and end.

An application may take the socket over (`HAND_OVER`) and end: from then on it is called, and nothing waits in a task.
It then sees to pings and to the end of idle sockets itself.
"""

from __future__ import annotations

import asyncio
import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

from daphne.utils import parse_x_forwarded_for
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed

from notifications.handshakes import Handshake, refused
from notifications.protocol import MESSAGE_BYTES, UNREAD_BYTES
from notifications.ws_frames import measure, new_reader, usual_text, writer

if TYPE_CHECKING:
    from notifications.daphne_server import Server

CLOSES_WITHIN = 1.0  # seconds for a client to answer a close

_NONE: Any = ()  # no message has begun


class Receiver(Protocol):
    """Who took a socket over; neither call waits or fails."""

    def hear(self, text: str | None) -> None:
        """A message; None if it is none of text."""

    def gone(self) -> None: ...


class State(Enum):
    WAITING = auto()  # at the doorway
    CONNECTING = auto()  # the application has not answered
    OPEN = auto()
    CLOSING = auto()  # we said so
    OVER = auto()


class LeanSocket(asyncio.Protocol):
    __slots__ = (
        "_code",
        "_handshake",
        "_heard_at",
        "_parts",
        "_peer",
        "_pinged_at",
        "_queue",
        "_reader",
        "_receiver",
        "_rest",
        "_server",
        "_size",
        "_status",
        "_transport",
        "begun",
        "state",
    )

    def __init__(self, server: Server, handshake: Handshake, peer: tuple[Any, Any]) -> None:
        self.state = State.WAITING
        self._server = server
        self._handshake: Handshake | None = handshake
        self._peer: tuple[Any, Any] | None = peer
        self._transport: Any = None
        self._queue: asyncio.Queue[dict[str, Any]] | None = None
        self._receiver: Receiver | None = None
        self._rest = handshake.early
        self._reader: FrameProtocol | None = None  # amid a message in fragments
        self._parts: list[str | bytes] = _NONE
        self._size = 0
        self._status = 403
        self._code = 1006
        self.begun = self._heard_at = self._pinged_at = time.monotonic()

    # The handshake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._server.doorway.come(self)

    def shake_hands(self) -> bool:
        """Whether it is under way now."""
        if self.state is not State.WAITING:
            return False
        assert self._handshake is not None
        assert self._peer is not None
        self.state, self.begun = State.CONNECTING, time.monotonic()
        server, (client, here) = self._server, self._peer
        if server.proxy_forwarded_address_header:
            client, _ = parse_x_forwarded_for(
                dict(self._handshake.headers),
                server.proxy_forwarded_address_header,
                server.proxy_forwarded_port_header,
                server.proxy_forwarded_proto_header,
                client,
            )
        server.protocol_connected(self)
        scope = self._handshake.scope(server.root_path, client, here)
        self._queue = server.create_application(self, scope)
        self._queue.put_nowait({"type": "websocket.connect"})
        return True

    def failHandshake(self, reason: str, status: int) -> None:
        self.state = State.OVER
        self._transport.write(refused(status, self._server.server_name))
        self._transport.close()

    def _accept(self, subprotocol: str | None) -> None:
        assert self._handshake is not None
        self._transport.write(self._handshake.accepted(subprotocol, self._server.server_name))
        self.state, self._handshake, self._peer = State.OPEN, None, None
        self._server.doorway.leave(self)
        if self._rest:  # once the application has had its turn
            asyncio.get_running_loop().call_soon(self.data_received, b"")

    def _refuse(self, status: int) -> None:
        self._server.protocol_disconnected(self)
        self.failHandshake("", status)

    # What the application says: Daphne calls these

    def handle_reply(self, message: dict[str, Any]) -> None:
        match message["type"], self.state:
            case "websocket.accept", State.CONNECTING:
                self._accept(message.get("subprotocol"))
            case "websocket.close", State.CONNECTING:
                self._refuse(403)
            case "websocket.http.response.start", State.CONNECTING:
                self._status = message["status"]
            case "websocket.http.response.body", State.CONNECTING:
                self._refuse(self._status)
            case "websocket.send", State.CONNECTING:
                raise ValueError("A socket that has not been accepted cannot be sent over.")
            case "websocket.send", State.OPEN:
                self._send(message.get("text"), message.get("bytes"))
            case "websocket.close", State.OPEN:
                self.close(message.get("code") or 1000)

    def _send(self, text: str | None, data: bytes | None) -> None:
        if text and data:
            raise ValueError("A message is of text or of bytes.")
        payload = data if text is None else text
        self._transport.write(bytes(writer.send_data(b"" if payload is None else payload)))

    def handle_exception(self, exception: BaseException) -> None:
        if self.state is State.CONNECTING:
            self._refuse(500)
        else:
            self.close(CloseReason.INTERNAL_ERROR)

    def check_timeouts(self) -> None:
        server, now = self._server, time.monotonic()
        if self.state is State.CONNECTING and now - self.begun > server.websocket_connect_timeout:
            self._refuse(403)
        if self.state is not State.OPEN:
            return
        if 0 <= server.websocket_timeout < now - self.begun:
            self.close(CloseReason.NORMAL_CLOSURE)
        elif now - self._heard_at > server.ping_interval + server.ping_timeout:
            self.abort()
        elif now - max(self._heard_at, self._pinged_at) > server.ping_interval:
            self._pinged_at = now
            self._transport.write(bytes(writer.ping()))

    # What it may do beside that

    def write_frames(self, frames: bytes) -> None:
        if self.state is State.OPEN:
            self._transport.write(frames)

    def close(self, code: int) -> None:
        if self.state is State.OPEN:
            self.state = State.CLOSING
            self._transport.write(bytes(writer.close(code)))
            self._ends_soon()

    def _ends_soon(self) -> None:
        asyncio.get_running_loop().call_later(CLOSES_WITHIN, self._transport.abort)

    def hand_over(self, receiver: Receiver) -> None:
        """The application may end: what comes goes to `receiver`, and what is unread is bounded."""
        self._server.handed_over(self)
        self._queue, self._receiver = None, receiver
        if self.state is State.OVER:
            receiver.gone()
        else:
            self._transport.set_write_buffer_limits(high=UNREAD_BYTES)

    def abort(self) -> None:
        self.state = State.OVER
        self._transport.abort()

    def pause_writing(self) -> None:
        if self._receiver is not None:
            self.abort()

    # What the client says

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if self.state is State.OPEN or self.state is State.CLOSING:
            self._rest = data[self._read(data) :]
        elif len(data) <= MESSAGE_BYTES:
            self._rest = data
        else:
            self.abort()

    def _read(self, data: bytes) -> int:
        """Where the first frame begins that is not all there."""
        at = 0
        while self.state is State.OPEN or self.state is State.CLOSING:
            start, size = measure(data, at)
            if size > self._server.websocket_max_frame_size:
                self.abort()
                break
            if start + size > len(data):
                return at
            frame, at = data[at : start + size], start + size
            if self.state is State.CLOSING and frame[0] & 0x0F != Opcode.CLOSE:
                continue
            if self._parts is _NONE and (text := usual_text(frame)) is not None:
                self._deliver(text)
            else:
                self._decode(frame)
        return len(data)

    def _decode(self, frame: bytes) -> None:
        reader = self._reader or new_reader()
        try:
            reader.receive_bytes(frame)
            for got in reader.received_frames():
                self._take(got)
        except ParseFailed as fault:
            self._end(fault.code)
        self._reader = None if self._parts is _NONE else reader

    def _take(self, frame: Frame) -> None:
        self._heard_at = time.monotonic()
        payload: Any = frame.payload
        match frame.opcode:
            case Opcode.CLOSE:
                self._end(payload[0])
            case Opcode.PING if self.state is State.OPEN:
                self._transport.write(bytes(writer.pong(payload)))
            case Opcode.TEXT | Opcode.BINARY:
                self._add(frame, payload)

    def _add(self, frame: Frame, payload: str | bytes) -> None:
        if self._parts is _NONE:
            self._parts, self._size = [], 0
        if payload:
            self._parts.append(payload)
            self._size += len(payload)
        if self._size > self._server.websocket_max_message_size:
            self.abort()
        elif frame.message_finished:
            parts, self._parts = self._parts, _NONE
            self._deliver(("" if frame.opcode is Opcode.TEXT else b"").join(parts))  # type: ignore[arg-type]

    def _deliver(self, message: str | bytes) -> None:
        self._heard_at = time.monotonic()
        if self.state is not State.OPEN:
            return
        if self._receiver is not None:
            self._receiver.hear(message if isinstance(message, str) else None)
        elif self._queue is not None:
            kind = "text" if isinstance(message, str) else "bytes"
            self._queue.put_nowait({"type": "websocket.receive", kind: message})

    def _end(self, code: int) -> None:
        """The client said so, or broke the protocol: answered once, and nothing is read after it."""
        self._code = code
        if self.state is State.OPEN:
            self._transport.write(bytes(writer.close(code)))
        self.state = State.OVER
        self._transport.close()
        self._ends_soon()  # also where what was written before it is not read

    def connection_lost(self, error: Exception | None) -> None:
        self.state, self._rest = State.OVER, b""
        self._server.doorway.leave(self)
        self._server.sockets.discard(self)
        if self._receiver is not None:
            self._receiver.gone()
        elif self._queue is not None:
            if self in self._server.connections:
                self._server.protocol_disconnected(self)
            self._queue.put_nowait({"type": "websocket.disconnect", "code": self._code})
