"""The admin's site: one sign-in with the shop's own, and a content policy of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.views.decorators.csp import csp_override
from unfold.sites import UnfoldAdminSite

from shop.backoffice.feed import happening
from shop.backoffice.live import live, live_figures

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User

# Unfold's Alpine evaluates the expressions in its attributes and its theme is a <style> in the page. That is all
# it needs: scripts still come from files of this host only.
ADMIN_CSP: dict[str, Any] = {
    **settings.SECURE_CSP,
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}


def hand(request: HttpRequest) -> User:
    """Who does it, for the record; behind `admin_view` there is always somebody."""
    assert request.user.is_authenticated
    return request.user


class BackofficeSite(UnfoldAdminSite):
    index_title = "Today"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return csp_override(ADMIN_CSP)(super().admin_view(view, cacheable))

    def get_urls(self) -> list[Any]:
        ours = [
            path("feed/", self.admin_view(self.feed), name="feed"),
            path("live/", self.admin_view(live), name="live"),
            path("live/figures/", self.admin_view(live_figures), name="live_figures"),
        ]
        return [*ours, *super().get_urls()]

    def feed(self, request: HttpRequest) -> HttpResponse:
        context = {**self.each_context(request), "title": "What is happening", **happening(request)}
        request.current_app = self.name
        return TemplateResponse(request, "backoffice/feed.html", context)

    # Staff sign in where buyers do, so that the limits on guessing a password hold here too.
    @method_decorator(secure_admin_login)
    def login(self, request: Any, extra_context: Any = None) -> Any:
        return super().login(request, extra_context)
