"""The order journal: one SQLite file that outlives every run, and the lock that makes its holder the only executor.

Written by one thread, in transactions that are on the disk before anybody is told so (WAL, synchronous=FULL).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import msgspec

from services.execution.orders import ENDED
from services.execution.wire import (
    BreachRow,
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
Told = Callable[[str | Exception], object]

SCHEMA_VERSION = 2
NEWEST = 8_192  # Ids that a starting core is given; older ones are known to the file alone.
BUSY_S = 2.0
DAY_NS = 86_400 * 1_000_000_000
DAY_MS = 86_400_000
NS_PER_MS = 1_000_000
E6 = 1_000_000
LOSSES_NS = 3_600_000_000_000

_TABLES: dict[str, tuple[type[Message], str]] = {
    "intents": (IntentRow, "intent_id"),
    "orders": (OrderRow, "order_link_id"),
    "positions": (PositionRow, "symbol"),
    "round_trips": (RoundTrip, "number"),
    "corrections": (CorrectionRow, ""),
    "words": (WordRow, ""),
    "breaches": (BreachRow, ""),
}
_EXECUTION_COLUMNS = (*Fill.__struct_fields__, "exec_type", "realised_e8")
_SQL_TYPES = {int: "INTEGER NOT NULL", bool: "INTEGER NOT NULL", str: "TEXT NOT NULL"}
_DEFAULTS = {int: "0", bool: "0", str: "''"}  # Of a column that older rows do not have.
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS executions_by_time ON executions (exec_ms)",
    "CREATE INDEX IF NOT EXISTS orders_by_state ON orders (state)",
    "CREATE INDEX IF NOT EXISTS round_trips_by_time ON round_trips (closed_ns)",
)


class HeldError(RuntimeError):
    """Another executor holds the journal."""


class SchemaError(RuntimeError):
    """The journal was written by a program of another version."""


def _columns(kind: type[Message], key: str) -> dict[str, str]:
    """Return the definition of every column, by name. Only a key has no default: rows may be older than a column."""
    found = {}
    for one in msgspec.structs.fields(kind):
        tail = "PRIMARY KEY" if one.name == key else f"DEFAULT {_DEFAULTS[one.type]}"
        found[one.name] = f"{one.name} {_SQL_TYPES[one.type]} {tail}"
    return found


def _tables() -> dict[str, dict[str, str]]:
    tables = {name: _columns(kind, key) for name, (kind, key) in _TABLES.items()}
    booked = {"exec_type": "exec_type TEXT NOT NULL", "realised_e8": "realised_e8 INTEGER NOT NULL"}
    return {**tables, "executions": _columns(Fill, "exec_id") | booked}


def _insert_into(table: str, columns: Sequence[str]) -> str:
    """Return the statement that writes a row."""
    marks = ", ".join("?" * len(columns))
    return f"{_VERBS.get(table, 'INSERT')} INTO {table} ({', '.join(columns)}) VALUES ({marks})"


_STANDS, _ONCE = "INSERT OR REPLACE", "INSERT OR IGNORE"  # How things stand now; what may be heard of again.
_VERBS = {"orders": _STANDS, "positions": _STANDS, "round_trips": _STANDS, "executions": _ONCE}
_INSERTS = {table: _insert_into(table, kind.__struct_fields__) for table, (kind, _) in _TABLES.items()}
_INSERTS["executions"] = _insert_into("executions", _EXECUTION_COLUMNS)


class Store:
    """The open journal. ``submit`` is for the loop; ``recover`` is called once, before the first commit."""

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
        self._work: SimpleQueue[tuple[Commit, Told] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def _upgrade(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == SCHEMA_VERSION:
            return
        if version > SCHEMA_VERSION:
            raise SchemaError(f"the order journal has version {version}, this program knows {SCHEMA_VERSION}")
        self._db.execute("BEGIN IMMEDIATE")
        for table, columns in _tables().items():  # Rows are only ever appended to: what is missing is added.
            self._db.execute(f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(columns.values())})")
            there = {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}
            for column in [name for name in columns if name not in there]:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {columns[column]}")
        for statement in (*_INDEXES, f"PRAGMA user_version = {SCHEMA_VERSION}"):
            self._db.execute(statement)
        self._db.execute("COMMIT")

    # --- writing ----------------------------------------------------------------------------------------------

    def submit(self, rows: Commit, told: Told) -> None:
        """Have ``rows`` written and synced, after all that was given before. ``told`` is called on the journal's
        thread, with why it failed or nothing; with the exception itself where that is a bug.
        """
        self._work.put((rows, told))

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            rows, told = work
            try:
                fault: str | Exception = self.write(rows)
            except Exception as error:  # noqa: BLE001 - it ends the process, on the loop
                fault = error
            told(fault)

    def write(self, rows: Commit) -> str:
        """Write ``rows`` in one transaction, on the calling thread. Return why it failed, or nothing."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._insert("intents", rows.intents)
            self._insert("orders", rows.orders)
            self._insert_executions(rows.executions)
            self._insert("positions", rows.positions)
            self._insert("round_trips", rows.trips)
            self._insert("corrections", rows.corrections)
            self._insert("words", rows.words)
            self._insert("breaches", rows.breaches)
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

    def _insert(self, table: str, rows: Sequence[Message]) -> None:
        if rows:
            self._db.executemany(_INSERTS[table], map(_values, rows))

    def _insert_executions(self, rows: Sequence[ExecutionRow]) -> None:
        if rows:
            values = [(*_values(row.fill), row.exec_type, row.realised_e8) for row in rows]
            self._db.executemany(_INSERTS["executions"], values)

    def close(self) -> None:
        """Write what is queued, fold the log into the file, and let the next executor in."""
        self._work.put(None)
        self._thread.join()
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
        word = words[0] if words else WordRow("", "", "", 0)
        armed_ns = max(day * DAY_NS, word.rearmed_ns)  # From here on losses count for the breakers.
        return Recovered(
            orders=tuple(self._rows(OrderRow, "orders", unsettled)),
            intent_ids=self._newest("intents", "intent_id"),
            exec_ids=self._newest("executions", "exec_id"),
            positions=tuple(self._rows(PositionRow, "positions", "ORDER BY rowid")),
            round_trips=self._one("SELECT COALESCE(MAX(number), 0) FROM round_trips"),
            day=day,
            day_realised_e8=self._one(in_day, day * DAY_MS, (day + 1) * DAY_MS),
            last_exec_ms=self._one("SELECT COALESCE(MAX(exec_ms), 0) FROM executions"),
            word=word,
            day_peak_e8=self._peak_e8(day),
            armed_realised_e8=self._one(in_day, -(-armed_ns // NS_PER_MS), (day + 1) * DAY_MS),
            armed_r_e6=self._armed_r_e6(armed_ns),
            breaches=self._one("SELECT COUNT(*) FROM breaches WHERE at_ns >= ?", armed_ns),
            losses=self._losses(now),
        )

    def _peak_e8(self, day: int) -> int:
        """Return the most that the day had realised after any of its executions, never below 0."""
        query = "SELECT realised_e8 FROM executions WHERE exec_ms >= ? AND exec_ms < ? ORDER BY rowid"
        found = self._db.execute(query, (day * DAY_MS, (day + 1) * DAY_MS))
        return max(accumulate((int(value) for (value,) in found), initial=0))

    def _armed_r_e6(self, since_ns: int) -> int:
        query = "SELECT net_e8, risk_e8 FROM round_trips WHERE risk_e8 > 0 AND closed_ns >= ?"
        return sum(int(net_e8) * E6 // int(risk_e8) for net_e8, risk_e8 in self._db.execute(query, (since_ns,)))

    def _losses(self, now: int) -> tuple[tuple[str, int], ...]:
        """Return when each symbol last lost, within the last hour."""
        query = "SELECT symbol, MAX(closed_ns) FROM round_trips WHERE net_e8 < 0 AND closed_ns >= ? GROUP BY symbol"
        return tuple(self._db.execute(f"{query} ORDER BY symbol", (now - LOSSES_NS,)))

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
