"""One operation of the API that asks the payment provider, in the three forms it could have: see `lab.api_waits`."""

from __future__ import annotations

from typing import Any

import adrf.views
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.payments import PaymentStateSerializer, PaymentView, _order, _state
from shop.payments.services import refresh_payment


class Plain(PaymentView):
    """DRF before the wait and after it, each in one hop to a thread, with Django's own asynchronous view between."""

    def begin(self, request: HttpRequest, **kwargs: Any) -> Any:
        self.args, self.kwargs, self.headers = (), kwargs, self.default_response_headers
        self.request = self.initialize_request(request, **kwargs)
        self.initial(self.request, **kwargs)
        return _order(self.request, kwargs["public_id"])

    def finish(self, found: Any, **kwargs: Any) -> HttpResponseBase:
        response = Response(PaymentStateSerializer(_state(*found)).data)
        return self.finalize_response(self.request, response, **kwargs).render()


@csrf_exempt
async def plain(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
    view = Plain()
    found = await sync_to_async(view.begin)(request, **kwargs)
    await refresh_payment(found[0])
    return await sync_to_async(view.finish)(found, **kwargs)


class Adrf(adrf.views.APIView):
    authentication_classes = PaymentView.authentication_classes
    permission_classes: Any = PaymentView.permission_classes
    throttle_classes: Any = PaymentView.throttle_classes
    limit = ""

    async def get(self, request: Request, public_id: str) -> Response:
        found = await sync_to_async(_order)(request, public_id)
        await refresh_payment(found[0])
        return Response(await sync_to_async(lambda: PaymentStateSerializer(_state(*found)).data)())


FORMS = {"drf": PaymentView.as_view(), "async": plain, "adrf": Adrf.as_view()}
urlpatterns = [path(f"lab/{name}/<slug:public_id>/", view) for name, view in FORMS.items()]
