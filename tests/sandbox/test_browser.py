"""stripe.js in a real Chromium, on a page with a strict Content Security Policy."""

import json
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests import browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as opened:
        yield opened


@pytest.fixture
def open_till(chromium, till, client):
    """Opens the till for a new intent: `page, intent = open_till(redirect="if_required")`."""
    contexts, complaints = [], []

    def open_till(intent=None, scheme="light", width=390, url=till.url, **query):
        intent = intent or client.v1.payment_intents.create({"amount": 2000, "currency": "eur"})
        context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 760})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda message: complaints.append(message.text) if "Policy" in message.text else None
        )
        page.goto(f"{url}/?{urlencode({'secret': intent.client_secret, **query})}")
        expect(page.locator("body[data-ready=yes]")).to_be_visible()
        return page, intent

    yield open_till
    for context in contexts:
        context.close()
    assert complaints == []


def type_card(page, number, expiry="1240", cvc="123"):
    page.get_by_label("Card number").press_sequentially(number)
    page.get_by_label("Expiration date").press_sequentially(expiry)
    page.get_by_label("Security code").press_sequentially(cvc)


def status(client, intent):
    return client.v1.payment_intents.retrieve(intent.id).status


def test_a_typed_card_pays_and_leads_to_the_return_url(open_till, client):
    page, intent = open_till()
    type_card(page, "4242424242424242")
    expect(page.get_by_label("Card number")).to_have_value("4242 4242 4242 4242")
    expect(page.get_by_label("Expiration date")).to_have_value("12 / 40")
    expect(page.locator("body[data-complete=true]")).to_be_visible()
    page.locator("#pay").click()
    page.wait_for_url("**/thanks?**")
    assert f"payment_intent={intent.id}" in page.url
    assert "redirect_status=succeeded" in page.url
    assert "order=7" in page.url
    assert status(client, intent) == "succeeded"


def test_without_a_need_to_redirect_the_page_stays(open_till):
    page, _ = open_till(redirect="if_required")
    page.get_by_role("button", name="Succeeds", exact=True).click()
    page.locator("#pay").click()
    expect(page.locator("#result")).to_have_text("succeeded")


def test_a_declined_card_says_why_and_another_one_pays(open_till, client):
    page, intent = open_till(redirect="if_required")
    page.get_by_role("button", name="No funds").click()
    page.locator("#pay").click()
    expect(page.locator("#message")).to_have_text("card_declined: Your card has insufficient funds.")
    page.get_by_role("button", name="Succeeds", exact=True).click()
    page.locator("#pay").click()
    expect(page.locator("#result")).to_have_text("succeeded")
    assert status(client, intent) == "succeeded"


def test_a_wrong_security_code_is_shown_at_its_field(open_till):
    page, _ = open_till(redirect="if_required")
    type_card(page, "4000000000000127")
    page.locator("#pay").click()
    code = page.get_by_label("Security code")
    expect(code).to_have_attribute("aria-invalid", "true")
    expect(code).to_have_accessible_description("Your card's security code is incorrect.")


def test_an_incomplete_form_is_refused_field_by_field_and_nothing_is_sent(open_till, client):
    page, intent = open_till()
    page.get_by_label("Card number").press_sequentially("4242424242424241")
    page.get_by_label("Expiration date").press_sequentially("120")
    page.locator("#pay").click()
    number = page.get_by_label("Card number")
    expect(number).to_have_accessible_description("Your card number is invalid.")
    expect(page.get_by_label("Expiration date")).to_have_accessible_description(
        "Your card's expiration date is incomplete."
    )
    expect(page.get_by_label("Security code")).to_have_accessible_description(
        "Your card's security code is incomplete."
    )
    expect(number).to_be_focused()
    assert status(client, intent) == "requires_payment_method"
    number.press("Backspace")
    number.press("2")
    expect(number).to_have_accessible_description("")


@pytest.mark.parametrize(
    ("answer", "outcome"), [("Complete authentication", "succeeded"), ("Fail authentication", None)]
)
def test_a_challenge_is_passed_or_failed_in_a_dialog(open_till, client, answer, outcome):
    page, intent = open_till(redirect="if_required")
    page.get_by_role("button", name="3-D Secure", exact=True).click()
    page.locator("#pay").click()
    page.frame_locator("iframe").get_by_role("button", name=answer).click()
    if outcome:
        expect(page.locator("#result")).to_have_text(outcome)
    else:
        expect(page.locator("#message")).to_contain_text("payment_intent_authentication_failure")
        assert status(client, intent) == "requires_payment_method"
    expect(page.locator("dialog")).to_have_count(0)


def test_a_card_may_decline_after_the_challenge(open_till):
    page, _ = open_till(redirect="if_required")
    page.get_by_role("button", name="3-D Secure, then declined").click()
    page.locator("#pay").click()
    page.frame_locator("iframe").get_by_role("button", name="Complete authentication").click()
    expect(page.locator("#message")).to_have_text("card_declined: Your card was declined.")


