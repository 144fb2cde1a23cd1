"""Issuing documents, each with the next number of its year: no gap, no number twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from djmoney.money import Money

from shop.invoices.models import Counter, Document

Kind = Document.Kind


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the paper. `total` is what it comes to with tax, in amounts of the document's currency."""

    title: str
    detail: str
    quantity: int
    unit_price: Decimal | None
    discount: Decimal
    total: Decimal
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Rate:
    """What of the document is taxed at `percent`: `gross` with the tax, `tax` of it."""

    percent: Decimal
    gross: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Content:
    """What a document says; `corrects` is the number of the invoice that a credit note is about."""

    currency: str
    buyer: list[str]
    items: list[Item]
    rates: list[Rate]
    order_number: str
    ordered_on: str
    paid_on: str
    paid_by: str = ""
    buyer_vat_id: str = ""
    note: str = ""
    corrects: str = ""
    reason: str = ""

    @property
    def total(self) -> Decimal:
        return sum((item.total for item in self.items), Decimal(0))


@transaction.atomic
def issue(kind: str, reference: str, content: Content) -> Document:
    """Within the caller's transaction, and last in it: others who issue wait until it ends.

    Raises ValueError where the rates do not sum to the items.
    """
    if sum((rate.gross for rate in content.rates), Decimal(0)) != content.total:
        raise ValueError(f"the rates do not sum to {content.total}")
    now = timezone.localtime()
    data = {"seller": settings.SELLER, "total": content.total, **asdict(content)}
    return Document.objects.create(
        kind=kind,
        year=now.year,
        serial=draw(kind, now.year),
        reference=reference,
        data=_plain(data),
        issued_at=now,
    )


def draw(kind: str, year: int) -> int:
    """The next number. The row stays locked until the transaction ends: one that is rolled back gives it back."""
    counter, _ = Counter.objects.get_or_create(kind=kind, year=year)
    Counter.objects.filter(pk=counter.pk).update(last=F("last") + 1)
    counter.refresh_from_db(fields=["last"])
    return counter.last


def left_of(documents: Iterable[Document]) -> dict[Decimal, Rate]:
    """What was invoiced at each rate and not yet credited."""
    gross: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    tax: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    for document in documents:
        sign = 1 if document.kind == Kind.INVOICE else -1
        for rate in document.data["rates"]:
            percent = Decimal(rate["percent"]).normalize()
            gross[percent] += sign * Decimal(rate["gross"])
            tax[percent] += sign * Decimal(rate["tax"])
    return {percent: Rate(percent, gross[percent], tax[percent]) for percent in sorted(gross)}


def balance_of(reference: str, currency: str) -> Money:
    """What the invoices about `reference` come to, less the credit notes."""
    documents = Document.objects.about(reference)
    return Money(sum((rate.gross for rate in left_of(documents).values()), Decimal(0)), currency)


def _plain(value: object) -> object:
    """As JSON keeps it: amounts as strings, because a float is not money."""
    match value:
        case Decimal():
            return f"{value.normalize():f}"
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
    return value


def as_pdf(document: Document) -> bytes:
    """On paper: the same bytes whenever it is asked for."""
    # Here, because what draws it takes a second to load, which every process of the shop would spend at its start.
    from shop.invoices.pdf import render

    return render(document)
