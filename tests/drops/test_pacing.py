"""The rate in pure numbers: whatever the clock does, never more than it allows."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from shop.drops.pacing import due, interval

NOON = datetime(2026, 3, 13, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("rate", "seconds", "count"),
    [
        (60, 0.4, 0),  # too soon to tell of
        (60, 1, 1),
        (60, 4.9, 4),
        (6, 9.9, 0),
        (6, 10, 1),
        (6, 3600, 1),  # a night's rest is made good for one visitor
        (600, 3600, 51),  # and five seconds
        (600, -3, 0),  # a clock a little behind
        (600, -3600, 0),  # or set back
    ],
)
def test_time_becomes_visitors(rate: int, seconds: float, count: int) -> None:
    assert due(rate, NOON, after(seconds))[1] == count


def test_a_clock_set_back_starts_the_count_anew_and_does_not_stop_the_line() -> None:
    since, _ = due(60, after(3600), NOON)
    assert since == NOON
    assert due(60, since, after(2))[1] == 2


@pytest.mark.parametrize("rate", [1, 7, 59, 600, 6000])
def test_calls_at_any_moments_let_in_what_the_rate_allows_and_lose_nothing(rate: int) -> None:
    moments = random.Random(rate)
    since, elapsed, total = NOON, 0.0, 0
    while elapsed < 600:
        elapsed += moments.uniform(0.01, 3)
        since, count = due(rate, since, after(elapsed))
        since += count * interval(rate)
        total += count
        assert total <= elapsed * rate / 60 + 1e-6
    assert total >= int((elapsed - 3) * rate / 60)
