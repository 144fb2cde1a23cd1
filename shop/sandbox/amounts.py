"""Which currencies and amounts Stripe takes."""

from shop.sandbox.errors import StripeError
from shop.sandbox.words import words

LARGEST = 99_999_999
ZERO_DECIMAL = words("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf")
THREE_DECIMAL = words("bhd jod kwd omr tnd")
TWO_DECIMAL = words(
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc "
    "cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr "
    "kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk "
    "php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu "
    "uzs wst xcd yer zar zmw"
)
CURRENCIES = ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL
SMALLEST = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30,
    "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}


def check_currency(currency: str) -> str:
    lowered = currency.lower()
    if lowered not in CURRENCIES:
        raise StripeError(
            f"Invalid currency: {currency[:20]}. Stripe currently supports these currencies: "
            f"{', '.join(sorted(CURRENCIES))}",
            param="currency",
        )
    return lowered


def check_amount(amount: int, currency: str, param: str = "amount") -> int:
    if amount < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param
        )
    smallest = SMALLEST.get(currency, 1)
    if amount < smallest:
        raise StripeError(
            f"Amount must be at least {shown(smallest, currency)}", code="amount_too_small", param=param
        )
    if amount > LARGEST:
        raise StripeError(
            f"Amount must be no more than {shown(LARGEST, currency)}", code="amount_too_large", param=param
        )
    return amount


def shown(amount: int, currency: str) -> str:
    """As Stripe's messages have it: sign, figures, code."""
    return f"{SIGNS.get(currency, '')}{_figures(amount, currency)} {currency}"


def money(amount: int, currency: str) -> str:
    """For people: the sign, or the code where there is none."""
    figures = _figures(amount, currency)
    return SIGNS[currency] + figures if currency in SIGNS else f"{figures} {currency.upper()}"


def _figures(amount: int, currency: str) -> str:
    decimals = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    return f"{amount / 10**decimals:,.{decimals}f}"


def fee(amount: int, currency: str) -> int:
    """What the processor keeps: 1.5 % and a quarter, or the percentage alone where there are no cents."""
    return round(amount * 0.015) + (0 if currency in ZERO_DECIMAL else 25)
