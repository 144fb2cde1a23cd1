"""Offers in use: which stand for a buyer now, and an order taking its part of what is limited, or giving it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from shop.codes import new_code
from shop.errors import ShopError
from shop.pricing.offers import Terms
from shop.promotions.limits import Limited
from shop.promotions.models import Coupon, CouponBatch, CustomerUse, Offer, Redemption

if TYPE_CHECKING:
    from accounts.models import User


class OfferGone(ShopError):
    code = "offer_gone"
    message = "An offer in your cart was used up a moment ago. Please look over the total before you pay."


@dataclass(frozen=True, slots=True)
class Customer:
    """Who buys, as far as offers ask: `key` as `customer_key` makes it; `has_ordered` looks whether an order of theirs
    stands, which few offers want to know.
    """

    key: str = ""
    has_ordered: Callable[[], bool] = lambda: False


UNKNOWN = Customer()


def customer_key(user_id: int | None, email: str) -> str:
    """Who a limit per customer counts: the account, or a guest by address. Empty while neither is known."""
    if user_id is not None:
        return f"user:{user_id}"
    return f"email:{email.strip().lower()}" if email else ""


def standing_offers(coupon: Coupon | None, customer: str = "") -> list[Terms]:
    """The automatic offers and the coupon's, as they stand for this customer; four queries at most."""
    offers = list(Offer.objects.automatic().loaded())
    if coupon:
        offers += Offer.objects.filter(pk=coupon.offer_id).loaded()
    uses = uses_of(offers, customer)
    found = {offer.pk: terms_of(offer, coupon, uses.get(offer.pk, 0)) for offer in offers}
    return sorted(found.values(), key=lambda terms: -terms.priority)


def uses_of(offers: Iterable[Offer], customer: str) -> dict[int, int]:
    """How often this customer used those that have a limit for each, by the offer's id."""
    counted = [offer.pk for offer in offers if offer.each_customer is not None]
    if not counted or not customer:
        return {}
    mine = CustomerUse.objects.filter(offer__in=counted, customer=customer)
    return dict(mine.values_list("offer_id", "used"))


def terms_of(offer: Offer, coupon: Coupon | None = None, used_by_customer: int = 0) -> Terms:
    """The offer as plain data; after `loaded()` without a query."""
    mine = coupon if coupon and coupon.offer_id == offer.pk else None
    limits = [one.limit - one.used for one in (offer, mine) if one is not None and one.limit is not None]
    each = offer.each_customer
    return Terms(
        key=offer.pk,
        name=offer.name,
        benefit=offer.benefit,
        code=mine.code if mine else "",
        products=frozenset(product.pk for product in offer.products.all()),
        categories=tuple(category.path for category in offer.categories.all()),
        minimum=offer.minimum,
        first_order=offer.first_order,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        left=min(limits) if limits else None,
        left_for_buyer=None if each is None else each - used_by_customer,
        priority=offer.priority,
        exclusive=offer.exclusive,
    )


def take_one(model: type[Limited], pk: int) -> bool:
    """Counts one more use, if its limit allows; the database decides, in one statement."""
    within = Q(limit=None) | Q(used__lt=F("limit"))
    return bool(model._default_manager.filter(within, pk=pk).update(used=F("used") + 1))


def redeem(
    reference: str,
    applied: Iterable[Terms],
    coupon: Coupon | None,
    customer: str,
    *,
    take: Callable[[type[Limited], int], bool] = take_one,
) -> None:
    """An order takes its part of every offer that applied to it, within the transaction that places it.

    Offers go by id, then the coupon, so that no two orders wait for one another. Raises OfferGone, and then nothing
    was taken.
    """
    if terms := {terms.key: terms for terms in applied}:
        _redeem(reference, terms, coupon, customer, take)


