"""One symbol inside the signal engine: its book, rebuilt from ring records, and the strategy that watches it."""

from __future__ import annotations

from collections.abc import Callable

from services.signals.candles import Candles
from services.signals.market import Market
from services.signals.markouts import Course
from services.signals.reach import Reach
from services.signals.strategy import Strategy
from shared.book import Book
from shared.clock import NS_PER_MS
from shared.config import Signals
from shared.layout import (
    BLOCK,
    LAST,
    META,
    PRICE_TICKS,
    RECV_NS,
    SEQ,
    SIZE_LOTS,
    TAKER_BUY,
    VENUE_NS,
    Kind,
    Row,
    meta_flags,
    meta_kind,
)
from shared.messages import BookCopy
from shared.mirror import BookView
from shared.ring import Record
from shared.scale import Scale

_TRADE, _SNAPSHOT, _GAP = map(int, (Kind.TRADE, Kind.SNAPSHOT, Kind.GAP))


class Lane:
    """Joins with a mirror copy; follows the ring from there. Silent after a gap until the next snapshot."""

    __slots__ = (
        "_joined_ms",
        "_make_strategy",
        "_scale_id",
        "book",
        "course",
        "market",
        "reach",
        "said",
        "said_ns",
        "scale",
        "strategy",
        "symbol",
        "tradable",
    )

    def __init__(self, copy: BookCopy, make_strategy: Callable[[str], Strategy], config: Signals | None = None) -> None:
        self.symbol, self.scale = copy.symbol, Scale(copy.tick, copy.lot)
        self._make_strategy = make_strategy
        self.book = Book()
        view = BookView.from_row(copy.data, copy.symbol, self.scale)
        self.book.load(view)
        self._scale_id = view.scale_id
        self._joined_ms = view.word(Row.CTS_NS) // NS_PER_MS
        self.market = Market(self.book, self.scale, config)
        self.market.book_ns = view.recv_ns
        self.market.tape.join(view.word(Row.SEQ), view.word(Row.CTS_NS))
        self.strategy = make_strategy(self.symbol)
        self.reach: Reach | None = None  # Measures the range of its bars, where stops are placed by that.
        self.tradable = False  # In the universe, on this very grid.
        self.course: Course | None = None  # Follows the mid for the markouts, once somebody wants them.
        self.said: tuple[int, str, str] = (0, "", "")  # Direction, reason and stance of the last decision.
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
        if kind == _TRADE and not flags & BLOCK:
            market.trades.append(record)
            if flags & TAKER_BUY:
                market.bought_lots += record[SIZE_LOTS]
            else:
                market.sold_lots += record[SIZE_LOTS]
        elif kind == _GAP:
            self._lose(record[RECV_NS])
        elif kind == _SNAPSHOT and market.candles is not None:
            market.candles.join(record[VENUE_NS] // NS_PER_MS)
        changed = self.book.on_record(record)
        market.tape.hear(record)
        if not flags & LAST:
            return False
        if market.candles is not None:
            self._tell(market.candles, record[VENUE_NS])
        return self._complete(record[RECV_NS], changed)

    def _lose(self, at_ns: int) -> None:
        """Forget whatever no longer leads to what comes next."""
        self.strategy, market = self._make_strategy(self.symbol), self.market
        market.weather.interrupt()
        if self.reach is not None:
            self.reach.interrupt()
        if self.course is not None:
            self.course.lose(at_ns)
        if market.candles is not None:
            market.candles.lose()

    def follow(self, candles: Candles) -> None:
        """Feed these bars from here on; what was traded meanwhile was not heard."""
        self.market.candles = candles
        candles.lose()
        if self.book.valid:
            candles.join(self._joined_ms)

    def _tell(self, candles: Candles, venue_ns: int) -> None:
        """Let the bars have the frame's trades, and what time it is at the venue."""
        for record in self.market.trades:
            taker = 1 if meta_flags(record[META]) & TAKER_BUY else -1
            candles.trade(record[VENUE_NS] // NS_PER_MS, record[PRICE_TICKS], record[SIZE_LOTS], taker)
        candles.clock(venue_ns // NS_PER_MS)

    def _complete(self, at_ns: int, changed: bool) -> bool:
        market = self.market
        ready = self.ready
        if changed:
            market.book_ns = at_ns
        if ready and (changed or market.bought_lots or market.sold_lots):
            market.complete(at_ns)
            if changed and self.reach is not None:
                self.reach.see(at_ns, self.book.mid2)
            self.strategy.update(market)
            if changed and self.course is not None:
                self.course.see(at_ns, market.mid2)
        if market.trades:
            market.bought_lots = market.sold_lots = 0
            market.trades.clear()
        return ready and changed
