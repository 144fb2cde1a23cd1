"""What a list of products can be narrowed by, and how many each choice would leave.

An address of its own, with the parameters of the list: an app asks when somebody opens the filter, once for all pages
of the list, and the pages stay quick to make.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.selecting import SelectionQuery, select
from shop.api.serving import RenderedMixin
from shop.api.shapes import Amount
from shop.api.views import ApiView

PARAMETERS = {"category": "category", "price": "price", "stock": "stock"}


class ChoiceSerializer(serializers.Serializer):
    value = serializers.CharField(help_text="Goes into the parameter as it is.")
    label: Any = serializers.CharField(
        allow_blank=True, help_text="Empty for a band of prices, which has bounds."
    )
    count = serializers.IntegerField(min_value=0, help_text="How many products are left with it.")
    chosen = serializers.BooleanField()
    swatch = serializers.CharField(allow_blank=True, help_text="A colour, where one says more.")
    low = Amount(allow_null=True, help_text="Of a band: what a variant costs at least.")
    high = Amount(allow_null=True, help_text="Of a band: what it costs less than.")


class FacetSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    parameter = serializers.ChoiceField(
        ["category", "options", "price", "stock"],
        help_text="The parameter of the list that takes its values.",
    )
    choices = ChoiceSerializer(many=True)


class FacetsSerializer(serializers.Serializer):
    total = serializers.IntegerField(min_value=0, help_text="How many products answer all that is chosen.")
    facets = FacetSerializer(many=True)


class FacetsView(RenderedMixin, ApiView):
    @extend_schema(
        operation_id="facets_count", parameters=[SelectionQuery], responses={200: FacetsSerializer}
    )
    def get(self, request: Request) -> Response:
        """Every facet of a list with how many each choice would leave; a facet's own choices do not count in it."""
        asked = select(SelectionQuery.read(request))
        total, facets = asked.facets.count(asked.selection)
        rows = [_facet(facet) for facet in facets]
        return Response(FacetsSerializer({"total": total, "facets": rows}).data)


def _facet(facet: Any) -> dict[str, Any]:
    parameter = PARAMETERS.get(facet.code, "options")
    prefix = f"{facet.code}:" if parameter == "options" else ""
    choices = [
        {
            "value": prefix + one.code,
            "label": one.label,
            "count": one.count,
            "chosen": one.chosen,
            "swatch": one.swatch,
            "low": one.band and one.band.low,
            "high": one.band and one.band.high,
        }
        for one in facet.choices
    ]
    return {"code": facet.code, "name": facet.name, "parameter": parameter, "choices": choices}
