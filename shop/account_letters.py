"""What the owner of an account is told by e-mail when it changes who can sign in, on pages and in apps alike.

The letter is a row first: a mail server that is away neither holds the change up nor keeps it from being told.
"""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.utils import build_absolute_uri
from django.contrib.sites.shortcuts import get_current_site
from django.http import HttpRequest, HttpResponse
from django.tasks import task
from django.urls import reverse
from django.utils import timezone

from accounts import adapter
from accounts.devices import device_name, is_known_here, know_here
from shop.letters import TRIES, Letter, try_again_at


class AccountAdapter(adapter.AccountAdapter):
    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        address = email or EmailAddress.objects.get_primary_email(user)
        if not address:
            return
        agent = self.get_http_user_agent(self.request)
        told = {
            "request": self.request,
            "current_site": get_current_site(self.request),
            "email": address,
            "at": timezone.localtime(),
            "ip": self.get_client_ip(self.request),
            "device": device_name(agent),
            "reset_url": build_absolute_uri(self.request, reverse("account_reset_password")),
            **(context or {}),
        }
        letter: Any = self.render_mail(template_prefix, address, told)
        send_account_letter.enqueue(address, letter.subject, letter.body, letter.alternatives[0].content)

    def post_login(self, request: HttpRequest, user: Any, *, signup: bool, **more: Any) -> HttpResponse:
        """Signed in. An app keeps no cookie: each sign-in of one is told, and there is one every few weeks at most."""
        response = super().post_login(request, user, signup=signup, **more)
        if not signup and not is_known_here(request, user):
            self.send_notification_mail("account/email/signed_in", user)
        know_here(request, response, user)
        return response


@task
def send_account_letter(to: str, subject: str, text: str, html: str, attempt: int = 1) -> None:
    letter = Letter(subject, text, to=[to])
    letter.attach_alternative(html, "text/html")
    try:
        letter.send()
    except OSError:
        if attempt >= TRIES:
            raise
        send_account_letter.using(run_after=try_again_at(attempt)).enqueue(
            to, subject, text, html, attempt + 1
        )
