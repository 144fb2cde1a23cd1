"""One shape for what goes wrong: `{"error": {"code", "message", ...}}`; codes are stable, messages are not."""

from typing import Any

from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from shop.errors import ShopError, TooOften


def explain(exception: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(exception, ShopError):
        error = {"code": exception.code, "message": exception.message, "details": exception.details}
        often = isinstance(exception, TooOften)
        return Response(
            {"error": error}, status=status.HTTP_429_TOO_MANY_REQUESTS if often else status.HTTP_409_CONFLICT
        )
    response = exception_handler(exception, context)
    if response is not None:
        response.data = {"error": _described(exception, response)}
    return response


def _described(exception: Exception, response: Response) -> dict[str, Any]:
    if isinstance(exception, exceptions.ValidationError):
        return {"code": "invalid", "message": "Some of this cannot be used.", "fields": response.data}
    detail = response.data["detail"]
    return {"code": detail.code, "message": str(detail)}
