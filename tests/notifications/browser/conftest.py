from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import chromium
from tests.notifications.browser.watching import WATCH


@pytest.fixture(scope="module")
def harbour(channels):
    return channels


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, chromium() as opened:
        # Playwright keeps a loop in this thread; Django would take the tests beside it for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield opened


@pytest.fixture
def context(browser, harbour, transactional_db) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=f"http://127.0.0.1:{harbour.port}")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def open_page(context) -> Callable[..., Page]:
    def opener(path: str = "/") -> Page:
        page = context.new_page()
        page.goto(path)
        page.evaluate(WATCH)
        return page

    return opener


@pytest.fixture
def page(open_page) -> Page:
    return open_page()


@pytest.fixture
def alone(context, open_page) -> Callable[..., Page]:
    """A page of a browser without shared workers."""
    context.add_init_script("delete window.SharedWorker")
    return open_page


@pytest.fixture
def user(transactional_db):
    return get_user_model().objects.create_user(email="mate@example.com", password="x", is_staff=True)


@pytest.fixture
def sign_in(context, harbour, aside) -> Callable[..., None]:
    """Gives the browser a session; the one it had stays on the server."""

    def give(user=None, **data) -> None:
        key = aside(new_session, user, data)
        context.add_cookies([{"name": "sessionid", "value": key, "url": f"http://127.0.0.1:{harbour.port}"}])

    return give


def new_session(user, data: dict[str, object]) -> str:
    client = Client()
    if user:
        client.force_login(user)
    session = client.session
    session.update(data)
    session.save()
    return session.session_key


@pytest.fixture
def aside() -> Iterator[Callable]:
    """Runs database work in a thread: the browser's driver keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:

        def run(work, *args, **kwargs):
            return pool.submit(work, *args, **kwargs).result(20)

        yield run
        run(lambda: connection.close())
