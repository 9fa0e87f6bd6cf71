"""The real execution process with a measurer's marks in it: when each order left, and how its row was written.

Every other entry's row is written without waiting for the disk (synchronous=OFF), so both ways are measured in turns
in one run. The marks are made after the order has left and after its row is written: they are in nobody's way.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from services.execution import main as execution
from services.execution.calls import Call
from services.execution.store import Store, Told
from services.execution.trade_line import TradeLine
from services.execution.wire import Commit, OrderRequest
from shared import journal
from shared.bybit.venue import Venue, venue_of
from shared.config import Config
from shared.fleet import FleetPage
from shared.messages import Intent, Message, Verdict
from shared.service import Context

MARKS = "marks"
SYNCS = ("FULL", "OFF")


class Mark(NamedTuple):
    """One entry. Times are ns: of the fleet, and of the journal's thread."""

    intent_id: str
    synced: bool
    write_ns: int  # What writing its row took on that thread, the sync included.
    book_ns: int  # When ingest's socket had the frame it was decided on.
    decided_ns: int
    heard_ns: int  # When the core was given the intent,
    committed_ns: int  # and the word that its row was written.
    wire_ns: int  # When its bytes had been given to the kernel.


class Turns(Store):
    """Writes entries in turns with the disk and without."""

    handle = -1  # Where the marks go.
    turn = 0
    took_ns = 0  # By the last write.

    def submit(self, rows: Commit, told: Told) -> None:
        """Have rows written, and the next entry's the other way."""

        def marked(fault: str | Exception) -> None:
            told(fault)
            for row in rows.intents:
                os.write(self.handle, f"W {row.intent_id} {int(self.turn == 0)} {self.took_ns}\n".encode())
                self._next()

        super().submit(rows, marked)

    def write(self, rows: Commit) -> str:
        """Write, and mark how long that took."""
        began_ns = time.monotonic_ns()
        fault = super().write(rows)
        self.took_ns = time.monotonic_ns() - began_ns
        return fault

    def _next(self) -> None:
        self.turn = 1 - self.turn
        self._db.execute(f"PRAGMA synchronous = {SYNCS[self.turn]}")


class Line(TradeLine):
    """Says when an entry has left."""

    handle = -1

    def send(self, request: Message, call: Call) -> bool:
        """Send, and mark when."""
        left = super().send(request, call)
        wire_ns = self._clock.now()
        if left and isinstance(request, OrderRequest) and not request.reduce_only:
            intent_id = request.order_link_id.rpartition("-")[0]
            os.write(self.handle, f"S {intent_id} {request.decided_ns} {wire_ns}\n".encode())
        return left


def marked(trade_url: str = "") -> Callable[[Context], Any]:
    """Return the process's main with the marks; ``trade_url`` takes the place of the venue's own order entry."""

    def elsewhere(config: Config, fleet: FleetPage) -> Venue:
        return venue_of(config, fleet)._replace(trade_url=trade_url)

    async def main(ctx: Context) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        Turns.handle = Line.handle = os.open(ctx.var_dir / MARKS, flags, 0o600)
        vars(execution).update(Store=Turns, TradeLine=Line)
        if trade_url:
            vars(execution).update(venue_of=elsewhere)
        await execution.main(ctx)

    return main


def marks(folder: Path) -> Iterator[Mark]:
    """Yield what was marked of the entries that left, in the order in which they did."""
    heard, committed = _journalled(folder)
    lines = [line.split() for line in (folder / MARKS).read_text().splitlines()]
    written = {intent_id: (synced == "1", int(took)) for kind, intent_id, synced, took in lines if kind == "W"}
    for kind, intent_id, decided, wire in lines:
        if kind == "S" and intent_id in heard and intent_id in committed and intent_id in written:
            yield Mark(
                intent_id,
                *written[intent_id],
                heard[intent_id].book_ns,
                int(decided),
                heard[intent_id].now,
                committed[intent_id],
                int(wire),
            )


class _Heard(NamedTuple):
    now: int
    book_ns: int


def _journalled(folder: Path) -> tuple[dict[str, _Heard], dict[str, int]]:
    """Return when the core was given each intent, and the word that its row was on disk."""
    heard, sent = dict[str, _Heard](), dict[str, int]()
    for paths in journal.parts(folder / "journal", "execution").values():
        for path in paths:
            for entry in journal.pick(path, frozenset((b"Intent", b"OrderRequest"))):
                message = entry.message
                if isinstance(message, Intent):
                    heard[message.intent_id] = _Heard(entry.now, message.book_ns)
                elif isinstance(message, OrderRequest) and not message.reduce_only:
                    sent[message.order_link_id.rpartition("-")[0]] = entry.now
    return heard, sent


def refusals(folder: Path) -> dict[str, int]:
    """Return how often each gate has refused."""
    paths = [path for epoch in journal.parts(folder / "journal", "execution").values() for path in epoch]
    said = (entry.message for path in paths for entry in journal.pick(path, frozenset((b"Verdict",))))
    return dict(Counter(one.gate for one in said if isinstance(one, Verdict) and one.gate))


def parts_us(chosen: list[Mark]) -> dict[str, float]:
    """Return the median of each part of the way from a decision to the wire, us."""
    parts = {
        "bus": [mark.heard_ns - mark.decided_ns for mark in chosen],
        "gates_and_threads": [mark.committed_ns - mark.heard_ns - mark.write_ns for mark in chosen],
        "row": [mark.write_ns for mark in chosen],
        "send": [mark.wire_ns - mark.committed_ns for mark in chosen],
    }
    return {name: round(median(took) / 1e3, 1) for name, took in parts.items()}
