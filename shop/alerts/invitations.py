"""A guest's question, kept in the link we mail to the address given: nothing is stored before they say yes there."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.tasks import task
from django.urls import reverse
from djmoney.money import Money

from shop.alerts.models import Alert
from shop.alerts.services import ask, refuse_if_there
from shop.catalog.models import Variant
from shop.errors import TooOften
from shop.letters import TRIES, try_again_at, write_letter
from shop.throttling import spend

AGE = timedelta(days=90)  # the same link also calls it off
HOUR = 60 * 60
LINKS_TO_ONE_ADDRESS = 5  # an hour, lest somebody fill a stranger's letterbox
LINKS_FROM_ONE_PLACE = 30
_SALT = "alerts.invitation"


class TooManyLinks(TooOften):
    code = "too_many_links"
    message = "We have sent enough links for now. Please look in your letterbox, or try again in an hour."
    retry_after = HOUR


class Invitation(NamedTuple):
    variant_id: int
    kind: str
    email: str
    amount: str
    currency: str

    @property
    def token(self) -> str:
        return signing.dumps(self, salt=_SALT)

    @property
    def price_asked(self) -> Money | None:
        return Money(self.amount, self.currency) if self.kind == Alert.Kind.CHEAPER else None

    def alert_for(self, variant: Variant) -> Alert:
        """What it would become, not saved."""
        return Alert(variant=variant, kind=self.kind, email=self.email, price_asked=self.price_asked)

    def accept(self) -> Alert:
        """Raises ThereAlready, or Variant.DoesNotExist."""
        variant = Variant.objects.get(pk=self.variant_id)
        return ask(variant, self.kind, email=self.email, price_asked=self.price_asked)


def read_invitation(token: str) -> Invitation:
    """Raises signing.SignatureExpired or signing.BadSignature."""
    return Invitation(*signing.loads(token, salt=_SALT, max_age=AGE))


def invite(variant: Variant, kind: str, email: str, *, asked_from: str) -> None:
    """Mails the link by which this address says yes; `asked_from` is where on the net somebody asked.

    Raises TooManyLinks or ThereAlready.
    """
    _spend(email.lower(), LINKS_TO_ONE_ADDRESS)
    _spend(asked_from, LINKS_FROM_ONE_PLACE)
    refuse_if_there(variant, kind)
    price = variant.price
    invitation = Invitation(variant.pk, kind, email.lower(), str(price.amount), str(price.currency))
    send_invitation.enqueue(*invitation)


def _spend(key: str, most: int) -> None:
    if not spend("alerts", key, most=most, seconds=HOUR):
        raise TooManyLinks


@task
def send_invitation(
    variant_id: int, kind: str, email: str, amount: str, currency: str, attempt: int = 1
) -> None:
    invitation = Invitation(variant_id, kind, email, amount, currency)
    variant = Variant.objects.with_options().select_related("product").filter(pk=variant_id).first()
    if variant is None:
        return
    url = settings.PUBLIC_URL + reverse("storefront:alert", args=[invitation.token])
    context = {"alert": invitation.alert_for(variant), "url": url}
    try:
        write_letter("alert_invitation", email, context).send()
    except OSError:
        if attempt >= TRIES:
            raise
        send_invitation.using(run_after=try_again_at(attempt)).enqueue(*invitation, attempt + 1)
