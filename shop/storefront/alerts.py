"""Being told: asking on a print's page, what an account waits for, and the link by which a guest says yes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.db.models import Exists, OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shop.alerts.invitations import invite, read_invitation
from shop.alerts.models import Alert, AlertQuerySet
from shop.alerts.services import ask
from shop.catalog.models import Variant, VariantQuerySet
from shop.catalog.options import url_of
from shop.errors import ShopError
from shop.letters import confirmed_address
from shop.storefront.forms import first_error
from shop.storefront.requests import ShopRequest, SignedInRequest

SHOWN = 200
NOT_FOR_SALE = "That print is not for sale at the moment."


class AskForm(forms.Form):
    variant = forms.ModelChoiceField(
        Variant.objects.none(), error_messages={"required": NOT_FOR_SALE, "invalid_choice": NOT_FOR_SALE}
    )
    kind = forms.ChoiceField(choices=Alert.Kind.choices)
    stop = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        variants = Variant.objects.buyable().with_options().select_related("product")  # type: ignore[attr-defined]
        self.fields["variant"].queryset = variants  # type: ignore[attr-defined]


class GuestForm(AskForm):
    email = forms.EmailField(
        error_messages={
            "required": "Please type your e-mail address, so that we can tell you.",
            "invalid": "That does not look like an e-mail address.",
        }
    )


def with_alerts(variants: VariantQuerySet, waiting: AlertQuerySet) -> VariantQuerySet:
    """Each with `awaited`: is somebody told when it is back, and `watched`: below which price, or None."""
    mine = waiting.filter(variant=OuterRef("pk")).order_by()
    watched = mine.filter(kind=Alert.Kind.CHEAPER).values("price_asked")[:1]
    return variants.annotate(awaited=Exists(mine.filter(kind=Alert.Kind.BACK)), watched=Subquery(watched))


@require_POST
def alert_ask(request: ShopRequest) -> HttpResponse:
    """Asks, or with `stop` calls it off. A guest is mailed a link that asks."""
    form = AskForm(request.POST) if request.user.is_authenticated else GuestForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        seen = form.cleaned_data.get("variant")
        return redirect(url_of(seen) if seen else "storefront:products")
    try:
        messages.success(request, _asked(request, **form.cleaned_data))
    except ShopError as error:
        messages.warning(request, error.message)
    return redirect(url_of(form.cleaned_data["variant"]))


def _asked(request: ShopRequest, variant: Variant, kind: str, *, stop: bool, email: str = "") -> str:
    """What was done, in words. Raises ThereAlready or TooManyLinks."""
    user = request.user
    if not user.is_authenticated:
        invite(variant, kind, email, asked_from=request.META["REMOTE_ADDR"])
        return f"We have sent a link to {email}. Follow it to say that the address is yours."
    if stop:
        user.alerts.filter(variant=variant, kind=kind).delete()
        return f"You no longer wait for “{variant.product.title}”."
    return f"We will tell you {ask(variant, kind, user=user).occasion}."


@login_required
@require_safe
def waiting(request: SignedInRequest) -> HttpResponse:
    alerts = request.user.alerts.waiting().loaded()[:SHOWN]
    confirmed = confirmed_address(request.user.pk) is not None
    return render(request, "storefront/waiting.html", {"alerts": alerts, "confirmed": confirmed})


@login_required
@require_POST
def waiting_stop(request: SignedInRequest, alert_id: int) -> HttpResponse:
    alert = get_object_or_404(request.user.alerts.select_related("variant__product"), pk=alert_id)
    alert.delete()
    messages.success(request, f"You no longer wait for “{alert.variant.product.title}”.")
    return redirect("storefront:waiting")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def alert(request: HttpRequest, token: str) -> HttpResponse:
    """A GET only asks: programs that look into links before people do must not decide for them."""
    try:
        invitation = read_invitation(token)
    except signing.SignatureExpired:
        return render(request, "storefront/alert.html", {"expired": True}, status=410)
    except signing.BadSignature:
        raise Http404("no such link") from None
    variants = Variant.objects.with_options().select_related("product")
    variant = get_object_or_404(variants, pk=invitation.variant_id)
    own = Alert.objects.waiting().filter(
        user=None, email=invitation.email, variant=variant, kind=invitation.kind
    )
    if request.method == "POST":
        try:
            own.delete() if "stop" in request.POST else invitation.accept()
        except ShopError as error:
            messages.warning(request, error.message)
        return redirect("storefront:alert", token)
    context = {
        "alert": invitation.alert_for(variant),
        "waits": own.exists(),
        "url": url_of(variant),
    }
    return render(request, "storefront/alert.html", context)
