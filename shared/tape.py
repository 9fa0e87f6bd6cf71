"""What trades and level changes of one symbol say together: who was the aggressor, and what became of each level.

Everything comes from ring records, through `Tape.hear`, each after the book has taken it. Two views of the last
``window_ns`` are kept: orders (all prints of one taker order folded into one), and splits (of the change of one level
between two frames: how much of it was traded, cancelled, added).

A trade belongs to the first book frame whose cross sequence (or, without one, whose matching time) is not before its
own. The topics travel apart, so a trade may come before or after that frame; the split is corrected when it comes.
Both cancelled and added are lower bounds: within one frame a size may come and go unseen.

What can be asked, newest first where it is a scan; ``since_ns`` and ``at_ns`` are our own times of arrival:

    orders                    taker orders: side, key (seq), at_ns, recv_ns, lots, prints, value (ticks x lots), prices
    flow(since_ns)            taker volume and number of orders by aggressor: bought, sold
    splits(side, since_ns)    every level change near the touch: ticks, before, after, traded, cancelled, added
    changes(side, since_ns)   their sums; a frame costs one addition, however many levels changed in it
    moment(at_ns)             what was displayed then: best levels, and the lots on the watched levels a side
    moments(since_ns)         the same after each frame since, oldest first
    forced                    liquidations: side of the forced order, lots, bankruptcy price at 1e-8, at_ns, recv_ns
    forced_flow(since_ns)     their volume and number by side
    touch_of, cumulative      of the book alone, as it is now

A price is a key of level and aggressor group alike: an order that took several ``prices`` is a sweep; a split whose
``added`` answers its ``traded`` is a refill; ``cancelled`` without ``traded`` was pulled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
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
)
from shared.ring import Record
from shared.touch import Touch, cumulative, touch_of

__all__ = [
    "ASK", "BID", "BUY", "SELL", "Changes", "Flow", "Forced", "Moment", "Order", "Split", "Tape", "Touch", "cumulative",
    "touch_of",
]  # fmt: skip

BUY, SELL = 1, -1
BID, ASK = 1, -1  # A side's sign: bids are eaten by sellers, asks by buyers.
ORDERS_MAX = 8_192
FORCED_MAX = 1_024
FRAMES_MAX = 4_096
WAITING_MAX = 4_096
WINDOW_NS = 60_000_000_000
BIDS, ASKS, TRADES, LAST_BIT = int(Kind.BID), int(Kind.ASK), int(Kind.TRADE), LAST << 8


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
    """One level between two frames: ``before`` and ``after`` as displayed, ``traded`` at this price meanwhile.

    ``cancelled`` left without a trade, at least; ``added`` came, at least: fresh size, or a refill of what was traded.
    """

    __slots__ = ("added", "after", "before", "cancelled", "recv_ns", "side", "ticks", "traded")

    def __init__(self, side: int, ticks: int, before: int, after: int, recv_ns: int) -> None:
        self.side, self.ticks, self.before, self.after, self.recv_ns = side, ticks, before, after, recv_ns
        self.traded = 0
        self.cancelled, self.added = (before - after, 0) if before > after else (0, after - before)

    def settle(self) -> None:
        """Take apart again what is displayed and what was traded."""
        left = self.before - self.traded
        self.cancelled, self.added = max(0, left - self.after), max(0, self.after - left)


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


class Forced(NamedTuple):
    """One liquidation. ``side``: the forced order bought or sold."""

    side: int
    lots: int
    bankruptcy_e8: int  # Where the position's margin was gone, not where it traded.
    at_ns: int
    recv_ns: int


class Moment(NamedTuple):
    """What the book displayed after one frame; ``bids_lots`` and ``asks_lots`` lie on the watched levels of a side."""

    recv_ns: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    bids_lots: int
    asks_lots: int


class _Trade(NamedTuple):
    side: int  # Of the book it ate from.
    ticks: int
    lots: int
    seq: int
    at_ns: int


class _Frame:
    """One book frame: its stamps and, by side and price, the splits of the levels near the touch, with their sums."""

    __slots__ = ("cts_ns", "edges", "moment", "recv_ns", "seq", "splits", "sums")

    def __init__(self, seq: int, cts_ns: int, edges: tuple[int, int], moment: Moment) -> None:
        self.seq, self.cts_ns, self.recv_ns, self.edges, self.moment = seq, cts_ns, moment.recv_ns, edges, moment
        self.splits: dict[int, dict[int, Split]] = {BID: {}, ASK: {}}
        self.sums: dict[int, list[int]] = {BID: [0, 0, 0], ASK: [0, 0, 0]}  # Traded, cancelled, added.

    def covers(self, trade: _Trade) -> bool:
        """Whether the trade had happened when this frame was made."""
        return trade.seq <= self.seq if trade.seq else trade.at_ns <= self.cts_ns

    def is_near(self, side: int, ticks: int) -> bool:
        """Whether the price lies among the levels that are watched."""
        return ticks >= self.edges[0] if side == BID else ticks <= self.edges[1]

    def change(self, side: int, ticks: int, before: int, after: int) -> None:
        """Note a level's new size; should it come twice in a frame, the level went from the first to the last."""
        splits, sums = self.splits[side], self.sums[side]
        known = splits.get(ticks)
        if known is not None:
            before = known.before
            sums[1], sums[2] = sums[1] - known.cancelled, sums[2] - known.added
        split = splits[ticks] = Split(side, ticks, before, after, self.recv_ns)
        sums[1], sums[2] = sums[1] + split.cancelled, sums[2] + split.added

    def trade(self, split: Split, lots: int) -> None:
        """Note that so much of a level's change was traded."""
        sums = self.sums[split.side]
        cancelled, added = split.cancelled, split.added
        split.traded += lots
        split.settle()
        sums[0] += lots
        sums[1], sums[2] = sums[1] + split.cancelled - cancelled, sums[2] + split.added - added