def test_a_challenge_is_given_up_with_escape(open_till, client):
    page, intent = open_till(redirect="if_required")
    page.get_by_role("button", name="3-D Secure", exact=True).click()
    page.locator("#pay").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#message")).to_contain_text("payment_intent_authentication_failure")
    assert status(client, intent) == "requires_payment_method"


def test_the_whole_form_works_from_the_keyboard(open_till):
    page, _ = open_till(redirect="if_required")
    page.get_by_label("Card number").focus()
    page.keyboard.type("378282246310005")
    expect(page.get_by_label("Card number")).to_have_value("3782 822463 10005")
    page.keyboard.press("Tab")
    page.keyboard.type("940")
    expect(page.get_by_label("Expiration date")).to_have_value("09 / 40")
    page.keyboard.press("Tab")
    page.keyboard.type("1234")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_have_text("succeeded")


def test_a_digit_is_corrected_in_the_middle_of_the_number(open_till):
    page, _ = open_till()
    number = page.get_by_label("Card number")
    number.press_sequentially("4252424242424242")
    number.press("Home")
    for _ in range(3):
        number.press("ArrowRight")
    number.press("Backspace")
    number.press_sequentially("4")
    expect(number).to_have_value("4242 4242 4242 4242")


def test_the_dialog_opens_under_any_name_that_the_page_goes_by(open_till, till):
    page, _ = open_till(url=f"http://localhost:{till.port}", redirect="if_required")
    page.get_by_role("button", name="3-D Secure", exact=True).click()
    page.locator("#pay").click()
    page.frame_locator("iframe").get_by_role("button", name="Complete authentication").click()
    expect(page.locator("#result")).to_have_text("succeeded")


def test_a_setup_intent_is_confirmed(open_till, client):
    intent = client.v1.setup_intents.create()
    page, _ = open_till(intent, redirect="if_required")
    page.get_by_role("button", name="Succeeds", exact=True).click()
    page.locator("#pay").click()
    expect(page.locator("#result")).to_have_text("succeeded")
    assert client.v1.setup_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("variables", ["", '{"colorPrimary": "#6b3fa0", "fontFamily": "Georgia"}'])
def test_axe_finds_nothing_wrong_with_the_form(open_till, scheme, variables):
    if scheme == "dark" and variables:
        variables = '{"colorBackground": "#101010", "colorText": "#f5f5f5", "colorDanger": "#ff9a80"}'
    page, _ = open_till(scheme=scheme, variables=variables or "{}")
    page.locator("#pay").click()
    expect(page.get_by_label("Card number")).to_have_attribute("aria-invalid", "true")
    found = Axe().run(page, context="#payment")
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_pages(open_till, till, pay, scheme):
    page, _ = open_till(scheme=scheme, width=1200)
    challenged = pay(
        "pm_card_authenticationRequired",
        automatic_payment_methods={"enabled": True},
        return_url=f"{till.url}/thanks",
    )
    for url in (f"{till.url}/sandbox/", challenged.next_action.redirect_to_url.url):
        page.goto(url)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_the_appearance_is_taken_over(open_till):
    variables = {
        "colorBackground": "#101010",
        "colorText": "#f5f5f5",
        "borderRadius": "11px",
        "fontFamily": "Georgia",
    }
    page, _ = open_till(variables=json.dumps(variables))
    number = page.get_by_label("Card number")
    expect(number).to_have_css("background-color", "rgb(16, 16, 16)")
    expect(number).to_have_css("border-radius", "11px")
    expect(number).to_have_css("font-family", "Georgia")


@pytest.mark.parametrize(
    ("scheme", "background"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 29, 37)")]
)
def test_without_an_appearance_the_form_follows_the_readers_colours(open_till, scheme, background):
    page, _ = open_till(scheme=scheme)
    expect(page.get_by_label("Card number")).to_have_css("background-color", background)


def test_the_page_may_set_the_colours_by_custom_properties(open_till):
    page, _ = open_till()
    page.evaluate(
        "document.documentElement.style.setProperty('--stripe-color-background', 'rgb(250, 240, 230)')"
    )
    expect(page.get_by_label("Card number")).to_have_css("background-color", "rgb(250, 240, 230)")


def test_nothing_is_wider_than_a_phone(open_till, till):
    page, _ = open_till()
    for url in (page.url, f"{till.url}/sandbox/"):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_knobs_are_turned_from_the_page(open_till, own_till):
    page, _ = open_till(width=1200)
    page.goto(f"{own_till.url}/sandbox/")
    page.get_by_label("How many more times each webhook is sent").fill("2")
    page.get_by_label("Send webhooks out of order").select_option("true")
    page.get_by_role("button", name="Turn the knobs").click()
    expect(page.get_by_label("How many more times each webhook is sent")).to_have_value("2")
    expect(page.get_by_label("Send webhooks out of order")).to_have_value("true")
