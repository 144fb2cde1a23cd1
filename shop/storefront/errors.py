"""What a visitor sees when something is wrong. 400, 500 and 503 ask nothing of the request or the database."""

import sys

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseServerError
from django.shortcuts import render
from django.template.loader import render_to_string

from shop import outages, problems

PROGRAMS = ("/api/", "/webhooks/")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if outages.is_outage(exception):
        return _unavailable(request)
    if _asks_a_program(request):
        return problems.as_response(400, "bad_request", "This request cannot be read.")
    return HttpResponseBadRequest(render_to_string("400.html"))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _asks_a_program(request):
        return problems.as_response(403, "permission_denied", "You may not do this.")
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _asks_a_program(request):
        words = "" if request.path.endswith("/") else " Those of the API end with a slash."
        return problems.as_response(404, "not_found", f"There is nothing at this address.{words}")
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls this while it handles the exception, of a view or of a middleware such as the session's."""
    if outages.is_outage(sys.exception()):
        return _unavailable(request)
    if _asks_a_program(request):
        return problems.as_response(500, "fault", "Something of ours broke. We have been told.")
    return HttpResponseServerError(render_to_string("500.html"))


def _asks_a_program(request: HttpRequest) -> bool:
    return request.path.startswith(PROGRAMS)


def _unavailable(request: HttpRequest) -> HttpResponse:
    headers, words = dict(outages.HEADERS), {"message": outages.MESSAGE}
    if _asks_a_program(request):
        return problems.as_response(503, outages.CODE, outages.MESSAGE, headers)
    if "HX-Request" in request.headers:
        headers |= {"HX-Retarget": "#messages", "HX-Reswap": "innerHTML", "HX-Push-Url": "false"}
        line = render_to_string("storefront/partials/unavailable.html", words)
        return HttpResponse(line, status=503, headers=headers)
    return HttpResponse(render_to_string("503.html", words), status=503, headers=headers)
