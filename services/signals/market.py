"""What a signal sees of one symbol when a frame is complete, and the shape every signal has."""

from __future__ import annotations

from typing import Protocol

from services.signals.candles import Candles
from services.signals.maths import Touch
from services.signals.weather import Weather
from shared.book import Book
from shared.config import Signals
from shared.ring import Record
from shared.scale import Scale
from shared.tape import Tape


class Market:
    """One symbol after one frame. Reused from frame to frame: a signal keeps numbers, never this object."""

    __slots__ = (
        "ask_lots",
        "ask_ticks",
        "at_ns",
        "bid_lots",
        "bid_ticks",
        "book",
        "book_ns",
        "bought_lots",
        "candles",
        "mid2",
        "scale",
        "sold_lots",
        "tape",
        "trades",
        "unit_usdt",
        "weather",
    )

    def __init__(self, book: Book, scale: Scale, config: Signals | None = None) -> None:
        self.book, self.scale = book, scale
        self.tape = Tape(book)  # Taker orders, and what became of each level.
        self.weather = Weather(config or Signals())  # Volatility and regime.
        self.candles: Candles | None = None  # Bars, where the strategy wants them.
        self.unit_usdt = float(scale.tick) * float(scale.lot)  # Value of one lot at a price of one tick.
        self.at_ns = 0  # When the frame was received, fleet time. The only time a signal knows.
        self.book_ns = 0  # When the book last changed.
        self.bought_lots = 0  # Taken from the asks in this frame.
        self.sold_lots = 0  # Taken from the bids in this frame.
        self.trades: list[Record] = []  # Of this frame, in order, block trades apart.
        self.bid_ticks = self.bid_lots = self.ask_ticks = self.ask_lots = 0  # The touch; 0 where a side is empty.
        self.mid2 = 0  # Twice the mid in ticks, so an integer; 0 while a side is empty.

    def complete(self, at_ns: int) -> None:
        """Read off the book what every signal wants to know: the frame received at ``at_ns`` is whole."""
        bids, asks = self.book.bids, self.book.asks
        self.at_ns = at_ns
        self.bid_ticks, self.bid_lots = bids.best, bids.lots_at_best
        self.ask_ticks, self.ask_lots = asks.best, asks.lots_at_best
        self.mid2 = self.bid_ticks + self.ask_ticks if self.bid_ticks and self.ask_ticks else 0
        self.weather.fold(at_ns, self.mid2)

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
