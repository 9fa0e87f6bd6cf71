"""What trades and level changes of one symbol say together: who was the aggressor, and what became of each level.

Everything comes from ring records, through `Tape.hear`, each after the book has taken it. Two views of the last
``window_ns`` are kept: orders (all prints of one taker order folded into one), and splits (of the change of one level
between two frames: how much of it was traded, cancelled, added).

A trade belongs to the first book frame whose cross sequence (or, without one, whose matching time) is not before its
own. The topics travel apart, so a trade may come before or after that frame; the split is corrected when it comes.
Both cancelled and added are lower bounds: within one frame a size may come and go unseen.
"""

from __future__ import annotations

from collections import deque
from itertools import accumulate
from typing import NamedTuple

from shared.book import Book
from shared.layout import (
    AUX1,
    AUX2,
    BLOCK,
    LAST,
    META,
    PRICE_TICKS,
    RECV_NS,
    RPI,
    SIZE_LOTS,
    TAKER_BUY,
    VENUE_NS,
    Kind,
    meta_flags,
    meta_kind,
)
from shared.ring import Record
from shared.side import Side

BUY, SELL = 1, -1
BID, ASK = 1, -1  # A side's sign: bids are eaten by sellers, asks by buyers.
ORDERS_MAX = 8_192
FRAMES_MAX = 4_096
WAITING_MAX = 4_096
WINDOW_NS = 60_000_000_000


class Order:
    """One taker order: the prints that share its cross sequence and side (without one: its matching time and side)."""

    __slots__ = ("at_ns", "key", "lots", "prices", "prints", "recv_ns", "side", "value")

    def __init__(self, side: int, key: int, at_ns: int, recv_ns: int) -> None:
        self.side, self.key = side, key
        self.at_ns, self.recv_ns = at_ns, recv_ns  # When it was matched; when its first print arrived.
        self.lots = self.prints = self.value = 0  # ``value`` is the sum of ticks x lots.
        self.prices: set[int] = set()

    def add(self, ticks: int, lots: int) -> None:
        """Take in one print."""
        self.lots += lots
        self.value += ticks * lots
        self.prints += 1
        self.prices.add(ticks)


class Split:
    """One level between two frames: ``before`` and ``after`` as displayed, ``traded`` at this price meanwhile."""

    __slots__ = ("after", "before", "recv_ns", "side", "ticks", "traded")

    def __init__(self, side: int, ticks: int, before: int, after: int, recv_ns: int) -> None:
        self.side, self.ticks, self.before, self.after, self.recv_ns = side, ticks, before, after, recv_ns
        self.traded = 0

    @property
    def cancelled(self) -> int:
        """Lots that left without a trade, at least."""
        return max(0, self.before - self.traded - self.after)

    @property
    def added(self) -> int:
        """Lots that came, at least: fresh ones, or a refill of what was traded."""
        return max(0, self.after - (self.before - self.traded))


class Flow(NamedTuple):
    """Taker volume of some time, by aggressor."""

    bought_lots: int
    sold_lots: int
    buy_orders: int
    sell_orders: int


class Changes(NamedTuple):
    """What became of one side's levels in some time, in lots."""

    traded: int
    cancelled: int
    added: int


class _Trade(NamedTuple):
    side: int  # Of the book it ate from.
    ticks: int
    lots: int
    seq: int
    at_ns: int


class _Frame:
    """One book frame: its stamps and, by (side, price), the splits of the levels near the touch."""

    __slots__ = ("cts_ns", "edges", "recv_ns", "seq", "splits")

    def __init__(self, seq: int, cts_ns: int, recv_ns: int, edges: tuple[int, int]) -> None:
        self.seq, self.cts_ns, self.recv_ns, self.edges = seq, cts_ns, recv_ns, edges
        self.splits: dict[tuple[int, int], Split] = {}

    def covers(self, trade: _Trade) -> bool:
        """Whether the trade had happened when this frame was made."""
        return trade.seq <= self.seq if trade.seq else trade.at_ns <= self.cts_ns

    def is_near(self, side: int, ticks: int) -> bool:
        """Whether the price lies among the levels that are watched."""
        return ticks >= self.edges[0] if side == BID else ticks <= self.edges[1]


