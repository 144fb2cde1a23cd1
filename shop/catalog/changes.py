"""What changed in the catalogue, in a log that loses nothing: for copies of it, and for answers kept in memory.

Triggers write it (see change_log.py), because bulk loads and updates never call `save()`. A row is added for each
change and none is ever rewritten, so that no two checkouts wait for one another here.

Numbers and times are given before a commit, and commits come in another order: whoever remembers "all up to 17" misses
16, which commits later. So on PostgreSQL a row has its transaction's id, and a place in the log is a snapshot: a row
that it did not see is new, whenever it was written. On SQLite writers queue, and a row's own number is enough.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

KEPT = timedelta(days=1)  # longer than any transaction, and than any process keeps what it read
EVERYTHING = ""


class ChangeQuerySet(models.QuerySet["Change"]):
    def since(self, number: int) -> ChangeQuerySet:
        """All after this place of `last_place()`, and perhaps some before it."""
        return self.filter(xid__gte=number) if _by_transaction() else self.filter(pk__gt=number)

    def superseded(self) -> ChangeQuerySet:
        later = Q(xid__gt=OuterRef("xid")) | Q(xid=OuterRef("xid"), pk__gt=OuterRef("pk"))
        same = Change.objects.filter(later, slug=OuterRef("slug"), known=OuterRef("known"))
        return self.filter(Exists(same), at__lt=timezone.now() - KEPT)


class Change(models.Model):
    """Something of a product changed, or of all of them where there is no slug.

    `known` says whether the public may have seen it: what never was on sale is not to be told of when it goes.
    """

    slug = models.CharField(max_length=120, blank=True)
    known = models.BooleanField()
    at = models.DateTimeField()
    xid = models.BigIntegerField(default=0)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["xid"], name="changes_by_transaction"),
            models.Index(fields=["slug", "known", "xid"], name="changes_of_product"),
        ]

    def __str__(self) -> str:
        return f"{self.slug or 'everything'} at {self.at:%Y-%m-%d %H:%M:%S}"


class Place(NamedTuple):
    """A place in the log that stays the same while nothing changes. Nothing after it is before it in any sense."""

    number: int
    at: datetime | None  # of the last change before it


def last_place() -> Place:
    """Where the log stands. Read it before the rows of a copy, never after them."""
    with connection.cursor() as cursor:
        cursor.execute(LAST_PLACE[connection.vendor])
        number, at = cursor.fetchall()[0]
    if isinstance(at, str):
        at = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return Place(number, at)


def changed_after(snapshot: str | None) -> tuple[str, set[str]]:
    """The snapshot of now, and of which products (or EVERYTHING) it sees a change that the other did not see."""
    if snapshot is None:
        return _ask(SNAPSHOT[connection.vendor], [])[0], {EVERYTHING}
    now, slugs = _ask(CHANGED[connection.vendor], [snapshot] * PLACES[connection.vendor])
    return now, set(slugs.split(",")) if slugs is not None else set()


def forget_superseded() -> int:
    """Keeps of each product its last change, which tells whoever has not asked for long."""
    return Change.objects.superseded().delete()[0]


def _ask(statement: str, parameters: list[str]) -> tuple[str, str | None]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        now, *slugs = cursor.fetchall()[0]
    return str(now), slugs[0] if slugs else None


def _by_transaction() -> bool:
    return connection.vendor == "postgresql"


# Transactions that have not ended yet are none below the snapshot's xmin; while none is under way that wrote here, the
# place is just behind the last row.
LAST_PLACE = {
    "postgresql": """
        SELECT least(pg_snapshot_xmin(pg_current_snapshot())::text::bigint, coalesce(max(xid), 0) + 1),
          (SELECT at FROM catalog_change ORDER BY xid DESC, id DESC LIMIT 1)
        FROM catalog_change
    """,
    "sqlite": "SELECT coalesce(max(id), 0), (SELECT at FROM catalog_change ORDER BY id DESC LIMIT 1) "
    "FROM catalog_change",
}
SNAPSHOT = {
    "postgresql": "SELECT pg_current_snapshot()::text",
    "sqlite": "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'catalog_change'), 0)",
}
CHANGED = {
    "postgresql": """
        SELECT pg_current_snapshot()::text, (
          SELECT string_agg(DISTINCT slug, ',') FROM catalog_change
          WHERE xid >= pg_snapshot_xmin(%s::pg_snapshot)::text::bigint
            AND NOT pg_visible_in_snapshot(xid::text::xid8, %s::pg_snapshot))
    """,
    "sqlite": """
        SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'catalog_change'), 0),
          (SELECT group_concat(DISTINCT slug) FROM catalog_change WHERE id > CAST(%s AS INTEGER))
    """,
}
PLACES = {"postgresql": 2, "sqlite": 1}
