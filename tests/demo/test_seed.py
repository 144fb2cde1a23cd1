"""What the demo puts into an empty shop."""

import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Sum
from django.utils import timezone
from djmoney.money import Money
from PIL import Image

from accounts.models import Address, User
from shop.catalog.catalogue_file.reading import read_catalogue
from shop.catalog.models import Category, Product, Variant
from shop.demo.details import SHARE, centres, crop_detail
from shop.demo.drop import COMPANY, announce_drop
from shop.demo.prints import MASTERS
from shop.demo.seed import (
    ACCOUNTS,
    CATEGORIES,
    EU,
    HERE,
    PASSWORD,
    seed_people,
    seed_shipping,
    seed_tax_rates,
)
from shop.drops.models import Drop
from shop.drops.services import advance
from shop.places import Destination
from shop.pricing.assessment import taxation_for
from shop.pricing.models import TaxRate, TaxZone
from shop.shipping.models import ShippingMethod, ShippingRate, ShippingZone

CATALOGUE = HERE / "catalogue.csv"


def test_every_print_of_the_file_has_its_master_and_its_detail() -> None:
    rows = read_catalogue(CATALOGUE.read_bytes()).products
    assert len(rows) >= 48
    for row in rows:
        assert (MASTERS / f"{row.slug}.webp").exists()
        assert [picture.file for picture in row.pictures] == [f"{row.slug}.webp", f"{row.slug}-detail.webp"]
        assert 6 <= len(row.variants) <= 18
    assert set(centres()) == {row.slug for row in rows}


def test_every_detail_lies_inside_its_print(tmp_path: Path) -> None:
    margin = SHARE * 50
    assert all(margin <= share <= 100 - margin for centre in centres().values() for share in centre)
    slug = "swell-first-light"
    crop_detail(MASTERS / f"{slug}.webp", centres()[slug], tmp_path / "detail.webp")
    with Image.open(tmp_path / "detail.webp") as detail, Image.open(MASTERS / f"{slug}.webp") as master:
        assert detail.size == (round(master.width * SHARE), round(master.height * SHARE))


