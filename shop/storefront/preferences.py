"""What we tell you: the choices of an account, and the link in a mail that ends it."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications import unsubscribe as subscription
from notifications.preferences import Choice, choices, choose
from shop.storefront.requests import SignedInRequest


class PreferencesForm(forms.Form):
    """`kind` names the rows that the page had: of a kind that came since, nothing was chosen."""

    kind = forms.MultipleChoiceField()
    live = forms.MultipleChoiceField(required=False)
    email = forms.MultipleChoiceField(required=False)

    def __init__(self, offered: list[Choice], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.choices = [(choice.kind, choice.label) for choice in offered]  # type: ignore[attr-defined]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: SignedInRequest) -> HttpResponse:
    offered = choices(request.user)
    status = 200
    if request.method == "POST":
        form = PreferencesForm(offered, request.POST)
        if form.is_valid():
            _keep(request, form.cleaned_data)
            messages.success(request, "Your choices are saved.")
            return redirect("storefront:preferences")
        messages.error(request, "That is not on the list any more. Please look it over and save again.")
        status = 422
    context = {"choices": offered, "confirmed": _is_confirmed(request)}
    return render(request, "storefront/preferences.html", context, status=status)


@transaction.atomic
def _keep(request: SignedInRequest, chosen: dict[str, list[str]]) -> None:
    for kind in chosen["kind"]:
        choose(request.user, kind, live=kind in chosen["live"], email=kind in chosen["email"])


def _is_confirmed(request: SignedInRequest) -> bool:
    own = EmailAddress.objects.filter(user=request.user, verified=True)
    return own.filter(email__iexact=request.user.email).exists()


@never_cache
@csrf_exempt  # Mail programs post here for their reader, with no cookie; the signed link is what may do it.
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """A GET only asks: programs that look into links before people do must not decide for them."""
    template = "storefront/unsubscribe.html"
    try:
        user = subscription.user_by_token(token)
    except signing.SignatureExpired:
        return render(request, template, {"expired": True}, status=410)
    except signing.BadSignature:
        raise Http404("no such link") from None
    if user is None:
        raise Http404("no such account")
    if request.method != "POST":
        return render(request, template)
    subscription.unsubscribe(user)
    return render(request, template, {"done": True})
