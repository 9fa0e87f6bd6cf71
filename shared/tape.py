"""What trades and level changes of one symbol say together: who was the aggressor, and what became of each level.

Everything comes from ring records, through `Tape.hear`, each after the book has taken it. Takers: all prints of one
order folded into one. Splits: of the change of one level between two frames, how much of it was traded,
cancelled, added. After the last record of a frame ``fresh_orders``, ``fresh_splits``, ``bids`` and ``asks`` say what is
new in it; they are gone with the next record.

A trade belongs to the first book frame whose cross sequence (or, without one, whose matching time) is not before its
own. The topics travel apart, so a trade may come before or after that frame; what was said of the split is corrected
when it comes. Both cancelled and added are lower bounds: within one frame a size may come and go unseen.

What can be asked; ``since_ns`` is our own time of arrival:

    takers.orders             taker orders: side, key (seq), at_ns, recv_ns, lots, prints, value (ticks x lots), prices
    takers.flow(since_ns)     taker volume and number of orders by aggressor: bought, sold
    fresh_orders              those that this frame began or made larger
    fresh_splits              levels of which this frame told that they traded: before, after, traded, cancelled, added
    bids, asks                what this frame changed near the touch: traded, cancelled, added, and added further out
    splits(side, since_ns)    every level change near the touch, of the last second at most
    changes(side, since_ns)   their sums
    forced                    liquidations: side of the forced order, lots, bankruptcy price at 1e-8, at_ns, recv_ns
    forced_flow(since_ns)     their volume and number by side
"""

from __future__ import annotations

from collections import deque
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
from shared.side import NOWHERE
from shared.takers import BUY, SELL, WINDOW_NS, Flow, Order, Takers

BID, ASK = 1, -1  # A side's sign: bids are eaten by sellers, asks by buyers.
NEAR_LEVELS = 5
FRAMES_MAX = 256
FORCED_MAX = 1_024
WAITING_MAX = 4_096
LATE_NS = 1_000_000_000  # A trade that comes so long after its frame finds it no more.
_BID, _ASK, _TRADE, _SNAPSHOT, _GAP, _LIQUIDATION = map(
    int, (Kind.BID, Kind.ASK, Kind.TRADE, Kind.SNAPSHOT, Kind.GAP, Kind.LIQUIDATION)
)


class Split:
    """One level between two frames: ``before`` and ``after`` as displayed, ``traded`` at this price meanwhile."""

    __slots__ = ("after", "before", "recv_ns", "side", "ticks", "told", "traded")

    def __init__(self, side: int, ticks: int, before: int, after: int, recv_ns: int) -> None:
        self.side, self.ticks, self.before, self.after, self.recv_ns = side, ticks, before, after, recv_ns
        self.traded = 0
        self.told = 0  # How much of that was known at the end of earlier frames.

    @property
    def cancelled(self) -> int:
        """Lots that left without a trade, at least."""
        return max(0, self.before - self.traded - self.after)

    @property
    def added(self) -> int:
        """Lots that came, at least: fresh ones, or a refill of what was traded."""
        return max(0, self.after - (self.before - self.traded))


class News:
    """What is new of one side, in lots; below zero where a late trade corrects what was said before."""

    __slots__ = ("added", "behind", "cancelled", "stirred", "traded")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing is new."""
        self.stirred = False  # Whether anything is.
        self.traded = self.cancelled = self.added = 0  # On the levels near the touch.
        self.behind = 0  # Added further out, on levels that were and are in the window of the topic.


class Changes(NamedTuple):
    """What became of one side's near levels in some time, in lots."""

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


class _Trade:
    """One print. ``side`` is that of the book it ate from."""

    __slots__ = ("at_ns", "lots", "seq", "side", "ticks")

    def __init__(self, side: int, ticks: int, lots: int, seq: int, at_ns: int) -> None:
        self.side, self.ticks, self.lots, self.seq, self.at_ns = side, ticks, lots, seq, at_ns


class _Frame:
    """One book frame: its stamps, what it changed, and by side x price the splits of those levels that traded."""

    __slots__ = ("ask_near", "asks", "bid_near", "bids", "cts_ns", "recv_ns", "seq", "splits")

    def __init__(self, seq: int, cts_ns: int, recv_ns: int, bids: list[Record], asks: list[Record]) -> None:
        self.seq, self.cts_ns, self.recv_ns = seq, cts_ns, recv_ns
        self.bids, self.asks = bids, asks
        self.bid_near = self.ask_near = NOWHERE  # How far the near levels reach, as of Side.
        self.splits: dict[int, Split] = {}

    def covers(self, trade: _Trade) -> bool:
        """Whether the trade had happened when this frame was made."""
        return trade.seq <= self.seq if trade.seq else trade.at_ns <= self.cts_ns

    def is_near(self, side: int, ticks: int) -> bool:
        """Whether the price was among the best levels before the frame or is after it."""
        return -ticks <= self.bid_near if side == BID else ticks <= self.ask_near

    def change(self, side: int, ticks: int) -> Record | None:
        """Return what the frame said of one level."""
        for record in self.bids if side == BID else self.asks:
            if record[PRICE_TICKS] == ticks:
                return record
        return None

    def levels(self, side: int) -> list[Split]:
        """Return the splits of the near levels of one side."""
        found = {split.ticks: split for split in self.splits.values() if split.side == side}
        for record in self.bids if side == BID else self.asks:
            ticks = record[PRICE_TICKS]
            if ticks not in found and self.is_near(side, ticks):
                found[ticks] = Split(side, ticks, record[AUX1], record[SIZE_LOTS], self.recv_ns)
        return list(found.values())


