"""django-allauth's page of e-mail addresses; nobody signs in with one that is not shown to be theirs."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.views import EmailView
from django.contrib import messages
from django.http import HttpRequest, HttpResponse


class OwnEmailView(EmailView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Only what can be done is offered: one address is that to sign in with, a confirmed one needs no link."""
        context = super().get_context_data(**kwargs)
        several = len(context["emailaddresses"]) > 1
        unconfirmed = any(not address.verified for address in context["emailaddresses"])
        return {**context, "several": several, "unconfirmed": unconfirmed}

    def _action_primary(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        """allauth takes any address while none is confirmed. It may be another account's, and none can be two's."""
        address = self._get_email_address(request)
        if address and not address.verified:
            template = "account/messages/unverified_primary_email.txt"
            get_adapter(request).add_message(request, messages.ERROR, template)
            return None
        return super()._action_primary(request, *args, **kwargs)
