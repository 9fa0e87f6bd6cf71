"""Market data for tests, made by hand: mirror rows and ring records as ingest would write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from shared import layout
from shared.layout import EVENT_WORDS, LAST, REASON_SHIFT, ROW_HEAD, TAKER_BUY, VALID, Kind, Row, meta
from shared.messages import BookCopy, Events

Level = tuple[int, int]
MS = 1_000_000
S = 1_000_000_000
DEPTH = 50


def row(
    bids: Sequence[Level],
    asks: Sequence[Level],
    *,
    symbol_id: int = 0,
    scale_id: int = 0,
    ring_seq: int = 0,
    generation: int = 1,
    recv_ns: int = 0,
    cts_ns: int = 0,
    updates: int = 1,
    valid: bool = True,
    reason: int = 0,
    depth: int = DEPTH,
) -> bytes:
    """Return one mirror row."""
    words = np.zeros(layout.row_words(depth), np.int64)
    side = layout.slots_a_side(depth)
    for at, levels in ((ROW_HEAD, bids), (ROW_HEAD + 2 * side, asks)):
        for index, (ticks, lots) in enumerate(levels):
            words[at + index], words[at + side + index] = ticks, lots
    head = {
        Row.VERSION: 2, Row.GENERATION: generation, Row.SYMBOL_ID: symbol_id, Row.SCALE_ID: scale_id,
        Row.RING_SEQ: ring_seq, Row.U: 77, Row.CTS_NS: cts_ns, Row.RECV_NS: recv_ns, Row.WRITE_NS: recv_ns,
        Row.N_BIDS: len(bids), Row.N_ASKS: len(asks), Row.FLAGS: (VALID if valid else 0) | reason << REASON_SHIFT,
        Row.UPDATES: updates,
    }  # fmt: skip
    for name, value in head.items():
        words[name] = value
    words[Row.CHECKSUM] = np.bitwise_xor.reduce(words)
    return words.tobytes()


def copy(
    symbol: str = "SOLUSDT",
    bids: Sequence[Level] = ((1000, 10),),
    asks: Sequence[Level] = ((1001, 10),),
    *,
    tick: str = "0.01",
    lot: str = "0.1",
    symbol_id: int = 0,
    ring_seq: int = 0,
    generation: int = 1,
    **more: int,
) -> BookCopy:
    """Return one symbol's book as its reader would copy it."""
    data = row(bids, asks, symbol_id=symbol_id, ring_seq=ring_seq, generation=generation, **more)  # type: ignore[arg-type]
    return BookCopy(generation, symbol_id, symbol, tick, lot, ring_seq, data)


class Ring:
    """Numbers records as the ring does and packs them into Events."""

    def __init__(self, first: int = 0, generation: int = 1) -> None:
        self.seq, self.generation = first, generation

    def frame(self, records: Iterable[tuple[int, int, int, int]], recv_ns: int, *, symbol_id: int = 0) -> Events:
        """Return one frame; each record is (kind, flags, ticks, lots)."""
        first, rows = self.seq, []
        given = list(records)
        for index, (kind, flags, ticks, lots) in enumerate(given):
            last = LAST if index == len(given) - 1 else 0
            rows.append([self.seq, meta(kind, flags | last, symbol_id, 0), recv_ns, recv_ns, ticks, lots, 0, 0])
            self.seq += 1
        data = np.array(rows, np.int64).reshape(-1, EVENT_WORDS).tobytes()
        return Events(self.generation, first, data)

    def levels(
        self, bids: Iterable[Level] = (), asks: Iterable[Level] = (), *, recv_ns: int, symbol_id: int = 0
    ) -> Events:
        """Return a frame of level changes."""
        given = [(Kind.BID, 0, *level) for level in bids] + [(Kind.ASK, 0, *level) for level in asks]
        return self.frame(given, recv_ns, symbol_id=symbol_id)

    def snapshot(self, bids: Iterable[Level], asks: Iterable[Level], *, recv_ns: int, symbol_id: int = 0) -> Events:
        """Return a frame that replaces the book."""
        given = [(Kind.SNAPSHOT, 0, 0, 0)]
        given += [(Kind.BID, 0, *level) for level in bids] + [(Kind.ASK, 0, *level) for level in asks]
        return self.frame(given, recv_ns, symbol_id=symbol_id)

    def gap(self, *, recv_ns: int, symbol_id: int = 0) -> Events:
        """Return the record that voids the book."""
        return self.frame([(Kind.GAP, 0, 0, 0)], recv_ns, symbol_id=symbol_id)

    def trade(self, ticks: int, lots: int, *, bought: bool, recv_ns: int, symbol_id: int = 0, flags: int = 0) -> Events:
        """Return a frame of one trade."""
        return self.frame(
            [(Kind.TRADE, flags | (TAKER_BUY if bought else 0), ticks, lots)], recv_ns, symbol_id=symbol_id
        )
