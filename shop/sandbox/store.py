"""The sandbox's memory: one SQLite file that several processes may share and a kill -9 does not hurt.

Every API call is one `BEGIN IMMEDIATE` transaction, so calls run one after the other over all processes, as if
each object were locked for the call. An object is a row of JSON; what Stripe must not show is kept under "_".
"""

import json
import secrets
import sqlite3
import string
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Object = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (body ->> '$.payment_intent', kind);
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (body ->> '$.customer', kind);
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY, path TEXT NOT NULL, fingerprint TEXT NOT NULL, created REAL NOT NULL,
    busy_until REAL NOT NULL, status INTEGER, body TEXT
);
CREATE INDEX IF NOT EXISTS keys_by_age ON keys (created);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
    created REAL NOT NULL, due REAL NOT NULL, answer TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS timers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL, subject TEXT NOT NULL, due REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS knobs (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(length))


def public(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name != "_"}


class Store:
    """Use it from one thread: the connection belongs to whoever opens it first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None

    @property
    def connection(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _open(self.path)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def execute(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self.connection.execute(sql, values).fetchall()

    def save(self, obj: Object) -> None:
        self.connection.execute(
            "INSERT INTO objects (id, kind, body) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (obj["id"], obj["object"], json.dumps(obj)),
        )

    def get(self, kind: str, id: str) -> Object | None:
        rows = self.execute("SELECT body FROM objects WHERE id = ? AND kind = ?", id, kind)
        return json.loads(rows[0]["body"]) if rows else None

    def seq_of(self, kind: str, id: str) -> int | None:
        rows = self.execute("SELECT seq FROM objects WHERE id = ? AND kind = ?", id, kind)
        return rows[0]["seq"] if rows else None

    def find(
        self,
        kind: str,
        where: str = "1",
        values: tuple[Any, ...] = (),
        limit: int = 1000,
        order: str = "DESC",
    ) -> list[Object]:
        """Newest first unless told. `where` is SQL of the sandbox's own, only `values` come from outside."""
        sql = f"SELECT body FROM objects WHERE kind = ? AND {where} ORDER BY seq {order} LIMIT ?"
        return [json.loads(row["body"]) for row in self.execute(sql, kind, *values, limit)]

    def in_seconds(self, delay: float, action: str, subject: str) -> None:
        """Has `action` done to `subject` later, by whichever process is there then (see timers.py)."""
        sql = "INSERT INTO timers (action, subject, due) VALUES (?, ?, ?)"
        self.connection.execute(sql, (action, subject, time.time() + delay))


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=20, isolation_level=None)
    connection.row_factory = sqlite3.Row
    _into_wal(connection)
    # A commit in the log outlives the process; only a power cut could take the last ones with it.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
    return connection


def _into_wal(connection: sqlite3.Connection) -> None:
    """Switching the journal does not wait for the busy timeout when two processes open a new file at once."""
    for _ in range(200):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            time.sleep(0.02)
    raise TimeoutError("The sandbox's database stays locked.")
