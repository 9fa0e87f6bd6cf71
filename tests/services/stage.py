"""One symbol's market for tests of single signals: show a book and trades, and it is a complete frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.signals.market import Market, Signal
from shared.book import Book
from shared.config import Signals
from shared.layout import TAKER_BUY, Kind, meta
from shared.scale import Scale

Level = tuple[int, int]
Trade = tuple[int, int, bool]  # Ticks, lots, whether the taker bought.


class Stage:
    """A market and the signals that watch it."""

    def __init__(self, *signals: Signal, config: Signals | None = None) -> None:
        self.market = Market(Book(), Scale("0.01", "0.1"), config)
        self.signals = signals

    def show(
        self,
        bids: Sequence[Level] | None = None,
        asks: Sequence[Level] | None = None,
        *,
        at_ns: int = 0,
        trades: Iterable[Trade] = (),
    ) -> None:
        """Let every signal see one frame; without levels the book stands."""
        market, book = self.market, self.market.book
        if bids is not None or asks is not None:
            book.bids.replace(bids or ())
            book.asks.replace(asks or ())
            book.updates += 1
            market.book_ns = at_ns
        for ticks, lots, bought in trades:
            word = meta(Kind.TRADE, TAKER_BUY if bought else 0, 0, 0)
            market.trades.append((0, word, at_ns, at_ns, ticks, lots, 0, 0))
            market.bought_lots += lots * bought
            market.sold_lots += lots * (not bought)
        market.complete(at_ns)
        for signal in self.signals:
            signal.update(market)
        market.trades.clear()
        market.bought_lots = market.sold_lots = 0

    def at(self, mid: int, at_ns: int, trades: Iterable[Trade] = (), *, spread: int = 2, lots: int = 5) -> None:
        """Show a book of one level a side around a mid; a mid of 0: no book."""
        low = mid - spread // 2
        levels = ([(low, lots)], [(low + spread, lots)]) if mid else ([], [])
        self.show(*levels, at_ns=at_ns, trades=trades)
