"""`manage.py load_catalogue` and `export_catalogue`."""

import csv
import io
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum
from PIL import Image

from notifications.models import Pending
from shop.catalog.catalogue_file.cells import read_list, write_list
from shop.catalog.catalogue_file.columns import FIXED
from shop.catalog.models import Attribute, Category, OptionValue, Product, ProductImage, Variant
from shop.inventory.models import StockMovement
from shop.inventory.services import reserve

pytestmark = pytest.mark.django_db

HEADER = [
    *[column.name for column in FIXED if column.name not in {"images", "alts"}],
    "attr:number:inks",
    "attr:boolean:signed",
    "attr:technique",
    "option:size",
    "option:frame",
]
FIRST = {
    "product": "first-light",
    "title": "First light",
    "subtitle": "Six inks",
    "artist": "Maeve Rowan",
    "category": "Sea > Swell",
    "orientation": "landscape",
    "tax_class": "standard",
    "visible_from": "2026-03-01",
    "story": 'Said "good morning",\nthen left.',
    "sku": "FL-1",
    "price": "48.00",
    "currency": "EUR",
    "weight_g": "450",
    "stock": "12",
    "attr:number:inks": "6",
    "attr:boolean:signed": "yes",
    "attr:technique": "linocut",
    "option:size": "40 × 30 cm",
    "option:frame": "Oak #b08a5a",
}
SECOND = {
    "product": "first-light",
    "sku": "FL-2",
    "price": "96.50",
    "weight_g": "900",
    "stock": "0",
    "option:size": "60 × 45 cm",
    "option:frame": "Oak #b08a5a",
}
Load = Callable[..., str]


