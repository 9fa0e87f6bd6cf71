"""The order journal: one SQLite file that outlives every run, and the lock that makes its holder the only executor.

Written by one thread, in transactions that are on the disk before anybody is told so (WAL, synchronous=FULL).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from services.execution.orders import ENDED
from services.execution.wire import (
    Commit,
    CorrectionRow,
    ExecutionRow,
    IntentRow,
    OrderRow,
    PositionRow,
    Recovered,
    WordRow,
)
from shared.messages import Fill, Message, RoundTrip

Row = TypeVar("Row", bound=Message)

SCHEMA_VERSION = 2
NEWEST = 8_192  # Ids that a starting core is given; older ones are known to the file alone.
BUSY_S = 2.0
DAY_NS = 86_400 * 1_000_000_000
DAY_MS = 86_400_000

_TABLES: dict[str, tuple[type[Message], str]] = {
    "intents": (IntentRow, "intent_id"),
    "orders": (OrderRow, "order_link_id"),
    "positions": (PositionRow, "symbol"),
    "round_trips": (RoundTrip, "number"),
    "corrections": (CorrectionRow, ""),
    "words": (WordRow, ""),
}
_EXECUTION_COLUMNS = (*Fill.__struct_fields__, "exec_type", "realised_e8")
_SQL_TYPES = {int: "INTEGER NOT NULL", bool: "INTEGER NOT NULL", str: "TEXT NOT NULL"}
_UPGRADES = {  # What brings a journal of this version to the next one.
    1: (
        "ALTER TABLE positions ADD COLUMN intent_id TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE round_trips ADD COLUMN intent_id TEXT NOT NULL DEFAULT ''",
    ),
}


class HeldError(RuntimeError):
    """Another executor holds the journal."""


class SchemaError(RuntimeError):
    """The journal was written by a program of another version."""


def _columns(kind: type[Message], key: str) -> list[str]:
    fields = msgspec.structs.fields(kind)
    return [f"{one.name} {_SQL_TYPES[one.type]}{' PRIMARY KEY' if one.name == key else ''}" for one in fields]


def _schema() -> list[str]:
    tables = {name: _columns(kind, key) for name, (kind, key) in _TABLES.items()}
    tables["executions"] = [*_columns(Fill, "exec_id"), "exec_type TEXT NOT NULL", "realised_e8 INTEGER NOT NULL"]
    made = [f"CREATE TABLE {name} ({', '.join(columns)})" for name, columns in tables.items()]
    return [
        *made,
        "CREATE INDEX executions_by_time ON executions (exec_ms)",
        "CREATE INDEX orders_by_state ON orders (state)",
        f"PRAGMA user_version = {SCHEMA_VERSION}",
    ]


def _upgrade(version: int) -> list[str]:
    steps = [statement for older in range(version, SCHEMA_VERSION) for statement in _UPGRADES[older]]
    return [*steps, f"PRAGMA user_version = {SCHEMA_VERSION}"]


class Store:
    """The open journal. ``commit`` is for the loop; ``recover`` is called once, before the first commit."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Held open until the very end: closing any descriptor of the file would drop SQLite's own locks with it.
        self._lock_fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock_fd)
            raise HeldError(str(path)) from None
        self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._upgrade()
        self._thread = ThreadPoolExecutor(1, "journal")

    def _upgrade(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == SCHEMA_VERSION:
            return
        if version and version not in _UPGRADES:
            raise SchemaError(f"the order journal has version {version}, this program knows {SCHEMA_VERSION}")
        self._db.execute("BEGIN IMMEDIATE")
        for statement in _upgrade(version) if version else _schema():
            self._db.execute(statement)
        self._db.execute("COMMIT")

    # --- writing ----------------------------------------------------------------------------------------------

    async def commit(self, rows: Commit) -> str:
        """Write ``rows`` and sync. Return why it failed, or nothing. Commits keep their order."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.write, rows)

    def write(self, rows: Commit) -> str:
        """Write ``rows`` in one transaction, on the calling thread. Return why it failed, or nothing."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._insert("intents", "INSERT", rows.intents)
            self._insert("orders", "INSERT OR REPLACE", rows.orders)
            self._insert_executions(rows.executions)
            self._insert("positions", "INSERT OR REPLACE", rows.positions)
            self._insert("round_trips", "INSERT OR REPLACE", rows.trips)
            self._insert("corrections", "INSERT", rows.corrections)
            self._insert("words", "INSERT", rows.words)
            self._db.execute("COMMIT")
        except (sqlite3.Error, OSError, OverflowError) as error:
            self._roll_back()
            return f"{type(error).__name__}: {error}"
        return ""

    def _roll_back(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error:
            return  # The disk is gone; the failed commit has been reported.

    def _insert(self, table: str, verb: str, rows: Sequence[Message]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0].__struct_fields__))
            self._db.executemany(f"{verb} INTO {table} VALUES ({marks})", map(_values, rows))

    def _insert_executions(self, rows: Iterable[ExecutionRow]) -> None:
        marks = ", ".join("?" * len(_EXECUTION_COLUMNS))
        values = [(*_values(row.fill), row.exec_type, row.realised_e8) for row in rows]
        self._db.executemany(f"INSERT OR IGNORE INTO executions VALUES ({marks})", values)

    def close(self) -> None:
        """Write what is queued, fold the log into the file, and let the next executor in."""
        self._thread.shutdown(wait=True)
        self._db.close()
        os.close(self._lock_fd)

    # --- reading ----------------------------------------------------------------------------------------------

    def recover(self, now: int) -> Recovered:
        """Return what a starting core has to know."""
        ended = ", ".join(f"'{state}'" for state in sorted(ENDED))
        day = now // DAY_NS
        in_day = "SELECT COALESCE(SUM(realised_e8), 0) FROM executions WHERE exec_ms >= ? AND exec_ms < ?"
        unsettled = f"WHERE state NOT IN ({ended}) OR booked_lots < cum_lots ORDER BY rowid"
        words = self._rows(WordRow, "words", "ORDER BY rowid DESC LIMIT 1")
        return Recovered(
            orders=tuple(self._rows(OrderRow, "orders", unsettled)),
            intent_ids=self._newest("intents", "intent_id"),
            exec_ids=self._newest("executions", "exec_id"),
            positions=tuple(self._rows(PositionRow, "positions", "ORDER BY rowid")),
            round_trips=self._one("SELECT COALESCE(MAX(number), 0) FROM round_trips"),
            day=day,
            day_realised_e8=self._one(in_day, day * DAY_MS, (day + 1) * DAY_MS),
            last_exec_ms=self._one("SELECT COALESCE(MAX(exec_ms), 0) FROM executions"),
            word=words[0] if words else WordRow("", "", "", 0),
        )

    def _one(self, query: str, *values: int) -> int:
        (value,) = self._db.execute(query, values).fetchone()
        return int(value)

    def _newest(self, table: str, column: str) -> tuple[str, ...]:
        found = self._db.execute(f"SELECT {column} FROM {table} ORDER BY rowid DESC LIMIT {NEWEST}").fetchall()
        return tuple(value for (value,) in reversed(found))

    def _rows(self, kind: type[Row], table: str, tail: str) -> list[Row]:
        columns = ", ".join(kind.__struct_fields__)
        return [kind(*values) for values in self._db.execute(f"SELECT {columns} FROM {table} {tail}")]


def _values(row: Message) -> tuple[Any, ...]:
    return msgspec.structs.astuple(row)
