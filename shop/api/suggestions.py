"""What somebody who typed this so far may mean."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.selecting import LONGEST_QUERY
from shop.api.serving import RenderedMixin
from shop.api.shapes import Query, Words
from shop.api.views import ApiView
from shop.catalog.search import suggest


class SuggestionsQuery(Query):
    q = Words(allow_blank=True, max_length=LONGEST_QUERY)


class SuggestionSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(["category", "product"])
    slug = serializers.SlugField()
    label: Any = serializers.CharField()
    note = serializers.CharField(help_text="To be shown beside it: the series of a product.")


class SuggestionsView(RenderedMixin, ApiView):
    @extend_schema(
        operation_id="suggestions",
        parameters=[SuggestionsQuery],
        responses={200: SuggestionSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        """Up to eight: series by their names, then products, the best first."""
        found = suggest(SuggestionsQuery.read(request)["q"])
        return Response(SuggestionSerializer(found, many=True).data)