def as_csv(rows: list[dict[str, str]], header: list[str] | None = None, delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header or HEADER, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@pytest.fixture
def load(tmp_path: Path, settings: Any) -> Load:
    settings.MEDIA_ROOT = tmp_path / "media"

    def run(rows: list[dict[str, str]] | bytes, header: list[str] | None = None, **options: Any) -> str:
        file = tmp_path / "catalogue.csv"
        file.write_bytes(rows if isinstance(rows, bytes) else as_csv(rows, header))
        out = io.StringIO()
        call_command("load_catalogue", str(file), stdout=out, stderr=io.StringIO(), **options)
        return out.getvalue()

    return run


@pytest.fixture
def fails(load: Load) -> Load:
    """Loads, expects refusal with nothing kept, and returns what was said."""

    def run(*arguments: Any, **options: Any) -> str:
        before = (Product.objects.count(), Variant.objects.count(), Category.objects.count())
        with pytest.raises(CommandError) as refused:
            load(*arguments, **options)
        assert (Product.objects.count(), Variant.objects.count(), Category.objects.count()) == before
        return str(refused.value)

    return run


def exported(tmp_path: Path) -> bytes:
    file = tmp_path / "exported.csv"
    call_command("export_catalogue", str(file), stdout=io.StringIO())
    return file.read_bytes()


def test_a_row_becomes_a_product_with_everything_it_says(load: Load) -> None:
    assert "1 products in 2 variants: 3 new, 0 changed" in load([FIRST, SECOND])
    product = Product.objects.get(slug="first-light")
    assert (product.title, product.artist, product.orientation) == ("First light", "Maeve Rowan", "landscape")
    assert product.story == FIRST["story"]
    assert product.category.name == "Swell"
    assert Category.objects.get_parent(product.category).name == "Sea"
    assert product.visible_from.isoformat() == "2026-03-01T00:00:00+00:00"
    assert [str(fact) for fact in product.attributes.all()] == [
        "Inks: 6",
        "Signed: Yes",
        "Technique: linocut",
    ]
    small, large = product.variants.all()
    assert (small.label, large.label) == ("40 × 30 cm, Oak", "60 × 45 cm, Oak")
    assert (small.price.amount, large.price.amount) == (Decimal("48"), Decimal("96.5"))
    assert OptionValue.objects.get(label="Oak").swatch == "#b08a5a"
    assert (small.stock.on_hand, large.stock.on_hand) == (12, 0)


def test_loading_again_changes_nothing(load: Load, django_assert_max_num_queries: Any) -> None:
    load([FIRST, SECOND])
    before = list(Product.objects.values()), list(Variant.objects.values())
    assert "0 new, 0 changed" in load([FIRST, SECOND])
    assert (list(Product.objects.values()), list(Variant.objects.values())) == before
    assert StockMovement.objects.count() == 1


def test_loading_updates_by_slug_and_sku_and_leaves_the_rest(load: Load) -> None:
    load([FIRST, SECOND])
    load(
        [
            FIRST
            | {"title": "Dawn", "price": "50", "option:frame": "Ash", "attr:technique": "", "subtitle": ""}
        ]
    )
    product = Product.objects.get()
    assert (product.title, product.subtitle) == ("Dawn", "")
    assert [variant.sku for variant in product.variants.order_by("sku")] == ["FL-1", "FL-2"]
    changed = Variant.objects.get(sku="FL-1")
    assert (changed.price.amount, changed.label) == (Decimal("50"), "40 × 30 cm, Ash")
    assert not product.attributes.filter(attribute__code="technique").exists()


def test_a_missing_column_leaves_what_the_shop_has(load: Load) -> None:
    load([FIRST])
    header = [name for name in HEADER if name not in {"subtitle", "stock", "option:frame", "attr:technique"}]
    load([{name: FIRST[name] for name in header if name in FIRST}], header)
    product = Product.objects.get()
    variant = product.variants.get()
    assert (product.subtitle, variant.label, variant.stock.on_hand) == ("Six inks", "40 × 30 cm, Oak", 12)
    assert product.attributes.filter(attribute__code="technique").exists()


def test_stock_changes_by_movements_that_add_up(load: Load) -> None:
    load([FIRST])
    load([FIRST | {"stock": "5"}])
    load([FIRST | {"stock": "9"}])
    stock = Variant.objects.get().stock
    assert stock.on_hand == 9 == StockMovement.objects.aggregate(sum=Sum("quantity"))["sum"]
    reasons = list(StockMovement.objects.order_by("id").values_list("reason", "quantity"))
    assert reasons == [("received", 12), ("adjusted", -7), ("adjusted", 4)]


def test_stock_cannot_be_counted_below_what_orders_hold(load: Load, fails: Load) -> None:
    load([FIRST])
    reserve("an-order", {Variant.objects.get().pk: 3}, until=None)
    assert "line 2, stock: 3 are reserved for orders" in fails([FIRST | {"stock": "2", "title": "Changed"}])
    assert Product.objects.get().title == "First light"


def test_export_and_load_again_is_the_same_file(load: Load, tmp_path: Path) -> None:
    odd = {"product": "odd", "title": 'Odd; with, "all"', "category": "Alone", "sku": "ODD", "price": "0.05"}
    odd |= {"weight_g": "1", "attr:number:inks": "2.5", "visible_until": "2031-01-02 03:04:05+02:00"}
    load([FIRST, SECOND, odd])
    first = exported(tmp_path)
    for table in (Variant, ProductImage, Product, Category, OptionValue, Attribute):
        table.objects.all().delete()
    load(first)
    assert exported(tmp_path) == first
    assert first.count(b"\r\n") == 4
    assert "0 new, 0 changed" in load(first)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"price": "12,50"}, 'line 2, price: "12,50" has a comma; write a point'),
        ({"price": "free"}, 'line 2, price: "free" is not a number (for example: 48.00)'),
        ({"price": "-1"}, "line 2, price: a price cannot be negative"),
        ({"price": "1.005"}, "line 2, price: EUR has 2 decimals, 1.005 has more"),
        ({"price": "1e400"}, 'line 2, price: "1e400" is not a number'),
        ({"price": ""}, "line 2, price: must not be empty"),
        ({"currency": "USD"}, 'line 2, currency: this shop sells in EUR, not in "USD"'),
        ({"weight_g": "0"}, "line 2, weight_g: must be at least 1"),
        ({"weight_g": "9" * 5000}, "line 2, weight_g:"),
        ({"stock": "-1"}, 'line 2, stock: "-1" is not a whole number from 0 up'),
        ({"stock": "٣"}, "line 2, stock:"),
        ({"product": "First light"}, 'line 2, product: "First light" may only have letters a-z'),
        ({"title": "x" * 121}, "line 2, title: has 121 characters, at most 120 fit"),
        ({"category": "Sea > > Swell"}, "line 2, category: a name is missing beside a '>'"),
        ({"orientation": "round"}, 'line 2, orientation: "round" is not one of portrait, landscape, square'),
        ({"tax_class": "vat"}, 'line 2, tax_class: "vat" is not one of standard, reduced, zero'),
        ({"visible_from": "1 March"}, 'line 2, visible_from: "1 March" is neither a date'),
        ({"visible_from": "2026-02-30"}, 'line 2, visible_from: "2026-02-30" is no date of the calendar'),
        ({"visible_until": "2025-01-01"}, "line 2, visible_until: is not after visible_from"),
        ({"attr:number:inks": "six"}, 'line 2, attr:inks: "six" is not a number (for example: 4)'),
        ({"attr:boolean:signed": "maybe"}, 'line 2, attr:signed: "maybe" is neither yes nor no'),
        ({"option:frame": "#b08a5a"}, "line 2, option:frame: has a colour but no words"),
        ({"artist": "Maeve\0"}, "line 2, artist: has an invisible control character"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(fails: Load, change: dict[str, str], expected: str) -> None:
    assert expected in fails([FIRST | change])


def test_rows_that_contradict_each_other_are_named(fails: Load) -> None:
    said = fails(
        [
            FIRST,
            SECOND | {"title": "Other title"},
            SECOND | {"sku": "FL-1", "option:size": "80 × 60 cm", "option:frame": "Oak #000000"},
            SECOND | {"sku": "FL-3"},
        ]
    )
    assert "4 faults" in said
    # The story of the first row has two lines, so the second row is on line 4.
    assert "line 4, title: differs from line 2, the product's first" in said
    assert "line 5, sku: FL-1 is on line 2 already" in said
    assert "line 5, option:frame: Oak has another colour on line 2 (#b08a5a)" in said
    assert "line 6, sku: every option is the same as on line 4" in said


def test_rows_that_contradict_the_shop_are_named(load: Load, fails: Load) -> None:
    load([FIRST])
    other = FIRST | {"product": "other", "title": "Other"}
    assert "line 2, sku: FL-1 belongs to first-light" in fails([other])
    header = [name.replace("attr:number:inks", "attr:text:inks") for name in HEADER]
    row = {name.replace("attr:number:inks", "attr:text:inks"): text for name, text in FIRST.items()}
    assert "line 1, attr:inks: is a number in the shop, not a text" in fails([row], header)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "line 1, product: this column is missing"),
        (b"product,titel,sku\n", 'line 1, "titel": unknown column; did you mean title?'),
        (b"product,sku,sku\n", "line 1, sku: this column is there twice"),
        (b"attr:colour:x\n", '"colour" is no kind of attribute'),
        ("product,title\nx,caf\xe9\n".encode("latin-1"), "line 2: byte 0xE9 is not UTF-8"),
        ("product,title".encode("utf-16"), "line 1: the file is UTF-16"),
        (as_csv([FIRST]) + b'"torn', "line 4: the quotes do not match"),
        (as_csv([FIRST | {"story": "x" * 140_000}]), "line 2: a cell is longer than 131,072 characters"),
        (as_csv([FIRST]) + b"," * 40 + b"x", "line 4: has 41 cells under 21 headings"),
    ],
)
def test_a_file_that_is_not_right_says_where(fails: Load, data: bytes, expected: str) -> None:
    assert expected in fails(data)