class Tape:
    """See the module. ``levels`` a side are watched: beyond them sizes also vanish because the window of the topic
    moves.
    """

    def __init__(self, book: Book, *, levels: int = 10, window_ns: int = WINDOW_NS) -> None:
        self._book, self._levels, self._window_ns = book, levels, window_ns
        self.orders: deque[Order] = deque(maxlen=ORDERS_MAX)
        self.forced: deque[Forced] = deque(maxlen=FORCED_MAX)
        self._frames: deque[_Frame] = deque()
        self._waiting: deque[_Trade] = deque(maxlen=WAITING_MAX)
        self._changes: list[Record] = []
        self._base = self._frame(0, 0, 0, (0, 0))  # What happened up to here cannot be told apart.
        self._edges = self._edges_now()
        self._is_snapshot = False

    # --- feeding ------------------------------------------------------------------------------------------------------

    def join(self, seq: int, cts_ns: int) -> None:
        """Begin with a book as of this sequence and time (a mirror copy, or a snapshot)."""
        self._frames.clear()
        self._changes.clear()
        self._base = self._frame(seq, cts_ns, self._book.recv_ns, (0, 0))
        self._edges = self._edges_now()
        waiting = [trade for trade in self._waiting if not self._base.covers(trade)]
        self._waiting = deque(waiting, WAITING_MAX)

    def hear(self, record: Record) -> None:
        """Take one record of this symbol, after the book took it."""
        word = record[META]
        kind = word & 0xFF
        if kind <= ASKS:
            self._changes.append(record)
        elif kind == TRADES:
            self._trade(record, meta_flags(word))
            return
        elif kind == Kind.SNAPSHOT:
            self._is_snapshot = True
        elif kind == Kind.GAP:
            self._changes.clear()
            self._is_snapshot = False
            self._frames.clear()
            return
        elif kind == Kind.LIQUIDATION:
            self._liquidation(record, meta_flags(word))
            return
        else:
            return
        if word & LAST_BIT:
            self._end_frame(record)

    def _end_frame(self, last: Record) -> None:
        if self._is_snapshot:
            self._is_snapshot = False
            self.join(last[AUX2], last[VENUE_NS])
            return
        before, self._edges = self._edges, self._edges_now()
        lowest, highest = edges = min(before[0], self._edges[0]), max(before[1], self._edges[1])
        frame = self._frame(last[AUX2], last[VENUE_NS], last[RECV_NS], edges)
        for _, word, _, _, ticks, lots, lots_before, _ in self._changes:
            if word & 0xFF == BIDS:
                if ticks >= lowest:
                    frame.change(BID, ticks, lots_before, lots)
            elif ticks <= highest:
                frame.change(ASK, ticks, lots_before, lots)
        self._changes.clear()
        self._frames.append(frame)
        if self._waiting:
            waiting, self._waiting = self._waiting, deque(maxlen=WAITING_MAX)
            for trade in waiting:
                if frame.covers(trade):
                    self._assign(trade, [frame])
                else:
                    self._waiting.append(trade)
        self._forget(last[RECV_NS])

    def _frame(self, seq: int, cts_ns: int, recv_ns: int, edges: tuple[int, int]) -> _Frame:
        bids, asks, levels = self._book.bids, self._book.asks, self._levels
        shown = bids.best, bids.lots_at_best, asks.best, asks.lots_at_best, bids.depth(levels), asks.depth(levels)
        return _Frame(seq, cts_ns, edges, Moment(recv_ns, *shown))

    def _liquidation(self, record: Record, flags: int) -> None:
        side = BUY if flags & TAKER_BUY else SELL
        self.forced.append(Forced(side, record[SIZE_LOTS], record[AUX1], record[VENUE_NS], record[RECV_NS]))
        self._forget(record[RECV_NS])

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
        covering: list[_Frame] = []  # Newest first: the trade belongs to the last of them.
        for frame in reversed(self._frames):
            if not frame.covers(trade):
                break
            covering.append(frame)
        if covering:
            self._assign(trade, covering)
        else:
            self._waiting.append(trade)

    def _assign(self, trade: _Trade, covering: list[_Frame]) -> None:
        """Count the trade in its frame's split; a level that looks unchanged there was refilled."""
        frame, side, ticks = covering[-1], trade.side, trade.ticks
        if not frame.is_near(side, ticks):
            return
        split = frame.splits[side].get(ticks)
        if split is None:
            later = (each.splits[side].get(ticks) for each in covering[-2::-1])
            size = next((each.before for each in later if each is not None), None)
            if size is None:
                size = (self._book.bids if side == BID else self._book.asks).lots_at(ticks)
            split = frame.splits[side][ticks] = Split(side, ticks, size, size, frame.recv_ns)
        frame.trade(split, trade.lots)

    def _forget(self, now: int) -> None:
        """Drop what is older than the window; trades of frames that are gone come too late."""
        oldest_ns = now - self._window_ns
        while self._frames and (self._frames[0].recv_ns < oldest_ns or len(self._frames) > FRAMES_MAX):
            self._base = self._frames.popleft()
        while self.orders and self.orders[0].recv_ns < oldest_ns:
            self.orders.popleft()
        while self.forced and self.forced[0].recv_ns < oldest_ns:
            self.forced.popleft()

    def _edges_now(self) -> tuple[int, int]:
        """Return the worst watched price of each side."""
        return self._book.bids.worst(self._levels), self._book.asks.worst(self._levels)

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

    def forced_flow(self, since_ns: int) -> Flow:
        """Return the volume of liquidations that arrived from ``since_ns`` on, by the forced orders' side."""
        found = [each for each in self.forced if each.recv_ns >= since_ns]
        bought = [each.lots for each in found if each.side == BUY]
        sold = [each.lots for each in found if each.side == SELL]
        return Flow(sum(bought), sum(sold), len(bought), len(sold))

    def splits(self, side: int, since_ns: int) -> list[Split]:
        """Return one side's splits of frames that arrived from ``since_ns`` on, oldest frame first."""
        frames = list(self._since(since_ns))
        return [split for frame in reversed(frames) for split in frame.splits[side].values()]

    def changes(self, side: int, since_ns: int) -> Changes:
        """Return the sums of one side's splits."""
        traded = cancelled = added = 0
        for frame in self._since(since_ns):
            sums = frame.sums[side]
            traded, cancelled, added = traded + sums[0], cancelled + sums[1], added + sums[2]
        return Changes(traded, cancelled, added)

    def moment(self, at_ns: int) -> Moment | None:
        """Return what was displayed at ``at_ns``; None where the tape does not reach back so far."""
        for frame in reversed(self._frames):
            if frame.recv_ns <= at_ns:
                return frame.moment
        return self._base.moment if self._base.recv_ns <= at_ns and self._base.moment.bid_ticks else None

    def moments(self, since_ns: int) -> list[Moment]:
        """Return what was displayed after each frame that arrived from ``since_ns`` on, oldest first."""
        found = [frame.moment for frame in self._since(since_ns)]
        found.reverse()
        return found

    def _since(self, since_ns: int) -> Iterator[_Frame]:
        """Yield frames that arrived from then on, newest first."""
        for frame in reversed(self._frames):
            if frame.recv_ns < since_ns:
                return
            yield frame
