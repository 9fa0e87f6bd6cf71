"""What execution sees of a book: the touch, what lies there and near it, and what traded where our orders rest."""

from __future__ import annotations

import numpy as np

from services.execution.wire import Quote
from shared.clock import NS_PER_S
from shared.layout import (
    BLOCK,
    EVENT_WORDS,
    META,
    PRICE_TICKS,
    RPI,
    SIZE_LOTS,
    VALID,
    Kind,
    Row,
    meta_flags,
    meta_symbol,
)
from shared.mirror import BookView
from shared.offset import Offset
from shared.ring import LappedError, RingReader

NEAR_LEVELS = 5  # A side, in the depth by which a book counts as liquid.
IDLE_NS = NS_PER_S  # A price that nobody asked about for so long is not counted any more.
KIND_BITS = 0xFF
_RECV_NS, _CTS_NS, _RING_SEQ = int(Row.RECV_NS), int(Row.CTS_NS), int(Row.RING_SEQ)
_GENERATION, _FLAGS = int(Row.GENERATION), int(Row.FLAGS)


class _Watched:
    __slots__ = ("asked_ns", "price_ticks", "symbol_id", "traded_lots")

    def __init__(self, symbol_id: int, price_ticks: int) -> None:
        self.symbol_id, self.price_ticks = symbol_id, price_ticks
        self.traded_lots = self.asked_ns = 0


class Flow:
    """Counts from the ring what has traded at the prices of orders that rest, since each was first asked about.

    A reader that is overtaken has missed trades, and then shows a longer queue than there is.
    """

    def __init__(self) -> None:
        self._watched: dict[str, _Watched] = {}
        self._ring: RingReader | None = None

    def traded_lots(self, ring: RingReader | None, view: BookView, price_ticks: int, now: int) -> int:
        """Return the running total at one price of ``view``'s symbol."""
        watched, symbol = self._watched, view.symbol
        for idle in [name for name, one in watched.items() if now - one.asked_ns > IDLE_NS]:
            del watched[idle]
        if ring is None:
            return 0
        if ring is not self._ring or not watched:
            watched.clear()
            self._ring, ring.cursor = ring, ring.head
        self._count(ring)
        one = watched.get(symbol)
        if one is None or (one.symbol_id, one.price_ticks) != (view.symbol_id, price_ticks):
            one = watched[symbol] = _Watched(view.symbol_id, price_ticks)
        one.asked_ns = now
        return one.traded_lots

    def _count(self, ring: RingReader) -> None:
        try:
            while data := ring.take():
                records = np.frombuffer(data, np.int64).reshape(-1, EVENT_WORDS)
                for record in records[(records[:, META] & KIND_BITS) == Kind.TRADE].tolist():
                    self._take(record)
        except LappedError:
            ring.cursor = ring.head

    def _take(self, record: list[int]) -> None:
        symbol_id, hidden = meta_symbol(record[META]), meta_flags(record[META]) & (BLOCK | RPI)
        for one in self._watched.values():
            if not hidden and (symbol_id, record[PRICE_TICKS]) == (one.symbol_id, one.price_ticks):
                one.traded_lots += record[SIZE_LOTS]


def quote_of(symbol: str, view: BookView, clock: Offset | None, traded_lots: int = 0) -> Quote:
    """Return one symbol's quote from the mirror's newest book. ``clock``: the venue's against ours, None: unknown."""
    head = view.head()
    bid_ticks, bid_lots, ask_ticks, ask_lots = view.near(NEAR_LEVELS)
    offset_ns, uncertainty_ns, at_ns = clock or (0, 0, 0)
    return Quote(
        symbol,
        bid_ticks[0] if bid_ticks else 0,
        ask_ticks[0] if ask_ticks else 0,
        head[_RECV_NS],
        head[_FLAGS] & VALID != 0,
        head[_GENERATION],
        head[_RING_SEQ],
        head[_CTS_NS],
        offset_ns,
        uncertainty_ns,
        at_ns,
        best_bid_lots=bid_lots[0] if bid_lots else 0,
        best_ask_lots=ask_lots[0] if ask_lots else 0,
        bid_depth_lots=sum(bid_lots),
        ask_depth_lots=sum(ask_lots),
        traded_lots=traded_lots,
        tick=view.scale.tick,
    )
