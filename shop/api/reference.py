"""The schema as pages to read and to try, from files of this host only."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.views.decorators.csp import csp_override
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularRedocView, SpectacularSwaggerSplitView

# Both style by <style> and attributes; Redoc searches in a worker that it writes itself. Scripts come from files.
DOCS_CSP: dict[str, Any] = {
    **settings.SECURE_CSP,
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "worker-src": [CSP.SELF, "blob:"],
}


class SchemaView(SpectacularJSONAPIView):
    """The schema itself."""


@method_decorator(csp_override(DOCS_CSP), "dispatch")
class SwaggerView(SpectacularSwaggerSplitView):
    url_name = "api:schema"


@method_decorator(csp_override(DOCS_CSP), "dispatch")
class RedocView(SpectacularRedocView):
    url_name = "api:schema"
    template_name = "api/redoc.html"
