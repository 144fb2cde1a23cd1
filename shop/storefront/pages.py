"""Pages that are only to be read."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shop.shipping.models import ShippingMethod


def page(name: str) -> Callable[[HttpRequest], HttpResponse]:
    @require_safe
    def show(request: HttpRequest) -> HttpResponse:
        return render(request, f"storefront/pages/{name}.html")

    return show


@require_safe
def delivery(request: HttpRequest) -> HttpResponse:
    active = ShippingMethod.objects.filter(active=True).prefetch_related("zones", "rates__zone")
    methods = [method for method in active if method.everywhere or method.zones.all()]
    return render(request, "storefront/pages/delivery.html", {"methods": methods})
