"""The search index inside the database: what it holds, and the triggers that keep it in step.

Triggers, because bulk loads and imports never call `save()`. They are not in a numbered migration: SQLite cannot
rebuild a table that a trigger or a view elsewhere mentions, so everything that refers to the catalogue's tables
is taken down before migrations run and put up after them, with the index written afresh.
"""

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

PRODUCT_TABLES = ("catalog_product", "catalog_productattribute")

# A category's products are found under the names of the categories above it, too.
SOURCE = """
CREATE VIEW catalog_search_source AS
SELECT product.id, product.title || ' ' || product.subtitle AS title, product.artist, product.story,
  (SELECT {join}(above.name, ' ') FROM catalog_category AS above
   WHERE substr(category.path, 1, length(above.path)) = above.path) AS category,
  category.description || ' ' || (
   SELECT coalesce({join}(attribute.name || ' ' || fact.text, ' '), '') FROM catalog_productattribute AS fact
   JOIN catalog_attribute AS attribute ON attribute.id = fact.attribute_id
   WHERE fact.product_id = product.id AND fact.text <> '') AS facts
FROM catalog_product AS product JOIN catalog_category AS category ON category.id = product.category_id
"""


def take_down(using: str, **_: Any) -> None:
    """Before migrations: nothing may mention the tables that they rebuild."""
    connection = connections[using]
    if connection.vendor not in INSTALLERS:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in SQLITE_TRIGGERS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute("DROP VIEW IF EXISTS catalog_search_source")


def put_up(using: str, **_: Any) -> None:
    """After migrations: the index, its triggers, and everything there is in it."""
    connection = connections[using]
    if connection.vendor in INSTALLERS and _is_migrated(connection):
        with connection.cursor() as cursor:
            INSTALLERS[connection.vendor](cursor)


def _is_migrated(connection: BaseDatabaseWrapper) -> bool:
    return {*PRODUCT_TABLES, "catalog_category"} <= set(connection.introspection.table_names())


# --- SQLite: FTS5 -------------------------------------------------------------------------------

FORGET = "DELETE FROM catalog_search WHERE rowid = {row};"
LEARN = """
INSERT INTO catalog_search (rowid, title, artist, category, facts, story)
SELECT id, title, artist, category, facts, story FROM catalog_search_source WHERE {which};
"""
RELEARN = FORGET + LEARN.replace("{which}", "id = {row}")
OF_CATEGORY = "SELECT id FROM catalog_product WHERE category_id IN (SELECT id FROM catalog_category {below})"
BELOW = "WHERE substr(path, 1, length(new.path)) = new.path"

SQLITE_TRIGGERS = {
    "catalog_search_product_new": "INSERT ON catalog_product BEGIN " + RELEARN.format(row="new.id"),
    "catalog_search_product_edit": "UPDATE ON catalog_product BEGIN " + RELEARN.format(row="new.id"),
    "catalog_search_product_gone": "DELETE ON catalog_product BEGIN " + FORGET.format(row="old.id"),
    "catalog_search_fact_new": "INSERT ON catalog_productattribute BEGIN "
    + RELEARN.format(row="new.product_id"),
    "catalog_search_fact_edit": "UPDATE ON catalog_productattribute BEGIN "
    + RELEARN.format(row="new.product_id"),
    "catalog_search_fact_gone": "DELETE ON catalog_productattribute BEGIN "
    + RELEARN.format(row="old.product_id"),
    "catalog_search_category": "UPDATE OF name, description, path ON catalog_category BEGIN "
    + f"DELETE FROM catalog_search WHERE rowid IN ({OF_CATEGORY.format(below=BELOW)});"
    + LEARN.format(which=f"id IN ({OF_CATEGORY.format(below=BELOW)})"),
}


def _install_on_sqlite(cursor: CursorWrapper) -> None:
    cursor.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS catalog_search USING fts5("
        "title, artist, category, facts, story, tokenize = 'porter unicode61 remove_diacritics 2', prefix = '2 3')"
    )
    cursor.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS catalog_search_words USING fts5vocab('catalog_search', 'row')"
    )
    cursor.execute("DROP VIEW IF EXISTS catalog_search_source")
    cursor.execute(SOURCE.format(join="group_concat"))
    for name, body in SQLITE_TRIGGERS.items():
        cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {body} END")
    cursor.execute("DELETE FROM catalog_search")
    cursor.execute(LEARN.format(which="true"))


# --- PostgreSQL: full text, and trigrams for misspelt words -------------------------------------

POSTGRES = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE EXTENSION IF NOT EXISTS unaccent",
    "CREATE TABLE IF NOT EXISTS catalog_search (product_id bigint PRIMARY KEY, vector tsvector NOT NULL)",
    "CREATE INDEX IF NOT EXISTS catalog_search_vector ON catalog_search USING gin (vector)",
    "CREATE TABLE IF NOT EXISTS catalog_search_words (term text PRIMARY KEY)",
    "CREATE INDEX IF NOT EXISTS catalog_search_nearest ON catalog_search_words USING gist (term gist_trgm_ops)",
    "DROP VIEW IF EXISTS catalog_search_source",
    SOURCE.format(join="string_agg"),
    """
    CREATE OR REPLACE FUNCTION catalog_search_write(ids bigint[]) RETURNS void LANGUAGE sql AS $$
      DELETE FROM catalog_search WHERE product_id = ANY (ids);
      INSERT INTO catalog_search
      SELECT id,
        setweight(to_tsvector('english', unaccent(title)), 'A') ||
        setweight(to_tsvector('english', unaccent(artist || ' ' || coalesce(category, ''))), 'B') ||
        setweight(to_tsvector('english', unaccent(coalesce(facts, ''))), 'C') ||
        setweight(to_tsvector('english', unaccent(story)), 'D')
      FROM catalog_search_source WHERE id = ANY (ids);
      INSERT INTO catalog_search_words
      SELECT DISTINCT unnest(tsvector_to_array(vector)) FROM catalog_search WHERE product_id = ANY (ids) ORDER BY 1
      ON CONFLICT DO NOTHING;
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION catalog_search_follow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF tg_table_name = 'catalog_product' THEN
        PERFORM catalog_search_write(ARRAY[CASE WHEN tg_op = 'DELETE' THEN old.id ELSE new.id END]);
      ELSIF tg_table_name = 'catalog_category' THEN
        PERFORM catalog_search_write(ARRAY(
          SELECT product.id FROM catalog_product AS product
          JOIN catalog_category AS category ON category.id = product.category_id
          WHERE substr(category.path, 1, length(new.path)) = new.path));
      ELSE
        PERFORM catalog_search_write(ARRAY[CASE WHEN tg_op = 'DELETE' THEN old.product_id ELSE new.product_id END]);
      END IF;
      RETURN NULL;
    END
    $$
    """,
    *[
        f"CREATE OR REPLACE TRIGGER catalog_search AFTER INSERT OR UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION catalog_search_follow()"
        for table in PRODUCT_TABLES
    ],
    "CREATE OR REPLACE TRIGGER catalog_search AFTER UPDATE OF name, description, path ON catalog_category "
    "FOR EACH ROW EXECUTE FUNCTION catalog_search_follow()",
    "DELETE FROM catalog_search",
    "DELETE FROM catalog_search_words",
    "SELECT catalog_search_write(ARRAY(SELECT id FROM catalog_product))",
]


def _install_on_postgres(cursor: CursorWrapper) -> None:
    for statement in POSTGRES:
        cursor.execute(statement)


INSTALLERS = {"sqlite": _install_on_sqlite, "postgresql": _install_on_postgres}
