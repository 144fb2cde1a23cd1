"""How much may be on its way, and so how much is worth reading from the log."""

from notifications.subscription import Window

FRAME = 15_000


def test_no_more_is_read_than_there_is_room_for():
    window = Window(events=128, size=256 * 1024)
    assert window.room() == 128  # nobody knows yet how large they are
    while window.take(FRAME):
        pass
    assert window.is_full()
    assert window.open_events == 18
    for _ in range(10):
        window.take_back(FRAME)
    assert window.is_half_open()
    assert window.room() == 10  # of 120 that it would take if they were small
    read = window.room()
    for _ in range(read):
        window.take(FRAME)
    assert window.is_full()


def test_small_ones_are_counted():
    window = Window(events=128, size=256 * 1024)
    for _ in range(100):
        window.take(200)
    assert window.room() == 28