class Tape:
    """See the module. ``levels`` a side are watched: beyond them sizes also vanish because the window of the topic
    moves.
    """

    def __init__(self, book: Book, *, levels: int = 10, window_ns: int = WINDOW_NS) -> None:
        self._book, self._levels, self._window_ns = book, levels, window_ns
        self.orders: deque[Order] = deque(maxlen=ORDERS_MAX)
        self._frames: deque[_Frame] = deque()
        self._waiting: deque[_Trade] = deque(maxlen=WAITING_MAX)
        self._changes: list[Record] = []
        self._base = _Frame(0, 0, 0, (0, 0))  # What happened up to here cannot be told apart.
        self._edges = self._edges_now()
        self._is_snapshot = False

    # --- feeding ------------------------------------------------------------------------------------------------------

    def join(self, seq: int, cts_ns: int) -> None:
        """Begin with a book as of this sequence and time (a mirror copy, or a snapshot)."""
        self._frames.clear()
        self._changes.clear()
        self._base = _Frame(seq, cts_ns, 0, (0, 0))
        self._edges = self._edges_now()
        waiting = [trade for trade in self._waiting if not self._base.covers(trade)]
        self._waiting = deque(waiting, WAITING_MAX)

    def hear(self, record: Record) -> None:
        """Take one record of this symbol, after the book took it."""
        word = record[META]
        kind = meta_kind(word)
        if kind <= Kind.ASK:
            self._changes.append(record)
        elif kind == Kind.TRADE:
            self._trade(record, meta_flags(word))
            return
        elif kind == Kind.SNAPSHOT:
            self._is_snapshot = True
        elif kind == Kind.GAP:
            self._changes.clear()
            self._is_snapshot = False
            self._frames.clear()
            return
        else:
            return
        if meta_flags(word) & LAST:
            self._end_frame(record)

    def _end_frame(self, last: Record) -> None:
        if self._is_snapshot:
            self._is_snapshot = False
            self.join(last[AUX2], last[VENUE_NS])
            return
        before, self._edges = self._edges, self._edges_now()
        edges = min(before[0], self._edges[0]), max(before[1], self._edges[1])
        frame = _Frame(last[AUX2], last[VENUE_NS], last[RECV_NS], edges)
        for record in self._changes:
            side = BID if meta_kind(record[META]) == Kind.BID else ASK
            ticks = record[PRICE_TICKS]
            if frame.is_near(side, ticks):
                split = Split(side, ticks, record[AUX1], record[SIZE_LOTS], last[RECV_NS])
                frame.splits[side, ticks] = split
        self._changes.clear()
        self._frames.append(frame)
        waiting, self._waiting = self._waiting, deque(maxlen=WAITING_MAX)
        for trade in waiting:
            if frame.covers(trade):
                self._assign(trade, len(self._frames) - 1)
            else:
                self._waiting.append(trade)
        self._forget(last[RECV_NS])

    def _trade(self, record: Record, flags: int) -> None:
        if flags & BLOCK:
            return
        taker = BUY if flags & TAKER_BUY else SELL
        ticks, lots, seq, at_ns = record[PRICE_TICKS], record[SIZE_LOTS], record[AUX1], record[VENUE_NS]
        key = seq or at_ns
        order = self.orders[-1] if self.orders else None
        if order is None or (order.key, order.side) != (key, taker):
            order = Order(taker, key, at_ns, record[RECV_NS])
            self.orders.append(order)
        order.add(ticks, lots)
        self._forget(record[RECV_NS])
        trade = _Trade(-taker, ticks, lots, seq, at_ns)
        if flags & RPI or self._base.covers(trade):
            return  # The book never showed that size, or nobody knows which of its changes this was.
        owner = next((number for number, frame in enumerate(self._frames) if frame.covers(trade)), None)
        if owner is None:
            self._waiting.append(trade)
        else:
            self._assign(trade, owner)

    def _assign(self, trade: _Trade, owner: int) -> None:
        """Count the trade in its frame's split; a level that looks unchanged there was refilled."""
        frame, key = self._frames[owner], (trade.side, trade.ticks)
        if not frame.is_near(*key):
            return
        split = frame.splits.get(key)
        if split is None:
            later = (self._frames[number].splits.get(key) for number in range(owner + 1, len(self._frames)))
            size = next((each.before for each in later if each is not None), None)
            if size is None:
                size = (self._book.bids if trade.side == BID else self._book.asks).lots_at(trade.ticks)
            split = frame.splits[key] = Split(*key, size, size, frame.recv_ns)
        split.traded += trade.lots

    def _forget(self, now: int) -> None:
        """Drop what is older than the window; trades of frames that are gone come too late."""
        oldest_ns = now - self._window_ns
        while self._frames and (self._frames[0].recv_ns < oldest_ns or len(self._frames) > FRAMES_MAX):
            self._base = self._frames.popleft()
        while self.orders and self.orders[0].recv_ns < oldest_ns:
            self.orders.popleft()

    def _edges_now(self) -> tuple[int, int]:
        """Return the worst watched price of each side."""
        bids, asks = self._book.bids.levels(self._levels), self._book.asks.levels(self._levels)
        return (bids[-1][0] if bids else 0), (asks[-1][0] if asks else 0)

    # --- asking -------------------------------------------------------------------------------------------------------

    def flow(self, since_ns: int) -> Flow:
        """Return the taker volume of orders that arrived from ``since_ns`` on."""
        bought = sold = buys = sells = 0
        for order in reversed(self.orders):
            if order.recv_ns < since_ns:
                break
            if order.side == BUY:
                bought, buys = bought + order.lots, buys + 1
            else:
                sold, sells = sold + order.lots, sells + 1
        return Flow(bought, sold, buys, sells)

    def splits(self, side: int, since_ns: int) -> list[Split]:
        """Return one side's splits of frames that arrived from ``since_ns`` on, oldest first."""
        found: list[Split] = []
        for frame in reversed(self._frames):
            if frame.recv_ns < since_ns:
                break
            found += [split for split in frame.splits.values() if split.side == side]
        found.reverse()
        return found

    def changes(self, side: int, since_ns: int) -> Changes:
        """Return the sums of one side's splits."""
        splits = self.splits(side, since_ns)
        return Changes(
            sum(split.traded for split in splits),
            sum(split.cancelled for split in splits),
            sum(split.added for split in splits),
        )


# --- of the book alone ------------------------------------------------------------------------------------------------


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
