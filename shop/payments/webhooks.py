"""Where the payment provider tells us things. Answered 200 only once the message and its effect are committed."""

import asyncio

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop import problems
from shop.payments import stripe_gateway
from shop.payments.services import receive_message


@csrf_exempt
@require_POST
async def stripe_webhook(request: HttpRequest) -> HttpResponse:
    try:
        message = stripe_gateway.read_event(request.body, request.headers.get("Stripe-Signature"))
    except stripe_gateway.ForgedMessage as error:
        return problems.as_response(400, "bad_signature", str(error))
    # Shielded: the provider may hang up while its message is being written.
    fresh = await asyncio.shield(sync_to_async(receive_message)(message))
    return JsonResponse({"received": True, "repeated": not fresh})
