"""Where everything is, and what every code of a refusal means."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from shop.api.refusals import status_of
from shop.api.views import ApiView, PublicMixin
from shop.errors import ShopError

# What stands at the top, by the name of its address.
ROOTS = {
    "account": "account",
    "address_forms": "countries",
    "alerts": "alert-list",
    "cart": "cart",
    "categories": "category-list",
    "docs": "docs",
    "drops": "drops",
    "facets": "facets",
    "inbox": "inbox-list",
    "orders": "order-list",
    "preferences": "preferences",
    "prices": "prices",
    "problems": "problems",
    "products": "product-list",
    "schema": "schema",
    "sign_in": "sign-in",
    "suggestions": "suggestions",
    "ticket": "events-ticket",
    "variants": "variant-list",
}


# What every request may be refused with, before the shop is asked or where it is not: by REST framework, by the parser,
# and at the doors to what happens live.
OF_EVERY_REQUEST = {
    "authentication_failed": (401, "The header Authorization is not as it should be."),
    "bad_position": (400, "Not the positions of these streams: `e` and `o` stand once for each."),
    "bad_query": (400, "More parameters than anybody needs."),
    "bad_request": (400, "This request cannot be read."),
    "bad_stream": (400, "Not the name of a stream."),
    "bad_ticket": (401, "This ticket opens nothing: it is used, or older than a minute."),
    "bad_wait": (400, "`wait` is a number of seconds, given once."),
    "body_too_large": (413, "A body has at most 64 KiB here."),
    "fault": (500, "Something of ours broke. We have been told."),
    "foreign_origin": (403, "Only pages of this site may ask with its cookies."),
    "invalid": (400, "Some of this cannot be used: `errors` says what. With 422, the schema does allow it."),
    "malformed_json": (400, "This is no JSON, or holds what is no text or no number here."),
    "method_not_allowed": (405, "Not with this method."),
    "no_stream": (400, "Name a stream."),
    "not_acceptable": (406, "Nothing of what `Accept` names can be had here."),
    "not_authenticated": (401, "Nobody is signed in."),
    "not_found": (404, "There is nothing here, or nothing of yours."),
    "not_here": (501, "This server cannot wait for what happens."),
    "permission_denied": (403, "You may not do this."),
    "stream_twice": (400, "Name each stream once."),
    "throttled": (429, "That was too often."),
    "token_invalid": (401, "This access token does not hold (any more). Refresh it, or sign in again."),
    "too_deep": (400, "At most 8 levels of objects and lists."),
    "too_many_connections": (429, "More connections than one account may have."),
    "too_many_streams": (400, "More streams than one connection may have."),
    "unavailable": (503, "The database is away or busy, or the server leaves. Nothing is half done."),
    "unsupported_media_type": (415, "The body is not JSON."),
}


class RootSerializer(serializers.Serializer):
    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: serializers.URLField() for name in ROOTS}


class KnownProblemSerializer(serializers.Serializer):
    code = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What people are told, unless there is more to say of the case.")


class RootView(PublicMixin, ApiView):
    @extend_schema(operation_id="root", responses=RootSerializer)
    def get(self, request: Request) -> Response:
        """Where everything is."""
        return Response({name: reverse(f"api:{to}", request=request) for name, to in ROOTS.items()})


class PageRenderer(JSONRenderer, BrowsableAPIRenderer):  # type: ignore[misc]  # renders as the first
    """Says that people may ask for a page. Refusals are JSON to them as well.

    The schema leaves out what is browsable: programs have no use for it.
    """

    media_type = "text/html"
    format = "html"


class ProblemsView(PublicMixin, ApiView):
    renderer_classes = (JSONRenderer, PageRenderer)  # the `type` of each problem is an address here

    @extend_schema(operation_id="problems", responses=KnownProblemSerializer(many=True))
    def get(self, request: Request) -> HttpResponse:
        """Every code with which a request may be refused. Codes stay; new ones may come."""
        known = {error.code: (status_of(error), error.message) for error in _refusals(ShopError)}
        rows = [
            {"code": code, "status": status, "detail": detail}
            for code, (status, detail) in sorted({**OF_EVERY_REQUEST, **known}.items())
        ]
        if request.accepted_renderer.format != PageRenderer.format:
            return Response(rows)
        for row in rows:
            row["detail"] = _marked_up(row["detail"])
        by_status = {status: [row for row in rows if row["status"] == status] for status in HTTPStatus}
        return render(request, "api/problems.html", {"by_status": by_status})


def _marked_up(detail: str) -> SafeString:
    """What stands between backticks is code."""
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(detail)))


def _refusals(error: type[ShopError]) -> list[Any]:
    return [error, *(one for below in error.__subclasses__() for one in _refusals(below))]
