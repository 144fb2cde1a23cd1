"""The address book of an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import Address, User


@transaction.atomic
def keep_address(user: User, fields: Mapping[str, Any]) -> Address:
    """Adds an address to the book once; the first one becomes the default."""
    address, added = Address.objects.get_or_create(user=user, **fields)
    if added and user.addresses.count() == 1:
        make_default(address)
    return address


@transaction.atomic
def make_default(address: Address) -> None:
    # The old default steps down first: the database allows one per account.
    address.user.addresses.exclude(pk=address.pk).update(is_default=False)
    Address.objects.filter(pk=address.pk).update(is_default=True)
    address.is_default = True