@transaction.atomic
def _redeem(
    reference: str,
    terms: Mapping[int, Terms],
    coupon: Coupon | None,
    customer: str,
    take: Callable[[type[Limited], int], bool],
) -> None:
    offers = list(Offer.objects.filter(pk__in=terms).order_by("pk"))
    used = coupon if coupon and any(one.code for one in terms.values()) else None
    for offer in offers:
        _take_offer(offer, customer, take)
    if used and used.limit is not None and not take(Coupon, used.pk):
        raise OfferGone("This code was used a moment ago by somebody else. Please look over the total.")
    Redemption.objects.bulk_create(
        Redemption(
            reference=reference,
            offer=offer,
            coupon=used if terms[offer.pk].code else None,
            customer=customer,
        )
        for offer in offers
    )


def _take_offer(offer: Offer, customer: str, take: Callable[[type[Limited], int], bool]) -> None:
    # An offer without a limit is not counted: every order would have to wait for the one before it.
    if offer.limit is not None and not take(Offer, offer.pk):
        raise OfferGone(f"“{offer.name}” was used up a moment ago. Please look over the total.")
    if offer.each_customer is None:
        return
    count = CustomerUse.objects.get_or_create(offer=offer, customer=customer)[0]
    mine = CustomerUse.objects.filter(pk=count.pk, used__lt=offer.each_customer)
    if not mine.update(used=F("used") + 1):
        raise OfferGone(f"You have used “{offer.name}” as often as it may be.")


@transaction.atomic
def give_back(reference: str) -> None:
    """The order was called off: what it used may be used again. A second call does nothing."""
    redemptions = Redemption.objects.filter(reference=reference, given_back_at=None)
    for one in list(redemptions.select_related("offer").order_by("offer_id")):
        if not redemptions.filter(pk=one.pk).update(given_back_at=timezone.now()):
            continue
        at_least_one = Q(used__gt=0)
        Offer.objects.filter(at_least_one, pk=one.offer_id, limit__isnull=False).update(used=F("used") - 1)
        counts = CustomerUse.objects.filter(at_least_one, offer=one.offer_id, customer=one.customer)
        counts.update(used=F("used") - 1)
        if one.coupon_id:
            coupons = Coupon.objects.filter(at_least_one, pk=one.coupon_id, limit__isnull=False)
            coupons.update(used=F("used") - 1)


@transaction.atomic
def recount(row: Limited) -> None:
    """Writes its limit, and how many orders there were: while there was none nobody counted.

    Who takes one in this moment is waited for, or waits. Raises IntegrityError for a limit below the orders.
    """
    type(row)._default_manager.select_for_update().get(pk=row.pk)
    row.used = row.orders_standing()
    type(row)._default_manager.filter(pk=row.pk).update(used=row.used, limit=row.limit)


@transaction.atomic
def recount_customers(offer: Offer) -> None:
    """For an offer that has just got a limit for each customer. Who had more already has no more, and keeps them."""
    known = list(offer.customer_uses.select_for_update().order_by("pk"))
    standing = offer.redemptions.filter(given_back_at=None).order_by()
    counts = dict(standing.values_list("customer").annotate(Count("pk")))
    for row in known:
        row.used = counts.pop(row.customer, 0)
    CustomerUse.objects.bulk_update(known, ["used"], batch_size=500)
    new = [CustomerUse(offer=offer, customer=customer, used=used) for customer, used in counts.items()]
    # One that appears in this moment is of an order that counts itself.
    CustomerUse.objects.bulk_create(new, batch_size=500, ignore_conflicts=True)


@transaction.atomic
def make_batch(offer: Offer, note: str, count: int, made_by: User | None = None) -> CouponBatch:
    """So many codes, each for one order."""
    batch = CouponBatch.objects.create(offer=offer, note=note, made_by=made_by)
    codes: set[str] = set()
    while len(codes) < count:
        codes.add(new_code())
    Coupon.objects.bulk_create(
        (Coupon(code=code, offer=offer, batch=batch, limit=1) for code in codes), batch_size=1000
    )
    return batch


def export_batch(batch: CouponBatch) -> Sequence[str]:
    """The batch's codes, to the first who asks; nothing afterwards."""
    first = CouponBatch.objects.filter(pk=batch.pk, exported_at=None).update(exported_at=timezone.now())
    return list(batch.coupons.order_by("pk").values_list("code", flat=True)) if first else []
