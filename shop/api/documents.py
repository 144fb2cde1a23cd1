"""Invoices and credit notes: a list, and each as the paper that it is."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.order_shapes import DocumentSerializer
from shop.api.ownership import ORDER, find_order
from shop.api.refusals import NotFound
from shop.api.shapes import PageQuery, PageSerializer
from shop.api.views import ApiViewSet
from shop.invoices.models import Document
from shop.invoices.services import as_pdf
from shop.orders.invoicing import documents_of

PDF = "application/pdf"


class PdfRenderer(JSONRenderer):
    """Says what may be asked for. Refusals are JSON here as well, whatever was asked for."""

    media_type = PDF
    format = "pdf"


class DocumentsPageSerializer(PageSerializer):
    results = DocumentSerializer(many=True)


@extend_schema(parameters=[ORDER])
class DocumentViewSet(ApiViewSet):
    queryset = Document.objects.none()
    permission_classes = (AllowAny,)
    lookup_field = "number"
    lookup_value_regex = "[A-Z]{1,4}-[0-9]{4}-[0-9]{1,12}"

    def get_renderers(self) -> list[BaseRenderer]:
        return [PdfRenderer()] if self.action == "retrieve" else super().get_renderers()

    @extend_schema(operation_id="documents_list", parameters=[PageQuery], responses=DocumentsPageSerializer)
    def list(self, request: Request, public_id: str) -> Response:
        """The papers of an order, the oldest first."""
        PageQuery.read(request)
        order = find_order(request, public_id)
        return self.page(Document.objects.about(order.public_id).order_by("id"), DocumentSerializer)

    @extend_schema(
        operation_id="documents_read",
        parameters=[
            OpenApiParameter(
                "number",
                {"type": "string", "pattern": f"^{lookup_value_regex}$"},
                OpenApiParameter.PATH,
                description="Such as `INV-2026-00017`.",
            )
        ],
        responses={(200, PDF): OpenApiTypes.BINARY},
    )
    def retrieve(self, request: Request, public_id: str, number: str) -> HttpResponse:
        """The paper itself: a PDF, the same bytes whenever it is asked for."""
        documents = documents_of(find_order(request, public_id))
        document = next((one for one in documents if one.number == number), None)
        if document is None:
            raise NotFound
        disposition = f'attachment; filename="{document.filename}"'
        return HttpResponse(as_pdf(document), content_type=PDF, headers={"Content-Disposition": disposition})
