"""A shop to look around in: the catalogue, people, tax, delivery, a coupon. Seeding again changes nothing.

Nothing that is already there is overwritten, so what you change in the demo stays changed.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.core.management.base import OutputWrapper
from django.db import transaction
from djmoney.money import Money

from accounts.models import Address, User
from shop.catalog.models import Attribute, Category, Product
from shop.demo.details import centres, crop_detail
from shop.demo.offers import seed_codes, seed_gift_card, seed_offers
from shop.demo.prints import MASTERS
from shop.management.progress import Progress
from shop.pricing.models import LONG_AGO, TaxRate, TaxZone
from shop.shipping.models import ShippingMethod, ShippingZone

HERE = Path(__file__).parent
PASSWORD = "breakwater-demo"
ACCOUNTS = {
    "customer@breakwater.example": "buys prints; has an address and orders",
    "owner@breakwater.example": "may do everything in the back office",
    "fulfilment@breakwater.example": "packs and ships, counts stock",
    "support@breakwater.example": "answers buyers, cancels and refunds",
}
GROUPS = {
    "Fulfilment": [
        "orders.view_order", "orders.change_order", "orders.view_orderline", "orders.view_orderevent",
        "orders.view_shipment", "orders.add_shipment", "orders.change_shipment",
        "inventory.view_stock", "inventory.change_stock", "inventory.view_stockmovement",
        "inventory.add_stockmovement", "inventory.view_reservation", "catalog.view_product", "catalog.view_variant",
        "drops.view_drop", "drops.change_drop",
    ],
    "Support": [
        "orders.view_order", "orders.change_order", "orders.view_orderline", "orders.view_orderevent",
        "orders.view_shipment", "payments.view_payment", "payments.view_refund", "payments.add_refund",
        "payments.view_dispute", "payments.view_ledgerentry",
        "accounts.view_user", "accounts.view_address", "catalog.view_product", "catalog.view_variant",
        "inventory.view_stock", "promotions.view_coupon", "promotions.view_offer", "promotions.view_redemption",
        "giftcards.view_giftcard",
    ],
}  # fmt: skip
CATEGORIES = {
    "Sea": "Open water, in all its tempers.",
    "Swell": "Waves drawn line by line, from flat calm to the ninth. Screenprints by Maren Ostby.",
    "Storm": "Wind made visible: cyclones, squalls and a bolt of lightning, cut into lino by Tobias Quill.",
    "Charts": "Maps of water and weather that never were.",
    "Isobars": "Weather charts of invented storms, with fronts, barbs and pressure. By Edda Falk.",
    "Soundings": "Bays, reefs and trenches nobody has surveyed, sounded all the same. By Hanne Pryce.",
    "Harbour": "What waits behind the breakwater.",
    "Lights": "Lighthouses by day and by night, and the rhythms they are known by. By Maren Oskarsdal.",
    "Knots": "Rope, drawn over and under as it really runs. Cut and engraved by Tobias Quill.",
    "Flags and tides": "Signals and the calendar of the sea, in code colours. By Adaeze Lind.",
    "Waterfront": "Windows, masts, gulls and one boat that forgot something. By Joaquim Brandt.",
}
EU = [
    "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE",
    "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE",
]  # fmt: skip
# Each place as `country`, `country/region` or `country postal codes`; the narrowest counts, and one of no country is
# all the rest.
ZONES = {
    "Ireland": ["IE", "GB BT"],
    "Great Britain": ["GB", "IM"],
    "Europe": [*(code for code in EU if code != "IE"), "CH", "LI", "MC", "NO"],
    "Islands of Europe": ["ES 35", "ES 38", "ES 51", "ES 52", "FI 22", "PT 9"],
    "North America": ["US", "CA"],
    "Alaska and Hawaii": ["US/AK", "US/HI"],
    "The rest of the world": [""],
}
METHODS: list[dict[str, Any]] = [
    {"code": "tube-post", "name": "Tube by post", "description": "Rolled prints, without tracking",
     "price": "4.50", "zones": ["Ireland", "Great Britain"], "max_weight_g": 1000, "days_min": 2, "days_max": 4},
    {"code": "tracked", "name": "Tracked parcel", "description": "Rolled or framed, with a number to follow",
     "price": "7.90", "free_from": "150", "zones": ["Ireland", "Great Britain"], "max_weight_g": 20000,
     "days_min": 2, "days_max": 3},
    {"code": "tracked-europe", "name": "Tracked parcel, Europe", "description": "With a number to follow",
     "price": "12.90", "free_from": "250", "zones": ["Europe", "Islands of Europe"],
     "max_weight_g": 20000, "days_min": 3, "days_max": 6},
    {"code": "express", "name": "Express", "description": "Handed over today, there the next working day",
     "price": "24.00", "zones": ["Ireland", "Great Britain", "Europe"], "max_weight_g": 10000,
     "days_min": 1, "days_max": 1},
    {"code": "world", "name": "Airmail tube", "description": "Rolled prints to anywhere, tracked",
     "price": "28.00", "everywhere": True, "max_weight_g": 2000, "days_min": 6, "days_max": 14},
    {"code": "collect", "name": "Click & collect", "description": "From the workshop on the quay, Howth",
     "price": "0", "collected": True, "zones": ["Ireland"], "days_min": 1, "days_max": 2},
]  # fmt: skip
# By method and zone: up to grams, for goods from, price.
RATES = {
    ("tracked", "Great Britain"): [
        (2000, 0, "9.90"),
        (2000, 200, "0"),
        (20000, 0, "14.90"),
        (20000, 200, "0"),
    ],
    ("tracked-europe", "Islands of Europe"): [(2000, 0, "19.90"), (20000, 0, "34.90")],
    ("world", "North America"): [(500, 0, "22.00"), (500, 300, "0"), (2000, 0, "28.00"), (2000, 300, "0")],
    ("world", "Alaska and Hawaii"): [(500, 0, "27.00"), (2000, 0, "36.00")],
}
HOME = {
    "name": "Nora Byrne",
    "line1": "4 Harbour Row",
    "city": "Howth",
    "region": "County Dublin",
    "postal_code": "D13 F6K7",
    "country": "IE",
    "phone": "+353 1 555 0142",
}


def seed(out: OutputWrapper, *, quiet: bool = False) -> None:
    """Writes its progress to `out`."""
    with transaction.atomic():
        seed_people()
        seed_tax_rates()
        seed_shipping()
        seed_codes()
        seed_gift_card()
    if not Product.objects.exists():
        seed_catalogue(Progress(out, quiet=quiet))
    seed_offers()


def seed_people() -> None:
    for name, codes in GROUPS.items():
        group, created = Group.objects.get_or_create(name=name)
        if created:
            group.permissions.set(_permissions(codes))
    for email in ACCOUNTS:
        if not User.objects.filter(email=email).exists():
            _add_person(email)


def _permissions(codes: list[str]) -> list[Permission]:
    by_code = {
        f"{one.content_type.app_label}.{one.codename}": one
        for one in Permission.objects.select_related("content_type")
    }
    return [by_code[code] for code in codes]


def _add_person(email: str) -> None:
    name = email.partition("@")[0]
    user = User.objects.create_user(
        email, PASSWORD, is_staff=name != "customer", is_superuser=name == "owner"
    )
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    user.groups.set(Group.objects.filter(name=name.capitalize()))
    if name == "customer":
        user.first_name, user.last_name = HOME["name"].split()
        user.save(update_fields=["first_name", "last_name"])
        Address.objects.create(user=user, is_default=True, **HOME)


def seed_tax_rates() -> None:
    """The rows of one place are its zone; a row without a percentage says that nothing is taxed there."""
    with open(HERE / "tax_rates.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            place = {name: row[name] for name in ("country", "region", "postal_prefix")}
            law = {
                "name": row["zone"],
                "prices": row["prices"],
                "taxes_shipping": row["shipping"] == "taxed",
                "in_vat_union": row["vat_area"] == "EU",
            }
            zone, _ = TaxZone.objects.get_or_create(**place, defaults=law)
            if row["percent"]:
                rate = {"percent": row["percent"], "valid_from": row["valid_from"] or LONG_AGO}
                TaxRate.objects.get_or_create(zone=zone, tax_class=row["tax_class"], defaults=rate)


def seed_shipping() -> None:
    zones = {name: _seed_zone(name, places) for name, places in ZONES.items()}
    for position, wanted in enumerate(METHODS):
        fields = {**wanted, "position": position, "price": Money(wanted["price"], "EUR")}
        code, names = fields.pop("code"), fields.pop("zones", [])
        method, created = ShippingMethod.objects.get_or_create(code=code, defaults=fields)
        if created:
            method.zones.set([zones[name] for name in names])
            _seed_rates(method, zones)


def _seed_zone(name: str, places: list[str]) -> ShippingZone:
    zone, created = ShippingZone.objects.get_or_create(name=name)
    for place in places if created else []:
        where, _, postal_prefix = place.partition(" ")
        country, _, region = where.partition("/")
        zone.places.create(country=country, region=region, postal_prefix=postal_prefix)
    return zone


def _seed_rates(method: ShippingMethod, zones: dict[str, ShippingZone]) -> None:
    for (code, name), steps in RATES.items():
        for grams, goods, price in steps if code == method.code else []:
            step = {"max_weight_g": grams, "goods_from": goods, "price": Money(price, "EUR")}
            method.rates.create(zone=zones[name], **step)


def seed_catalogue(progress: Progress) -> None:
    quiet = {"verbosity": 0} if progress.quiet else {}
    with tempfile.TemporaryDirectory(prefix="breakwater-prints-") as folder:
        collect_pictures(Path(folder), progress)
        out = {"stdout": progress.out, "stderr": progress.out}
        call_command("load_catalogue", HERE / "catalogue.csv", images=Path(folder), **out, **quiet)
    for name, description in CATEGORIES.items():
        Category.objects.filter(name=name, description="").update(description=description)
    Attribute.objects.filter(code="hand-signed").update(name="Signed by hand")
    Attribute.objects.filter(code="edition").update(name="Edition of")


def collect_pictures(folder: Path, progress: Progress) -> None:
    """Puts every master and its detail into `folder`, under the names that catalogue.csv gives them."""
    places = centres()
    with progress.step("Details", len(places)) as step, ThreadPoolExecutor(2) as pool:

        def collect(slug: str) -> None:
            master = MASTERS / f"{slug}.webp"
            shutil.copyfile(master, folder / master.name)
            crop_detail(master, places[slug], folder / f"{slug}-detail.webp")
            step()

        list(pool.map(collect, places))
