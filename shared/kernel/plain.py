"""The book kernel in plain Python: written to be obvious, because everything else is compared with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared import layout
from shared.kernel.outcome import Outcome
from shared.kernel.parse import BookFrame, BookSpec, Levels, Touch, parse_book
from shared.kernel.words import newest_slot
from shared.layout import REASON_SHIFT, ROW_HEAD, VALID, Kind, Reason, Row, meta
from shared.side import Side

if TYPE_CHECKING:
    from shared.mirror import MirrorWriter
    from shared.ring import RingWriter

NS_PER_MS = 1_000_000


class BookKernel:
    """One symbol's book: frames in, mirror and ring out. Nothing is written for a frame that is not wholly good.

    A frame that breaks the book (GAP, CROSSED, EMPTY, OFF_GRID) voids it: one GAP record, the mirror's valid flag off,
    its levels left as they were, and deltas are ignored until a snapshot comes.
    """

    def __init__(self, mirror: MirrorWriter, ring: RingWriter, depth: int) -> None:
        table = mirror.table
        assert 1 <= depth <= table.depth, f"the table has room for {table.depth} levels, not {depth}"
        assert ring.capacity >= 16 * depth, f"a ring of {ring.capacity} records is too small for depth {depth}"
        self._mirror, self._ring, self._depth = mirror, ring, depth
        self._spec = BookSpec.of(mirror.symbol, depth, mirror.scale)
        self._side_words = layout.slots_a_side(table.depth)
        self._row = np.zeros(table.row_words, np.int64)
        newest = newest_slot(table.words, mirror.first, table.row_words)
        self._updates = int(table.words[newest + Row.UPDATES])
        self._bids, self._asks = Side(-1), Side(1)
        self._u = self._seq = 0
        self.valid = False

    @property
    def touch(self) -> Touch:
        """The best levels, as of the newest frame in the book."""
        return Touch(self._seq, self._bids.levels(1), self._asks.levels(1))

    def apply(self, frame: bytes, recv_ns: int, write_ns: int) -> Outcome:
        """Take one ``orderbook`` frame, received at ``recv_ns``; ``write_ns`` is now."""
        parsed = parse_book(frame, self._spec)
        if isinstance(parsed, Outcome):
            if parsed == Outcome.OFF_GRID:
                self.void(Reason.OFF_GRID, recv_ns, write_ns)
            return parsed
        if parsed.is_snapshot:
            return self._snapshot(parsed, recv_ns, write_ns)
        if not self.valid:
            return Outcome.IGNORED
        if parsed.u == self._u:
            return Outcome.DUPLICATE
        if parsed.u != self._u + 1:
            self.void(Reason.SEQUENCE, recv_ns, write_ns)
            return Outcome.GAP
        return self._delta(parsed, recv_ns, write_ns)

    def void(self, reason: int, recv_ns: int, write_ns: int) -> bool:
        """Declare the book unusable until the next snapshot; False when it was so already."""
        if not self.valid:
            return False
        self.valid = False
        self._bids.clear()
        self._asks.clear()
        row = self._row
        row[Row.RING_SEQ] = self._ring.head + 1
        row[Row.RECV_NS], row[Row.WRITE_NS] = recv_ns, write_ns
        row[Row.FLAGS] = reason << REASON_SHIFT
        self._mirror.publish(row)
        self._ring.publish([(0, self._meta(Kind.GAP), 0, recv_ns, 0, 0, reason, self._u)])
        return True

    def _snapshot(self, frame: BookFrame, recv_ns: int, write_ns: int) -> Outcome:
        bids, asks = Side(-1), Side(1)
        bids.replace(frame.bids)
        asks.replace(frame.asks)
        broken = self._broken(bids, asks, recv_ns, write_ns)
        if broken:
            return broken
        cts_ns = frame.cts_ms * NS_PER_MS
        head = (0, self._meta(Kind.SNAPSHOT), cts_ns, recv_ns, 0, 0, frame.u, frame.seq)
        changes = [(Kind.BID, ticks, lots, 0) for ticks, lots in frame.bids]
        changes += [(Kind.ASK, ticks, lots, 0) for ticks, lots in frame.asks]
        self._commit(frame, bids, asks, [head, *self._records(frame, changes, recv_ns)], recv_ns, write_ns)
        return Outcome.SNAPSHOT

    def _delta(self, frame: BookFrame, recv_ns: int, write_ns: int) -> Outcome:
        bids, asks = self._bids.copy(), self._asks.copy()
        changes = _put(Kind.BID, bids, frame.bids) + _put(Kind.ASK, asks, frame.asks)
        changes += _trim(Kind.BID, bids, self._depth) + _trim(Kind.ASK, asks, self._depth)
        broken = self._broken(bids, asks, recv_ns, write_ns)
        if broken:
            return broken
        self._commit(frame, bids, asks, self._records(frame, changes, recv_ns), recv_ns, write_ns)
        return Outcome.APPLIED

    def _broken(self, bids: Side, asks: Side, recv_ns: int, write_ns: int) -> Outcome:
        """Void the book and say why if it would be empty or crossed; APPLIED (zero) if it is sound."""
        if not len(bids) or not len(asks):
            self.void(Reason.EMPTY, recv_ns, write_ns)
            return Outcome.EMPTY
        if bids.best >= asks.best:
            self.void(Reason.CROSSED, recv_ns, write_ns)
            return Outcome.CROSSED
        return Outcome.APPLIED

    def _meta(self, kind: Kind) -> int:
        return meta(kind, 0, self._mirror.symbol_id, self._mirror.scale_id)

    def _records(
        self, frame: BookFrame, changes: list[tuple[Kind, int, int, int]], recv_ns: int
    ) -> list[tuple[int, ...]]:
        cts_ns = frame.cts_ms * NS_PER_MS
        return [
            (0, self._meta(kind), cts_ns, recv_ns, ticks, lots, before, frame.seq)
            for kind, ticks, lots, before in changes
        ]

    def _commit(
        self,
        frame: BookFrame,
        bids: Side,
        asks: Side,
        records: list[tuple[int, ...]],
        recv_ns: int,
        write_ns: int,
    ) -> None:
        """Make the new book the book: mirror first, then the ring, so that whoever hears of it finds it."""
        self._bids, self._asks, self.valid = bids, asks, True
        self._u, self._seq = frame.u, frame.seq
        self._updates += 1
        row = self._row
        row[:] = 0
        row[Row.RING_SEQ] = self._ring.head + len(records)
        row[Row.U], row[Row.SEQ] = frame.u, frame.seq
        row[Row.CTS_NS], row[Row.TS_NS] = frame.cts_ms * NS_PER_MS, frame.ts_ms * NS_PER_MS
        row[Row.RECV_NS], row[Row.WRITE_NS] = recv_ns, write_ns
        row[Row.N_BIDS], row[Row.N_ASKS] = len(bids), len(asks)
        row[Row.FLAGS], row[Row.UPDATES] = VALID, self._updates
        for number, values in enumerate((bids.ticks, bids.lots, asks.ticks, asks.lots)):
            at = ROW_HEAD + number * self._side_words
            row[at : at + len(values)] = values
        self._mirror.publish(row)
        self._ring.publish(records)


def _put(kind: Kind, side: Side, levels: Levels) -> list[tuple[Kind, int, int, int]]:
    """Apply ``levels`` to ``side``; return what changed as (kind, ticks, lots, lots before)."""
    changes = [(kind, ticks, lots, side.put(ticks, lots)) for ticks, lots in levels]
    return [change for change in changes if change[2] != change[3]]


def _trim(kind: Kind, side: Side, depth: int) -> list[tuple[Kind, int, int, int]]:
    """Drop what lies beyond the topic's depth: the venue sends no more news of it."""
    changes = []
    while len(side) > depth:
        ticks, lots = side.pop_worst()
        changes.append((kind, ticks, 0, lots))
    return changes
