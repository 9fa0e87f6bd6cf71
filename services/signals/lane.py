"""One symbol inside the signal engine: its book, rebuilt from ring records, and the signals that watch it."""

from __future__ import annotations

from collections.abc import Callable

from services.signals.market import Market, Signal
from shared.book import Book
from shared.layout import BLOCK, LAST, META, RECV_NS, SEQ, SIZE_LOTS, TAKER_BUY, Kind, meta_flags, meta_kind
from shared.messages import BookCopy
from shared.mirror import BookView
from shared.ring import Record
from shared.scale import Scale


class Lane:
    """Joins with a mirror copy; follows the ring from there. Silent after a gap until the next snapshot."""

    __slots__ = (
        "_make_signals",
        "_scale_id",
        "book",
        "market",
        "said",
        "said_ns",
        "scale",
        "signals",
        "symbol",
        "tradable",
    )

    def __init__(self, copy: BookCopy, make_signals: Callable[[], list[Signal]]) -> None:
        self.symbol, self.scale = copy.symbol, Scale(copy.tick, copy.lot)
        self._make_signals = make_signals
        self.book = Book()
        view = BookView.from_row(copy.data, copy.symbol, self.scale)
        self.book.load(view)
        self._scale_id = view.scale_id
        self.market = Market(self.book)
        self.market.book_ns = view.recv_ns
        self.signals = make_signals()
        self.tradable = False  # In the universe, on this very grid.
        self.said: tuple[int, str] = (0, "")  # Direction and reason of the last decision.
        self.said_ns = 0  # When the last decision that was no entry was said.

    @property
    def ready(self) -> bool:
        """Whether the book is whole, two-sided and on the grid it was joined on."""
        book = self.book
        return book.valid and book.scale_id == self._scale_id and book.mid2 > 0 and not book.crossed

    def hear(self, record: Record) -> bool:
        """Take one ring record; True when it completes a frame that changed the book, which then is worth judging."""
        if record[SEQ] < self.book.ring_seq:
            return False
        word, market = record[META], self.market
        kind, flags = meta_kind(word), meta_flags(word)
        if kind == Kind.TRADE and not flags & BLOCK:
            if flags & TAKER_BUY:
                market.bought_lots += record[SIZE_LOTS]
            else:
                market.sold_lots += record[SIZE_LOTS]
        elif kind == Kind.GAP:
            self.signals = self._make_signals()  # What they had seen no longer leads to what comes next.
        changed = self.book.on_record(record)
        if not flags & LAST:
            return False
        return self._complete(record[RECV_NS], changed)

    def _complete(self, at_ns: int, changed: bool) -> bool:
        market = self.market
        ready = self.ready
        if changed:
            market.book_ns = at_ns
        if ready and (changed or market.bought_lots or market.sold_lots):
            market.at_ns = at_ns
            for signal in self.signals:
                signal.update(market)
        market.bought_lots = market.sold_lots = 0
        return ready and changed
