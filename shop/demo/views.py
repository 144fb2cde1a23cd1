"""The demo's own pages: what to try, and the mail it sends. Not in production."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.csp import CSP
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from shop.demo.mailbox import Letter, letter_named, letters
from shop.demo.seed import ACCOUNTS, PASSWORD

CARDS = [
    ("4242 4242 4242 4242", "is accepted"),
    ("4000 0025 0000 3155", "asks you to confirm at your bank"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "has too little money"),
    ("4000 0099 0000 0012", "settles a while later"),
]
# A message shows itself and nothing else: no script, no form, no address but our own pictures.
MAIL_POLICY: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:"],
    "frame-ancestors": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.NONE],
    "sandbox": ["allow-top-navigation-by-user-activation", "allow-popups"],
}


@never_cache
@require_safe
def welcome(request: HttpRequest) -> HttpResponse:
    shown = {"accounts": ACCOUNTS if settings.DEMO else {}, "password": PASSWORD, "cards": CARDS}
    return render(request, "demo/welcome.html", shown)


@never_cache
@require_safe
def mail_list(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/mail_list.html", {"letters": letters(settings.MAIL_DIR)[:200]})


@never_cache
@require_safe
def mail_detail(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "demo/mail.html", {"letter": _letter(name)})


@csp_override(MAIL_POLICY)
@xframe_options_sameorigin
@never_cache
@require_safe
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """The message as it is. `base` lets its links leave the frame that shows it."""
    if not (html := _letter(name).html):
        raise Http404
    return HttpResponse('<base target="_top">' + html)


@never_cache
@require_safe
def mail_file(request: HttpRequest, name: str, number: int) -> HttpResponse:
    files = _letter(name).files
    if not 0 < number <= len(files):
        raise Http404
    part = files[number - 1]
    response = HttpResponse(part.get_payload(decode=True), content_type=part.get_content_type())
    response.headers["Content-Disposition"] = "attachment"
    return response


def _letter(name: str) -> Letter:
    letter = letter_named(settings.MAIL_DIR, name)
    if letter is None:
        raise Http404("There is no such message.")
    return letter
