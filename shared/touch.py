"""What stands at the touch of a book, and behind it, as it is now."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from shared.book import Book
from shared.side import Side


class Touch(NamedTuple):
    """What a micro-price is made of: the best levels and the share of the bid in what stands there."""

    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int

    @property
    def queue_imbalance(self) -> float:
        """The bid's share of the size at the touch, 0..1; a half when there is none."""
        total = self.bid_lots + self.ask_lots
        return self.bid_lots / total if total > 0 else 0.5

    @property
    def weighted_mid_ticks(self) -> float:
        """The mid drawn towards the side that is about to give way."""
        spread = self.ask_ticks - self.bid_ticks
        return (self.bid_ticks + self.ask_ticks) / 2 + spread * (self.queue_imbalance - 0.5)


def touch_of(book: Book) -> Touch:
    """Return the best levels; zeros for a side that is empty."""
    bids, asks = book.bids, book.asks
    return Touch(bids.best, bids.lots_at_best, asks.best, asks.lots_at_best)


def cumulative(side: Side, levels: int) -> list[int]:
    """Return the lots on the best 1, 2, .. ``levels`` levels: as many entries as there are levels."""
    return list(accumulate(lots for _, lots in side.levels(levels)))
