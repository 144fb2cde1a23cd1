"""The page that shows what the sandbox holds and does, its knobs, and the receipts it hands out."""

import json
import time
from html import escape
from typing import Any
from urllib.parse import parse_qsl

from shop.sandbox import amounts, cards, disputes, knobs
from shop.sandbox.asgi import Request, Response, as_json, as_page, redirect
from shop.sandbox.calls import Call
from shop.sandbox.knobs import KNOBS, BadKnob
from shop.sandbox.pages import Html, render
from shop.sandbox.store import Object, Store

ROWS = 50
NAMES = {"false": "no", "true": "yes"}
STATE_CLASSES = {
    "succeeded": "good",
    "delivered": "good",
    "won": "good",
    "lost": "bad",
    "canceled": "muted",
    "given up": "bad",
}


def handle(store: Store, request: Request, path: str, prefix: str) -> Response:
    if path == "/":
        return _home(store, prefix) if request.method in ("GET", "HEAD") else Response(405)
    if request.method == "GET":
        return as_json(knobs.as_dict(knobs.read(store)))
    if request.method != "POST":
        return Response(405)
    return _turn(store, request, prefix)


def decide(call: Call, request: Request, prefix: str) -> Response:
    """The bank's word on a dispute, from the buttons of the page."""
    if request.method != "POST" or not _from_here(request):
        return Response(405)
    ending = dict(parse_qsl(request.body.decode("ascii", "replace"))).get("ending", "")
    dispute = call.store.get("dispute", call.id)
    if dispute is None or ending not in ("won", "lost"):
        return as_page(render("message.html", prefix, title="There is no such dispute."), 404)
    if dispute["status"] in disputes.OPEN:
        disputes.end(call, dispute, ending)
    return redirect(f"{prefix}/#disputes")


def _from_here(request: Request) -> bool:
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _turn(store: Store, request: Request, prefix: str) -> Response:
    if not _from_here(request):
        return as_json(
            {"error": "Knobs are turned from this page or by a program, not from another site."}, 403
        )
    is_json = request.headers.get("content-type", "").startswith("application/json")
    try:
        turned = knobs.turn(store, _values(request, is_json))
    except BadKnob as error:
        return as_json({"error": str(error)}, 400) if is_json else _home(store, prefix, str(error), 400)
    return as_json(knobs.as_dict(turned)) if is_json else redirect(f"{prefix}/#knobs")


def _values(request: Request, is_json: bool) -> dict[str, Any]:
    try:
        if not is_json:
            return dict(parse_qsl(request.body.decode("ascii"), keep_blank_values=True, errors="strict"))
        values = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadKnob("The body cannot be read.") from None
    if not isinstance(values, dict):
        raise BadKnob("The body is a JSON object of knobs.")
    return values


def _home(store: Store, prefix: str, problem: str = "", status: int = 200) -> Response:
    page = render(
        "home.html",
        prefix,
        notice=Html(f'<p class="notice" role="alert">{escape(problem)}</p>' if problem else ""),
        intents=_intents(store),
        disputes=_disputes(store, prefix),
        events=_events(store),
        knobs=Html("".join(_knob(name, value) for name, value in knobs.as_dict(knobs.read(store)).items())),
        cards=Html("".join(_card(card) for card in cards.CARDS)),
    )
    return as_page(page, status)


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _moment(created: int) -> str:
    return f"<time>{time.strftime('%d %b %H:%M:%S', time.gmtime(created))}</time>"


def _state(state: str, extra: str = "") -> str:
    return f'<span class="{STATE_CLASSES.get(state, "")}">{escape(state.replace("_", " "))}{escape(extra)}</span>'


