"""UMOM: micro-momentum. A fast against a slow average of the mid, gated by volatility, confirmed by taker flow.

    score = clamp(momentum / (2 x its standard deviation) x confirmation), 0 while the gate is closed

momentum      (fast - slow) / slow, basis points; averages over time with time constants of 1 s and 5 s (not half-lives:
              a half-life h is a time constant of h / ln 2).
deviation     what momentum would have on a driftless mid of the present volatility: a score of 1 is two of them, on
              any instrument and in any weather.
gate          annualised volatility (1.0 = 100 % a year, `services/signals/weather.py`) inside 0.05..2.0 and a spread of
              at most 2.5 ticks.
confirmation  x1.3 when takers of the last 2 s agree (over 55 % on our side), x0.5 when they disagree (under 40 %).
"""

from __future__ import annotations

from collections import deque
from math import exp

from services.signals.market import Market, Signal
from services.signals.maths import clamp, deviation_share
from services.signals.weather import Weather
from shared.config import Signals

NS_PER_S = 1_000_000_000
FLOW_FRAMES_MAX = 4_096
STALE_NS = 2 * NS_PER_S


class TakerFlow:
    """Who took how much in the last 2 s."""

    __slots__ = ("_agree", "_agreed", "_bought", "_disagree", "_disagreed", "_frames", "_sold", "_window_ns")

    def __init__(self, config: Signals) -> None:
        self._window_ns = config.umom_flow_ms * 1_000_000
        self._agree, self._agreed = config.umom_agree, config.umom_agree_factor
        self._disagree, self._disagreed = config.umom_disagree, config.umom_disagree_factor
        self._frames: deque[tuple[int, int, int]] = deque()
        self._bought = self._sold = 0

    def fold(self, at_ns: int, bought_lots: int, sold_lots: int) -> None:
        """Take in one frame's trades and forget what is too old."""
        frames = self._frames
        if bought_lots or sold_lots:
            frames.append((at_ns, bought_lots, sold_lots))
            self._bought += bought_lots
            self._sold += sold_lots
        while frames and (at_ns - frames[0][0] > self._window_ns or len(frames) > FLOW_FRAMES_MAX):
            _, bought, sold = frames.popleft()
            self._bought -= bought
            self._sold -= sold

    def factor(self, direction: float) -> float:
        """Return what the takers do to an opinion of this sign; 1 when nobody traded."""
        total = self._bought + self._sold
        if not total:
            return 1.0
        ours = (self._bought if direction > 0 else self._sold) / total
        if ours > self._agree:
            return self._agreed
        return self._disagreed if ours < self._disagree else 1.0


class Umom:
    """Micro-momentum of one symbol."""

    __slots__ = (
        "_at_ns",
        "_calmest",
        "_deviations",
        "_fast",
        "_fast_ns",
        "_flow",
        "_marks",
        "_now_ns",
        "_per_bps",
        "_slow",
        "_slow_ns",
        "_wide",
        "_wildest",
        "fresh_until_ns",
        "score",
    )

    def __init__(self, config: Signals) -> None:
        fast_s, slow_s = config.umom_fast_s, config.umom_slow_s
        self._fast_ns, self._slow_ns = fast_s * NS_PER_S, slow_s * NS_PER_S
        self._deviations = config.umom_full_deviations * deviation_share(fast_s, slow_s)
        self._calmest, self._wildest = config.umom_volatility_min, config.umom_volatility_max
        self._wide = config.umom_spread_ticks
        self._flow = TakerFlow(config)
        self._fast = self._slow = 0.0  # Averages of twice the mid, ticks; 0: none yet.
        self._now_ns = self._at_ns = 0  # The newest frame; the newest with a mid.
        self._per_bps, self._marks = 0.0, -1  # Score per bps of momentum, 0 while the gate is closed; as of which mark.
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame; without a mid there is nothing to say."""
        at_ns, mid2 = market.at_ns, market.mid2
        if at_ns > self._now_ns:
            self._now_ns = at_ns
        else:
            at_ns = self._now_ns  # Time that runs back counts as no time.
        if market.trades or self._per_bps:  # Behind a closed gate nobody asks the takers.
            self._flow.fold(at_ns, market.bought_lots, market.sold_lots)
        self.score = 0.0
        if not mid2:
            return
        elapsed_ns, self._at_ns = at_ns - self._at_ns, at_ns
        if not self._slow:
            self._fast = self._slow = float(mid2)
        elif elapsed_ns:
            self._fast += (1.0 - exp(-elapsed_ns / self._fast_ns)) * (mid2 - self._fast)
            self._slow += (1.0 - exp(-elapsed_ns / self._slow_ns)) * (mid2 - self._slow)
        weather = market.weather
        if weather.marks != self._marks:
            self._look(weather)
            self._flow.fold(at_ns, 0, 0)
        self.fresh_until_ns = market.book_ns + STALE_NS
        if self._per_bps and market.ask_ticks - market.bid_ticks <= self._wide:
            momentum_bps = (self._fast - self._slow) / self._slow * 1e4
            self.score = clamp(momentum_bps * self._per_bps * self._flow.factor(momentum_bps))

    def _look(self, weather: Weather) -> None:
        """Open or close the gate, and learn what momentum is worth in this weather."""
        self._marks, self._per_bps = weather.marks, 0.0
        full_bps = self._deviations * weather.bps_per_root_s
        if self._calmest <= weather.annualised <= self._wildest and full_bps > 0:
            self._per_bps = 1.0 / full_bps


def build(config: Signals) -> Signal:
    """Return the signal as configured."""
    return Umom(config)
