"""PRT: pull and replace. A wall near the touch that is pulled before it trades, and put back further out, was there to
be seen: fade it.

    score = side x clamp((rate - 0.6) / 0.4 x min(1, replaced / pulled)), fading to 0 within ``prt_hold_ms``

Of one side, within ``prt_window_ms``:

pulled     cancelled on the levels near the touch (the best 5). What was traded is no cancel, and a level that was
           traded out is none either.
rate       pulled / what stood there at the beginning; 0.6 is ``prt_pulled_share``, and it takes more than that.
replaced   added further out on the same side, no sooner than it was pulled; at least ``prt_replaced_share`` of it.
traded     less than ``prt_traded_share`` of all that left.

The mid must at no time be ``prt_mid_ticks`` or more from where it was at the beginning: a maker who follows the market
pulls and replaces too. Pulled bids say sell, pulled asks say buy.
"""

from __future__ import annotations

from collections import deque

from services.signals.market import Market, Signal
from services.signals.maths import clamp
from services.signals.strike import Strike
from shared.clock import NS_PER_MS
from shared.config import Signals
from shared.side import Side
from shared.tape import NEAR_LEVELS, News

FRAMES_MAX = 4_096
_AT, _SHOWN, _MID2, _PULLED, _TRADED, _BEHIND = range(6)


class Wall:
    """What became of one side's size in the last moments."""

    __slots__ = (
        "_behind",
        "_frames",
        "_mid2",
        "_most2",
        "_pulled",
        "_pulled_share",
        "_replaced_share",
        "_shown",
        "_traded",
        "_traded_share",
        "_window_ns",
    )

    def __init__(self, config: Signals) -> None:
        self._window_ns, self._most2 = config.prt_window_ms * NS_PER_MS, 2.0 * config.prt_mid_ticks
        self._pulled_share, self._traded_share = config.prt_pulled_share, config.prt_traded_share
        self._replaced_share = config.prt_replaced_share
        # When; near size and twice the mid before the frame; pulled, traded, added further out in it.
        self._frames: deque[tuple[int, int, int, int, int, int]] = deque()
        self._shown = self._mid2 = 0  # After the last frame.
        self._pulled = self._traded = self._behind = 0  # Sums of ``_frames``.

    def restart(self, side: Side, mid2: int) -> None:
        """Begin with a book that has nothing to do with the one before."""
        self._frames.clear()
        self._pulled = self._traded = self._behind = 0
        self._shown, self._mid2 = side.depth(NEAR_LEVELS), mid2

    def look(self, at_ns: int, news: News, side: Side, mid2: int) -> float:
        """Take in one frame that changed this side; return how strong a trap the window holds, 0..1."""
        frames = self._frames
        frames.append((at_ns, self._shown, self._mid2, news.cancelled, news.traded, news.behind))
        self._shown, self._mid2 = side.depth(NEAR_LEVELS), mid2
        self._pulled += news.cancelled
        self._traded += news.traded
        self._behind += news.behind
        while not 0 <= at_ns - frames[0][_AT] <= self._window_ns or len(frames) > FRAMES_MAX:
            gone = frames.popleft()
            self._pulled -= gone[_PULLED]
            self._traded -= gone[_TRADED]
            self._behind -= gone[_BEHIND]
        if self._pulled > self._pulled_share * frames[0][_SHOWN]:
            return self._trap(mid2)
        return 0.0

    def _trap(self, mid2: int) -> float:
        """Judge a window in which enough was pulled."""
        shown, pulled = self._frames[0][_SHOWN], self._pulled
        if not (shown > 0 and self._traded < self._traded_share * (pulled + self._traded)):
            return 0.0
        if not self._behind >= self._replaced_share * pulled:
            return 0.0
        replaced = self._replaced(mid2)
        if not replaced >= self._replaced_share * pulled:
            return 0.0
        rate = (pulled / shown - self._pulled_share) / (1.0 - self._pulled_share)
        return clamp(rate * min(1.0, replaced / pulled))

    def _replaced(self, mid2: int) -> int:
        """Return how much was put back further out after it was pulled; 0 when the mid has gone somewhere."""
        first2, most2 = self._frames[0][_MID2], self._most2
        if not (first2 > 0 and abs(mid2 - first2) < most2):
            return 0
        pulled = replaced = 0
        for frame in self._frames:
            if not abs(frame[_MID2] - first2) < most2:
                return 0
            pulled += frame[_PULLED]
            replaced = min(replaced + frame[_BEHIND], pulled)
        return replaced


class Prt:
    """Walls of one symbol. ``_bids`` and ``_asks`` are what was pulled, the strikes what it left behind."""

    __slots__ = ("_asks", "_bids", "_joins", "_long", "_short", "fresh_until_ns", "score")

    def __init__(self, config: Signals) -> None:
        hold_ns = config.prt_hold_ms * NS_PER_MS
        self._bids, self._asks = Wall(config), Wall(config)
        self._long, self._short = Strike(hold_ns), Strike(hold_ns)
        self._joins = -1
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame."""
        tape, at_ns = market.tape, market.at_ns
        if tape.joins != self._joins:
            self._joins = tape.joins
            self._bids.restart(market.book.bids, market.mid2)
            self._asks.restart(market.book.asks, market.mid2)
        if tape.bids.stirred:
            self._hit(self._short, at_ns, self._bids.look(at_ns, tape.bids, market.book.bids, market.mid2))
        if tape.asks.stirred:
            self._hit(self._long, at_ns, self._asks.look(at_ns, tape.asks, market.book.asks, market.mid2))
        if at_ns < self.fresh_until_ns:
            self.score = self._long.at(at_ns) - self._short.at(at_ns)
        else:
            self.score = 0.0

    def _hit(self, strike: Strike, at_ns: int, strength: float) -> None:
        if strength > 0.0:
            strike.hit(at_ns, strength)
            self.fresh_until_ns = strike.ends_ns


def build(config: Signals) -> Signal:
    """Return the signal as configured."""
    return Prt(config)
