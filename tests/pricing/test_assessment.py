"""Where a parcel goes, and for whom, decides how it is taxed."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from shop.places import Destination
from shop.pricing.assessment import EXPORT, REVERSE_CHARGE, taxation_for
from shop.pricing.models import LONG_AGO, TaxRate, TaxZone
from shop.pricing.taxation import Taxation, Treatment
from shop.pricing.vat_ids import VatIdInvalid, member_of, read_vat_id

pytestmark = pytest.mark.django_db
FRENCH, GERMAN, IRISH, NORTHERN_IRISH = "FR40303265045", "DE136695976", "IE6388047V", "XI980780684"


@pytest.fixture
def make_zone(db: None) -> Callable[..., TaxZone]:
    """`make_zone("US", "6.25", region="TX", prices="added")`."""

    def make(country: str, percent: str | None = None, **fields: Any) -> TaxZone:
        zone = TaxZone.objects.create(country=country, name=country, **fields)
        if percent is not None:
            zone.rates.create(percent=percent)
        return zone

    return make


def percent(taxation: Taxation) -> Decimal | None:
    return taxation.percents.get("standard")


def test_the_narrowest_place_around_a_destination_counts(make_zone: Callable[..., TaxZone]) -> None:
    make_zone("ES", "21", in_vat_union=True)
    make_zone("ES", "7", region="GC")
    make_zone("ES", "3", postal_prefix="350")
    assert percent(taxation_for(Destination("ES", "M", "28001"))) == 21
    assert percent(taxation_for(Destination("ES", "GC", "35100"))) == 7
    assert percent(taxation_for(Destination("ES", "GC", "35001"))) == 3
    assert percent(taxation_for(Destination("PT", "", "35001"))) is None


def test_a_postal_code_is_read_whatever_its_spaces(make_zone: Callable[..., TaxZone]) -> None:
    make_zone("GB", "20")
    make_zone("GB", "19", postal_prefix="BT1 5")
    assert percent(taxation_for(Destination("GB", "", "bt15gs"))) == 19
    assert percent(taxation_for(Destination("GB", "", "B1 5GS"))) == 20


def test_a_rate_entered_beforehand_begins_on_its_day(make_zone: Callable[..., TaxZone]) -> None:
    zone, today = make_zone("EE", "22"), timezone.localdate()
    zone.rates.create(percent="24", valid_from=today + timedelta(days=10))
    zone.rates.create(percent="5", tax_class="reduced", valid_until=today)
    there = Destination("EE")
    assert taxation_for(there).percents == {"standard": 22, "reduced": 5}
    assert taxation_for(there, today + timedelta(days=9)).percents == {"standard": 22}
    assert taxation_for(there, today + timedelta(days=10)).percents == {"standard": 24}


def test_two_rates_of_one_class_cannot_begin_on_one_day(make_zone: Callable[..., TaxZone]) -> None:
    zone = make_zone("IE", "23")
    with pytest.raises(IntegrityError), transaction.atomic():
        zone.rates.create(percent="21")
    with pytest.raises(IntegrityError), transaction.atomic():
        zone.rates.create(percent="9", tax_class="reduced", valid_until=date(1999, 1, 1))


def test_prices_and_shipping_follow_the_law_of_the_zone(make_zone: Callable[..., TaxZone]) -> None:
    make_zone("US", "7.25", region="CA", prices="added", taxes_shipping=False)
    taxation = taxation_for(Destination("US", "CA", "94110"))
    assert (taxation.treatment, taxation.shipping_taxed) == (Treatment.ADDED, False)
    assert taxation_for(Destination("US", "NV")) == Taxation(note=EXPORT)


def test_outside_the_union_and_without_a_rate_it_is_an_export(make_zone: Callable[..., TaxZone]) -> None:
    make_zone("ES", "21", in_vat_union=True)
    make_zone("ES", region="GC")
    assert taxation_for(Destination("JP")) == Taxation(note=EXPORT)
    assert taxation_for(Destination("ES", "GC")) == Taxation(note=EXPORT)


@pytest.mark.parametrize(
    ("country", "code", "vat_id", "reversed_"),
    [
        ("FR", "75001", FRENCH, True),
        ("FR", "75001", GERMAN, True),  # the parcel crosses a border to a business that another member knows
        ("FR", "75001", IRISH, False),  # known at home: this is a sale at a distance
        ("FR", "75001", "", False),
        ("FR", "75001", "FR00000000000", False),
        ("FR", "75001", "GB980780684", False),
        ("IE", "", FRENCH, False),  # nothing crosses a border
        ("GB", "BT1 5GS", NORTHERN_IRISH, True),
        ("GB", "SW1A 1AA", "GB980780684", False),
    ],
)
def test_reverse_charge_is_for_businesses_of_another_member(
    make_zone: Callable[..., TaxZone], country: str, code: str, vat_id: str, reversed_: bool
) -> None:
    for member in ("FR", "IE"):
        make_zone(member, "20", in_vat_union=True)
    make_zone("GB", "20")
    make_zone("GB", "20", postal_prefix="BT", in_vat_union=True)
    taxation = taxation_for(Destination(country, "", code, vat_id))
    assert (taxation.treatment == Treatment.REVERSE_CHARGE) == reversed_
    assert (taxation.note == REVERSE_CHARGE) == reversed_


def test_a_shop_outside_the_union_reverses_nothing(make_zone: Callable[..., TaxZone], settings: Any) -> None:
    settings.SHOP_COUNTRY = "CH"
    make_zone("FR", "20", in_vat_union=True)
    assert taxation_for(Destination("FR", "", "75001", FRENCH)).treatment == Treatment.INCLUDED
    assert taxation_for(Destination("JP")).note == ""


@pytest.mark.parametrize(
    ("typed", "country", "written"),
    [
        ("fr 40 303 265 045", "FR", FRENCH),
        ("40303265045", "FR", FRENCH),
        ("EL 094259216", "GR", "EL094259216"),
        ("094259216", "GR", "EL094259216"),
        ("xi 980 7806 84", "GB", NORTHERN_IRISH),
        ("980 7806 84", "GB", "GB980780684"),
        ("CHE-107.787.577 MWST", "CH", "CHE-107.787.577 MWST"),
        ("NO 995 525 828 MVA", "NO", "NO995525828MVA"),
        ("995 525 828 MVA", "NO", "NO995525828MVA"),
    ],
)
def test_an_id_is_written_in_one_way(typed: str, country: str, written: str) -> None:
    assert read_vat_id(typed, country) == written


@pytest.mark.parametrize("typed", ["", "FR", "FR40303265044", "US123456789", "6388047V ", "€" * 20])
def test_what_cannot_be_an_id_is_refused(typed: str) -> None:
    with pytest.raises(VatIdInvalid):
        read_vat_id(typed, "FR")


@pytest.mark.parametrize(
    ("vat_id", "member"),
    [(FRENCH, "FR"), ("EL094259216", "GR"), (NORTHERN_IRISH, "XI"), ("GB980780684", ""), ("EU372000063", "")],
)
def test_who_gave_an_id_out(vat_id: str, member: str) -> None:
    assert member_of(vat_id) == member


@pytest.mark.django_db(transaction=True)
def test_rates_of_countries_became_zones_and_back() -> None:
    today, day = timezone.localdate(), timedelta(days=1)
    ireland = TaxZone.objects.create(country="IE", name="Ireland")
    for percent, begins in (("21", LONG_AGO), ("23", today - day), ("25", today + day)):
        ireland.rates.create(percent=percent, valid_from=begins)
    ireland.rates.create(percent="9", tax_class="reduced", valid_until=today - day)
    TaxZone.objects.create(country="IE", postal_prefix="D", name="Dublin").rates.create(percent="1")
    executor = MigrationExecutor(connection)
    try:
        executor.migrate([("pricing", "0001_initial")])
        old = executor.loader.project_state([("pricing", "0001_initial")]).apps.get_model(
            "pricing", "TaxRate"
        )
        back = list(old.objects.values_list("country", "tax_class", "percent"))
        old.objects.all().delete()
        old.objects.create(country="IE", percent="23")
        old.objects.create(country="IE", percent="13.5", tax_class="reduced")
        old.objects.create(country="CH", percent="8.1")
    finally:
        call_command("migrate", "pricing", verbosity=0)
    assert back == [("IE", "standard", 23)]
    zones = {str(zone.country): zone for zone in TaxZone.objects.with_rates()}
    assert zones["IE"].percents() == {"standard": 23, "reduced": Decimal("13.5")}
    assert (zones["IE"].name, zones["IE"].in_vat_union) == ("Ireland", True)
    assert zones["CH"].percents() == {"standard": Decimal("8.1")}
    assert not zones["CH"].in_vat_union
    assert TaxRate.objects.count() == 3
