"""The page where a buyer passes or fails 3-D Secure, as the bank's own page would be."""

from urllib.parse import urlencode, urlsplit, urlunsplit

from shop.sandbox import amounts, confirmation, pages, setup_intents
from shop.sandbox.asgi import Request, Response, as_page, redirect
from shop.sandbox.calls import Call
from shop.sandbox.store import Object


def handle(call: Call, request: Request, prefix: str) -> Response:
    challenge = call.store.get("challenge", call.id)
    intent = challenge and call.store.get(challenge["kind"], challenge["intent"])
    if not challenge or not intent:
        return as_page(pages.render("message.html", prefix, title="Nothing to authenticate here."), 404)
    if request.method == "POST" and is_waiting(intent, challenge["id"]):
        passed = b"outcome=complete" in request.body
        answer = (
            confirmation.authenticated
            if intent["object"] == "payment_intent"
            else setup_intents.authenticated
        )
        answer(call, intent, passed)
    if is_waiting(intent, challenge["id"]):
        return as_page(_page(intent, challenge, request, prefix), frame_ancestors="*")
    return _leave(intent, request, prefix)


def is_waiting(intent: Object, challenge: str) -> bool:
    return intent["status"] == "requires_action" and intent["_"].get("challenge") == challenge


def _page(intent: Object, challenge: Object, request: Request, prefix: str) -> str:
    what = "saving your card for later payments"
    if "amount" in intent:
        what = f"a payment of {amounts.money(intent['amount'], intent['currency'])}"
    return pages.render(
        "challenge.html",
        prefix,
        what=what,
        reference=intent["id"],
        framed="framed" if request.asks_for("frame") else "",
        action=f"{prefix}/stripe/3ds/{challenge['id']}" + ("?frame=1" if request.asks_for("frame") else ""),
    )


def _leave(intent: Object, request: Request, prefix: str) -> Response:
    """Back to the shop, or, in a frame, a page that tells the window around it."""
    return_url = intent["_"].get("return_url")
    if request.asks_for("frame") or not return_url:
        return as_page(pages.render("challenge_done.html", prefix), frame_ancestors="*")
    return redirect(with_outcome(return_url, intent))


def with_outcome(return_url: str, intent: Object) -> str:
    """The return address with Stripe's three parameters for the page that awaits the buyer."""
    kind = intent["object"]
    status = {"succeeded": "succeeded", "requires_capture": "succeeded", "processing": "pending"}
    added = {
        kind: intent["id"],
        f"{kind}_client_secret": intent["client_secret"],
        "redirect_status": status.get(intent["status"], "failed"),
    }
    parts = urlsplit(return_url)
    query = "&".join(part for part in (parts.query, urlencode(added)) if part)
    return urlunsplit(parts._replace(query=query))
