"""Two ledgers side by side: what our order journal holds, and what the exchange says of the same account."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple


class Booked(NamedTuple):
    """One execution as one side has it."""

    order_id: str
    symbol: str
    side: int
    price_ticks: int
    qty_lots: int
    fee_e8: int


def journalled(path: Path) -> tuple[dict[str, Booked], set[str], dict[str, int]]:
    """Return our executions by execId, the link ids we journalled, and our positions in lots."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as journal:
        if journal.execute("PRAGMA user_version").fetchone() == (0,):
            return {}, set(), {}  # Its executor died before it had made the tables.
        executions = {
            row[0]: Booked(*row[1:])
            for row in journal.execute(
                "SELECT exec_id, order_id, symbol, side, price_ticks, qty_lots, fee_e8 FROM executions"
            )
        }
        intents = {row[0] for row in journal.execute("SELECT order_link_id FROM orders")}
        positions = dict(journal.execute("SELECT symbol, position_lots FROM positions"))
    return executions, intents, positions


def compare(ledger: dict[str, Any], ours: dict[str, Booked], intents: set[str], positions: dict[str, int]) -> list[str]:
    """Return every difference between the exchange's ledger and our journal."""
    theirs = {
        row["exec_id"]: Booked(
            row["order_id"],
            row["symbol"],
            1 if row["side"] == "Buy" else -1,
            row["price_ticks"],
            row["qty_lots"],
            row["fee_e8"],
        )
        for row in ledger["executions"]
    }
    found = list(ledger["violations"])
    found += [f"execution {key} is not in our journal: {theirs[key]}" for key in theirs.keys() - ours.keys()]
    found += [f"execution {key} is not at the exchange: {ours[key]}" for key in ours.keys() - theirs.keys()]
    found += [
        f"execution {key}: exchange {theirs[key]}, ours {ours[key]}"
        for key in theirs.keys() & ours.keys()
        if theirs[key] != ours[key]
    ]
    found += [
        f"order {row['order_link_id']} reached the exchange without being journalled"
        for row in ledger["orders"]
        if row["order_link_id"] and row["order_link_id"] not in intents
    ]
    held = {row["symbol"]: row["position_lots"] for row in ledger["positions"]}
    found += [
        f"{symbol}: position {held.get(symbol, 0)} lots at the exchange, {positions.get(symbol, 0)} in our journal"
        for symbol in sorted(held.keys() | positions.keys())
        if held.get(symbol, 0) != positions.get(symbol, 0)
    ]
    return found
