"""What a visitor sees when something is wrong. 400, 500 and 503 ask nothing of the request or the database."""

import sys

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseServerError,
    JsonResponse,
)
from django.shortcuts import render
from django.template.loader import render_to_string

from shop import outages

PROGRAMS = ("/api/", "/webhooks/")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if outages.is_outage(exception):
        return _unavailable(request)
    return HttpResponseBadRequest(render_to_string("400.html"))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls this while it handles the exception, of a view or of a middleware such as the session's."""
    if outages.is_outage(sys.exception()):
        return _unavailable(request)
    return HttpResponseServerError(render_to_string("500.html"))


def _unavailable(request: HttpRequest) -> HttpResponse:
    headers, words = dict(outages.HEADERS), {"message": outages.MESSAGE}
    if request.path.startswith(PROGRAMS):
        return JsonResponse({"error": {"code": outages.CODE, **words}}, status=503, headers=headers)
    if "HX-Request" in request.headers:
        headers |= {"HX-Retarget": "#messages", "HX-Reswap": "innerHTML", "HX-Push-Url": "false"}
        line = render_to_string("storefront/partials/unavailable.html", words)
        return HttpResponse(line, status=503, headers=headers)
    return HttpResponse(render_to_string("503.html", words), status=503, headers=headers)