class Tape:
    """See the module. ``levels`` a side are near: there each change is taken apart."""

    def __init__(self, book: Book, *, levels: int = NEAR_LEVELS, window_ns: int = WINDOW_NS) -> None:
        self._book, self._levels, self._late_ns = book, levels, min(LATE_NS, window_ns)
        self.takers = Takers(window_ns)
        self.forced: deque[Forced] = deque(maxlen=FORCED_MAX)
        self.fresh_orders: list[Order] = []  # New in this frame, or grown.
        self.fresh_splits: list[Split] = []  # Of which this frame told that they traded.
        self.bids, self.asks = News(), News()
        self.joins = 0  # How often the book began anew.
        self._frames: deque[_Frame] = deque()
        self._waiting: deque[_Trade] = deque(maxlen=WAITING_MAX)
        self._new_bids: list[Record] = []
        self._new_asks: list[Record] = []
        self._base = _Frame(0, 0, 0, [], [])  # What happened up to here cannot be told apart.
        self._is_snapshot = self._is_over = False
        self._bid_near = self._ask_near = self._bid_end = self._ask_end = NOWHERE  # As of Side, after the last frame.
        self._look()

    # --- feeding ------------------------------------------------------------------------------------------------------

    def join(self, seq: int, cts_ns: int) -> None:
        """Begin with a book as of this sequence and time (a mirror copy, or a snapshot)."""
        self.joins += 1
        self._frames.clear()
        self._new_bids, self._new_asks = [], []
        self._base = _Frame(seq, cts_ns, 0, [], [])
        self._look()
        waiting = [trade for trade in self._waiting if not self._base.covers(trade)]
        self._waiting = deque(waiting, WAITING_MAX)

    def hear(self, record: Record) -> None:
        """Take one record of this symbol, after the book took it."""
        if self._is_over:
            self._begin_frame()
        word = record[META]
        kind, flags = meta_kind(word), meta_flags(word)
        if flags & LAST:
            self._is_over = True
        if kind == _BID:
            self._new_bids.append(record)
        elif kind == _ASK:
            self._new_asks.append(record)
        elif kind == _TRADE:
            self._trade(record, flags)
            return
        elif kind == _SNAPSHOT:
            self._is_snapshot = True
        elif kind == _GAP:
            self._new_bids, self._new_asks = [], []
            self._is_snapshot = False
            self._frames.clear()
            return
        elif kind == _LIQUIDATION:
            self._liquidation(record, flags)
            return
        else:
            return
        if flags & LAST:
            self._end_frame(record)

    def _begin_frame(self) -> None:
        """Forget what was new in the frame before."""
        self._is_over = False
        if self.fresh_orders:
            self.fresh_orders = []
        if self.bids.stirred:
            self.bids.clear()
        if self.asks.stirred:
            self.asks.clear()
        if self.fresh_splits:
            for split in self.fresh_splits:
                split.told = split.traded
            self.fresh_splits = []

    def _end_frame(self, last: Record) -> None:
        if self._is_snapshot:
            self._is_snapshot = False
            self.join(last[AUX2], last[VENUE_NS])
            return
        bids, asks, now = self._new_bids, self._new_asks, last[RECV_NS]
        self._new_bids, self._new_asks = [], []
        frame = _Frame(last[AUX2], last[VENUE_NS], now, bids, asks)
        near, end = self._bid_near, self._bid_end
        if bids:
            side = self._book.bids
            self._bid_near, self._bid_end = side.reach(self._levels), side.end
            near, end = max(near, self._bid_near), min(end, self._bid_end)
            self._read(bids, -1, near, end, self.bids)
        frame.bid_near = near
        near, end = self._ask_near, self._ask_end
        if asks:
            side = self._book.asks
            self._ask_near, self._ask_end = side.reach(self._levels), side.end
            near, end = max(near, self._ask_near), min(end, self._ask_end)
            self._read(asks, 1, near, end, self.asks)
        frame.ask_near = near
        frames = self._frames
        frames.append(frame)
        if self._waiting:
            self._settle()
        oldest = frames[0]
        if not 0 <= now - oldest.recv_ns <= self._late_ns or len(frames) > FRAMES_MAX:
            self._forget_frames(now)

    def _read(self, changes: list[Record], sign: int, near: int, end: int, news: News) -> None:
        """Add up what a frame says of one side; ``sign`` x ticks rises away from the touch."""
        for record in changes:
            lots, key = record[SIZE_LOTS] - record[AUX1], sign * record[PRICE_TICKS]
            if lots > 0:
                if key <= near:
                    news.added += lots
                elif key <= end:
                    news.behind += lots
                else:
                    continue
                news.stirred = True
            elif lots < 0 and key <= near:
                news.cancelled -= lots
                news.stirred = True

    def _settle(self) -> None:
        """Give the newest frame the trades that have waited for it."""
        frame, owner = self._frames[-1], len(self._frames) - 1
        waiting, self._waiting = self._waiting, deque(maxlen=WAITING_MAX)
        for trade in waiting:
            if frame.covers(trade):
                self._assign(trade, owner)
            else:
                self._waiting.append(trade)

    def _liquidation(self, record: Record, flags: int) -> None:
        side = BUY if flags & TAKER_BUY else SELL
        self.forced.append(Forced(side, record[SIZE_LOTS], record[AUX1], record[VENUE_NS], record[RECV_NS]))

    def _trade(self, record: Record, flags: int) -> None:
        if flags & BLOCK:
            return
        taker = BUY if flags & TAKER_BUY else SELL
        ticks, lots, seq, at_ns = record[PRICE_TICKS], record[SIZE_LOTS], record[AUX1], record[VENUE_NS]
        order = self.takers.fold(taker, seq or at_ns, at_ns, record[RECV_NS], ticks, lots)
        if not self.fresh_orders or self.fresh_orders[-1] is not order:
            self.fresh_orders.append(order)
        trade = _Trade(-taker, ticks, lots, seq, at_ns)
        if flags & RPI or self._base.covers(trade):
            return  # The book never showed that size, or nobody knows which of its changes this was.
        frames = self._frames
        owner = len(frames)
        while owner and frames[owner - 1].covers(trade):
            owner -= 1
        if owner == len(frames):
            self._waiting.append(trade)
        else:
            self._assign(trade, owner)

    def _assign(self, trade: _Trade, owner: int) -> None:
        """Count the trade in its frame's split; a level that looks unchanged there was refilled."""
        frame, side, ticks, lots = self._frames[owner], trade.side, trade.ticks, trade.lots
        if not frame.is_near(side, ticks):
            return
        split = frame.splits.get(side * ticks)
        if split is None:
            split = frame.splits[side * ticks] = self._split(side, ticks, owner)
        if split.traded == split.told:
            self.fresh_splits.append(split)
        news = self.bids if side == BID else self.asks
        cancelled, added = split.cancelled, split.added
        split.traded += lots
        news.traded += lots
        news.cancelled += split.cancelled - cancelled
        news.added += split.added - added
        news.stirred = True

    def _split(self, side: int, ticks: int, owner: int) -> Split:
        """Return what a frame, or its silence, said of a level."""
        frame = self._frames[owner]
        record = frame.change(side, ticks)
        if record is not None:
            return Split(side, ticks, record[AUX1], record[SIZE_LOTS], frame.recv_ns)
        for number in range(owner + 1, len(self._frames)):
            record = self._frames[number].change(side, ticks)
            if record is not None:
                return Split(side, ticks, record[AUX1], record[AUX1], frame.recv_ns)
        size = (self._book.bids if side == BID else self._book.asks).lots_at(ticks)
        return Split(side, ticks, size, size, frame.recv_ns)

    def _forget_frames(self, now: int) -> None:
        """Drop frames that are old (or, when the clock went back, to come); trades of theirs come too late."""
        frames = self._frames
        oldest = frames[0]
        while not -LATE_NS <= now - oldest.recv_ns <= self._late_ns or len(frames) > FRAMES_MAX:
            self._base = frames.popleft()
            oldest = frames[0]

    def _look(self) -> None:
        """Remember how far the near levels and the whole window reach."""
        bids, asks = self._book.bids, self._book.asks
        self._bid_near, self._ask_near = bids.reach(self._levels), asks.reach(self._levels)
        self._bid_end, self._ask_end = bids.end, asks.end

    # --- asking -------------------------------------------------------------------------------------------------------

    def splits(self, side: int, since_ns: int) -> list[Split]:
        """Return one side's splits of frames that arrived from ``since_ns`` on (LATE_NS at most), oldest first."""
        return [split for frame in self._frames if frame.recv_ns >= since_ns for split in frame.levels(side)]

    def forced_flow(self, since_ns: int) -> Flow:
        """Return the volume of liquidations that arrived from ``since_ns`` on, by the forced orders' side."""
        found = [each for each in self.forced if each.recv_ns >= since_ns]
        bought = [each.lots for each in found if each.side == BUY]
        sold = [each.lots for each in found if each.side == SELL]
        return Flow(sum(bought), sum(sold), len(bought), len(sold))

    def changes(self, side: int, since_ns: int) -> Changes:
        """Return the sums of one side's splits."""
        splits = self.splits(side, since_ns)
        return Changes(
            sum(split.traded for split in splits),
            sum(split.cancelled for split in splits),
            sum(split.added for split in splits),
        )
