"""E-mail in the look of the house: `mail/<kind>.txt`, `.html` and `_subject.txt` make one message."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.policy import Policy, default
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone

from shop.waiting import refuse_to_wait_with_locks

TRIES = 8


class OneLineHeader(UnstructuredHeader, BaseHeader):
    """Python folds a long word by encoding it, and what reads List-Unsubscribe decodes no address."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_headers = HeaderRegistry()
_headers.map_to_type("list-unsubscribe", OneLineHeader)


class Letter(EmailMultiAlternatives):
    def send(self, *args: Any, **kwargs: Any) -> Any:
        refuse_to_wait_with_locks()
        return super().send(*args, **kwargs)

    def message(self, *, policy: Any = default) -> Any:
        return super().message(policy=policy.clone(header_factory=_headers))


def write_letter(
    kind: str, to: str, context: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Letter:
    known = {"SHOP_NAME": settings.SHOP_NAME, "shop_url": settings.PUBLIC_URL, **context}
    subject = render_to_string(f"mail/{kind}_subject.txt", known).strip()
    letter = Letter(
        subject, render_to_string(f"mail/{kind}.txt", known), to=[to], headers=dict(headers or {})
    )
    letter.attach_alternative(render_to_string(f"mail/{kind}.html", known), "text/html")
    return letter


def try_again_at(attempt: int) -> datetime:
    """Soon after the first attempts, then with growing pauses."""
    return timezone.now() + timedelta(seconds=10 * 2**attempt)


def confirmed_address(user_id: int) -> str | None:
    """News goes only where somebody said that the address is theirs."""
    own = EmailAddress.objects.filter(user=user_id, user__is_active=True, verified=True)
    return own.filter(email__iexact=F("user__email")).values_list("email", flat=True).first()