def test_many_faults_are_shown_up_to_a_bound(fails: Load) -> None:
    said = fails([FIRST | {"sku": f"S-{number}", "price": "?"} for number in range(80)])
    assert said.count("price:") <= 50
    assert "more" in said.splitlines()[-1]


def test_faults_before_a_torn_quote_are_still_reported(fails: Load) -> None:
    said = fails(as_csv([FIRST | {"price": "?", "story": ""}]) + b'"torn')
    assert "line 2, price:" in said
    assert "line 3: the quotes do not match" in said


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + as_csv([FIRST]),
        as_csv([FIRST], delimiter=";"),
        as_csv([FIRST], delimiter="\t"),
        as_csv([FIRST]).replace(b"\r\n", b"\n"),
        as_csv([FIRST], [*HEADER, ""]) + b",,,,,,\r\n\r\n",
    ],
    ids=["byte order mark", "semicolons", "tabs", "unix lines", "empty column and rows"],
)
def test_what_spreadsheets_write_can_be_read(load: Load, data: bytes) -> None:
    load(data)
    assert Product.objects.get().title == "First light"


@pytest.mark.parametrize("texts", [[], ["a"], ["a", ""], ["a;b", "c\\"], ["", ""], ["\\;"]])
def test_lists_in_a_cell_survive_their_own_separator(texts: list[str]) -> None:
    assert read_list(write_list(texts)) == texts


# --- Pictures -----------------------------------------------------------------------------------

WITH_IMAGES = [*HEADER, "images", "alts"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (1300, 650), "#204060").save(folder / "wave.webp")
    Image.new("RGB", (700, 700), "#ff0000").save(folder / "close.png")
    return folder