def _intents(store: Store) -> Html:
    rows = [
        _row(
            _moment(intent["created"]),
            f"<code>{intent['id']}</code>",
            escape(amounts.money(intent["amount"], intent["currency"])),
            _state(intent["status"]),
            escape((intent["last_payment_error"] or {}).get("message") or ""),
        )
        for intent in store.find("payment_intent", limit=ROWS)
    ]
    return Html("".join(rows) or '<tr><td colspan="5" class="muted">None yet.</td></tr>')


def _disputes(store: Store, prefix: str) -> Html:
    rows = [
        _row(
            _moment(dispute["created"]),
            f"<code>{dispute['id']}</code>",
            escape(amounts.money(dispute["amount"], dispute["currency"])),
            escape(dispute["reason"].replace("_", " ")),
            _state(dispute["status"]),
            _decision(dispute, prefix),
        )
        for dispute in store.find("dispute", limit=ROWS)
    ]
    return Html("".join(rows) or '<tr><td colspan="6" class="muted">None yet.</td></tr>')


def _decision(dispute: Object, prefix: str) -> str:
    if dispute["status"] not in disputes.OPEN:
        return ""
    buttons = "".join(
        f'<button name="ending" value="{ending}">{words}</button> '
        for ending, words in (("won", "The shop wins"), ("lost", "The buyer wins"))
    )
    return f'<form method="post" action="{prefix}/disputes/{dispute["id"]}">{buttons}</form>'


def _events(store: Store) -> Html:
    rows = []
    for event in store.find("event", limit=ROWS):
        sent = store.execute("SELECT * FROM deliveries WHERE event = ? ORDER BY seq", event["id"])
        lines = [_state(row["state"], _told(row["attempts"], row["answer"])) for row in sent]
        about = event["data"]["object"].get("id", "")
        rows.append(
            _row(
                _moment(event["created"]),
                escape(event["type"]),
                f"<code>{about}</code>",
                "<br>".join(lines) or "none",
            )
        )
    return Html("".join(rows) or '<tr><td colspan="4" class="muted">None yet.</td></tr>')


def _told(attempts: int, answer: str) -> str:
    times = f", {attempts} attempt{'s' if attempts != 1 else ''}" if attempts else ""
    return times + (f" ({answer})" if answer else "")


def _knob(name: str, value: Any) -> str:
    knob, id = KNOBS[name], f"knob-{name}"
    kind = knobs.kind_of(name)
    label = f'<label for="{id}">{escape(knob.label)}</label>'
    if kind in (str, bool):
        choices = knob.choices if kind is str else ("false", "true")
        current = value if kind is str else str(value).lower()
        options = "".join(
            f'<option value="{choice}"{" selected" if choice == current else ""}>{NAMES.get(choice, choice)}</option>'
            for choice in choices
        )
        return f'<div>{label}<select id="{id}" name="{name}">{options}</select></div>'
    step = "1" if kind is int else "0.01"
    return (
        f'<div>{label}<input id="{id}" name="{name}" type="number" min="0" max="{knob.top:g}" step="{step}" '
        f'value="{value:g}"></div>'
    )


def _card(card: cards.TestCard) -> str:
    number = " ".join(card.number[start : start + 4] for start in range(0, len(card.number), 4))
    shortcut = f"<code>pm_card_{card.shortcut}</code>" if card.shortcut else ""
    return _row(f"<code>{number}</code>", escape(card.label), shortcut)


def receipt(call: Call, prefix: str) -> Response:
    charge = call.store.get("charge", call.id)
    if not charge or not charge["paid"]:
        return as_page(render("message.html", prefix, title="There is no such receipt."), 404)
    card = charge["payment_method_details"]["card"]
    page = render(
        "receipt.html",
        prefix,
        amount=amounts.money(charge["amount"], charge["currency"]),
        state="Refunded" if charge["refunded"] else "Paid" if charge["captured"] else "Authorised",
        card=f"{cards.NAMES[card['brand']]} ending in {card['last4']}",
        date=time.strftime("%d %B %Y", time.gmtime(charge["created"])),
        reference=charge["id"],
    )
    return as_page(page)
