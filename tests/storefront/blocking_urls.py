"""The control of the waiting test: the shop with its pay page as an ordinary synchronous view."""

import stripe
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from shop.payments.services import open_payment
from shop.storefront.orders import find_order
from shop.urls import *  # noqa: F403
from shop.urls import urlpatterns


def pay(request: HttpRequest, public_id: str) -> HttpResponse:
    payment = open_payment(find_order(request, public_id))
    client = stripe.StripeClient(settings.STRIPE_SECRET_KEY, base_addresses={"api": settings.STRIPE_API_BASE})
    intent = client.v1.payment_intents.create(
        {"amount": int(payment.amount.amount * 100), "currency": "eur"},
        {"idempotency_key": str(payment.idempotency_key)},
    )
    return HttpResponse(intent.client_secret)


urlpatterns = [path("checkout/<slug:public_id>/pay/", pay), *urlpatterns]
