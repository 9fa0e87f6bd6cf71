"""How far one symbol goes in a bar: by its candles, or by its own mid where none are kept.

    true range = max(high - low, |high - close before|, |low - close before|), ticks
    average    = mean of the first n, then ((n - 1) average + range) / n   (Wilder)

A bar that was not seen from end to end is no bar; after one that is missing, the next has no close before it.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.signals.candles import Bar
from services.signals.indicators.atr import Atr


class Reach:
    """Average range of the mid in bars of ``bar_ns``, from the ``least``-th bar on."""

    __slots__ = ("_average2", "_bar", "_bar_ns", "_bars", "_close2", "_high2", "_last2", "_least", "_low2", "_period")

    def __init__(self, bar_ns: int, period: int, least: int = 1) -> None:
        assert bar_ns > 0
        assert period > 0
        self._bar_ns, self._period, self._least = bar_ns, period, min(least, period)
        self._bars = 0
        self._average2 = 0.0  # Of twice the mid, as everything here: the mid itself may lie between two ticks.
        self.interrupt()

    @property
    def ticks(self) -> float:
        """The average, 0 while there are too few bars."""
        return self._average2 / 2 if self._bars >= self._least else 0.0

    def interrupt(self) -> None:
        """Nothing was seen for a while: the bar under way will never be whole."""
        self._bar = -1
        self._close2 = self._high2 = self._low2 = self._last2 = 0

    def see(self, at_ns: int, mid2: int) -> None:
        """Take in twice the mid as of ``at_ns``. Time that runs back counts as no time."""
        if not mid2 > 0:
            return
        bar = at_ns // self._bar_ns
        if self._bar < 0:
            self._bar = bar + 1  # The first whole one.
        if bar < self._bar:
            self._last2 = mid2
            return
        if bar > self._bar:
            self._pass(bar)
        if not self._high2:
            self._high2 = self._low2 = self._last2 or mid2  # A bar opens where the one before it ended.
        self._high2, self._low2, self._last2 = max(self._high2, mid2), min(self._low2, mid2), mid2

    def _pass(self, bar: int) -> None:
        """End the bar under way; those that nothing happened in had no range."""
        if self._high2:
            self._count()
        for _ in range(min(bar - self._bar - bool(self._high2), self._period)):
            self._high2 = self._low2 = self._last2
            self._count()
        self._bar, self._high2, self._low2 = bar, 0, 0

    def _count(self) -> None:
        close2 = self._close2 or self._last2
        reach2 = max(self._high2, close2) - min(self._low2, close2)
        self._bars = min(self._bars + 1, self._period)
        self._average2 += (reach2 - self._average2) / self._bars
        self._close2 = self._last2


def atr_of(bars: Iterable[Bar], period: int) -> float:
    """Return the average true range of finished bars, ticks; 0 while there are fewer than ``period``."""
    atr = Atr(period)
    for bar in bars:
        atr.update(bar)
    return atr.value or 0.0
