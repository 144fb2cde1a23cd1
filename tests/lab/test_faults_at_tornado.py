"""Nor with sockets at Tornado's door. A file of its own, as the two run in different parts of a whole run."""

import pytest

from tests.lab.faults import play

# The rest goes on behind the doors, in the hub that both have.
AT_A_DOOR = ("block", "readers", "storm", "deploy")


@pytest.mark.timeout(600)
def test_nothing_is_lost_whatever_breaks() -> None:
    play("tornado", AT_A_DOOR)
