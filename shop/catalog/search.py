"""Finding prints by words: the best first, the beginnings of words are enough, misspelt words are understood.

Both engines (SQLite's FTS5, PostgreSQL's full text with trigrams) answer the same two questions: which products
hold these words, and which known terms are near to a word. The rest is the same for both.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from django.db import connection
from django.db.models import Case, IntegerField, Value, When

from shop.catalog.models import Category, Product, ProductQuerySet

MOST_WORDS = 8
MOST_FOUND = 500  # Nobody turns that many pages.
ENDINGS = (
    "s",
    "es",
    "ed",
    "er",
    "ers",
    "ing",
    "ly",
    "y",
)  # What the engines take off a word to get its term.
NEAR_ENOUGH = 0.74


@dataclass(frozen=True)
class Suggestion:
    label: str
    note: str
    url: str
    kind: str
    slug: str


def search(query: str, products: ProductQuerySet) -> ProductQuerySet:
    """Those of `products` that answer the query, the best first, each with its `place` among them."""
    found = _find(_words(query))
    places = [When(pk=pk, then=Value(place)) for place, pk in enumerate(found)]
    if not places:
        return products.none()
    place = Case(*places, output_field=IntegerField())
    return products.filter(pk__in=found).annotate(place=place).order_by("place")


def suggest(query: str, limit: int = 8) -> list[Suggestion]:
    """What somebody who typed this so far may mean: series by name, then prints."""
    words = _words(query)
    if not words:
        return []
    named = Category.objects.filter(name__istartswith=query.strip())[: limit // 2]
    series = [Suggestion(one.name, "Series", one.get_absolute_url(), "category", one.slug) for one in named]
    listed = Product.objects.visible().hung().prefetch_related(None).select_related("category")
    prints = search(query, listed)[: limit - len(series)]
    return series + [
        Suggestion(one.title, one.category.name, one.get_absolute_url(), "product", one.slug)
        for one in prints
    ]


def _words(query: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", query.casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", bare)[:MOST_WORDS]


def _find(words: Sequence[str]) -> list[int]:
    """Products with all the words; else with all of them spelt right; else with any."""
    if not words:
        return []
    match, nearby = ENGINES[connection.vendor]
    if found := match(words, True):
        return found
    terms = nearby(words)
    corrected = [_correct(word, terms) for word in words]
    telling = [word for word in corrected if len(word) > 2]
    return (match(corrected, True) if corrected != words else []) or (
        match(telling, False) if telling else []
    )


def _correct(word: str, terms: Sequence[str]) -> str:
    """The nearest term, unless the word begins one or is one with an ending."""
    if any(term.startswith(word) or word.removeprefix(term) in ENDINGS for term in terms):
        return word
    near = get_close_matches(word, terms, n=1, cutoff=NEAR_ENOUGH)
    near = near or get_close_matches(word.removesuffix("s"), terms, n=1, cutoff=NEAR_ENOUGH)
    return next(iter(near), word)


def _match_on_sqlite(words: Sequence[str], every: bool) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rowid FROM catalog_search WHERE catalog_search MATCH %s "
            "ORDER BY bm25(catalog_search, 10, 6, 6, 3, 1), rowid LIMIT %s",
            [(" AND " if every else " OR ").join(f'"{word}"*' for word in words), MOST_FOUND],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _nearby_on_sqlite(words: Sequence[str]) -> list[str]:
    shortest, longest = min(map(len, words)) - 3, max(map(len, words)) + 3
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT term FROM catalog_search_words WHERE length(term) BETWEEN %s AND %s ORDER BY doc DESC",
            [max(2, shortest), longest],
        )
        return [term for (term,) in cursor.fetchall()]


def _match_on_postgres(words: Sequence[str], every: bool) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT product_id FROM catalog_search, to_tsquery('english', %s) AS wanted WHERE vector @@ wanted "
            "ORDER BY ts_rank_cd('{0.1, 0.3, 0.6, 1}', vector, wanted) DESC, product_id LIMIT %s",
            [(" & " if every else " | ").join(f"{word}:*" for word in words), MOST_FOUND],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _nearby_on_postgres(words: Sequence[str]) -> list[str]:
    """For each word the terms that share the most trigrams with it, by the index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT near.term FROM unnest(%s::text[]) AS wanted(word), LATERAL "
            "(SELECT term FROM catalog_search_words ORDER BY term <-> wanted.word LIMIT 100) AS near",
            [list(words)],
        )
        return [term for (term,) in cursor.fetchall()]


ENGINES = {
    "sqlite": (_match_on_sqlite, _nearby_on_sqlite),
    "postgresql": (_match_on_postgres, _nearby_on_postgres),
}
