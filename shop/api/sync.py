"""Keeping a copy of the catalogue: what changed since a token, and what went.

A token is a place in the log of changes, not a time: two transactions commit in another order than their clocks say,
and a copy that asks "since 12:00:00" misses what was written before and committed after. The place counts every
transaction that had not ended as still to come, so nothing is lost however long one takes; at worst a product comes
twice. What comes and goes by its dates alone is written by nobody, and is asked for by time, with a minute's overlap.

A token also has the epoch of its log, which `manage.py new_epoch` renews: after a backup was restored the same places
mean something else, and a copy must be loaded anew.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.core.signing import BadSignature, Signer
from django.db.models import Q
from django.utils import timezone

from notifications.models import Stream
from shop.api.refusals import Unfit
from shop.catalog.changes import Place
from shop.catalog.models import Change, Product, ProductQuerySet

OVERLAP = timedelta(minutes=1)
LOG = (
    "catalogue:changes"  # a stream that nobody reads: it has an epoch, and backups and restores take it along
)
_signer = Signer(salt="shop.api.sync")


def epoch() -> str:
    return Stream.objects.get_or_create(name=LOG)[0].epoch


def token_of(place: Place, epoch: str) -> str:
    """The same for the same place, so that an answer in which nothing changed has the same bytes."""
    return _signer.sign_object([place.number, place.at.timestamp() if place.at else 0, epoch])


def read_token(parameter: str, token: str, epoch: str) -> Place:
    """Raises Unfit."""
    try:
        number, at, its_epoch = _signer.unsign_object(token)
        if its_epoch != epoch:
            raise BadSignature
    except (BadSignature, ValueError):
        fault = {parameter: ["Take it from `sync` of a list; without one, load the whole list."]}
        raise Unfit(fault, "bad_token", "query") from None
    return Place(number, datetime.fromtimestamp(at, UTC) if at else None)


def changed_since(products: ProductQuerySet, since: Place) -> ProductQuerySet:
    told = Change.objects.since(since.number).values("slug")
    return products.filter(Q(slug__in=told) | Q(visible_from__gt=_from(since)))


def gone_since(changed: ProductQuerySet, since: Place) -> list[str]:
    """Slugs that were to be seen and are not in the list (any more); `changed` is what is."""
    told = Change.objects.since(since.number).filter(known=True).values_list("slug", flat=True)
    ended = Product.objects.filter(visible_until__gt=_from(since), visible_until__lte=timezone.now())
    here = changed.order_by().values_list("slug", flat=True)
    return sorted({*told, *ended.values_list("slug", flat=True)} - {*here})


def _from(since: Place) -> datetime:
    return since.at - OVERLAP if since.at else datetime.fromtimestamp(0, UTC)
