"""What every view of the API is made of: limits, once-only writes, conditional reads, cache headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.crypto import salted_hmac
from django.utils.http import http_date, parse_etags
from rest_framework import viewsets
from rest_framework.permissions import SAFE_METHODS, AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.secrets import decipher, encipher
from shop.api.paging import Cursor
from shop.api.parsing import LARGEST_BODY, BodyTooLarge
from shop.api.refusals import AskedTooOften, Invalid, explain
from shop.api.schema import KEY_HEADER, Operation
from shop.api.throttling import Limit
from shop.idempotency.models import KeptAnswer
from shop.idempotency.services import claim, keep, owner_of, release

KEY = re.compile(r"[\x21-\x7e]{16,255}")
PRIVATE = ("Authorization", "Cookie", "Cart-Token", "Drop-Places", "Guest-Orders")


class ApiView(APIView):
    """`limit` names the rate the view is counted under; `public` answers are the same for everybody.

    `waits` is for views that ask another machine: they cannot be one transaction with the answer that is kept.
    What is to go says since when (`deprecated`) and until when (`sunset`), as docs/api.md promises.
    """

    throttle_classes = (Limit,)
    schema = Operation()
    http_method_names = ("get", "post", "put", "patch", "delete", "head")  # what there is, the schema says
    limit = ""
    public = False
    secret = False  # nobody keeps it, not even the client's own cache
    waits = False
    deprecated: datetime | None = None
    sunset: datetime | None = None

    @classmethod
    def as_view(cls, *args: Any, **initkwargs: Any) -> Any:
        view = super().as_view(*args, **initkwargs)
        # A redirect would make a GET of what was sent to the address without its last slash.
        view.should_append_slash = False  # type: ignore[attr-defined]
        return view

    def throttled(self, request: Request, wait: float | None) -> None:  # type: ignore[override]
        raise AskedTooOften(wait)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
            raise BodyTooLarge
        super().initial(request, *args, **kwargs)
        key = request.headers.get(KEY_HEADER)
        method = (request.method or "").lower()
        if key is not None and method.upper() not in SAFE_METHODS and hasattr(self, method):
            if not KEY.fullmatch(key):
                raise Invalid(
                    {KEY_HEADER: ["16 to 255 visible ASCII characters, such as a UUID."]}, "header", "bad_key"
                )
            setattr(self, method, partial(self._once, key, getattr(self, method)))

    def finalize_response(
        self, request: Request | HttpRequest, response: Any, *args: Any, **kwargs: Any
    ) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        for name, value in getattr(request, "limit_headers", {}).items():
            response.headers[name] = value
        if self.deprecated and self.sunset:
            response.headers["Deprecation"] = f"@{int(self.deprecated.timestamp())}"  # RFC 9745
            response.headers["Sunset"] = http_date(self.sunset.timestamp())  # RFC 8594
        if not self.public:
            patch_vary_headers(response, PRIVATE)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = self._cache_control(request, response)
        if request.method in ("GET", "HEAD") and response.status_code == 200 and not self.secret:
            if isinstance(response, Response):
                response.add_post_render_callback(partial(_conditional, request))
            else:
                response = _conditional(request, response)
        return response

    def _cache_control(self, request: Request | HttpRequest, response: HttpResponseBase) -> str:
        if self.secret or response.status_code >= 400 or request.method not in ("GET", "HEAD"):
            return "no-store"
        # Kept, but asked about each time: a price that changed is seen with the next read.
        return "public, no-cache" if self.public else "private, no-cache"

    def _once(
        self, key: str, handler: Callable[..., Any], request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        kept = claim(owner_of(request.user), key, _fingerprint(request))
        if kept.status is not None:
            return self._as_response(kept, replayed=True)
        try:
            if self.waits:
                self._keep(kept, handler(request, *args, **kwargs))
            else:
                with transaction.atomic():
                    self._keep(kept, handler(request, *args, **kwargs))
        except Exception as error:
            # The effect is undone; what the refusal says is the answer, unless trying again may help.
            refusal = self._final_refusal(error)
            if refusal is None:
                release(kept)
                raise
            self._keep(kept, refusal)
        return self._as_response(kept)

    def _final_refusal(self, error: Exception) -> Response | None:
        refusal = explain(error, {})
        if refusal is None or not 400 <= refusal.status_code < 500 or refusal.status_code in (401, 429):
            return None
        return refusal

    def _keep(self, kept: KeptAnswer, response: Response) -> None:
        body = b"" if response.data is None else JSONRenderer().render(response.data)
        headers = {name: value for name, value in response.headers.items() if name != "Content-Type"}
        if body:
            headers["Content-Type"] = response.content_type or "application/json"
        # Tokens, recovery codes: a copy of the database opens nothing.
        keep(kept, response.status_code, headers, encipher(body.decode()).encode() if self.secret else body)

    def _as_response(self, kept: KeptAnswer, *, replayed: bool = False) -> HttpResponse:
        body = decipher(bytes(kept.body).decode()).encode() if self.secret else bytes(kept.body)
        response = HttpResponse(body, status=kept.status, headers=kept.headers)
        if not body:
            del response.headers["Content-Type"]
        if replayed:
            response.headers["Idempotency-Replayed"] = "true"
        return response


class PublicMixin:
    """The same for everybody who asks."""

    permission_classes: Any = (AllowAny,)
    public = True


class ApiViewSet(ApiView, viewsets.GenericViewSet):
    pagination_class: Any = Cursor

    def page(
        self,
        rows: QuerySet[Any],
        serializer: type[BaseSerializer[Any]],
        members: Collection[str] | None = None,
        **more: Any,
    ) -> Response:
        """The page of `rows` that the query asks for, with `more` beside its `results`."""
        context = {**self.get_serializer_context(), "members": members}
        shown = serializer(self.paginate_queryset(rows), many=True, context=context)
        response = self.get_paginated_response(shown.data)
        response.data |= more
        return response


def _fingerprint(request: Request) -> str:
    """By a key of SECRET_KEY: a password in the body is not to be found by trying from what is kept of it."""
    told = (request.method or "", request.get_full_path(), request.headers.get("Cart-Token", ""))
    asked = "\0".join(told).encode() + b"\0" + request._request.body
    return salted_hmac("shop.api.fingerprint", asked, algorithm="sha256").hexdigest()


def etag_of(content: bytes) -> str:
    return f'"{sha256(content).hexdigest()[:32]}"'


def unless_known(request: Any, response: Any, etag: str) -> Any:
    """304 where the client has these very bytes, with all that an answer says besides them."""
    response.headers["ETag"] = etag
    theirs = parse_etags(request.headers.get("If-None-Match", ""))
    if not {etag, f"W/{etag}", "*"} & set(theirs):
        return response
    told = {name: value for name, value in response.headers.items() if not name.startswith("Content-")}
    known = HttpResponse(status=304, headers=told)
    del known.headers["Content-Type"]
    return known


def _conditional(request: Any, response: Any) -> Any:
    return unless_known(request, response, etag_of(response.content))
