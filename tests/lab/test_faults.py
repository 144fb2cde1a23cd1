"""Nothing is lost whatever breaks, with sockets at the door of Channels."""

import pytest

from lab.faults.harness import SALES, SOCKETS
from tests.lab.faults import controls, play


@pytest.mark.timeout(600)
def test_nothing_is_lost_whatever_breaks() -> None:
    runs = play("channels", SOCKETS + SALES)
    # What Channels does by itself when a thread blocks, and an order placed in several awaited steps.
    for name, fault in (("block", "lost"), ("hangup", "half_orders")):
        shown = controls(runs, name)
        assert shown
        assert all(case[fault] for case in shown)
