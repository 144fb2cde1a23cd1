"""A document on paper: one A4 page, or as many as it takes, always the same bytes from the same row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from djmoney.money import Money
from fontTools.ttLib import TTFont
from fpdf import FPDF

from shop.invoices.models import Document
from shop.money import in_words

FONTS = Path(__file__).parent / "fonts"
# The house's own faces know the letters of western Europe; DejaVu writes the names of everybody else.
FACES = {
    ("sans", ""): ("InstrumentSans-Regular.ttf", "DejaVuSans.ttf"),
    ("sans", "B"): ("InstrumentSans-SemiBold.ttf", "DejaVuSans-Bold.ttf"),
    ("serif", ""): ("Newsreader-Medium.ttf", "DejaVuSans.ttf"),
}
INK, MUTED, LINE, SIGNAL = (22, 32, 42), (86, 97, 107), (221, 214, 200), (194, 58, 32)
LEFT, RIGHT, TOP, BOTTOM = 22.0, 188.0, 20.0, 24.0
COLUMNS = {"quantity": 108.0, "price": 132.0, "percent": 154.0, "total": RIGHT}  # where each ends


def render(document: Document) -> bytes:
    paper = Paper(document)
    paper.add_page()
    paper.heading()
    paper.parties()
    paper.facts()
    paper.lines()
    paper.sums()
    paper.notes()
    return bytes(paper.output())


@cache
def _letters(file: str) -> frozenset[int]:
    return frozenset(TTFont(FONTS / file).getBestCmap())


class Paper(FPDF):
    def __init__(self, document: Document) -> None:
        super().__init__(format="A4")
        self.document, self.data = document, document.data
        self.set_margins(LEFT, TOP, 210 - RIGHT)
        self.c_margin = 0.0
        self.set_auto_page_break(True, BOTTOM)
        self.set_creation_date(document.issued_at)
        self.set_title(f"{document.get_kind_display()} {document.number}")
        self.set_author(self.data["seller"]["name"])
        self.set_lang("en")
        for (family, style), files in FACES.items():
            for place, file in enumerate(files):
                self.add_font(f"{family}{place}", style, FONTS / file)

    # --- Writing ----------------------------------------------------------------------------------

    def use(self, text: str, size: float, family: str = "sans", style: str = "", colour: tuple = INK) -> None:
        """The face that has all letters of `text`, so that no word is written in two."""
        own = _letters(FACES[family, style][0])
        place = 0 if all(ord(letter) in own for letter in text) else 1
        self.set_font(f"{family}{place}", style, size)
        self.set_text_color(*colour)

    def put(
        self, text: str, right: float | None = None, width: float = 80, height: float = 5, **face: Any
    ) -> None:
        """At the cursor, or so that it ends at `right`. The cursor stays on its line."""
        self.use(text, face.pop("size", 9.5), **face)
        if right is None:
            self.cell(width, height, text)
        else:
            self.set_x(right - width)
            self.cell(width, height, text, align="R")

    def block(self, text: str, width: float, height: float = 4.6, **face: Any) -> None:
        self.use(text, face.pop("size", 9.5), **face)
        self.multi_cell(width, height, text, align="L", new_x="LEFT", new_y="NEXT")

    def rule(self, colour: tuple = LINE, left: float = LEFT) -> None:
        self.set_draw_color(*colour)
        self.set_line_width(0.2)
        self.line(left, self.get_y(), RIGHT, self.get_y())

    def money(self, amount: str | Decimal) -> str:
        return in_words(Money(Decimal(amount), self.data["currency"]))

    def footer(self) -> None:
        seller = self.data["seller"]
        self.set_y(-BOTTOM + 6)
        self.rule()
        self.ln(2)
        words = " · ".join([seller["name"], *seller["address"], f"VAT {seller['vat_id']}"])
        self.put(words, width=150, size=7.5, colour=MUTED)
        self.put(f"{self.document.number}, page {self.page_no()}", RIGHT, size=7.5, colour=MUTED)

    # --- Parts ------------------------------------------------------------------------------------

    def heading(self) -> None:
        self.put(settings.SHOP_NAME, family="serif", size=22, height=10)
        self.put(self.document.get_kind_display(), RIGHT, size=13, style="B", height=10)
        self.ln(11)
        self.set_draw_color(*SIGNAL)
        self.set_line_width(0.6)
        self.line(LEFT, self.get_y(), LEFT + 14, self.get_y())
        self.ln(9)

    def parties(self) -> None:
        seller, data, top = self.data["seller"], self.data, self.get_y()
        buyer = [*data["buyer"], *([f"VAT id {data['buyer_vat_id']}"] if data["buyer_vat_id"] else [])]
        self._party("To", buyer, LEFT)
        below = self.get_y()
        self.set_y(top)
        ours = [seller["name"], *seller["address"], f"VAT id {seller['vat_id']}", seller["email"]]
        self._party("From", ours, 118)
        self.set_y(max(below, self.get_y()) + 8)

    def _party(self, label: str, rows: list[str], left: float) -> None:
        self.set_x(left)
        self.block(label, 70, size=8, colour=MUTED)
        for place, row in enumerate(rows):
            self.set_x(left)
            self.block(row, 70, style="B" if place == 0 else "")

    def facts(self) -> None:
        data, document = self.data, self.document
        facts = [
            (f"{document.get_kind_display()} number", document.number),
            ("Date of issue", _day(timezone.localdate(document.issued_at))),
            ("Order", data["order_number"]),
            ("Ordered", _day(date.fromisoformat(data["ordered_on"]))),
        ]
        if document.kind == Document.Kind.INVOICE and not data["corrects"]:
            facts.append(("Payment received", _day(date.fromisoformat(data["paid_on"]))))
        if data["corrects"]:
            facts.append(("Corrects", data["corrects"]))
        self.rule()
        self.ln(3)
        top, width = self.get_y(), (RIGHT - LEFT) / len(facts)
        for place, (label, value) in enumerate(facts):
            self.set_xy(LEFT + place * width, top)
            self.block(label, width - 3, size=8, colour=MUTED)
            self.set_x(LEFT + place * width)
            self.block(value, width - 3)
        self.set_y(top + 12.5)
        self.rule()
        self.ln(8)

    def lines(self) -> None:
        self._head()
        for item in self.data["items"]:
            if self.will_page_break(13):
                self.add_page()
                self._head()
            self._line(item)

    def _head(self) -> None:
        self.put("What", size=8, colour=MUTED)
        words = {"quantity": "Quantity", "price": "Price", "percent": "Tax", "total": "Amount"}
        for name, word in words.items():
            self.put(word, COLUMNS[name], 24, size=8, colour=MUTED)
        self.ln(6)
        self.rule(INK)

    def _line(self, item: dict[str, Any]) -> None:
        self.ln(2.6)
        top = self.get_y()
        self.block(item["title"], 76, style="B")
        if item["detail"]:
            self.block(item["detail"], 76, size=8.5, colour=MUTED)
        if Decimal(item["discount"]):
            self.block(f"less {self.money(item['discount'])}", 76, size=8.5, colour=MUTED)
        below = self.get_y()
        self.set_y(top)
        self.put(str(item["quantity"]), COLUMNS["quantity"], 20, height=4.6)
        if item["unit_price"] is not None:
            self.put(self.money(item["unit_price"]), COLUMNS["price"], 30, height=4.6)
        self.put(_percent(item["percent"]), COLUMNS["percent"], 20, height=4.6)
        self.put(self.money(item["total"]), COLUMNS["total"], 30, height=4.6)
        self.set_y(below + 2.6)
        self.rule()

    def sums(self) -> None:
        if self.will_page_break(34 + 5 * len(self.data["rates"])):
            self.add_page()
        self.ln(4)
        label = "Total" if self.document.kind == Document.Kind.INVOICE else "Credited"
        self.set_x(100)
        self.put(label, family="serif", size=15, height=8)
        self.put(self.money(self.data["total"]), RIGHT, family="serif", size=15, height=8)
        self.ln(12)
        self._rates()

    def _rates(self) -> None:
        ends = (120.0, 143.0, 166.0, RIGHT)
        for word, end in zip(("Tax rate", "Net", "Tax", "Gross"), ends, strict=True):
            self.put(word, end, 22, size=8, colour=MUTED)
        self.ln(5.4)
        self.rule(left=100)
        self.ln(1)
        for rate in self.data["rates"]:
            net = Decimal(rate["gross"]) - Decimal(rate["tax"])
            cells = (_percent(rate["percent"]), *map(self.money, (net, rate["tax"], rate["gross"])))
            for cell, end in zip(cells, ends, strict=True):
                self.put(cell, end, 22, size=8.5)
            self.ln(4.8)

    def notes(self) -> None:
        self.ln(8)
        paid = (
            f"Paid by {self.data['paid_by'].replace('····', 'ending in')}. Nothing is due."
            if self.data["paid_by"]
            else ""
        )
        for words in (self.data["reason"], self.data["note"], paid):
            if words:
                self.set_x(LEFT)
                self.block(words, RIGHT - LEFT)
                self.ln(1)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _percent(percent: str) -> str:
    return f"{Decimal(percent).normalize():f} %"
