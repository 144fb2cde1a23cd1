"""Every page, looked over by axe in light and dark, on a phone and on a desk; and by keyboard."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import Address, User
from notifications.unsubscribe import unsubscribe_token
from shop.alerts.invitations import Invitation
from shop.alerts.models import Alert
from shop.alerts.services import ask
from shop.cart.models import Cart
from shop.orders.models import Order
from shop.orders.services import mark_paid
from tests.api.people import code_of

pytestmark = pytest.mark.browser
PASSWORD = "a-long-passphrase"

PAGES = [
    "/",
    "/products/",
    "/products/?frame=oak&price=to-50",
    "/categories/storm/",
    "/search/?q=ebb",
    "/search/?q=zzzz",
    "/products/ebb/",
    "/products/ebb/?size=50x70&frame=oak",
    "/products/the-eye/",
    "/delivery-and-returns/",
    "/terms/",
    "/about/",
    "/privacy/",
    "/contact/",
    "/accessibility/",
    "/nowhere/",
    "/cart/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
]
# Colours change with the scheme and the layout with the width, each by itself.
LOOKS = [("light", 390), ("dark", 1280)]


@pytest.fixture
def own_pages(
    full_shelf: Any,
    client: Client,
    customer: User,
    place: Callable[..., Order],
    make_cart: Callable[..., Cart],
    address: dict[str, str],
    mailoutbox: list[Any],
    settings: Any,
) -> dict[str, str]:
    """The pages of somebody who has orders, a cart, addresses and messages, each with its heading."""
    settings.CARRIERS, settings.STRIPE_API_BASE = {}, "http://127.0.0.1:9"

    def arrange() -> dict[str, str]:
        cart = make_cart(user=customer)
        variant = cart.lines.get().variant
        paid = place(cart)
        mark_paid(paid)
        client.post("/accounts/login/", {"login": customer.email, "password": PASSWORD})
        client.post("/cart/add/", {"variant": variant.pk, "quantity": 1})
        pending = place(Cart.objects.get(user=customer))
        client.post("/cart/add/", {"variant": variant.pk, "quantity": 2})
        client.post("/checkout/", {"email": customer.email, **address, "region": ""})
        kept = Address.objects.create(user=customer, is_default=True, **address)
        email = EmailAddress.objects.create(user=customer, email=customer.email, primary=True)
        client.post("/accounts/password/reset/", {"email": customer.email})
        reset = next(word for word in mailoutbox[-1].body.split() if "/reset/key/" in word)
        ask(variant, Alert.Kind.CHEAPER, user=customer)
        invited = Invitation(variant.pk, Alert.Kind.CHEAPER, "ada@example.com", "24", "EUR")
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        connection.close()
        return {
            "/cart/": "Your cart",
            "/checkout/": "Where does it go?",
            "/checkout/delivery/": "How should it travel?",
            f"/checkout/{pending.public_id}/pay/": "We cannot reach the bank's door",
            pending.get_absolute_url(): "Waiting for your payment",
            paid.get_absolute_url(): "Thank you. It is paid",
            f"{paid.get_absolute_url()}cancel/": "Cancel this order?",
            "/account/": "Your account",
            "/account/orders/": "Your orders",
            "/account/name/": "Your name",
            "/account/waiting/": "Waiting for",
            f"/alerts/{invited.token}/": f"Shall we tell you {invited.alert_for(variant).occasion}?",
            "/account/notifications/": "Messages",
            "/account/notifications/preferences/": "What we tell you",
            f"/unsubscribe/{unsubscribe_token(customer.pk)}/": "No more news by e-mail?",
            "/account/addresses/": "Your addresses",
            "/account/addresses/add/": "Add an address",
            f"/account/addresses/{kept.pk}/": "Change an address",
            f"/account/addresses/{kept.pk}/delete/": "Remove this address?",
            "/accounts/email/": "Your e-mail addresses",
            "/account/close/": "Close your account",
            "/accounts/password/change/": "Change your password",
            "/accounts/sessions/": "Your devices",
            "/accounts/2fa/": "Signing in with a code",
            f"/accounts/confirm-email/{EmailConfirmationHMAC(email).key}/": "Is this your address?",
            urlsplit(reset).path: "Set a new password",
        }

    # In a thread: the browser's driver keeps an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(arrange).result(60)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_on_the_pages_of_a_customer(
    live_server: Any,
    own_pages: dict[str, str],
    client: Client,
    open_page: Callable[..., Page],
    scheme: str,
    width: int,
) -> None:
    session = client.cookies["sessionid"].value
    page = open_page(f"{live_server.url}/", scheme=scheme, width=width, session=session)
    for path, heading in own_pages.items():
        page.goto(f"{live_server.url}{path}")
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        for here in page.locator(".account-nav [aria-current]").all():
            expect(here).to_be_in_viewport(ratio=1)
        report = Axe().run(page)

        assert report.violations_count == 0, f"{path}\n{report.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_on_the_way_to_a_second_factor_and_back(
    live_server: Any,
    full_shelf: Any,
    customer: User,
    open_page: Callable[..., Page],
    scheme: str,
    width: int,
) -> None:
    EmailAddress.objects.create(user=customer, email=customer.email, verified=True, primary=True)

    def clean(page: Page, heading: str) -> None:
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        report = Axe().run(page)
        assert report.violations_count == 0, f"{heading}\n{report.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, heading

    def sign_in() -> Page:
        page = open_page(f"{live_server.url}/accounts/login/", scheme=scheme, width=width)
        page.get_by_label("E-mail address").fill(customer.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
        return page

    page = sign_in()
    page.goto(f"{live_server.url}/accounts/email/")
    clean(page, "Your e-mail addresses")
    expect(page.get_by_role("button", name="Remove it")).to_have_count(0)
    page.goto(f"{live_server.url}/accounts/2fa/")
    clean(page, "Signing in with a code")
    page.get_by_role("link", name="Set it up").click()
    clean(page, "Is it still you?")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    clean(page, "Set up an authenticator app")
    secret = page.locator(".qr__key").inner_text()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Use it from now on").click()
    clean(page, "Set up an authenticator app")
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Use it from now on").click()
    clean(page, "Recovery codes")
    page.get_by_role("link", name="Make new ones").click()
    clean(page, "New recovery codes?")
    page.goto(f"{live_server.url}/accounts/2fa/")
    clean(page, "Signing in with a code")

    clean(sign_in(), "And the code")

    page.get_by_role("link", name="Do without it").click()
    clean(page, "Do without the app?")
    page.get_by_role("button", name="Do without it").click()
    clean(page, "Signing in with a code")


@pytest.mark.parametrize("path", ["/checkout/", "/account/addresses/add/", "/accounts/password/change/"])
def test_axe_finds_nothing_on_a_form_sent_back(
    live_server: Any, own_pages: dict[str, str], client: Client, open_page: Callable[..., Page], path: str
) -> None:
    page = open_page(f"{live_server.url}{path}", session=client.cookies["sessionid"].value)
    form = page.locator("main form.stack").last
    for field in form.get_by_role("textbox").all():
        field.fill("")
    form.locator("button[type=submit]").last.click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    report = Axe().run(page)

    assert report.violations_count == 0, report.generate_report()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing(
    live_server: Any, full_shelf: Any, open_page: Callable[..., Page], scheme: str, width: int
) -> None:
    page = open_page(f"{live_server.url}/", scheme=scheme, width=width)
    for path in PAGES:
        page.goto(f"{live_server.url}{path}")
        if width < 1000 and page.locator("summary").count():
            page.locator("summary").click()
        report = Axe().run(page)

        assert report.violations_count == 0, f"{path}\n{report.generate_report()}"


def test_no_page_is_wider_than_a_narrow_phone(
    live_server: Any, full_shelf: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/", width=320)
    for path in PAGES:
        page.goto(f"{live_server.url}{path}")

        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_nothing_moves_while_a_page_arrives(
    live_server: Any, full_shelf: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/")
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) "
        "window.moved += one.value; }).observe({ type: 'layout-shift', buffered: true });"
    )
    for path in ("/", "/products/", "/products/ebb/"):
        page.goto(f"{live_server.url}{path}")  # not until the network rests: live pages keep trying
        page.wait_for_timeout(1000)

        assert page.evaluate("window.moved") < 0.01, path


def test_the_first_stop_of_the_keyboard_skips_to_the_content(
    live_server: Any, full_shelf: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/products/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_label("Sort by")).to_be_focused()


def test_suggestions_and_their_field_satisfy_axe(
    live_server: Any, full_shelf: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{live_server.url}/")
    page.get_by_role("combobox").press_sequentially("strike")
    expect(page.get_by_role("option")).to_have_count(1)
    report = Axe().run(page)

    assert report.violations_count == 0, report.generate_report()
