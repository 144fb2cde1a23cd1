"""Serves public answers from memory (see shop/rendered.py): a guest's before anything else is done, an account's after
it is known who asks and how often.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from shop.api.throttling import count
from shop.api.views import PublicMixin, etag_of, unless_known
from shop.catalog.changes import EVERYTHING
from shop.logs import route_of
from shop.rendered import Begun, Kept, Key, memory, note_of

TAKEN = {"application/json", "application/*", "*/*", ""}
OWN = ("RateLimit-", "ETag")
REFUSES = re.compile(r";\s*q=0(?:\.0*)?\s*(?:[,;]|$)")


class RenderedMixin(PublicMixin):
    """For views whose answers are made of the catalogue, its stock and its drops, and of the address alone."""

    kwargs: dict[str, Any]

    def shows(self) -> str:
        """The slug of the only product that the answer shows; else any change drops it."""
        return EVERYTHING

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        accept = request.headers.get("Accept", "")
        if _is_kept(request) and _is_guest(request) and takes_json(accept) and memory.look():
            kept = memory.find(_key(request))
            if kept is not None:
                within, _, headers = count("read", request.META["REMOTE_ADDR"])
                if within:  # else REST framework says how it is refused
                    return _answer(request, kept, headers)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if _is_kept(request):
            handler = getattr(self, "get")  # noqa: B009  # of a view set it is put there for each request
            setattr(self, "get", partial(self._remembering, handler))  # noqa: B010

    def _remembering(self, handler: Callable[..., Any], request: Any, *args: Any, **kwargs: Any) -> Any:
        key = _key(request)
        if not memory.look():
            return handler(request, *args, **kwargs)
        if kept := memory.find(key):
            return HttpResponse(kept.body, headers=kept.headers)
        begun = memory.begin()
        response = handler(request, *args, **kwargs)
        if response.status_code == 200:
            response.add_post_render_callback(partial(_keep, key, self.shows(), begun))
        return response


def _is_kept(request: Any) -> bool:
    return request.method == "GET" and settings.API_RENDERED_BYTES > 0


def _is_guest(request: HttpRequest) -> bool:
    return "HTTP_AUTHORIZATION" not in request.META and settings.SESSION_COOKIE_NAME not in request.COOKIES


def takes_json(accept: str) -> bool:
    return not REFUSES.search(accept) and any(
        one.partition(";")[0].strip().lower() in TAKEN for one in accept.split(",")
    )


def _key(request: Any) -> Key:
    """Answers hold absolute addresses."""
    return (request.scheme, request.get_host(), request.path, request.META.get("QUERY_STRING", ""))


def _keep(key: Key, about: str, begun: Begun, response: Any) -> None:
    headers = {name: value for name, value in response.headers.items() if not name.startswith(OWN)}
    memory.keep(key, about, response.content, headers, etag_of(response.content), begun)


def _answer(request: HttpRequest, kept: Kept, limits: dict[str, str]) -> HttpResponseBase:
    if note := note_of(request):
        note.kept, note.route = kept, route_of(request)
    response = HttpResponse(kept.body, headers={**kept.headers, **limits})
    return unless_known(request, response, kept.etag)
