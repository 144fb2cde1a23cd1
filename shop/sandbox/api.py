"""Stripe's API as it answers: keys, parameters, idempotency, faults on demand, and always Stripe's error shape."""

import asyncio
import base64
import binascii
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from shop.sandbox import expansion, forms, idempotency, knobs, parameters, routes
from shop.sandbox.asgi import MAX_BODY, Request, Response, as_json, logger
from shop.sandbox.calls import Call
from shop.sandbox.errors import Declined, StripeError, invalid_key
from shop.sandbox.idempotency import Answer, Turn
from shop.sandbox.knobs import Knobs
from shop.sandbox.store import Object, Store, new_id, public
from shop.sandbox.words import words

Run = Callable[[Callable[[], Any]], Awaitable[Any]]
BROWSER_PARAMS = frozenset({"client_secret", "key"})
# A publishable key sees no more than this of an intent.
SHOWN_TO_BROWSERS = words(
    "id object amount amount_details automatic_payment_methods canceled_at cancellation_reason capture_method "
    "client_secret confirmation_method created currency description last_payment_error last_setup_error livemode "
    "next_action payment_method payment_method_types processing receipt_email setup_future_usage shipping source "
    "status usage"
)
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
    "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key, Stripe-Version",
    "access-control-expose-headers": "Request-Id, Idempotent-Replayed, Stripe-Should-Retry",
    "access-control-max-age": "300",
}
NOT_FOUND = "Unrecognized request URL ({}: {}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/."


@dataclass
class StripeApi:
    store: Store
    run: Run
    stripe_url: str
    secret_key: str
    publishable_key: str
    webhooks: bool

    async def handle(self, request: Request, path: str) -> Response:
        if request.method == "OPTIONS":
            return Response(204, headers=CORS)
        request_id = new_id("req", 14)
        headers = {**CORS, "request-id": request_id}
        if version := request.headers.get("stripe-version"):
            headers["stripe-version"] = version[:40]
        if key := request.headers.get("idempotency-key"):
            headers["idempotency-key"] = key[: idempotency.MAX_LENGTH]
        try:
            answer = await self._answer(request, path, request_id, headers)
        except StripeError as error:
            answer = Answer(error.status, error.body(request_id))
        except Exception:
            logger.exception("The sandbox failed at %s %s", request.method, path)
            answer = broken(request_id)
        if answer.status in (409, 500):
            headers.setdefault("stripe-should-retry", "true")
        return as_json(answer.body, answer.status, headers)

    async def _answer(self, request: Request, path: str, request_id: str, headers: dict[str, str]) -> Answer:
        params = forms.decode(request.query if request.method in ("GET", "DELETE") else _form(request))
        from_browser = self._authenticate(request, params)
        found = routes.find(request.method, path)
        if found is None:
            raise StripeError(NOT_FOUND.format(request.method, f"/v1/{path}"), status=404)
        route, id = found
        if from_browser and not route.for_browsers:
            raise StripeError(
                "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a "
                "list of your API keys at https://dashboard.stripe.com/account/apikeys.",
                status=401,
                code="secret_key_required",
            )
        checked = parameters.check(params, route.schema, BROWSER_PARAMS if from_browser else frozenset())
        current: Knobs = await self.run(lambda: knobs.read(self.store))
        call = Call(
            self.store, current, self.stripe_url, checked, id, request_id, None, from_browser, self.webhooks
        )
        turn = await self._turn(request, call, path, params)
        if isinstance(turn, Answer):
            headers["idempotent-replayed"] = "true"
            return turn
        return await self._perform(route, call, turn)

    async def _turn(self, request: Request, call: Call, path: str, params: Object) -> Turn | Answer | None:
        key = request.headers.get("idempotency-key")
        if request.method != "POST" or key is None:
            return None
        call.idempotency_key = key
        scope = "browser:" if call.from_browser else ""
        latency = call.knobs.latency_ms / 1000
        turn: Turn | Answer = await self.run(
            lambda: idempotency.take(self.store, key, f"/v1/{path}", params, latency, scope)
        )
        return turn

    async def _perform(self, route: routes.Route, call: Call, turn: Turn | None) -> Answer:
        if call.knobs.latency_ms:
            await asyncio.sleep(call.knobs.latency_ms / 1000)
        if random.random() < call.knobs.fail_rate:
            await self._give_back(turn)
            return broken(call.request_id or "")
        try:
            answer: Answer = await asyncio.shield(
                asyncio.ensure_future(self.run(lambda: self._work(route, call, turn)))
            )
        except StripeError as error:
            answer = await self._refuse(call, turn, error)
        except Exception:
            await self._give_back(turn)
            raise
        return broken(call.request_id or "") if random.random() < call.knobs.lost_answer_rate else answer

    def _work(self, route: routes.Route, call: Call, turn: Turn | None) -> Answer:
        """One transaction: the change, its events, and the answer under the idempotency key."""
        try:
            obj = public(route.handler(call))
            obj = expansion.expand(self.store, obj, call.params.get("expand", []))
            answer = Answer(200, _for_browser(obj) if call.from_browser else obj)
        except Declined as error:
            answer = Answer(error.status, _error_body(call, error))
        if turn:
            idempotency.answer(self.store, turn, answer)
        return answer

    async def _refuse(self, call: Call, turn: Turn | None, error: StripeError) -> Answer:
        answer = Answer(error.status, _error_body(call, error))
        if turn and error.status != 409:
            await self.run(lambda: idempotency.answer(self.store, turn, answer))
        return answer

    async def _give_back(self, turn: Turn | None) -> None:
        if turn:
            await self.run(lambda: idempotency.give_back(self.store, turn))

    def _authenticate(self, request: Request, params: Object) -> bool:
        """True for the publishable key, which a browser also sends as the `key` parameter."""
        key = _bearer(request.headers.get("authorization", "")) or params.get("key")
        if not key:
            raise StripeError(
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
                "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
                status=401,
            )
        if key == self.publishable_key:
            return True
        if key != self.secret_key:
            raise invalid_key(str(key)[:200])
        return False


def _form(request: Request) -> bytes:
    kind = (
        request.headers.get("content-type", "application/x-www-form-urlencoded").split(";")[0].strip().lower()
    )
    if request.body and kind != "application/x-www-form-urlencoded":
        raise StripeError(
            f"Invalid request: the content type {kind[:60]!r} is not supported. Use application/x-www-form-urlencoded."
        )
    return request.body


def _bearer(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return value.strip() if scheme.lower() == "bearer" else ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _for_browser(intent: Object) -> Object:
    return {name: value for name, value in intent.items() if name in SHOWN_TO_BROWSERS}


def _error_body(call: Call, error: StripeError) -> Object:
    if call.from_browser:
        for name in ("payment_intent", "setup_intent"):
            if isinstance(error.error.get(name), dict):
                error.error[name] = _for_browser(error.error[name])
    return error.body(call.request_id or "")


def broken(request_id: str) -> Answer:
    error = StripeError("An unknown error occurred", status=500, type="api_error")
    return Answer(500, error.body(request_id))


def too_large() -> Response:
    error = StripeError(f"Invalid request: the body is larger than {MAX_BODY} bytes.", status=413)
    return as_json(error.body(new_id("req", 14)), 413, CORS)
