"""The arithmetic that signals share: plain numbers in, plain numbers out. Times are int ns, averages know their own."""

from __future__ import annotations

from math import exp, isfinite, sqrt
from typing import NamedTuple

NS = 1_000_000_000


class Touch(NamedTuple):
    """The best level of both sides. Sizes and prices in any one unit each (lots and ticks in the live system)."""

    bid_price: float
    bid_size: float
    ask_price: float
    ask_size: float


def clamp(value: float) -> float:
    """Return ``value`` held to -1..1; what is not a number counts as 0."""
    if value != value:  # NaN: nothing else differs from itself.
        return 0.0
    return max(-1.0, min(1.0, value))


def sigmoid(value: float) -> float:
    """Return 1 / (1 + e^-value), without overflow at either end."""
    if value >= 0:
        return 1.0 / (1.0 + exp(-value))
    grown = exp(value)
    return grown / (1.0 + grown)


def share(one: float, other: float) -> float:
    """Return (one - other) / (one + other), in -1..1; 0 when both are 0."""
    total = one + other
    return (one - other) / total if total > 0 else 0.0


def order_flow(before: Touch, after: Touch) -> float:
    """Return the order flow imbalance between two touches, in units of size: > 0 is buying pressure.

    A size that appears at or above the old best bid, or vanishes from the best ask, is demand; and the reverse.
    (Cont, Kukanov, Stoikov 2014.)
    """
    flow = 0.0
    if after.bid_price >= before.bid_price:
        flow += after.bid_size
    if after.bid_price <= before.bid_price:
        flow -= before.bid_size
    if after.ask_price <= before.ask_price:
        flow -= after.ask_size
    if after.ask_price >= before.ask_price:
        flow += before.ask_size
    return flow


def queue_imbalance(touch: Touch) -> float:
    """Return the bid's share of the size at the touch, 0..1; a half when there is none."""
    total = touch.bid_size + touch.ask_size
    return touch.bid_size / total if total > 0 else 0.5


def weighted_mid(touch: Touch) -> float:
    """Return the mid drawn towards the side that is about to give way (a linear micro-price)."""
    mid = (touch.bid_price + touch.ask_price) / 2
    return mid + (touch.ask_price - touch.bid_price) * (queue_imbalance(touch) - 0.5)


def micro_pressure(touch: Touch, tick: float = 1.0) -> float:
    """Return how many ticks the weighted mid lies above the mid."""
    return (weighted_mid(touch) - (touch.bid_price + touch.ask_price) / 2) / tick


def momentum_bps(fast: float, slow: float) -> float:
    """Return how far the fast average lies above the slow one, basis points; 0 when that means nothing."""
    return (fast - slow) / slow * 1e4 if slow > 0 else 0.0


class Ema:
    """Exponential average over time, not over calls: ``tau_ns`` is its time constant (half-life / ln 2)."""

    __slots__ = ("_at_ns", "_tau_ns", "value")

    def __init__(self, tau_ns: int) -> None:
        assert tau_ns > 0
        self._tau_ns = tau_ns
        self._at_ns = -1
        self.value = 0.0

    def fold(self, at_ns: int, value: float) -> float:
        """Take in ``value`` as of ``at_ns`` and return the average. Time that runs back counts as no time."""
        if not isfinite(value):
            return self.value
        if self._at_ns < 0:
            self._at_ns, self.value = at_ns, value
            return value
        elapsed_ns = max(0, at_ns - self._at_ns)
        self._at_ns += elapsed_ns
        self.value += (1.0 - exp(-elapsed_ns / self._tau_ns)) * (value - self.value)
        return self.value


class Fading:
    """A sum whose terms fade with age: e-fold per ``tau_ns``. When it is asked makes no difference to what it is."""

    __slots__ = ("_at_ns", "_sum", "_tau_ns")

    def __init__(self, tau_ns: int) -> None:
        assert tau_ns > 0
        self._tau_ns = tau_ns
        self._at_ns = -1
        self._sum = 0.0

    def add(self, at_ns: int, value: float) -> float:
        """Add a term as of ``at_ns`` and return the sum."""
        if self._at_ns < 0:
            self._at_ns = at_ns
        elapsed_ns = max(0, at_ns - self._at_ns)
        self._at_ns += elapsed_ns
        self._sum *= exp(-elapsed_ns / self._tau_ns)
        if isfinite(value):
            self._sum += value
        return self._sum


def deviation_share(fast_s: float, slow_s: float) -> float:
    """Return the standard deviation of fast minus slow average of a random walk, per unit of its volatility."""
    return sqrt(max(0.0, fast_s / 2 + slow_s / 2 - 2 * fast_s * slow_s / (fast_s + slow_s)))


def momentum_pct(last: float, average: float) -> float:
    """Return how far the last price lies above an average price, percent; 0 when that means nothing."""
    return (last - average) / average * 100 if average > 0 else 0.0


class RollingVwap:
    """Volume-weighted average price of the last ``size`` trades, and how far their prices lie apart.

    In whole ticks and lots, so the running sums are exact and nothing drifts however many trades pass.
    """

    __slots__ = ("_lots", "_next", "_size", "_square", "_ticks", "_value", "lots", "trades")

    def __init__(self, size: int) -> None:
        assert size > 0
        self._size, self._next = size, 0
        self._ticks, self._lots = [0] * size, [0] * size
        self._value = self._square = 0  # Sums of ticks x lots and ticks^2 x lots.
        self.lots = 0  # In the window, at most ``size`` trades.
        self.trades = 0

    def add(self, ticks: int, lots: int) -> None:
        """Take in one trade, and forget the oldest when there are too many. Nothing traded is no trade."""
        if not (ticks > 0 and lots > 0):
            return
        at = self._next
        old_ticks, old_lots = self._ticks[at], self._lots[at]
        self._ticks[at], self._lots[at] = ticks, lots
        self._next = at + 1 if at + 1 < self._size else 0
        value, old_value = ticks * lots, old_ticks * old_lots
        self.lots += lots - old_lots
        self._value += value - old_value
        self._square += ticks * value - old_ticks * old_value
        if self.trades < self._size:
            self.trades += 1

    @property
    def vwap(self) -> float:
        """The average price in ticks; 0 without trades."""
        return self._value / self.lots if self.lots else 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation of the prices around it by volume, ticks; 0 without trades."""
        lots = self.lots
        return sqrt((self._square * lots - self._value * self._value) / (lots * lots)) if lots else 0.0

    def z(self, price: float) -> float:
        """Return how many deviations ``price`` (ticks) lies above the average; 0 when there are none."""
        deviation = self.deviation
        return (price - self.vwap) / deviation if deviation > 0 else 0.0
