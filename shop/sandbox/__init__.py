"""Stripe and two parcel carriers in miniature, over HTTP.

Stands in for them when no real keys are set, so the whole way of a payment (official client, cards that
are declined, 3-D Secure, signed webhooks that come twice or late) runs on one machine without an account.
It knows nothing of the project around it: give it a file, its own address and a webhook address.
"""

from shop.sandbox.app import Sandbox

__all__ = ["Sandbox"]
