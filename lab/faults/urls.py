"""The shop's pages, a synchronous view that sleeps, as one does that asks a slow machine, and a careless checkout."""

import time

from django.http import HttpRequest, HttpResponse
from django.urls import path

from lab import waiting_forms
from lab.faults import torn
from shop.urls import *  # noqa: F403
from shop.urls import urlpatterns as shop


def sleep(request: HttpRequest, milliseconds: int) -> HttpResponse:
    time.sleep(milliseconds / 1000)
    return HttpResponse("awake\n", content_type="text/plain")


urlpatterns = [
    path("lab/sleep/<int:milliseconds>/", sleep),
    path("lab/torn/", torn.place),
    *waiting_forms.urlpatterns,
    *shop,
]