def test_pictures_are_kept_with_their_smaller_copies(load: Load, folder: Path, tmp_path: Path) -> None:
    row = FIRST | {"images": "wave.webp; close.png", "alts": "A wave; Its crest\\; foam"}
    load([row], WITH_IMAGES, images=folder)
    cover, detail = ProductImage.objects.all()
    assert (cover.position, cover.alt, cover.width, cover.height) == (0, "A wave", 1300, 650)
    assert detail.alt == "Its crest; foam"
    assert detail.tone == "#ff0000"
    made = sorted(path.name for path in (tmp_path / "media").rglob("*.avif"))
    assert made == ["1280w.avif", "320w.avif", "320w.avif", "640w.avif", "640w.avif", "960w.avif"]
    assert b"wave.webp; close.png" in exported(tmp_path)
    assert "0 new, 0 changed" in load([row], WITH_IMAGES, images=folder)
    assert "0 new, 0 changed" in load([row], WITH_IMAGES)


def test_a_changed_picture_gets_a_new_name_and_the_old_one_goes(
    load: Load, folder: Path, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    row = FIRST | {"images": "wave.webp; close.png", "alts": "A wave; Its crest"}
    load([row], WITH_IMAGES, images=folder)
    old = ProductImage.objects.get(position=0).picture.name
    Image.new("RGB", (900, 900), "#00ff00").save(folder / "wave.webp")
    with django_capture_on_commit_callbacks(execute=True):
        load([row | {"images": "wave.webp", "alts": "A wave"}], WITH_IMAGES, images=folder)
    image = ProductImage.objects.get()
    assert image.picture.name != old
    assert image.width == 900
    media = tmp_path / "media"
    kept = {path.relative_to(media).as_posix() for path in media.rglob("*") if path.is_file()}
    copies = image.picture.name.removesuffix(".webp")
    assert kept == {image.picture.name, f"{copies}/320w.avif", f"{copies}/640w.avif"}


@pytest.mark.parametrize(
    ("images", "alts", "expected"),
    [
        ("wave.webp", "", "line 2, alts: describes 0 pictures, but images names 1"),
        ("wave.webp; close.png", "Only one", "line 2, alts: describes 1 pictures, but images names 2"),
        ("gone.webp", "A wave", "line 2, images: gone.webp is not in"),
        ("../wave.webp", "A wave", 'line 2, images: "../wave.webp" must be a file\'s plain name'),
        ("notes.webp", "A wave", "line 2, images: notes.webp is not a picture of a kind we know"),
        ("torn.webp", "A wave", "line 2, images: torn.webp is"),
        ("wave.webp; wave.webp", "a; b", "line 2, images: names a file twice"),
    ],
)
def test_a_bad_picture_is_named(fails: Load, folder: Path, images: str, alts: str, expected: str) -> None:
    (folder / "notes.webp").write_text("not a picture")
    (folder / "torn.webp").write_bytes((folder / "wave.webp").read_bytes()[:60])
    assert expected in fails([FIRST | {"images": images, "alts": alts}], WITH_IMAGES, images=folder)


def test_a_new_picture_needs_a_folder(fails: Load) -> None:
    said = fails([FIRST | {"images": "wave.webp", "alts": "A wave"}], WITH_IMAGES)
    assert "line 2, images: wave.webp is new; say where it is with --images" in said


def test_a_missing_file_or_folder_says_so(load: Load, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not a folder"):
        load([FIRST], images=tmp_path / "nowhere")
    with pytest.raises(CommandError, match=r"Cannot read .*No such file"):
        call_command("load_catalogue", str(tmp_path / "nothing.csv"))


def test_each_product_whose_prices_changed_is_told_once(load: Load) -> None:
    other = FIRST | {"product": "moon-road", "title": "Moon road", "sku": "MR-1"}
    load([FIRST, SECOND, other])
    assert not Pending.objects.filter(kind="price").exists()
    load([FIRST | {"price": "50.00"}, SECOND | {"price": "99.00"}, other | {"weight_g": "460"}])
    told = Pending.objects.get(kind="price")
    assert told.stream_name == "product:first-light"
    assert {sku: price["amount"] for sku, price in told.payload["prices"].items()} == {
        "FL-1": "50.00",
        "FL-2": "99.00",
    }


# --- Size ---------------------------------------------------------------------------------------


def ten_thousand() -> list[dict[str, str]]:
    rows = []
    for product in range(1000):
        for size in range(10):
            own = {"sku": f"P{product}-{size}", "stock": str(size), "option:size": f"{10 + size} cm"}
            about = {
                "product": f"p-{product}",
                "title": f"Print {product}",
                "category": f"All > {product % 40}",
            }
            rows.append(FIRST | about | own)
    return rows


def test_ten_thousand_rows_load_in_a_minute(load: Load, django_assert_max_num_queries: Any) -> None:
    rows = ten_thousand()
    started = time.monotonic()
    with django_assert_max_num_queries(700):
        load(rows)
    assert time.monotonic() - started < 60
    assert Variant.objects.count() == 10_000
    with django_assert_max_num_queries(250):
        assert "0 new, 0 changed" in load(rows)
