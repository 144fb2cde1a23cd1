"""Checks parameters against the types that the official `stripe` package ships, nested ones too.

Stripe refuses what it does not know. A sandbox that shrugs at a misspelt parameter hides the bug until the
first real payment, so every name and every type comes from `stripe.params.*`.
"""

import re
import sys
import types
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import stripe.params as stripe_params
from stripe._request_options import RequestOptions

from shop.sandbox.errors import StripeError
from shop.sandbox.words import words

WHOLE = re.compile(r"-?\d{1,15}")
NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,12})?")
REQUEST_OPTIONS = frozenset(RequestOptions.__annotations__)

# Known to Stripe, but with a meaning that the sandbox does not act out: better refused than ignored.
NOT_PLAYED = words(
    "amount_details amount_to_confirm application_fee_amount confirmation_token "
    "customer_account hooks instructions_email on_behalf_of payment_details "
    "payment_method_configuration refund_application_fee reverse_transfer single_use source tax_id_data "
    "test_clock transfer_data cash_balance flow_directions attach_to_self origin"
)
# The one of these names that is a filter, too.
FILTERED_BY = ("BalanceTransactionListParams", "source")


def check(params: dict[str, Any], schema: Any, extra: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The parameters with their types, or the StripeError that the first wrong one earns."""
    checked = _hash(params, schema, "", extra)
    for name in checked:
        if name in NOT_PLAYED and (schema.__name__, name) != FILTERED_BY:
            raise StripeError(f"The sandbox does not play `{name}`.", code="sandbox_not_played", param=name)
    return checked


@cache
def _hints(schema: Any) -> dict[str, Any]:
    own = {name: hint for name, hint in schema.__annotations__.items() if name not in REQUEST_OPTIONS}
    names = vars(sys.modules[schema.__module__])
    hints = get_type_hints(types.SimpleNamespace(__annotations__=own), names)
    if schema.__name__.endswith("PaymentMethodData"):
        # Only a browser may send a card's number, so the types for servers leave it out.
        hints |= {"card": stripe_params.PaymentMethodCreateParamsCard, "type": str}
    return hints


def _hash(
    values: dict[str, Any], schema: Any, path: str, extra: frozenset[str] = frozenset()
) -> dict[str, Any]:
    hints = _hints(schema)
    unknown = [_join(path, name) for name in values if name not in hints and name not in extra]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
        raise StripeError(message[:500], code="parameter_unknown", param=unknown[0][:100])
    for name in sorted(schema.__required_keys__ & hints.keys()):
        if name not in values:
            param = _join(path, name)
            raise StripeError(f"Missing required param: {param}.", code="parameter_missing", param=param)
    return {name: _value(value, hints.get(name, str), _join(path, name)) for name, value in values.items()}


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _value(value: Any, hint: Any, param: str) -> Any:
    options = _options(hint)
    if value == "" and "" in _literals(options):
        return ""
    if isinstance(value, dict):
        return _nested(value, options, param)
    return _scalar(value, options, param)


def _options(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return [option for part in get_args(hint) for option in _options(part)]
    return [hint]


def _literals(options: list[Any]) -> list[Any]:
    return [value for option in options if get_origin(option) is Literal for value in get_args(option)]


def _nested(value: dict[str, Any], options: list[Any], param: str) -> Any:
    for option in options:
        if hasattr(option, "__required_keys__"):
            return _hash(value, option, param)
        if get_origin(option) is dict:
            return {name: _text(item, _join(param, name)) for name, item in value.items()}
        if get_origin(option) is list:
            (item_hint,) = get_args(option)
            return [_value(item, item_hint, f"{param}[{index}]") for index, item in _in_order(value, param)]
    raise StripeError(f"Invalid value for {param}: a hash was not expected", param=param)


def _in_order(value: dict[str, Any], param: str) -> list[tuple[int, Any]]:
    if not all(re.fullmatch(r"\d{1,4}", index) for index in value):
        raise StripeError("Invalid array", param=param)
    return sorted((int(index), item) for index, item in value.items())


def _text(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise StripeError(f"Invalid string: {param} is a hash", param=param)
    return value


def _scalar(value: str, options: list[Any], param: str) -> Any:
    if value == "":
        raise StripeError(
            f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{param}' cannot be unset. You should remove '{param}' from your request or supply a "
            "non-empty value.",
            code="parameter_invalid_empty",
            param=param,
        )
    if int in options:
        return _whole(value, param)
    if float in options:
        return _float(value, param)
    if bool in options and (value in ("true", "false") or not _literals(options)):
        return _boolean(value, param)
    named = [literal for literal in _literals(options) if literal != ""]
    if named and value not in named:
        allowed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"
        raise StripeError(f"Invalid {param}: must be one of {allowed}", param=param)
    if named or str in options or any(getattr(option, "__name__", "") == "Decimal" for option in options):
        return value
    is_list = any(get_origin(option) is list for option in options)
    raise StripeError("Invalid array" if is_list else "Invalid object", param=param)


def _whole(value: str, param: str) -> int:
    if not WHOLE.fullmatch(value):
        raise StripeError(f"Invalid integer: {value[:50]}", code="parameter_invalid_integer", param=param)
    return int(value)


def _float(value: str, param: str) -> float:
    if not NUMBER.fullmatch(value):
        raise StripeError(f"Invalid decimal: {value[:50]}", param=param)
    return float(value)


def _boolean(value: str, param: str) -> bool:
    if value not in ("true", "false"):
        raise StripeError(f"Invalid boolean: {value[:50]}", param=param)
    return value == "true"
