"""The shop's pages and a synchronous view that sleeps, as one does that asks a slow machine."""

import time

from django.http import HttpRequest, HttpResponse
from django.urls import path

from shop.urls import *  # noqa: F403
from shop.urls import urlpatterns as shop


def sleep(request: HttpRequest, milliseconds: int) -> HttpResponse:
    time.sleep(milliseconds / 1000)
    return HttpResponse("awake\n", content_type="text/plain")


urlpatterns = [path("lab/sleep/<int:milliseconds>/", sleep), *shop]
