"""ICE: an iceberg. A best level that fills up again after trade upon trade takes in whatever comes.

    score = strength of the bid's iceberg - strength of the ask's

refill     after trades at the best price the level shows at least ``ice_refill_share`` of them again, beyond what
           they left, within ``ice_refill_ms`` and without another best price meanwhile. One refill makes up for all
           trades before it, however many. What comes back after a cancel is none.
iceberg    ``ice_refills`` refills at one price within ``ice_window_ms``, the mid moving by less than ``ice_mid_ticks``.
           It is there as long as its refills are that young and its price is the best.
strength   refilled / traded in these refills, at most 1.
"""

from __future__ import annotations

from collections import deque

from services.signals.market import Market, Signal
from shared.clock import NS_PER_MS
from shared.config import Signals
from shared.tape import BID, Split

EATEN_MAX = 64
REFILLS_MAX = 1_024
_AT, _TICKS, _MID2, _TRADED, _REFILLED = range(5)


class _Eaten:
    """A best level that lost something to trades and may get it back."""

    __slots__ = ("at_ns", "before", "split", "ticks", "traded")

    def __init__(self, at_ns: int, split: Split) -> None:
        self.at_ns, self.split, self.ticks, self.before = at_ns, split, split.ticks, split.before
        self.traded = split.traded  # From then on.


class Level:
    """The best level of one side."""

    __slots__ = (
        "_best",
        "_eaten",
        "_is_fresh",
        "_lots",
        "_mid2",
        "_most2",
        "_needed",
        "_refill_ns",
        "_refill_share",
        "_refills",
        "_ticks",
        "_window_ns",
        "busy",
        "ends_ns",
        "strength",
    )

    def __init__(self, config: Signals) -> None:
        self._needed, self._refill_share, self._most2 = (
            config.ice_refills,
            config.ice_refill_share,
            2.0 * config.ice_mid_ticks,
        )
        self._refill_ns, self._window_ns = config.ice_refill_ms * NS_PER_MS, config.ice_window_ms * NS_PER_MS
        self._eaten: list[_Eaten] = []
        self._refills: deque[tuple[int, int, int, int, int]] = deque()  # When, price, twice the mid, traded, refilled.
        self._best = self._lots = 0  # When it was looked at last,
        self._is_fresh = False  # and whether there were trades since.
        self._ticks = self._mid2 = 0  # Of the iceberg.
        self.strength = 0.0  # How much of what was taken from it came back, 0..1; 0 without one.
        self.ends_ns = 0  # Until when it counts.
        self.busy = False  # Whether the next frame may change anything.

    def restart(self) -> None:
        """Begin with a book that has nothing to do with the one before."""
        self._eaten = []
        self._refills.clear()
        self.strength = 0.0
        self.busy = False

    def trade(self, at_ns: int, split: Split, best: int) -> None:
        """Take in that a level traded; more of a split may be told later."""
        is_new = True
        for eaten in self._eaten:
            if eaten.ticks == split.ticks:
                eaten.traded += split.traded - split.told
            if eaten.split is split:
                is_new = False
        if is_new and split.ticks == best and split.told == 0 and len(self._eaten) < EATEN_MAX:
            self._eaten.append(_Eaten(at_ns, split))
            self.busy = True
        self._is_fresh = True

    def look(self, at_ns: int, best: int, best_lots: int, mid2: int) -> None:
        """See whether the level has filled up, and whether the iceberg is still there."""
        if self._is_fresh or best != self._best or best_lots != self._lots:
            self._is_fresh, self._best, self._lots = False, best, best_lots
            self._fill(at_ns, mid2)
        if self.strength > 0.0:
            stands = abs(mid2 - self._mid2) < self._most2
            if not (stands and best == self._ticks and at_ns < self.ends_ns):
                self.strength = 0.0
        self.busy = bool(self._eaten) or self.strength > 0.0

    def _fill(self, at_ns: int, mid2: int) -> None:
        """See whether what is there now makes up for what was taken."""
        left: list[_Eaten] = []
        for eaten in self._eaten:
            if eaten.ticks != self._best or not 0 <= at_ns - eaten.at_ns <= self._refill_ns:
                continue
            back = self._lots - (eaten.before - eaten.traded)
            if back >= self._refill_share * eaten.traded:
                left = []
                self._refill((at_ns, eaten.ticks, mid2, eaten.traded, back))
                break
            left.append(eaten)
        self._eaten = left

    def _refill(self, refill: tuple[int, int, int, int, int]) -> None:
        """Count a refill; enough of them at one price are an iceberg."""
        refills, at_ns = self._refills, refill[_AT]
        refills.append(refill)
        while not 0 <= at_ns - refills[0][_AT] <= self._window_ns or len(refills) > REFILLS_MAX:
            refills.popleft()
        ours = [one for one in refills if one[_TICKS] == refill[_TICKS]]
        needed = self._needed
        if len(ours) < needed:
            return
        mid2 = ours[-needed][_MID2]
        if not abs(refill[_MID2] - mid2) < self._most2:
            return
        traded = sum(one[_TRADED] for one in ours)
        self.strength = min(1.0, sum(one[_REFILLED] for one in ours) / traded) if traded > 0 else 0.0
        self._ticks, self._mid2, self.ends_ns = refill[_TICKS], mid2, ours[-needed][_AT] + self._window_ns


class Ice:
    """Icebergs of one symbol."""

    __slots__ = ("_asks", "_bids", "_joins", "fresh_until_ns", "score")

    def __init__(self, config: Signals) -> None:
        self._bids, self._asks = Level(config), Level(config)
        self._joins = -1
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame."""
        tape, bids, asks = market.tape, self._bids, self._asks
        if tape.joins != self._joins:
            self._joins = tape.joins
            bids.restart()
            asks.restart()
            self.score = 0.0
        for split in tape.fresh_splits:
            if split.side == BID:
                bids.trade(market.at_ns, split, market.bid_ticks)
            else:
                asks.trade(market.at_ns, split, market.ask_ticks)
        if bids.busy:
            bids.look(market.at_ns, market.bid_ticks, market.bid_lots, market.mid2)
            self._sum_up()
        if asks.busy:
            asks.look(market.at_ns, market.ask_ticks, market.ask_lots, market.mid2)
            self._sum_up()

    def _sum_up(self) -> None:
        self.score = self._bids.strength - self._asks.strength
        self.fresh_until_ns = max(self._bids.ends_ns, self._asks.ends_ns)


def build(config: Signals) -> Signal:
    """Return the signal as configured."""
    return Ice(config)
