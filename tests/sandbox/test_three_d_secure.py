from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import stripe

BACK = "https://shop.example/back?order=7"


@pytest.fixture
def challenged(client):
    def challenged(method, **params):
        params = {"amount": 2000, "currency": "eur", "payment_method": method, "confirm": True} | params
        return client.v1.payment_intents.create({"return_url": BACK, **params})

    return challenged


def answer(intent, outcome):
    url = intent.next_action.redirect_to_url.url
    page = requests.get(url, timeout=5)
    assert "Complete authentication" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    answered = requests.post(url, data={"outcome": outcome}, timeout=5, allow_redirects=False)
    assert answered.status_code == 303
    return urlsplit(answered.headers["location"])


@pytest.mark.parametrize(
    "method",
    [
        "pm_card_authenticationRequired",
        "pm_card_authenticationRequiredOnSetup",
        "pm_card_authenticationRequiredSetupForOffSession",
        "pm_card_threeDSecure2Required",
    ],
)
def test_a_passed_challenge_pays_and_leads_back(client, challenged, method):
    intent = challenged(method)
    assert intent.status == "requires_action"
    assert intent.next_action.type == "redirect_to_url"
    assert intent.next_action.redirect_to_url.return_url == BACK
    back = answer(intent, "complete")
    assert parse_qs(back.query) == {
        "order": ["7"],
        "payment_intent": [intent.id],
        "payment_intent_client_secret": [intent.client_secret],
        "redirect_status": ["succeeded"],
    }
    intent = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (intent.status, intent.next_action) == ("succeeded", None)
    assert intent.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_a_failed_challenge_asks_for_another_card(client, challenged):
    intent = challenged("pm_card_authenticationRequired")
    assert parse_qs(answer(intent, "fail").query)["redirect_status"] == ["failed"]
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert (intent.status, intent.latest_charge) == ("requires_payment_method", None)
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert intent.last_payment_error.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "decline_code"),
    [
        ("pm_card_threeDSecureRequiredChargeDeclined", "generic_decline"),
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
def test_a_card_may_decline_after_a_passed_challenge(client, challenged, method, decline_code):
    intent = challenged(method)
    assert parse_qs(answer(intent, "complete").query)["redirect_status"] == ["failed"]
    error = client.v1.payment_intents.retrieve(intent.id).last_payment_error
    assert (error.code, error.decline_code) == ("card_declined", decline_code)


def test_a_challenge_answered_twice_pays_once(client, challenged):
    intent = challenged("pm_card_authenticationRequired")
    url = intent.next_action.redirect_to_url.url
    for outcome in ("complete", "fail", "complete"):
        requests.post(url, data={"outcome": outcome}, timeout=5, allow_redirects=False)
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 1


def test_a_challenge_is_void_once_the_payment_is_cancelled(client, challenged):
    intent = challenged("pm_card_authenticationRequired")
    client.v1.payment_intents.cancel(intent.id)
    requests.post(
        intent.next_action.redirect_to_url.url, data={"outcome": "complete"}, timeout=5, allow_redirects=False
    )
    assert client.v1.payment_intents.retrieve(intent.id).status == "canceled"
    assert client.v1.charges.list({"payment_intent": intent.id}).data == []


def test_the_stripe_sdk_is_told_where_the_challenge_is(challenged):
    intent = challenged("pm_card_authenticationRequired", use_stripe_sdk=True)
    assert intent.next_action.type == "use_stripe_sdk"
    assert "/stripe/3ds/" in intent.next_action.use_stripe_sdk["stripe_js"]


def test_off_session_a_challenge_is_a_decline(challenged):
    with pytest.raises(stripe.CardError) as declined:
        challenged("pm_card_authenticationRequired", off_session=True)
    assert declined.value.code == "authentication_required"
    assert declined.value.error.payment_intent.status == "requires_payment_method"


def test_error_on_requires_action_declines_and_keeps_the_intent_open(client):
    intent = client.v1.payment_intents.create({"amount": 900, "currency": "eur"})
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.confirm(
            intent.id, {"payment_method": "pm_card_authenticationRequired", "error_on_requires_action": True}
        )
    assert declined.value.code == "authentication_required"
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_manual_confirmation_waits_for_the_server_after_the_challenge(client, challenged):
    intent = challenged("pm_card_authenticationRequired", confirmation_method="manual")
    answer(intent, "complete")
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_confirmation"
    assert client.v1.payment_intents.confirm(intent.id, {"return_url": BACK}).status == "succeeded"


@pytest.mark.parametrize(
    "url", ["shop.example/back", "javascript://%0aalert(1)", "data://x", "//shop.example"]
)
def test_a_way_back_that_is_no_address_is_refused(challenged, url):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        challenged("pm_card_authenticationRequired", return_url=url)
    assert (refused.value.code, refused.value.param) == ("url_invalid", "return_url")


def test_an_app_is_led_back_by_its_own_scheme(challenged):
    back = answer(
        challenged("pm_card_authenticationRequired", return_url="breakwater://paid?name=Bjørn"), "complete"
    )
    assert (back.scheme, back.netloc) == ("breakwater", "paid")
    assert back.query.startswith("name=Bj%C3%B8rn&payment_intent=")


def test_an_unknown_challenge_is_a_page_and_a_404(till):
    page = requests.get(f"{till.url}/sandbox/stripe/3ds/tds_nothing", timeout=5)
    assert page.status_code == 404
    assert "Nothing to authenticate" in page.text
