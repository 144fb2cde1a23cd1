"""Pages that are the same for every guest, and so may be given ahead of Django until something they show changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from shop.logs import route_of
from shop.rendered import memory, note_of

View = Callable[..., HttpResponse]


def kept(view: View) -> View:
    """For views whose pages are made of the catalogue, its stock and the address alone, where a guest asks."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        note = note_of(request)  # only of guests without cookies
        if note is not None and memory.look():
            note.begun, note.route = memory.begin(), route_of(request)
        return view(request, *args, **kwargs)

    return answer


def let_go(request: HttpRequest) -> None:
    """This one is not kept: it shows what moves by itself."""
    if note := note_of(request):
        note.begun = None