@pytest.mark.django_db
def test_the_catalogue_is_what_its_export_writes(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for row in read_catalogue(CATALOGUE.read_bytes()).products:
        for picture in row.pictures:
            Image.new("RGB", (8, 8), "#335577").save(pictures / picture.file)
    quiet = {"stdout": io.StringIO(), "stderr": io.StringIO()}
    call_command("load_catalogue", str(CATALOGUE), images=pictures, **quiet)
    call_command("export_catalogue", str(tmp_path / "exported.csv"), **quiet)
    assert (tmp_path / "exported.csv").read_bytes() == CATALOGUE.read_bytes()
    assert {category.name for category in Category.objects.all()} == set(CATEGORIES)
    on_hand = Variant.objects.aggregate(sum=Sum("stock__on_hand"))["sum"]
    assert on_hand == Variant.objects.aggregate(sum=Sum("movements__quantity"))["sum"]
    few = Variant.objects.filter(stock__on_hand__range=(1, 3)).count()
    none = Variant.objects.filter(stock__on_hand=0).count()
    assert few > 50
    assert none > 50
    assert Product.objects.visible().count() == Product.objects.count()  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_people_can_sign_in_and_may_do_their_work() -> None:
    seed_people()
    people = {email.partition("@")[0]: User.objects.get(email=email) for email in ACCOUNTS}
    assert all(person.check_password(PASSWORD) for person in people.values())
    assert all(person.emailaddress_set.get().verified for person in people.values())  # type: ignore[attr-defined]
    assert {name for name, person in people.items() if person.is_staff} == {"owner", "fulfilment", "support"}
    assert people["owner"].is_superuser
    assert people["customer"].addresses.get().is_default
    may = {name: person.has_perm for name, person in people.items()}
    assert may["fulfilment"]("orders.change_order")
    assert may["fulfilment"]("inventory.change_stock")
    assert not may["fulfilment"]("payments.add_refund")
    assert may["support"]("payments.add_refund")
    assert not may["support"]("inventory.change_stock")
    assert not may["support"]("accounts.change_user")


@pytest.mark.django_db
def test_tax_rates_cover_the_union_and_its_neighbours() -> None:
    seed_tax_rates()

    def standard(country: str, region: str = "", code: str = "") -> Decimal | None:
        return taxation_for(Destination(country, region, code)).percents.get("standard")

    assert len(EU) == 27
    rates = {code: standard(code) for code in (*EU, "GB", "CH", "NO")}
    assert (min(rates[code] for code in EU), max(rates[code] for code in EU)) == (17, 27)
    assert (rates["GB"], rates["CH"], rates["NO"]) == (20, Decimal("8.1"), 25)
    assert (
        standard("ES", "TF", "38001"),
        standard("PT", "", "9000-001"),
        standard("PT", "", "9500-001"),
    ) == (None, 22, 16)
    assert (standard("US", "NJ"), standard("US", "OR"), standard("US", "AZ")) == (
        Decimal("6.625"),
        None,
        None,
    )
    members = set(
        TaxZone.objects.filter(in_vat_union=True, postal_prefix="").values_list("country", flat=True)
    )
    assert members == {*EU, "MC"}


@pytest.mark.django_db
def test_every_taxed_country_gets_a_small_tube_and_a_heavy_frame_if_any_way_leads_there() -> None:
    seed_shipping()

    def serving(country: str, weight_g: int, *place: str) -> dict[str, Any]:
        offers = ShippingMethod.objects.offers(Destination(country, *place), weight_g, Money("24.00", "EUR"))
        return {offer.method.code: offer.price.amount for offer in offers}

    for country in [*EU, "GB", "CH", "NO"]:
        assert len(serving(country, 320)) >= 2
        assert serving(country, 6900)
    assert serving("JP", 320) == {"world": 28}
    assert serving("US", 320, "CA") == {"world": 22}
    assert serving("US", 320, "HI") == {"world": 27}
    assert serving("ES", 320, "TF", "38001")["tracked-europe"] == Decimal("19.9")
    assert serving("GB", 320, "", "BT1 5GS")["tracked"] == Decimal("7.9")
    assert serving("GB", 320, "", "SW1A 1AA")["tracked"] == Decimal("9.9")


@pytest.mark.django_db
def test_seeding_twice_changes_nothing_and_keeps_what_was_changed() -> None:
    def everything() -> list[Any]:
        tables = (User, Address, TaxZone, TaxRate, ShippingMethod, ShippingZone, ShippingRate)
        return [list(table.objects.order_by("pk").values()) for table in tables]

    for _ in range(2):
        seed_people()
        seed_tax_rates()
        seed_shipping()
        if not TaxRate.objects.filter(zone__country="IE", percent=5).exists():
            TaxRate.objects.filter(zone__country="IE").update(percent=5)
            before = everything()
    assert everything() == before


@pytest.mark.django_db
def test_each_start_announces_the_drop_again_with_company_and_says_that_it_is_invented(
    make_variant: Callable[..., Variant],
) -> None:
    make_variant(slug="lights-pier-heads")
    announce_drop()
    drop = Drop.objects.get()
    assert (drop.places.count(), drop.opened_at) == (COMPANY, None)
    assert f"{COMPANY} invented visitors" in drop.description
    Drop.objects.update(opens_at=timezone.now() - timedelta(seconds=1), rate=7)
    advance(drop.pk)
    announce_drop()
    again = Drop.objects.get()
    assert (again.opened_at, again.last_number, again.places.count(), again.rate) == (None, 0, COMPANY, 7)
    assert again.seed != drop.seed
    Drop.objects.update(opens_at=timezone.now() - timedelta(seconds=1))
    advance(drop.pk)
    assert sorted(drop.places.values_list("number", flat=True)) == list(range(1, COMPANY + 1))
