"""How much the market moves: realised volatility of the mid on a grid of one second, and the regime it amounts to.

    variance    = sum of r^2 over the window, r = ln(mid at one mark / mid at the mark before)
    per second  = variance / returns in the window
    annualised  = sqrt(per second x 365 x 86,400), 1.0 = 100 % a year
    bps         = 10^4 sqrt(per second), basis points per root second; 1.0 of it is 0.56 annualised

The mid at a mark is the last one before it, so neither bid-ask bounce inside a second nor the number of frames counts.
A mid that stands is a return of 0; a time without a book is no return at all.

Regimes are bands of the annualised figure: low, normal, high, extreme from 0, 0.3, 1.2, 3.0. A bound has to be passed
by a tenth to change the regime, which then stays for a while; only into `extreme` it changes at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import log, sqrt

from shared.config import Signals

GRID_NS = 1_000_000_000
YEAR_S = 365 * 86_400

LOW, NORMAL, HIGH, EXTREME = "low", "normal", "high", "extreme"
REGIMES = (LOW, NORMAL, HIGH, EXTREME)


def realised_variance(returns: Iterable[float]) -> float:
    """Return the sum of squared log returns: the mean of so short a return is nothing beside its deviation."""
    return sum(moved * moved for moved in returns)


def annualised(variance: float, window_s: float) -> float:
    """Return the volatility a year, as a fraction, of a variance that came together in ``window_s``."""
    return sqrt(variance * YEAR_S / window_s)


def bps_per_root_s(variance: float, window_s: float) -> float:
    """Return the same in basis points per root second."""
    return 1e4 * sqrt(variance / window_s)


class Weather:
    """Volatility and regime of one symbol. The figures change at the marks of the grid only, whoever asks how often."""

    __slots__ = (
        "_bounds",
        "_dwell",
        "_hysteresis",
        "_least",
        "_level",
        "_mark",
        "_mid2",
        "_returns",
        "_sample2",
        "_since",
        "annualised",
        "bps_per_root_s",
        "marks",
        "regime",
        "trend",
    )

    def __init__(self, config: Signals) -> None:
        self._bounds = (config.regime_normal_from, config.regime_high_from, config.regime_extreme_from)
        self._hysteresis, self._dwell = config.regime_hysteresis, config.regime_dwell_s
        self._least = min(config.regime_returns_min, config.regime_window_s)
        self._returns: deque[float] = deque(maxlen=config.regime_window_s)
        self._mark, self._mid2, self._sample2 = -1, 0, 0
        self._level, self._since = -1, 0
        self.marks = 0  # How many have passed: the figures below are as of the newest.
        self.annualised = 0.0  # 0 until there are enough returns.
        self.bps_per_root_s = 0.0
        self.trend = 0.0  # Move over the window, in standard deviations of such a move: of a random walk about -2..2.
        self.regime = ""  # One of REGIMES; empty until there are enough returns.

    def fold(self, at_ns: int, mid2: int) -> None:
        """Take in twice the mid as of ``at_ns``. Time that runs back counts as no time."""
        if not mid2 > 0:
            return
        mark = at_ns // GRID_NS
        if mark > self._mark:
            if self._mid2:
                self._pass(mark)
            self._mark = mark
        self._mid2 = mid2

    def interrupt(self) -> None:
        """Forget the mid: the move to the next one is nobody's return."""
        self._mark, self._mid2, self._sample2 = -1, 0, 0

    def _pass(self, mark: int) -> None:
        """Sample the mid at every mark up to this one: it has stood since the last frame."""
        moved = log(self._mid2 / self._sample2) if self._sample2 else None
        self._sample2 = self._mid2
        last = min(mark, self._mark + 1 + (self._returns.maxlen or 0))
        for passed in range(self._mark + 1, last + 1):
            if moved is not None:
                self._returns.append(moved)
                self._measure(passed)
            moved = 0.0
            self.marks += 1
        if last < mark:  # Nothing but zeros is left: all that still comes is the end of the regime's time.
            self._measure(min(mark, max(last + 1, self._since + self._dwell)))
            self.marks += 1

    def _measure(self, mark: int) -> None:
        count = len(self._returns)
        if count < self._least:
            return
        variance = realised_variance(self._returns)
        self.annualised = annualised(variance, count)
        self.bps_per_root_s = bps_per_root_s(variance, count)
        self.trend = sum(self._returns) / sqrt(variance) if variance > 0 else 0.0
        level = self._band(self.annualised)
        if level != self._level and (self._level < 0 or level == 3 or mark - self._since >= self._dwell):
            self._level, self._since, self.regime = level, mark, REGIMES[level]

    def _band(self, value: float) -> int:
        """Return the band of ``value``, seen from the present one: its own bounds lie a little further off."""
        level, bounds = self._level, self._bounds
        if level < 0:
            return sum(value >= bound for bound in bounds)
        over, under = 1.0 + self._hysteresis, 1.0 - self._hysteresis
        while level < 3 and value > bounds[level] * over:
            level += 1
        while level > 0 and value < bounds[level - 1] * under:
            level -= 1
        return level
