"""notifications.js in a real Chromium: each element sees each event once, in order, through a lost network."""

import contextlib
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from playwright.sync_api import Error, Page

from notifications.conversation import Conversation
from notifications.listener import OneWay
from notifications.log import position
from tests.notifications.browser.watching import WATCH, eventually, expect_links, expect_seen, follow
from tests.notifications.writing import say

pytestmark = pytest.mark.browser


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
    expect_links(page, ["offline"])  # the page's browser is cut off, its shared worker lets go when told
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


def test_swapped_out_element_is_forgotten(page, aside, room, hub):
    follow(page, aside, "old", room)
    aside(say, room)
    expect_seen(page, ["old said 1"])
    page.evaluate("document.getElementById('place').replaceChildren()")
    follow(page, aside, "new", f"{room}-other")
    eventually(page, lambda: set(hub._feeds) == {f"{room}-other"})


def test_elements_in_view_leave_room_for_others_and_take_turns(page, room, hub):
    def expect_followed(wanted: set[int]) -> None:
        eventually(page, lambda: set(hub._feeds) == {f"{room}-{number}" for number in wanted})

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
    follow(page, aside, "it", room)
    eventually(page, lambda: page.evaluate("links"))
    page.wait_for_timeout(2500)
    aside(say, room)
    expect_seen(page, ["it said 1"])
    assert page.evaluate("links") == ["online"]


# All tabs of a browser


def test_tabs_share_one_socket_and_each_sees_each_event_once(open_page, aside, room, hub):
    pages = [open_page() for _ in range(3)]
    aside(say, room, 2)
    start = (aside(position, room).epoch, 0)
    for number, page in enumerate(pages):
        follow(page, aside, "it", room, start if number == 2 else None)
    early = ["it said 1", "it said 2"]
    expect_seen(pages[2], early)
    aside(say, room, 130)
    news = [f"it said {n}" for n in range(1, 131)]
    expect_seen(pages[0], news)
    expect_seen(pages[1], news)
    expect_seen(pages[2], early + news)
    assert len(hub.conversations) == 1


def close(page: Page) -> None:
    page.close()


def navigate_away(page: Page) -> None:
    page.goto("about:blank")


def leave_without_a_word(page: Page) -> None:
    """As a tab does whose process is killed, while the worker, in another's, lives on."""
    page.evaluate("MessagePort.prototype.postMessage = () => {}")
    page.goto("about:blank")


def crash(page: Page) -> None:
    """The shared worker, in the same process, dies with it."""
    page.goto("chrome://crash")


@pytest.mark.parametrize("leave", [close, navigate_away, leave_without_a_word, crash])
def test_tab_that_is_gone_leaves_nothing_behind_and_others_go_on(open_page, aside, room, hub, leave):
    page, other = open_page(), open_page()  # the first has the shared worker in its process
    follow(page, aside, "it", f"{room}-left")
    follow(other, aside, "it", room)
    eventually(other, lambda: set(hub._feeds) == {room, f"{room}-left"})
    with contextlib.suppress(Error):  # a crash is one for the driver, too
        leave(page)
    eventually(other, lambda: set(hub._feeds) == {room})
    aside(say, room)
    expect_seen(other, ["it said 1"])
    assert len(hub.conversations) == 1


