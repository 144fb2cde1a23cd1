"""Frames of a WebSocket, as far as it takes to give wsproto whole ones, and to do without it for the usual one."""

from wsproto.frame_protocol import FrameProtocol

writer = FrameProtocol(client=False, extensions=[])  # it keeps nothing between whole messages


def new_reader() -> FrameProtocol:
    return FrameProtocol(client=False, extensions=[])


def measure(data: bytes, at: int) -> tuple[int, int]:
    """Where the payload of the frame at this place begins, and its size. Beyond the data while that is not known."""
    if len(data) < at + 2:
        return len(data) + 1, 0
    size, start = data[at + 1] & 0x7F, at + (6 if data[at + 1] & 0x80 else 2)
    if size < 126:
        return start, size
    more = 2 if size == 126 else 8
    if len(data) < at + 2 + more:
        return len(data) + 1, 0
    return start + more, int.from_bytes(data[at + 2 : at + 2 + more])


def usual_text(frame: bytes) -> str | None:
    """A final, masked text of at most 125 bytes. None for any other frame, and for what wsproto has to say no to."""
    size = len(frame) - 6
    if frame[0] != 0x81 or not 0 <= size <= 125 or frame[1] != 0x80 | size:
        return None
    mask = int.from_bytes((frame[2:6] * (size // 4 + 1))[:size])
    try:
        return (int.from_bytes(frame[6:]) ^ mask).to_bytes(size).decode()
    except UnicodeDecodeError:
        return None
