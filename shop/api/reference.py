"""The schema as pages to read and to try, from files of this host only."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.views.decorators.csp import csp_override
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.request import Request

from shop.api.views import ApiView, PublicMixin

# Both style by <style> and attributes; Redoc searches in a worker that it writes itself. Scripts come from files.
DOCS_CSP: dict[str, Any] = {
    **settings.SECURE_CSP,
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "worker-src": [CSP.SELF, "blob:"],
}


class SchemaView(PublicMixin, ApiView):
    """The schema itself."""

    schema: Any = None
    renderer_classes = SpectacularJSONAPIView.renderer_classes

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(_schema(), content_type=request.accepted_renderer.media_type)


@cache
def _schema() -> bytes:
    """Made once: it takes a second, and anybody may ask."""
    return OpenApiJsonRenderer().render(SchemaGenerator().get_schema(request=None, public=True))


@method_decorator(csp_override(DOCS_CSP), "dispatch")
class SwaggerView(SpectacularSwaggerSplitView):
    url_name = "api:schema"


@method_decorator(csp_override(DOCS_CSP), "dispatch")
class RedocView(SpectacularRedocView):
    url_name = "api:schema"
    template_name = "api/redoc.html"
