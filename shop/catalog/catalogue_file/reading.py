"""Bytes to rows. Collects every fault it can find instead of stopping at the first."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from shop.catalog.catalogue_file import cells
from shop.catalog.catalogue_file.columns import BY_NAME, FIXED, Column, column_named
from shop.catalog.catalogue_file.faults import CatalogueFaults, Fault

LARGEST_FILE = 64 * 1024 * 1024
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass
class VariantRow:
    line: int
    sku: str
    values: dict[str, Any]
    choices: dict[str, cells.Choice]


@dataclass
class ProductRow:
    """`values` has a key for every column of the file that a product has; None where its cell was empty."""

    line: int
    slug: str
    texts: dict[str, str]
    values: dict[str, Any]
    facts: dict[str, Any]
    pictures: list[cells.Picture]
    variants: list[VariantRow] = field(default_factory=list)


@dataclass
class Catalogue:
    columns: list[Column]
    products: list[ProductRow]

    def has(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def attributes(self) -> list[Column]:
        return [column for column in self.columns if column.kind]

    @property
    def options(self) -> list[Column]:
        return [column for column in self.columns if column.code and not column.kind]

    @property
    def rows(self) -> int:
        return sum(len(product.variants) for product in self.products)


def read_catalogue(data: bytes) -> Catalogue:
    """Raises CatalogueFaults."""
    records = _records(_decode(data))
    columns = _columns(next(records, (1, [])))
    reader = _Reader(columns)
    try:
        for line, texts in records:
            reader.take(line, texts)
    except CatalogueFaults as torn:  # The rest cannot be read, but what was found so far still counts.
        reader.faults += torn.faults
    if reader.faults:
        raise CatalogueFaults(reader.faults)
    return Catalogue(columns, list(reader.products.values()))


def _decode(data: bytes) -> str:
    if len(data) > LARGEST_FILE:
        raise _fault(1, "", f"the file is larger than {LARGEST_FILE // 2**20} MB; split it")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _fault(1, "", "the file is UTF-16; save it as CSV UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # `start` counts behind a byte order mark, so the line is found in what the decoder saw.
        line = error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        raise _fault(line, "", f"byte 0x{byte:02X} is not UTF-8; save the file as CSV UTF-8") from None


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line it begins on."""
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            texts = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _fault(line, "", _torn(str(error))) from None
        if any(texts):
            yield line, [text.strip() for text in texts]


def _torn(error: str) -> str:
    if "field limit" in error:
        return f"a cell is longer than {csv.field_size_limit():,} characters; is a quote not closed?"
    return f"the quotes do not match ({error}); double a quote inside quotes"


def _columns(header: tuple[int, list[str]]) -> list[Column]:
    line, names = header
    columns, faults = [], []
    while names and not names[-1]:  # Spreadsheets leave empty columns at the end.
        names.pop()
    for name in names:
        try:
            columns.append(column_named(name))
        except ValueError as error:
            faults.append(Fault(line, cells.short(name), str(error)))
    found = [column.name for column in columns]
    faults += [
        Fault(line, name, "this column is there twice")
        for name in sorted(set(found))
        if found.count(name) > 1
    ]
    if not faults:
        missing = [column for column in FIXED if column.required and column.name not in found]
        faults = [Fault(line, column.name, "this column is missing", column.example) for column in missing]
    if faults:
        raise CatalogueFaults(faults)
    return columns


