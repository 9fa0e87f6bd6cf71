"""One order-book topic: the best levels of a book as snapshots and deltas."""

from __future__ import annotations

from collections.abc import Iterable

from services.exchange.matching import MatchingBook
from shared.scale import Scale

MS = 1_000_000
INTERVAL_NS = {1: 10 * MS, 50: 20 * MS, 200: 100 * MS}
REPEAT_NS = 3_000 * MS  # A silent depth-1 topic says its last snapshot again.


class DepthStream:
    """The topic orderbook.<depth>.<symbol>. Its update id rises by one with each frame that has news."""

    def __init__(self, symbol: str, depth: int, scale: Scale, book: MatchingBook, update_id: int) -> None:
        self.topic = f"orderbook.{depth}.{symbol}"
        self._symbol, self._depth, self._scale, self._book = symbol, depth, scale, book
        self._update_id = update_id
        self._bids: dict[int, int] = {}  # What subscribers know: price in ticks -> lots.
        self._asks: dict[int, int] = {}
        self._seq = self._cts_ms = 0  # Of the state subscribers know.
        self._seen = -1  # The book's sequence when last compared.
        self._due_ns = self._said_ns = 0

    def snapshot(self, now: int, seq: int, cts_ms: int, live: bool) -> bytes:
        """Return the frame a new subscriber starts from: the state of the others, or a fresh one."""
        if not live:
            self._bids, self._asks = self._window(1), self._window(-1)
            self._seq = self._seen = seq
            self._cts_ms = cts_ms
            self._update_id += 1
            self._due_ns = self._said_ns = now
        return self._frame("snapshot", now, self._bids.items(), self._asks.items())

    def advance(self, now: int, seq: int, cts_ms: int) -> list[bytes]:
        """Return the frame that is due, if there is news or a silent depth 1 has to repeat itself."""
        if now < self._due_ns:
            return []
        interval_ns = INTERVAL_NS[self._depth]
        self._due_ns = (now // interval_ns + 1) * interval_ns
        bids: list[tuple[int, int]] = []
        asks: list[tuple[int, int]] = []
        if seq != self._seen:
            self._seen = seq
            new_bids, new_asks = self._window(1), self._window(-1)
            bids, asks = _delta(self._bids, new_bids, -1), _delta(self._asks, new_asks, 1)
            self._bids, self._asks = new_bids, new_asks
        if bids or asks:
            self._update_id += 1
            self._seq, self._cts_ms = seq, cts_ms
        elif self._depth > 1 or now - self._said_ns < REPEAT_NS:
            return []
        self._said_ns = now
        if self._depth == 1:
            return [self._frame("snapshot", now, self._bids.items(), self._asks.items())]
        return [self._frame("delta", now, bids, asks)]

    def _window(self, side: int) -> dict[int, int]:
        return dict(self._book.depth(side, self._depth))

    def _frame(self, kind: str, now: int, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> bytes:
        ts = now // MS
        # The venue puts the two keys of depth 1 the other way round.
        head = f'"ts":{ts},"type":"{kind}"' if self._depth == 1 else f'"type":"{kind}","ts":{ts}'
        data = f'"s":"{self._symbol}","b":[{self._levels(bids)}],"a":[{self._levels(asks)}]'
        ids = f'"u":{self._update_id},"seq":{self._seq}'
        return f'{{"topic":"{self.topic}",{head},"data":{{{data},{ids}}},"cts":{self._cts_ms}}}'.encode()

    def _levels(self, levels: Iterable[tuple[int, int]]) -> str:
        price, qty = self._scale.price_text, self._scale.qty_text
        return ",".join([f'["{price(ticks)}","{qty(lots) if lots else 0}"]' for ticks, lots in levels])


def _delta(old: dict[int, int], new: dict[int, int], order: int) -> list[tuple[int, int]]:
    """Return the levels that differ, gone ones with 0 lots; ``order`` is +1 for rising prices, -1 for falling."""
    levels = [(price, lots) for price, lots in new.items() if old.get(price) != lots]
    levels += [(price, 0) for price in old if price not in new]
    levels.sort(key=lambda level: order * level[0])
    return levels
