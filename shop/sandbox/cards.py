"""The test cards of Stripe's documentation, and two of the sandbox's own for payments that settle later."""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from shop.sandbox.errors import StripeError


@dataclass(frozen=True)
class Decline:
    code: str
    decline_code: str
    message: str
    param: str | None = None
    advice: str = "try_again_later"


DECLINED = "Your card was declined."
DECLINES = {
    "generic_decline": Decline("card_declined", "generic_decline", DECLINED),
    "insufficient_funds": Decline("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "lost_card": Decline("card_declined", "lost_card", DECLINED, advice="do_not_try_again"),
    "stolen_card": Decline("card_declined", "stolen_card", DECLINED, advice="do_not_try_again"),
    "expired_card": Decline(
        "expired_card", "expired_card", "Your card has expired.", "exp_month", "do_not_try_again"
    ),
    "incorrect_cvc": Decline(
        "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "cvc"
    ),
    "processing_error": Decline(
        "processing_error",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    "card_velocity_exceeded": Decline(
        "card_declined",
        "card_velocity_exceeded",
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    ),
    "fraudulent": Decline("card_declined", "fraudulent", DECLINED, advice="do_not_try_again"),
    "authentication_required": Decline(
        "authentication_required",
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
    "test_mode_live_card": Decline(
        "card_declined",
        "test_mode_live_card",
        "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test "
        "cards, visit: https://stripe.com/docs/testing.",
        "number",
    ),
}


@dataclass(frozen=True)
class TestCard:
    number: str
    label: str
    brand: str = "visa"
    shortcut: str = ""  # pm_card_<shortcut>
    decline: str = ""
    authentication: str = ""  # always | unless_set_up | on_session | optional
    settles: str = ""  # later | fails later
    refund: str = ""  # pending | fails
    dispute: str = ""  # the reason that the bank will give, or inquiry
    checks: str = "pass"
    risk: str = "normal"
    funding: str = "credit"
    country: str = "US"


CARDS = [
    TestCard("4242424242424242", "Succeeds", shortcut="visa"),
    TestCard("4000056655665556", "Visa debit", shortcut="visa_debit", funding="debit"),
    TestCard("5555555555554444", "Mastercard", "mastercard", shortcut="mastercard"),
    TestCard("2223003122003222", "Mastercard, 2-series", "mastercard"),
    TestCard("5200828282828210", "Mastercard debit", "mastercard", "mastercard_debit", funding="debit"),
    TestCard("5105105105105100", "Mastercard prepaid", "mastercard", "mastercard_prepaid", funding="prepaid"),
    TestCard("378282246310005", "American Express", "amex", "amex"),
    TestCard("371449635398431", "American Express", "amex"),
    TestCard("6011111111111117", "Discover", "discover", "discover"),
    TestCard("6011000990139424", "Discover", "discover"),
    TestCard("3056930009020004", "Diners Club", "diners", "diners"),
    TestCard("36227206271667", "Diners Club, 14 digits", "diners"),
    TestCard("3566002020360505", "JCB", "jcb", "jcb", country="JP"),
    TestCard("6200000000000005", "UnionPay", "unionpay", "unionpay", country="CN"),
    TestCard("4000000000000002", "Declined", shortcut="visa_chargeDeclined", decline="generic_decline"),
    TestCard(
        "4000000000009995",
        "Insufficient funds",
        shortcut="visa_chargeDeclinedInsufficientFunds",
        decline="insufficient_funds",
    ),
    TestCard("4000000000009987", "Lost card", shortcut="visa_chargeDeclinedLostCard", decline="lost_card"),
    TestCard(
        "4000000000009979", "Stolen card", shortcut="visa_chargeDeclinedStolenCard", decline="stolen_card"
    ),
    TestCard(
        "4000000000000069", "Expired card", shortcut="chargeDeclinedExpiredCard", decline="expired_card"
    ),
    TestCard(
        "4000000000000127",
        "Incorrect CVC",
        shortcut="chargeDeclinedIncorrectCvc",
        decline="incorrect_cvc",
        checks="fail",
    ),
    TestCard(
        "4000000000000119",
        "Processing error",
        shortcut="chargeDeclinedProcessingError",
        decline="processing_error",
    ),
    TestCard(
        "4000000000006975",
        "Velocity exceeded",
        shortcut="visa_chargeDeclinedVelocityLimitExceeded",
        decline="card_velocity_exceeded",
    ),
    TestCard(
        "4000000000000341",
        "Attaches, then declines",
        shortcut="chargeCustomerFail",
        decline="generic_decline",
    ),
    TestCard(
        "4100000000000019",
        "Blocked as fraudulent",
        shortcut="radarBlock",
        decline="fraudulent",
        risk="highest",
    ),
    TestCard("4000000000009235", "Elevated risk", shortcut="riskLevelElevated", risk="elevated"),
    TestCard("4000000000000101", "CVC check fails", shortcut="cvcCheckFail", checks="fail"),
    TestCard(
        "4000002500003155", "3-D Secure", shortcut="authenticationRequired", authentication="unless_set_up"
    ),
    TestCard(
        "4000002760003184",
        "3-D Secure, always",
        shortcut="authenticationRequiredOnSetup",
        authentication="always",
    ),
    TestCard(
        "4000003800000446",
        "3-D Secure, already set up",
        shortcut="authenticationRequiredSetupForOffSession",
        authentication="on_session",
    ),
    TestCard(
        "4000008400001629",
        "3-D Secure, then declined",
        shortcut="threeDSecureRequiredChargeDeclined",
        authentication="always",
        decline="generic_decline",
    ),
    TestCard(
        "4000008260003178",
        "3-D Secure, then no funds",
        shortcut="authenticationRequiredChargeDeclinedInsufficientFunds",
        authentication="always",
        decline="insufficient_funds",
    ),
    TestCard("4000000000003220", "3-D Secure 2", shortcut="threeDSecure2Required", authentication="always"),
    TestCard(
        "4000000000003063", "3-D Secure required", shortcut="threeDSecureRequired", authentication="always"
    ),
    TestCard(
        "4000000000003055", "3-D Secure optional", shortcut="threeDSecureOptional", authentication="optional"
    ),
    TestCard("4000000000007726", "Refund pends first", shortcut="pendingRefund", refund="pending"),
    TestCard("4000000000005126", "Refund fails later", shortcut="refundFail", refund="fails"),
    TestCard("4000000000000259", "Disputed as fraud", shortcut="createDispute", dispute="fraudulent"),
    TestCard(
        "4000000000002685",
        "Disputed: it never came",
        shortcut="createDisputeProductNotReceived",
        dispute="product_not_received",
    ),
    TestCard("4000000000001976", "The bank inquires", shortcut="createDisputeInquiry", dispute="inquiry"),
    TestCard("4000009900000012", "Succeeds after a wait", shortcut="delayedSuccess", settles="later"),
    TestCard("4000009900000020", "Fails after a wait", shortcut="delayedFailure", settles="fails later"),
]
BY_NUMBER = {card.number: card for card in CARDS}
BY_SHORTCUT = {card.shortcut: card for card in CARDS if card.shortcut}
NAMES = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}


def by_shortcut(id: str) -> TestCard | None:
    """The card behind `pm_card_visa` or `tok_visa`."""
    for prefix in ("pm_card_", "tok_"):
        if id.startswith(prefix):
            return BY_SHORTCUT.get(id.removeprefix(prefix))
    return None


def read(details: dict[str, Any]) -> TestCard:
    """The test card for what was typed in, or the card error that Stripe would answer."""
    number = details.get("number", "").replace(" ", "").replace("-", "")
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19 and passes_luhn(number)):
        raise _refused("incorrect_number", "Your card number is incorrect.", "number")
    _check_expiry(details)
    card = BY_NUMBER.get(number)
    _check_cvc(details.get("cvc"), 4 if card and card.brand == "amex" else 3)
    if card is None:
        raise refusal(DECLINES["test_mode_live_card"])
    return card


def passes_luhn(number: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def fingerprint(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()[:16]


def _check_expiry(details: dict[str, Any]) -> None:
    month, year = details.get("exp_month", 0), details.get("exp_year", 0)
    today = time.gmtime()
    if 0 <= year < 100:
        year += 2000
    if not 1 <= month <= 12:
        raise _refused("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    if not today.tm_year <= year <= today.tm_year + 50:
        raise _refused("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")
    if (year, month) < (today.tm_year, today.tm_mon):
        raise _refused("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")


def _check_cvc(cvc: str | None, length: int) -> None:
    if cvc is None:
        return
    if not (cvc.isascii() and cvc.isdigit() and 3 <= len(cvc) <= length):
        raise _refused("invalid_cvc", "Your card's security code is invalid.", "cvc")


def _refused(code: str, message: str, param: str) -> StripeError:
    return StripeError(message, status=402, type="card_error", code=code, param=param)


def refusal(decline: Decline, kind: type[StripeError] = StripeError, **more: Any) -> StripeError:
    """A decline as the API answers it, with the charge and the intent that it belongs to."""
    return kind(
        decline.message,
        status=402,
        type="card_error",
        code=decline.code,
        param=decline.param,
        decline_code=decline.decline_code,
        advice_code=decline.advice,
        **more,
    )


def next_year() -> int:
    return time.gmtime().tm_year + 1
