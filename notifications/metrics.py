"""What is counted while it happens, for Prometheus, and what each count costs.

`inc` and `observe` take a lock and an addition, together about half a microsecond. So they are called

- once per event, when its frame has gone to the last local socket (COMMIT_TO_SEND, which also reads the clock),
- at most once per acknowledgement, whatever it acknowledges (SEND_TO_ACK),
- once per connection that ends or is refused and once per stream that is resumed (CLOSES, REFUSALS, RESUMES; these
  look up a label),
- four times a second (LOOP_LAG).

What is handed to a socket adds one to a plain int of the hub. Everything else costs nothing until somebody asks:
see `notifications.collectors`.
"""

import time

from prometheus_client import Counter, Histogram

GONE = "gone"  # the code of a connection whose client just went
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)

LOOP_LAG = Histogram(
    "notifications_loop_lag_seconds", "How late a timer of the event loop comes.", buckets=SECONDS
)
COMMIT_TO_SEND = Histogram(
    "notifications_commit_to_send_seconds",
    "From an event's own time, just before its commit, until its frame went to the last socket here.",
    buckets=SECONDS,
)
SEND_TO_ACK = Histogram(
    "notifications_send_to_ack_seconds",
    "From a frame until its acknowledgement, one sample for each acknowledgement. Clients gather up to 5 s.",
    buckets=SECONDS,
)
CLOSES = Counter(
    "notifications_closes",
    f"Connections that ended, by the code of the bye; {GONE} where the client just went or its poll was answered.",
    ["door", "code"],
)
REFUSALS = Counter(
    "notifications_refusals",
    "Handshakes that opened nothing, by their HTTP status: 403 for a foreign origin, 503 for want of room.",
    ["door", "status"],
)
RESUMES = Counter(
    "notifications_resumes", "Streams opened from a position, by whether nothing was missing.", ["recovered"]
)


def event_sent(at: float) -> None:
    """`at` is the event's own time in seconds since 1970, 0 if it is not known."""
    waited = time.time() - at
    if at and waited >= 0:  # a clock that was set back meanwhile tells nothing
        COMMIT_TO_SEND.observe(waited)


def acknowledged(sent_at: float) -> None:
    """`sent_at` is of time.monotonic()."""
    SEND_TO_ACK.observe(time.monotonic() - sent_at)


def closed(door: str, code: str) -> None:
    CLOSES.labels(door, code).inc()


def refused(door: str, status: int) -> None:
    REFUSALS.labels(door, status).inc()


def resumed(recovered: bool) -> None:
    RESUMES.labels("true" if recovered else "false").inc()
