"""Django's middlewares without a change of threads where they have nothing to wait for.

Under ASGI Django calls each of them in the request's thread: twice, and once more for a view's. None of these touches
anything but the request and the answer, except where a session or a message is to be written: then, as before, they do
it in the thread.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csp import ContentSecurityPolicyMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.deprecation import MiddlewareMixin

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


class Direct(MiddlewareMixin):
    process_request: Any = None
    process_response: Any = None

    def writes(self, request: HttpRequest) -> bool:
        """Whether process_response is to be called in the request's thread."""
        return False

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        response: Any = self.process_request(request) if self.process_request else None
        response = response or await self.get_response(request)  # type: ignore[misc]  # here it is asynchronous
        if self.process_response is None:
            return response
        if self.writes(request):
            return await sync_to_async(self.process_response)(request, response)
        return self.process_response(request, response)


class DirectSecurity(SecurityMiddleware, Direct):
    pass


class DirectPolicy(ContentSecurityPolicyMiddleware, Direct):
    pass


class DirectSessions(SessionMiddleware, Direct):
    def writes(self, request: HttpRequest) -> bool:
        return settings.SESSION_SAVE_EVERY_REQUEST or request.session.modified


class DirectCommon(CommonMiddleware, Direct):
    pass


class DirectCsrf(CsrfViewMiddleware, Direct):
    async def process_view(self, request: HttpRequest, *view: Any) -> Any:  # type: ignore[override]
        if request.method in SAFE or getattr(view[0], "csrf_exempt", False):
            return super().process_view(request, *view)
        return await sync_to_async(super().process_view)(request, *view)  # reads the form


class DirectAuthentication(AuthenticationMiddleware, Direct):
    pass


class DirectMessages(MessageMiddleware, Direct):
    def writes(self, request: HttpRequest) -> bool:
        messages: Any = getattr(request, "_messages", None)
        return messages is not None and (messages.used or messages.added_new)


class DirectFrames(XFrameOptionsMiddleware, Direct):
    pass


DIRECT = {
    f"{of.__module__}.{of.__qualname__}": f"{__name__}.{direct.__qualname__}"
    for direct in (
        *(DirectSecurity, DirectPolicy, DirectSessions, DirectCommon),
        *(DirectCsrf, DirectAuthentication, DirectMessages, DirectFrames),
    )
    for of in direct.__bases__[:1]
}
