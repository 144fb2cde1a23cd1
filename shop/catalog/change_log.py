"""The triggers that write the log of changes (see changes.py).

Like those of the search index they are no part of a numbered migration: SQLite cannot rebuild a table that a trigger
elsewhere mentions. Rooms above the catalogue add their own tables with `follow`, in `ready()`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import connections

PRODUCT = "SELECT slug, visible_from <= {now} AS known FROM catalog_product WHERE "
EVERYTHING = "SELECT '' AS slug, {no} AS known"
ALL = " UNION ALL SELECT '', {no}"


EVENTS = ("insert", "update", "delete")
LATER = ("update", "delete")  # what nothing has yet when it is added


class Followed(NamedTuple):
    """`products` selects slug and known of the products that a `{row}` of the table is about."""

    products: str
    columns: str = ""  # only updates of these count; of all where there is none
    events: tuple[str, ...] = EVENTS


FOLLOWED: dict[str, Followed] = {}


def follow(table: str, products: str, *columns: str, events: tuple[str, ...] = EVENTS) -> None:
    FOLLOWED[table] = Followed(products, ", ".join(columns), events)


def of_product(column: str = "product_id") -> str:
    return f"{PRODUCT}id = {{row}}.{column}"


def of_variant(column: str = "variant_id") -> str:
    return f"{PRODUCT}id = (SELECT product_id FROM catalog_variant WHERE id = {{row}}.{column})"


def of_many(products: str) -> str:
    """Also told of as a change of everything: lists show it without a product."""
    return f"{PRODUCT}id IN ({products}){ALL}"


OF_VALUES = """SELECT product_id FROM catalog_variant WHERE id IN
  (SELECT variant_id FROM catalog_variant_values WHERE optionvalue_id IN ({values}))"""
BELOW = """SELECT product.id FROM catalog_product AS product JOIN catalog_category AS below
  ON below.id = product.category_id WHERE substr(below.path, 1, length({row}.path)) = {row}.path"""

follow("catalog_product", "SELECT {row}.slug, {row}.visible_from <= {now} AS known")
follow("catalog_variant", of_product())
follow("catalog_variant_values", of_variant())
follow("catalog_productimage", of_product())
follow("catalog_productattribute", of_product())
follow("catalog_category", of_many(BELOW), "path", "name", "slug", "description")
follow("catalog_optionvalue", of_many(OF_VALUES.replace("{values}", "{row}.id")), events=LATER)
follow(
    "catalog_option",
    of_many(OF_VALUES.replace("{values}", "SELECT id FROM catalog_optionvalue WHERE option_id = {row}.id")),
    events=LATER,
)
follow(
    "catalog_attribute",
    of_many("SELECT product_id FROM catalog_productattribute WHERE attribute_id = {row}.id"),
    events=LATER,
)


def take_down(using: str, **_: Any) -> None:
    """Before migrations: nothing may mention the tables that they rebuild."""
    connection = connections[using]
    if connection.vendor not in INSTALLERS:
        return
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in FOLLOWED.keys() & there:
            for event in EVENTS:
                on = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {_name(table, event)}{on}")


def put_up(using: str, **_: Any) -> None:
    connection = connections[using]
    there = set(connection.introspection.table_names())
    if connection.vendor in INSTALLERS and there >= {*FOLLOWED, "catalog_change"}:
        with connection.cursor() as cursor:
            for table, followed in FOLLOWED.items():
                for statement in INSTALLERS[connection.vendor](table, followed):
                    cursor.execute(statement)


def _name(table: str, event: str) -> str:
    return f"change_{table}_{event}"


def _event(event: str, followed: Followed) -> str:
    return f"UPDATE OF {followed.columns}" if event == "update" and followed.columns else event.upper()


def _changed(followed: Followed, event: str, now: str, no: str) -> str:
    """What an event changes: of an update also what it was before."""
    rows = {"insert": ["new"], "update": ["new", "old"], "delete": ["old"]}[event]
    return " UNION ".join(
        f"SELECT * FROM ({followed.products.format(row=row, now=now, no=no)}) AS {row}_products"
        for row in rows
    )


def _on_sqlite(table: str, followed: Followed) -> list[str]:
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
    return [
        f"CREATE TRIGGER IF NOT EXISTS {_name(table, event)} AFTER {_event(event, followed)} ON {table} BEGIN "
        f"INSERT INTO catalog_change (slug, known, at, xid) SELECT *, {now}, 0 "
        f"FROM ({_changed(followed, event, now, '0')}); END"
        for event in followed.events
    ]


def _on_postgres(table: str, followed: Followed) -> list[str]:
    now = "clock_timestamp()"
    made = []
    for event in followed.events:
        name = _name(table, event)
        made += [
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"INSERT INTO catalog_change (slug, known, at, xid) "
            f"SELECT changed.*, {now}, pg_current_xact_id()::text::bigint "
            f"FROM ({_changed(followed, event, now, 'false')}) AS changed; RETURN NULL; END $$",
            f"CREATE OR REPLACE TRIGGER {name} AFTER {_event(event, followed)} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    return made


INSTALLERS = {"sqlite": _on_sqlite, "postgresql": _on_postgres}
