"""`expand[]=latest_charge.balance_transaction`: ids replaced by what they name, and only those asked for."""

from shop.sandbox.errors import StripeError
from shop.sandbox.store import Object, Store, public
from shop.sandbox.words import words

MAX_DEPTH = 4
KINDS = {
    "pi": "payment_intent",
    "seti": "setup_intent",
    "ch": "charge",
    "cus": "customer",
    "pm": "payment_method",
    "re": "refund",
    "du": "dispute",
    "txn": "balance_transaction",
    "setatt": "setup_attempt",
}
EXPANDABLE = words(
    "latest_charge payment_method customer payment_intent charge balance_transaction failure_balance_transaction "
    "latest_attempt setup_intent default_payment_method source refunds application on_behalf_of review "
    "transfer source_transfer"
)


def expand(store: Store, obj: Object, wanted: list[str]) -> Object:
    for path in wanted:
        names = path.split(".")
        if len(names) > MAX_DEPTH:
            raise StripeError(
                f"You cannot expand more than {MAX_DEPTH} levels of a property.", param="expand"
            )
        _expand(store, obj, names, path)
    return obj


def _expand(store: Store, obj: Object, names: list[str], path: str) -> None:
    name, *rest = names
    if name not in obj:
        hint = f" You may want to try expanding 'data.{path}' instead." if obj.get("object") == "list" else ""
        raise StripeError(f"This property cannot be expanded ({path}).{hint}", param="expand")
    if isinstance(obj[name], list):
        for item in obj[name]:
            _expand(store, item, rest, path)
        return
    if not isinstance(obj[name], dict):
        _replace(store, obj, name, path)
    if rest and isinstance(obj[name], dict):
        _expand(store, obj[name], rest, path)


def _replace(store: Store, obj: Object, name: str, path: str) -> None:
    if name not in EXPANDABLE:
        raise StripeError(f"This property cannot be expanded ({path}).", param="expand")
    if name == "refunds":
        obj[name] = _refunds(store, obj)
    elif isinstance(obj[name], str):
        found = store.get(KINDS.get(obj[name].split("_")[0], ""), obj[name])
        obj[name] = public(found) if found else obj[name]


def _refunds(store: Store, charge: Object) -> Object:
    values = (charge["payment_intent"], charge["id"])
    found = store.find("refund", "body ->> '$.payment_intent' = ? AND body ->> '$.charge' = ?", values, 10)
    data = [public(refund) for refund in found]
    return {"object": "list", "data": data, "has_more": False, "url": f"/v1/charges/{charge['id']}/refunds"}
