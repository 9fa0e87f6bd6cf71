"""What a signal sees of one symbol when a frame is complete, and the shape every signal has."""

from __future__ import annotations

from typing import Protocol

from services.signals.maths import Touch
from shared.book import Book


class Market:
    """One symbol after one frame. Reused from frame to frame: a signal keeps numbers, never this object."""

    __slots__ = ("at_ns", "book", "book_ns", "bought_lots", "sold_lots")

    def __init__(self, book: Book) -> None:
        self.book = book
        self.at_ns = 0  # When the frame was received, fleet time. The only time a signal knows.
        self.book_ns = 0  # When the book last changed.
        self.bought_lots = 0  # Taken from the asks in this frame.
        self.sold_lots = 0  # Taken from the bids in this frame.

    @property
    def touch(self) -> Touch | None:
        """The best levels in ticks and lots; None while a side is empty."""
        bids, asks = self.book.bids, self.book.asks
        if not bids.best or not asks.best:
            return None
        return Touch(bids.best, bids.lots_at_best, asks.best, asks.lots_at_best)


class Signal(Protocol):
    """One opinion. A file `signals/<name>.py` holds one class of this shape and ends in ``build``; the weight of
    that name in the configuration switches it on.
    """

    score: float
    """-1 (sell) .. 1 (buy); always finite; 0 when there is nothing to say."""

    fresh_until_ns: int
    """From this time on, on the records' clock, the score says nothing any more."""

    def update(self, market: Market) -> None:
        """Take in one complete frame."""
