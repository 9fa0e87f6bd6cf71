"""UMOM: micro-momentum. A fast against a slow average of the mid, gated by volatility, confirmed by taker flow.

    score = clamp(momentum / (2 x its standard deviation) x confirmation), 0 while the gate is closed

momentum      (fast - slow) / slow, basis points.
deviation     what momentum would have on a driftless mid of the present volatility: a score of 1 is two of them, on
              any instrument and in any weather.
gate          annualised volatility (1.0 = 100 % a year) inside 0.05..2.0, from 1 s returns of the mid, fading over
              10 s. One basis point per root second is 0.56.
confirmation  x1.3 when takers of the last 2 s agree (over 55 % on our side), x0.5 when they disagree (under 40 %).
"""

from __future__ import annotations

from collections import deque
from math import log, sqrt

from services.signals.market import Market, Signal
from services.signals.maths import Ema, clamp, momentum_bps
from shared.config import Signals

NS_PER_S = 1_000_000_000
GRID_NS = NS_PER_S
VOLATILITY_NS = 10 * NS_PER_S
RETURNS_MIN = 3
FLOW_NS = 2 * NS_PER_S
FLOW_FRAMES_MAX = 4_096
STALE_NS = 2 * NS_PER_S

YEAR_S = 365 * 86_400
VOLATILITY_MIN, VOLATILITY_MAX = 0.05, 2.0
AGREE, AGREE_FACTOR = 0.55, 1.3
DISAGREE, DISAGREE_FACTOR = 0.40, 0.5
FULL_DEVIATIONS = 2.0


def annualised(bps_per_root_s: float) -> float:
    """Return a volatility in bps per root second as a fraction per root year."""
    return bps_per_root_s * 1e-4 * sqrt(YEAR_S)


def deviation_share(fast_s: float, slow_s: float) -> float:
    """Return the standard deviation of fast minus slow average of a random walk, per unit of its volatility."""
    return sqrt(max(0.0, fast_s / 2 + slow_s / 2 - 2 * fast_s * slow_s / (fast_s + slow_s)))


class Volatility:
    """Volatility of the mid in bps per root second, from returns over at least a second each."""

    __slots__ = ("_at_ns", "_mid", "_returns", "_variance")

    def __init__(self) -> None:
        self._variance = Ema(VOLATILITY_NS)
        self._at_ns, self._mid, self._returns = -1, 0.0, 0

    def fold(self, at_ns: int, mid: float) -> None:
        """Take in the mid as of ``at_ns``; between the marks of the grid it is passed over."""
        if self._at_ns < 0:
            self._at_ns, self._mid = at_ns, mid
            return
        elapsed_ns = at_ns - self._at_ns
        if elapsed_ns < GRID_NS:
            return
        moved_bps = 1e4 * log(mid / self._mid)
        self._variance.fold(at_ns, moved_bps * moved_bps * NS_PER_S / elapsed_ns)
        self._at_ns, self._mid = at_ns, mid
        self._returns += 1

    @property
    def bps_per_root_s(self) -> float | None:
        """The figure, None until there are enough returns."""
        return sqrt(self._variance.value) if self._returns >= RETURNS_MIN else None


class TakerFlow:
    """Who took how much in the last 2 s."""

    __slots__ = ("_bought", "_frames", "_sold")

    def __init__(self) -> None:
        self._frames: deque[tuple[int, int, int]] = deque()
        self._bought = self._sold = 0

    def fold(self, at_ns: int, bought_lots: int, sold_lots: int) -> None:
        """Take in one frame's trades and forget what is too old."""
        frames = self._frames
        if bought_lots or sold_lots:
            frames.append((at_ns, bought_lots, sold_lots))
            self._bought += bought_lots
            self._sold += sold_lots
        while frames and (at_ns - frames[0][0] > FLOW_NS or len(frames) > FLOW_FRAMES_MAX):
            _, bought, sold = frames.popleft()
            self._bought -= bought
            self._sold -= sold

    def factor(self, direction: float) -> float:
        """Return what the takers do to an opinion of this sign; 1 when nobody traded."""
        total = self._bought + self._sold
        if not total:
            return 1.0
        ours = (self._bought if direction > 0 else self._sold) / total
        if ours > AGREE:
            return AGREE_FACTOR
        return DISAGREE_FACTOR if ours < DISAGREE else 1.0


class Umom:
    """Micro-momentum of one symbol."""

    __slots__ = ("_deviations", "_fast", "_flow", "_slow", "_volatility", "fresh_until_ns", "score")

    def __init__(self, fast_s: float, slow_s: float) -> None:
        self._fast, self._slow = Ema(max(1, round(fast_s * NS_PER_S))), Ema(max(1, round(slow_s * NS_PER_S)))
        self._deviations = FULL_DEVIATIONS * deviation_share(fast_s, slow_s)
        self._volatility, self._flow = Volatility(), TakerFlow()
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame; without a mid there is nothing to say."""
        at_ns = market.at_ns
        self._flow.fold(at_ns, market.bought_lots, market.sold_lots)
        touch = market.touch
        if touch is None:
            self.score = 0.0
            return
        mid = (touch.bid_price + touch.ask_price) / 2
        momentum = momentum_bps(self._fast.fold(at_ns, mid), self._slow.fold(at_ns, mid))
        self._volatility.fold(at_ns, mid)
        self.score = self._judge(momentum)
        self.fresh_until_ns = market.book_ns + STALE_NS

    def _judge(self, momentum: float) -> float:
        volatility = self._volatility.bps_per_root_s
        if volatility is None or not VOLATILITY_MIN <= annualised(volatility) <= VOLATILITY_MAX:
            return 0.0
        full_bps = self._deviations * volatility
        if not full_bps > 0:
            return 0.0
        return clamp(momentum / full_bps * self._flow.factor(momentum))


def build(config: Signals) -> Signal:
    """Return the signal as configured."""
    return Umom(config.umom_fast_s, config.umom_slow_s)