class _Reader:
    """Takes rows one by one, remembering what must agree between them."""

    def __init__(self, columns: list[Column]) -> None:
        self.columns = columns
        self.products: dict[str, ProductRow] = {}
        self.faults: list[Fault] = []
        self.sku_lines: dict[str, int] = {}
        self.swatches: dict[tuple[str, str], tuple[str, int]] = {}
        self.combinations: dict[tuple[Any, ...], int] = {}
        self.has_options = any(column.code and not column.kind for column in columns)

    def take(self, line: int, texts: list[str]) -> None:
        if any(texts[len(self.columns) :]):
            problem = f"has {len(texts)} cells under {len(self.columns)} headings"
            self.faults.append(Fault(line, "", problem + "; quote a cell that has a separator in it"))
            return
        row = dict.fromkeys((column.name for column in self.columns), "")
        row.update(zip(row, texts, strict=False))
        if not (slug := self.value(line, BY_NAME["product"], row)):
            return
        if slug in self.products:
            self.compare(line, self.products[slug], row)
        else:
            self.products[slug] = self.product(line, slug, row)
        self.variant(line, self.products[slug], row)

    def value(self, line: int, column: Column, row: dict[str, str]) -> Any:
        """What a cell says; None when it is empty or wrong."""
        text = row[column.name]
        try:
            if CONTROL.search(text):
                raise ValueError("has an invisible control character in it (such as NUL)")
            if text:
                return column.read(text)
            if column.required:
                raise ValueError("must not be empty")
        except ValueError as error:
            self.faults.append(Fault(line, column.name, str(error), column.example))
        return None

    def product(self, line: int, slug: str, row: dict[str, str]) -> ProductRow:
        own = [column for column in self.columns if column.of_product and column.name != "product"]
        read = {column: self.value(line, column, row) for column in own}
        values = {column.name: value for column, value in read.items() if not column.kind}
        pictures = self.pictures(line, values.pop("images", None), values.pop("alts", None))
        since, until = values.get("visible_from"), values.get("visible_until")
        if since and until and until <= since:
            self.faults.append(Fault(line, "visible_until", "is not after visible_from"))
        return ProductRow(
            line=line,
            slug=slug,
            texts={column.name: row[column.name] for column in own},
            values=values,
            facts={column.code: value for column, value in read.items() if column.kind},
            pictures=pictures,
        )

    def pictures(self, line: int, files: list[str] | None, alts: list[str] | None) -> list[cells.Picture]:
        files, alts, example = files or [], alts or [], BY_NAME["alts"].example
        pictures: list[cells.Picture] = []
        if len(files) != len(alts):
            problem = f"describes {len(alts)} pictures, but images names {len(files)}"
            self.faults.append(Fault(line, "alts", problem, example))
            return pictures
        for file, alt in zip(files, alts, strict=True):
            try:
                pictures.append(cells.Picture(cells.read_file_name(file), cells.read_text(200)(alt)))
            except ValueError as error:
                self.faults.append(Fault(line, "alts" if len(alt) > 200 else "images", str(error)))
            if not alt:
                self.faults.append(Fault(line, "alts", f"{file} is not described", example))
        if len(set(files)) < len(files):
            self.faults.append(Fault(line, "images", "names a file twice"))
        return pictures

    def compare(self, line: int, product: ProductRow, row: dict[str, str]) -> None:
        for name, first in product.texts.items():
            if row[name] and row[name] != first:
                problem = f"differs from line {product.line}, the product's first; leave it empty here"
                self.faults.append(Fault(line, name, problem))

    def variant(self, line: int, product: ProductRow, row: dict[str, str]) -> None:
        own = [column for column in self.columns if not column.of_product]
        read = {column: self.value(line, column, row) for column in own}
        values = {column.name: value for column, value in read.items() if not column.code}
        choices = {column.code: choice for column, choice in read.items() if column.code and choice}
        self.check_price(line, values)
        self.check_choices(line, product.slug, choices)
        if not (sku := values.pop("sku")):
            return
        if sku in self.sku_lines:
            self.faults.append(Fault(line, "sku", f"{sku} is on line {self.sku_lines[sku]} already"))
        self.sku_lines.setdefault(sku, line)
        product.variants.append(VariantRow(line, sku, values, choices))

    def check_price(self, line: int, values: dict[str, Any]) -> None:
        currency = values.get("currency") or settings.DEFAULT_CURRENCY
        try:
            if values["price"] is not None:
                cells.check_places(values["price"], currency)
        except ValueError as error:
            self.faults.append(Fault(line, "price", str(error), BY_NAME["price"].example))

    def check_choices(self, line: int, slug: str, choices: dict[str, cells.Choice]) -> None:
        for code, choice in choices.items():
            swatch, first = self.swatches.setdefault((code, choice.label), (choice.swatch, line))
            if swatch != choice.swatch:
                problem = f"{choice.label} has another colour on line {first} ({swatch or 'none'})"
                self.faults.append(Fault(line, f"option:{code}", problem))
        if not self.has_options:
            return
        key = (slug, *sorted((code, choice.label) for code, choice in choices.items()))
        if (first := self.combinations.setdefault(key, line)) != line:
            self.faults.append(Fault(line, "sku", f"every option is the same as on line {first}"))


def _fault(line: int, column: str, problem: str) -> CatalogueFaults:
    return CatalogueFaults([Fault(line, column, problem)])
