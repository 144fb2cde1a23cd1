"""notifications.js in a real Chromium: each element sees each event once, in order, through a lost network."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from playwright.sync_api import Page

from notifications import hub as hubs
from notifications.log import position
from tests.browser import chromium
from tests.notifications.writing import say

pytestmark = pytest.mark.browser

WATCH = """() => {
  window.seen = [];
  document.addEventListener("notification", ({ target, detail }) =>
    seen.push(`${target.id ?? "document"} ${detail.kind} ${detail.data.n ?? ""}`.trim()));
}"""
PLACE = """([id, stream, epoch, offset]) => {
  const place = document.getElementById("place");
  place.insertAdjacentHTML("beforeend",
    `<p id="${id}" data-stream="${stream}" data-epoch="${epoch || "-"}" data-offset="${offset}"></p>`);
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: place.lastElementChild } }));
}"""


@pytest.fixture(scope="module")
def harbour(channels):
    return channels


@pytest.fixture
def page(harbour, transactional_db) -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{harbour.port}/")
        page.evaluate(WATCH)
        yield page


@pytest.fixture
def aside() -> Iterator[Callable]:
    """Runs database work in a thread: the browser's driver keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:

        def run(work, *args, **kwargs):
            return pool.submit(work, *args, **kwargs).result(20)

        yield run
        run(lambda: connection.close())


def follow(page: Page, aside, id: str, stream: str, place=None) -> None:
    epoch, offset = place or aside(position, stream)
    page.evaluate(PLACE, [id, stream, epoch, offset])


def expect_seen(page: Page, wanted: list[str]) -> None:
    deadline = time.monotonic() + 15
    while (seen := page.evaluate("seen")) != wanted and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert seen == wanted


def test_element_sees_each_event_once_in_order(page, aside, room):
    aside(say, room, 2)
    follow(page, aside, "early", room, (aside(position, room).epoch, 0))
    expect_seen(page, ["early said 1", "early said 2"])
    aside(say, room, 150)
    expect_seen(page, ["early said 1", "early said 2"] + [f"early said {n}" for n in range(1, 151)])


def test_offline_then_online_catches_up(page, aside, room):
    follow(page, aside, "it", room)
    aside(say, room)
    expect_seen(page, ["it said 1"])
    page.context.set_offline(True)
    aside(say, room, 5)
    page.wait_for_timeout(300)
    assert page.evaluate("seen.length") == 1
    page.context.set_offline(False)
    expect_seen(page, ["it said 1"] + [f"it said {n}" for n in range(1, 6)])


def test_later_element_with_an_older_position_catches_up_alone(page, aside, room):
    before = aside(position, room)
    follow(page, aside, "first", room, before)
    aside(say, room, 2)
    expect_seen(page, ["first said 1", "first said 2"])
    follow(page, aside, "second", room, before)
    expect_seen(page, ["first said 1", "first said 2", "second said 1", "second said 2"])
    aside(say, room)
    page.wait_for_function("seen.length >= 6")
    assert page.evaluate("seen.slice(4)") == ["first said 1", "second said 1"]


def test_position_of_a_lost_log_resets_the_element(page, aside, room):
    aside(say, room, 2)
    follow(page, aside, "stale", room, ("lost", 1))
    expect_seen(page, ["stale reset"])
    aside(say, room)
    expect_seen(page, ["stale reset", "stale said 1"])


def test_script_subscribes_and_document_hears_what_no_element_took(page, aside, room):
    page.evaluate(
        """async (stream) => {
          const { subscribe } = await import("/notifications.js");
          window.heard = [];
          window.end = subscribe(stream, {}, (event) => { heard.push(event.data.n); });
        }""",
        room,
    )
    page.wait_for_timeout(500)
    aside(say, room, 2)
    expect_seen(page, ["document said 1", "document said 2"])
    assert page.evaluate("heard") == [1, 2]
    page.evaluate("end()")
    page.wait_for_timeout(200)
    aside(say, room)
    page.wait_for_timeout(300)
    assert page.evaluate("heard") == [1, 2]


def test_swapped_out_element_is_forgotten(page, aside, room, harbour):
    follow(page, aside, "old", room)
    aside(say, room)
    expect_seen(page, ["old said 1"])
    page.evaluate("document.getElementById('place').replaceChildren()")
    follow(page, aside, "new", f"{room}-other")
    feeds = hubs._hubs[harbour.loop]._feeds
    deadline = time.monotonic() + 5
    while room in feeds and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert set(feeds) == {f"{room}-other"}


def test_elements_in_view_leave_room_for_others_and_take_turns(page, aside, room, harbour):
    def followed() -> set[int]:
        hub = hubs._hubs.get(harbour.loop)  # none before the first socket
        return {int(name.rpartition("-")[2]) for name in list(hub._feeds if hub else ()) if name != room}

    def expect_followed(wanted: set[int]) -> None:
        deadline = time.monotonic() + 10
        while followed() != wanted and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        assert followed() == wanted

    page.evaluate(
        """(room) => {
          const place = document.getElementById("place");
          for (let n = 0; n < 30; n++) {
            place.insertAdjacentHTML("beforeend", `<i data-stream="${room}-${n}" data-epoch="-" data-offset="0"
              data-follow="in-view">${n} </i>`);
          }
          document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: place } }));
        }""",
        room,
    )
    expect_followed(set(range(24)))
    page.evaluate("for (const element of [...document.querySelectorAll('i')].slice(0, 20)) element.remove()")
    expect_followed(set(range(20, 30)))


def test_answers_pings_and_stays(page, aside, room, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 0.2, "pong": 1.0}
    page.evaluate("document.addEventListener('notification-link', (event) => seen.push(event.detail.state))")
    follow(page, aside, "it", room)
    expect_seen(page, ["online"])
    page.wait_for_timeout(2500)
    aside(say, room)
    expect_seen(page, ["online", "it said 1"])
