"""Within the server's limits: what a page says at once in use is spread over time, and nothing is lost by that."""

import time

import pytest

from tests.notifications.browser.watching import WATCH, eventually, expect_links, expect_seen, follow
from tests.notifications.writing import say

pytestmark = pytest.mark.browser

CARDS = """([room, count, height]) => {
  const place = document.getElementById("place");
  document.body.replaceChildren(place);
  document.body.style.margin = 0;
  place.style = "display: flex; flex-wrap: wrap";
  for (let n = 0; n < count; n++) {
    place.insertAdjacentHTML("beforeend", `<div id="card-${n}" data-stream="${room}-${n}" data-epoch="-" data-offset="0"
      data-follow="in-view" style="width: 25%; height: ${height - 2}px; margin: 1px 0"></div>`);
  }
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: place } }));
}"""
SOCKETS = """(count) => {
  window.held = Array.from({ length: count }, () => {
    const socket = new WebSocket(`ws://${location.host}/ws/notifications/`, "shop-notify.v1");
    socket.onopen = () => socket.send('{"t":"hello"}');
    return socket;
  });
}"""


@pytest.mark.parametrize(("in_view", "flips", "pause"), [(12, 4, 350), (12, 9, 350), (24, 3, 600)])
def test_scrolling_a_list_ends_no_link_and_the_last_in_view_is_live(
    page, aside, room, hub, in_view, flips, pause
):
    page.set_viewport_size({"width": 1000, "height": 720})
    page.evaluate(CARDS, [room, 2 * in_view, 720 // (in_view // 4)])
    upper, lower = ({f"{room}-{n}" for n in range(start, start + in_view)} for start in (0, in_view))
    eventually(page, lambda: set(hub._feeds) == upper)
    page.wait_for_timeout(2500)  # somebody looks at the first page
    for flip in range(flips):
        page.evaluate(f"scrollTo(0, {0 if flip % 2 else 720})")
        page.wait_for_timeout(pause)
    stopped = time.monotonic()
    last = 2 * in_view - 1 if flips % 2 else in_view - 1
    aside(say, f"{room}-{last}")
    expect_seen(page, [f"card-{last} said 1"])
    assert time.monotonic() - stopped < 3
    eventually(page, lambda: set(hub._feeds) == (lower if flips % 2 else upper))
    assert page.evaluate("links") == ["online"]


def test_many_busy_streams_are_acknowledged_without_haste(page, aside, room):
    for number in range(24):
        follow(page, aside, f"it-{number}", f"{room}-{number}", ("", 0))
    for _ in range(5):
        for number in range(24):
            aside(say, f"{room}-{number}", 4)
    eventually(page, lambda: page.evaluate("seen.length") == 24 * 20)
    page.wait_for_timeout(5500)
    assert page.evaluate("links") == ["online"]


def test_too_many_sockets_of_a_reader_end_it_for_a_minute_or_two(alone, sign_in, aside, user, hub):
    sign_in(user)
    others = alone(f"/?reader={user.pk}")
    others.evaluate(SOCKETS, 10)
    eventually(others, lambda: hub.sockets[user.pk] == 10)
    page = alone(f"/?reader={user.pk}")
    page.clock.install()
    page.reload()
    page.evaluate(WATCH)
    with page.expect_websocket() as opened:
        follow(page, aside, "mine", f"own:{user.pk}")
    opened.value.wait_for_event("close")
    others.close()
    eventually(page, lambda: not hub.sockets[user.pk])
    page.clock.fast_forward(55_000)
    page.wait_for_timeout(500)
    assert not hub.conversations
    page.clock.fast_forward(70_000)
    expect_links(page, ["online"])
    aside(say, f"own:{user.pk}")
    expect_seen(page, ["mine said 1"])
