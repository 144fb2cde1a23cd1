"""How many may come in: time turned into visitors. No database, no clock of its own."""

from datetime import datetime, timedelta

STEP = timedelta(seconds=0.5)
CATCH_UP = timedelta(seconds=5)


def interval(rate: int) -> timedelta:
    """Between two visitors, at so many a minute."""
    return timedelta(minutes=1) / rate


def due(rate: int, since: datetime, now: datetime) -> tuple[datetime, int]:
    """From when the time counts, and how many visitors it has room for; each of them takes an `interval` of it.

    So a remainder is kept for the next call, and over any stretch no more than `rate` come in. Time in which
    nobody called (a restart, a clock set forward, a line held) is made good for one visitor and CATCH_UP.
    Less than a STEP is left to gather, so that the line is told of a few times a second at most.
    """
    if since - now > CATCH_UP:  # the clock was set back
        since = now
    since = max(since, now - interval(rate) - CATCH_UP)
    return since, 0 if now - since < STEP else (now - since) // interval(rate)
