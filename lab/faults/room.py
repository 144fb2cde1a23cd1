"""What a process of the shop does for `disk`: moves its tables to the small disk and back, and looks for corruption."""

from __future__ import annotations

from django.db import connection

SPACE = "small"
KINDS = ("TABLE", "INDEX")


def move_to(folder: str) -> None:
    """PostgreSQL's tables, whose log stays where it is; nobody else may be connected who holds a lock."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLESPACE {SPACE} LOCATION %s", [folder])
        for kind in KINDS:
            cursor.execute(f"ALTER {kind} ALL IN TABLESPACE pg_default SET TABLESPACE {SPACE}")
    connection.close()


def move_back() -> None:
    with connection.cursor() as cursor:
        for kind in KINDS:
            cursor.execute(f"ALTER {kind} ALL IN TABLESPACE {SPACE} SET TABLESPACE pg_default")
        cursor.execute("CHECKPOINT")  # only then it lets go of the files
        cursor.execute(f"DROP TABLESPACE {SPACE}")
    connection.close()


def corruption() -> list[str]:
    """Everything is read: rows, indexes, and whether each row is in its indexes."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            faults = [row[0] for row in cursor.execute("PRAGMA integrity_check") if row[0] != "ok"]
            faults += [f"{row[0]}: {row[1]}" for row in cursor.execute("PRAGMA foreign_key_check")]
        else:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
            cursor.execute(
                "SELECT relname, msg FROM pg_class, LATERAL verify_heapam(pg_class.oid)"
                " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
            faults = [f"{table}: {message}" for table, message in cursor.fetchall()]
            cursor.execute(  # raises at the first that is wrong
                "SELECT bt_index_check(index.oid, true) FROM pg_class AS index JOIN pg_am ON pg_am.oid = relam"
                " WHERE amname = 'btree' AND relkind = 'i' AND relnamespace = 'public'::regnamespace"
            )
    connection.close()
    return faults
