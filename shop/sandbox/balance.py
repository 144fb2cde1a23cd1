"""The account, its balance, and the lines that make it up."""

from typing import Any

from stripe import Account, Balance

from shop.sandbox.calls import Call
from shop.sandbox.lists import page
from shop.sandbox.shapes import shaped
from shop.sandbox.store import Object

ACCOUNT = "acct_sandbox"


def retrieve(call: Call) -> Object:
    return shaped(
        Balance,
        {
            "object": "balance",
            "livemode": False,
            "available": _sums(call, "<="),
            "pending": _sums(call, ">"),
        },
    )


def _sums(call: Call, comparison: str) -> list[dict[str, Any]]:
    rows = call.store.execute(
        "SELECT body ->> '$.currency' AS currency, SUM(body ->> '$.net') AS net FROM objects "
        f"WHERE kind = 'balance_transaction' AND body ->> '$.available_on' {comparison} ? GROUP BY 1 ORDER BY 1",
        call.now,
    )
    sums = [shaped(Balance.Available, {"amount": row["net"], "currency": row["currency"]}) for row in rows]
    for line in sums:
        line["source_types"] = shaped(Balance.Available.SourceTypes, {"card": line["amount"]})
    return sums or [shaped(Balance.Available, {"amount": 0, "currency": "eur", "source_types": {"card": 0}})]


def transaction(call: Call) -> Object:
    return call.existing("balance_transaction", call.id)


def transactions(call: Call) -> Object:
    return page(call, "balance_transaction", "/v1/balance_transactions", ("currency", "source", "type"))


def account(call: Call) -> Object:
    return shaped(
        Account,
        {
            "id": ACCOUNT,
            "object": "account",
            "business_profile": {"name": "Sandbox"},
            "capabilities": {"card_payments": "active", "transfers": "active"},
            "charges_enabled": True,
            "country": "DE",
            "created": 1_700_000_000,
            "default_currency": "eur",
            "details_submitted": True,
            "email": "sandbox@example.com",
            "metadata": {},
            "payouts_enabled": True,
            "type": "standard",
        },
    )


def account_by_id(call: Call) -> Object:
    if call.id != ACCOUNT:
        call.existing("account", call.id)
    return account(call)
