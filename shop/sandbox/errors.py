"""What Stripe says when it refuses: one exception that knows Stripe's error body."""

from typing import Any

DOCS = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """Carries the status and every field of Stripe's `error` object."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        fields = {"code": code, "message": message, "param": param, "type": type, **more}
        if code:
            fields["doc_url"] = DOCS + code.replace("_", "-")
        self.error = {name: value for name, value in sorted(fields.items()) if value is not None}

    def body(self, request_id: str) -> dict[str, Any]:
        return {
            "error": {**self.error, "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}"}
        }


class Declined(StripeError):
    """A refusal that is part of the story: what was written before it stays written."""


def no_such(kind: str, id: str, param: str = "id", status: int = 404) -> StripeError:
    return StripeError(f"No such {kind}: '{id}'", status=status, code="resource_missing", param=param)


def invalid_key(key: str) -> StripeError:
    shown = key[:8] + "*" * max(len(key) - 12, 0) + key[-4:] if len(key) > 12 else "*" * len(key)
    return StripeError(f"Invalid API Key provided: {shown}", status=401)


def unexpected_state(message: str, intent: dict[str, Any]) -> StripeError:
    """`payment_intent_unexpected_state` or its twin for setup intents, with the intent as Stripe adds it."""
    kind: str = intent["object"]
    more: dict[str, Any] = {kind: intent}
    return StripeError(message, code=f"{kind}_unexpected_state", **more)
