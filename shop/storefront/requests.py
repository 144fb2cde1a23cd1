"""What our views are given, for who reads and checks types: htmx's details, and somebody signed in."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class ShopRequest(HttpRequest):
    htmx: HtmxDetails


class SignedInRequest(ShopRequest):
    """Behind `login_required`."""

    user: User
