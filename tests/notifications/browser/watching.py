"""What happens in a page that follows streams: `seen` and `links` keep it there."""

import time
from collections.abc import Callable

from playwright.sync_api import Page

from notifications.log import position

WATCH = """() => {
  window.seen = [];
  window.links = [];
  document.addEventListener("notification", ({ target, detail }) =>
    seen.push(`${target.id ?? "document"} ${detail.kind} ${detail.data.n ?? ""}`.trim()));
  document.addEventListener("notification-link", ({ detail }) =>
    links.push(`${detail.state} ${detail.code ?? ""}`.trim()));
}"""
PLACE = """([id, stream, epoch, offset]) => {
  const place = document.getElementById("place");
  place.insertAdjacentHTML("beforeend",
    `<p id="${id}" data-stream="${stream}" data-epoch="${epoch || "-"}" data-offset="${offset}"></p>`);
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: place.lastElementChild } }));
}"""


def follow(page: Page, aside, id: str, stream: str, place=None) -> None:
    epoch, offset = place or aside(position, stream)
    page.evaluate(PLACE, [id, stream, epoch, offset])


def eventually(page: Page, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 15
    while not condition() and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert condition()


def expect_links(page: Page, wanted: list[str]) -> None:
    eventually(page, lambda: page.evaluate("links")[-len(wanted) :] == wanted)


def expect_seen(page: Page, wanted: list[str]) -> None:
    deadline = time.monotonic() + 15
    while (seen := page.evaluate("seen")) != wanted and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert seen == wanted
