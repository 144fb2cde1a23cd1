"""Stops digests by a signed link, for whoever holds the mail and need not sign in.

The link says whose digests end and nothing else; it is worth no more than that.
"""

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.db import transaction

from notifications.preferences import choices, choose, goes_into_digests

AGE = timedelta(days=90)
_SALT = "notifications.unsubscribe"


def unsubscribe_token(user_id: int) -> str:
    return signing.dumps(user_id, salt=_SALT)


def user_by_token(token: str) -> AbstractBaseUser | None:
    """Raises signing.SignatureExpired or signing.BadSignature; None if the user is gone."""
    user_id = signing.loads(token, salt=_SALT, max_age=AGE)
    return get_user_model()._default_manager.filter(pk=user_id).first()


@transaction.atomic
def unsubscribe(user: AbstractBaseUser) -> None:
    """No digest any more, of no kind. A mail that some kind sends at once by itself is another choice."""
    for choice in choices(user):
        if choice.email and goes_into_digests(choice.kind):
            choose(user, choice.kind, live=choice.live, email=False)
