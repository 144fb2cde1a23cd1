"""What the tests start stands where no other run of tests does."""

import random

from tests import processes


def test_no_port_is_given_twice() -> None:
    # The same dice, as two runs may well throw in the seconds that a server needs to begin.
    random.seed(0)
    first = processes.free_port()
    random.seed(0)
    assert processes.free_port() != first
    # The control: without the two claims it is.
    for _ in range(2):
        processes._claims.pop().close()
    random.seed(0)
    assert processes.free_port() == first
    random.seed()
