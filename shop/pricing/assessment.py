"""How one parcel is taxed: what the zones and rates of the day, and the buyer's VAT id, say about its destination."""

from __future__ import annotations

from datetime import date

from django.conf import settings

from shop.places import Destination
from shop.pricing.models import TaxZone
from shop.pricing.taxation import Taxation, Treatment
from shop.pricing.vat_ids import MEMBERS, member_of

EXPORT = (
    "Outside the EU's VAT area: exempt from VAT under Article 146 of Directive 2006/112/EC. "
    "What the country of arrival charges is not included."
)
REVERSE_CHARGE = (
    "Reverse charge: intra-Community supply, exempt from VAT under Article 138 of Directive 2006/112/EC. "
    "The recipient accounts for the VAT."
)


def taxation_for(destination: Destination, on: date | None = None) -> Taxation:
    """Two queries. A place that no zone names is not taxed; what is listed there stays as it is."""
    zone = TaxZone.objects.with_rates(on).closest(destination)
    percents = zone.percents() if zone else {}
    shipping_taxed = zone is None or zone.taxes_shipping
    if zone and is_reverse_charged(zone, destination):
        within = percents if zone.prices == Treatment.INCLUDED else {}  # of a net price nothing is taken off
        return Taxation(within, Treatment.REVERSE_CHARGE, REVERSE_CHARGE, shipping_taxed)
    if not any(percents.values()):
        return Taxation(note=EXPORT if _is_export(zone, destination) else "")
    return Taxation(percents, Treatment(zone.prices) if zone else Treatment.INCLUDED, "", shipping_taxed)


def is_reverse_charged(zone: TaxZone, destination: Destination) -> bool:
    """Goods that go from one member of the VAT area to a business that another one registered."""
    at_home, registered_in = settings.SHOP_COUNTRY, member_of(destination.vat_id)
    abroad = destination.country != at_home and registered_in not in ("", at_home)
    return at_home in MEMBERS and zone.in_vat_union and abroad


def _is_export(zone: TaxZone | None, destination: Destination) -> bool:
    # Within the EU a place without a zone is one that was forgotten, not one abroad.
    leaves = destination.country not in MEMBERS if zone is None else not zone.in_vat_union
    return settings.SHOP_COUNTRY in MEMBERS and leaves
