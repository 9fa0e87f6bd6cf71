"""ATR: average true range (Wilder 1978), ticks.

    true range = max(high - low, |high - close before|, |low - close before|); of the first bar, high - low
    ATR        = mean of the first n true ranges, then ((n - 1) ATR + true range) / n

It measures how far the market goes in a bar and says nothing of where to.
"""

from __future__ import annotations

from services.signals.candles import Bar
from services.signals.indicators.indicator import Indicator
from shared.config_candles import Indicators


class Atr:
    """Average true range of one series of bars."""

    __slots__ = ("_bars", "_close_ticks", "_period", "_sum_ticks", "value", "vote")

    def __init__(self, period: int) -> None:
        assert period > 0
        self._period = period
        self._bars = self._sum_ticks = self._close_ticks = 0
        self.value: float | None = None
        self.vote = 0

    def update(self, bar: Bar) -> float | None:
        """Take in one finished bar; return the range in ticks."""
        high, low = bar.high_ticks, bar.low_ticks
        reach = high - low
        if self._bars:
            reach = max(reach, abs(high - self._close_ticks), abs(low - self._close_ticks))
        self._close_ticks = bar.close_ticks
        self._bars += 1
        if self.value is not None:
            self.value = ((self._period - 1) * self.value + reach) / self._period
        else:
            self._sum_ticks += reach
            if self._bars == self._period:
                self.value = self._sum_ticks / self._period
        return self.value


def build(config: Indicators) -> Indicator:
    """Return the indicator as configured."""
    return Atr(config.atr_period)