def test_frozen_tab_hears_nothing_and_catches_up(open_page, aside, room, hub):
    page, other = open_page(), open_page()
    follow(page, aside, "it", room)
    follow(other, aside, "it", room)
    aside(say, room)
    expect_seen(page, ["it said 1"])
    session = page.context.new_cdp_session(page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    aside(say, room, 3)
    news = ["it said 1", "it said 1", "it said 2", "it said 3"]
    expect_seen(other, news)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    expect_seen(page, news)
    assert len(hub.conversations) == 1


def test_more_streams_than_one_socket_takes_get_another(open_page, aside, room, hub):
    page, other = open_page(), open_page()
    for number in range(20):
        follow(page, aside, "it", f"{room}-{number}", ("", 0))
        follow(other, aside, "it", f"{room}-{number + 20}", ("", 0))
    eventually(page, lambda: len(hub._feeds) == 40)
    assert len(hub.conversations) == 2
    aside(say, f"{room}-0")
    aside(say, f"{room}-39")
    expect_seen(page, ["it said 1"])
    expect_seen(other, ["it said 1"])


def test_browser_without_shared_workers_has_a_socket_a_tab(alone, aside, room, hub):
    pages = [alone(), alone()]
    for page in pages:
        follow(page, aside, "it", room)
    aside(say, room)
    for page in pages:
        expect_seen(page, ["it said 1"])
    assert len(hub.conversations) == 2
    pages[1].goto("about:blank")
    eventually(pages[0], lambda: len(hub.conversations) == 1)


def test_machine_that_slept_is_back_as_soon_as_it_wakes(alone, aside, room, hub):
    page = alone()
    page.clock.install()
    page.reload()
    page.evaluate(WATCH)
    follow(page, aside, "it", room)
    expect_links(page, ["online"])
    (before,) = hub.conversations
    page.clock.fast_forward("02:00:00")
    expect_links(page, ["offline", "online"])
    eventually(page, lambda: before.over)
    aside(say, room)
    expect_seen(page, ["it said 1"])


# Networks without WebSockets


@pytest.fixture
def no_sockets(harbour) -> Iterator[None]:
    harbour.blocks_sockets = True
    yield
    harbour.blocks_sockets = False


def test_events_come_by_a_stream_where_sockets_are_blocked(open_page, aside, room, hub, no_sockets):
    pages = [open_page(), open_page()]
    for page in pages:
        follow(page, aside, "it", room)
    expect_links(pages[0], ["online"])
    aside(say, room, 300)
    follow(pages[1], aside, "late", f"{room}-late")
    aside(say, f"{room}-late")
    news = [f"it said {n}" for n in range(1, 301)]
    expect_seen(pages[0], news)
    eventually(pages[1], lambda: "late said 1" in pages[1].evaluate("seen"))
    assert [line for line in pages[1].evaluate("seen") if line != "late said 1"] == news
    assert [type(each) for each in hub.conversations] == [OneWay]


def test_a_socket_is_tried_again_later(alone, aside, room, hub, harbour, no_sockets, settings):
    settings.NOTIFICATIONS_LIMITS = {"ping": 300}  # no heartbeat is missed while the page's clock jumps
    page = alone()
    page.clock.install()
    page.reload()
    page.evaluate(WATCH)
    follow(page, aside, "it", room)
    expect_links(page, ["online"])
    harbour.blocks_sockets = False
    page.clock.fast_forward(70_000)
    eventually(page, lambda: [type(each) for each in hub.conversations] == [Conversation])
    aside(say, room)
    expect_seen(page, ["it said 1"])


# Who the page was made for


def test_pages_of_one_reader_never_use_the_socket_of_another(open_page, sign_in, aside, user, hub):
    mate, captain = user, aside(make_user, "captain@example.com")
    sign_in(mate)
    first = open_page(f"/?reader={mate.pk}")
    follow(first, aside, "mine", f"own:{mate.pk}")
    expect_links(first, ["online"])
    sign_in(captain)
    second = open_page(f"/?reader={captain.pk}")
    follow(second, aside, "mine", f"own:{captain.pk}")
    expect_links(second, ["online"])
    assert sorted(each.reader.user.pk for each in hub.conversations) == sorted([mate.pk, captain.pk])
    for one in (mate, captain):
        aside(say, f"own:{one.pk}")
    expect_seen(first, ["mine said 1"])
    expect_seen(second, ["mine said 1"])


def make_user(email: str):
    return get_user_model().objects.create_user(email=email, password="x")


def test_page_of_somebody_else_is_told_that_it_ended(open_page, sign_in, aside, user, hub):
    sign_in(user)
    page = open_page(f"/?reader={user.pk + 1}")
    follow(page, aside, "theirs", f"own:{user.pk + 1}")
    follow(page, aside, "mine", f"own:{user.pk}", ("", 0))
    aside(say, f"own:{user.pk}")
    expect_links(page, ["ended 4503"])
    assert page.evaluate("seen") == []
    eventually(page, lambda: not hub.conversations)


@pytest.mark.parametrize("blocked", [False, True], ids=["socket", "event stream"])
def test_signing_out_elsewhere_ends_the_link_of_every_tab_until_one_is_back(
    open_page, sign_in, aside, user, harbour, monkeypatch, blocked
):
    monkeypatch.setattr(harbour, "blocks_sockets", blocked)
    sign_in(user)
    pages = [open_page(f"/?reader={user.pk}") for _ in range(2)]
    for page in pages:
        follow(page, aside, "mine", f"own:{user.pk}")
        expect_links(page, ["online"])
    aside(Session.objects.all().delete)
    for page in pages:
        expect_links(page, ["ended 4503"])
    sign_in(user)
    pages.append(open_page(f"/?reader={user.pk}"))
    follow(pages[2], aside, "mine", f"own:{user.pk}")
    for page in pages:
        expect_links(page, ["offline", "online"])
    assert "ended 4503" not in pages[2].evaluate("links")
    aside(say, f"own:{user.pk}")
    for page in pages:
        expect_seen(page, ["mine said 1"])


def test_new_password_in_another_tab_ends_nothing(open_page, sign_in, aside, user, hub):
    sign_in(user)
    page = open_page(f"/?reader={user.pk}")
    follow(page, aside, "mine", f"own:{user.pk}")
    expect_links(page, ["online"])
    (before,) = hub.conversations
    user.set_password("another")
    sign_in(user)  # with the new one: its session counts from when that is saved
    aside(user.save)
    eventually(page, lambda: before.over)
    aside(say, f"own:{user.pk}")
    expect_seen(page, ["mine said 1"])
    assert page.evaluate("links") == ["online"]


def test_withdrawn_stream_is_closed_and_the_others_go_on(open_page, sign_in, aside, room, user):
    permission = aside(Permission.objects.get, codename="view_session")
    aside(user.user_permissions.add, permission)
    sign_in(user)
    page = open_page(f"/?reader={user.pk}")
    follow(page, aside, "desk", "desk:1")
    follow(page, aside, "it", room)
    aside(say, room)
    expect_seen(page, ["it said 1"])
    aside(user.user_permissions.clear)
    expect_seen(page, ["it said 1", "desk closed"])
    aside(say, room)
    expect_seen(page, ["it said 1", "desk closed", "it said 1"])


def test_rights_that_came_after_the_socket_are_used(open_page, sign_in, aside, room, hub):
    page = open_page("/?reader=")
    follow(page, aside, "it", room)
    expect_links(page, ["online"])
    sign_in(guest_of=["7"])
    other = open_page("/?reader=")
    follow(other, aside, "mine", "guest:7")
    follow(other, aside, "theirs", "guest:8")
    expect_seen(other, ["theirs closed"])
    aside(say, "guest:7")
    aside(say, room)
    expect_seen(other, ["theirs closed", "mine said 1"])
    expect_seen(page, ["it said 1"])
    assert len(hub.conversations) == 1
