"""Door 1: Channels on Daphne.

It takes the socket and leaves the rest of Channels' consumer aside: no channel of its own on the layer, and
no thread hop (`aclose_old_connections`) for each message. The hub hands it finished frames.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, WebSocketScope
from channels.consumer import AsyncConsumer
from django.conf import settings
from django.http import parse_cookie

from notifications.conversation import Conversation, Door
from notifications.hub import current_hub
from notifications.protocol import SUBPROTOCOL, UNREAD_BYTES, Frame, Limits, WrongVersion

FRAMES = "notifications.frames"
HAND_OVER = "notifications.hand_over"


class Frames(Protocol):
    """What a server offers under `FRAMES` in the scope's extensions; neither call waits or fails."""

    def write_frames(self, frames: bytes) -> None:
        """Whole unmasked WebSocket frames, one or more, sent after what was sent before it."""

    def close(self, code: int) -> None: ...


class NotificationConsumer(AsyncConsumer):
    async def __call__(
        self, scope: WebSocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        await receive()  # websocket.connect
        spoken = SUBPROTOCOL in scope["subprotocols"]
        # Even who cannot be served is accepted: a close before that becomes an HTTP 403 that tells no code.
        chosen = SUBPROTOCOL if spoken else None
        await send({"type": "websocket.accept", "subprotocol": chosen, "headers": []})
        limits = Limits(**getattr(settings, "NOTIFICATIONS_LIMITS", {}))
        extensions: Any = scope.get("extensions") or {}
        door: Door = FrameSocket(extensions[FRAMES]) if FRAMES in extensions else Socket(send)
        conversation = Conversation(door, current_hub(), limits, session_key(scope))
        if not spoken:
            conversation.end(WrongVersion)
        if HAND_OVER in extensions:  # the server calls the conversation: no task waits for what it says
            extensions[HAND_OVER](conversation)
            return
        try:
            while (message := await receive())["type"] == "websocket.receive":
                conversation.hear(message.get("text"))
        finally:
            conversation.gone()


class FrameSocket:
    """Where the server takes finished frames (see `notifications.daphne_server`): no task and no copy a frame."""

    __slots__ = ("_frames",)
    name = "channels"

    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    def write(self, frames: Sequence[Frame]) -> None:
        one = frames[0].wire
        self._frames.write_frames(one if len(frames) == 1 else b"".join([frame.wire for frame in frames]))

    def close(self, code: int) -> None:
        self._frames.close(code)


class Socket:
    """Sends in order and never makes the hub wait: on Daphne at once, elsewhere as the client takes it."""

    name = "channels"
    closing: ClassVar[set[asyncio.Task[None]]] = set()  # still at it

    def __init__(self, send: ASGISendCallable) -> None:
        self._send = send
        self._out: deque[Any] = deque()
        self._unread = 0  # bytes that wait there
        self._sending: asyncio.Task[None] | None = None

    def write(self, frames: Sequence[Frame]) -> None:
        if self._unread > UNREAD_BYTES:
            self._out.clear()
            raise BufferError("the client asks and acknowledges, and never reads")
        for frame in frames:
            self._unread += len(frame)
            self._put({"type": "websocket.send", "text": frame})

    def close(self, code: int) -> None:
        self._put({"type": "websocket.close", "code": code})
        if self._sending is not None and not self._sending.done():
            self.closing.add(self._sending)
            self._sending.add_done_callback(self.closing.discard)

    def _put(self, message: Any) -> None:
        self._out.append(message)
        if self._sending is None or self._sending.done():
            # Begun at once, and done at once where send() never waits.
            self._sending = asyncio.Task(self._drain(), loop=asyncio.get_running_loop(), eager_start=True)

    async def _drain(self) -> None:
        while self._out:
            message = self._out.popleft()
            try:
                await self._send(message)
            except (OSError, RuntimeError):  # the client is gone; receive() says so as well
                self._out.clear()
            self._unread -= len(message.get("text", ""))


def session_key(scope: WebSocketScope) -> str:
    header = next((value for name, value in scope["headers"] if name == b"cookie"), b"")
    return parse_cookie(header.decode("latin1")).get(settings.SESSION_COOKIE_NAME, "")
