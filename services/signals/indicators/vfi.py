"""VFI: volume flow indicator (Katsanos, Technical Analysis of Stocks & Commodities, June and July 2004).

    typical = (high + low + close) / 3,  inter = ln typical - ln typical before
    cutoff  = coef x standard deviation of the last 30 inter x close        (population form)
    average = mean volume of the ``period`` bars before this one
    flow    = min(volume, cap x average) with the sign of typical - typical before; 0 when that is within the cutoff
    VFI     = EMA 3 of (sum of the last ``period`` flows / average)

Above 0 more volume came on rising prices than on falling ones. coef 0.2 and cap 2.5 are the constants for daily bars;
for bars within the day Katsanos gives 0.1 and 3.5. Where the average volume is 0 there is no value, and the EMA waits.
"""

from __future__ import annotations

from collections import deque
from math import log, sqrt

from services.signals.candles import Bar
from services.signals.indicators.indicator import Indicator, Window, sign
from shared.config_candles import Indicators


class Vfi:
    """Volume flow of one series of bars."""

    __slots__ = (
        "_cap",
        "_coef",
        "_flows",
        "_inters",
        "_log_typical",
        "_period",
        "_smooth",
        "_sum_lots",
        "_typical3",
        "_volumes",
        "flow_lots",
        "raw",
        "value",
        "vote",
    )

    def __init__(self, period: int, coef: float, cap: float, stdev_bars: int, ema_bars: int) -> None:
        assert period > 0
        self._period, self._coef, self._cap = period, coef, cap
        self._smooth = 2.0 / (ema_bars + 1)
        self._inters, self._flows = Window(stdev_bars), Window(period)
        self._volumes: deque[int] = deque()
        self._sum_lots = 0
        self._typical3 = 0  # Three times the typical price of the bar before; 0: none yet.
        self._log_typical = 0.0
        self.flow_lots: float | None = None  # Of the last bar.
        self.raw: float | None = None  # Before smoothing.
        self.value: float | None = None
        self.vote = 0

    def update(self, bar: Bar) -> float | None:
        """Take in one finished bar; return the flow in average volumes."""
        typical3 = bar.high_ticks + bar.low_ticks + bar.close_ticks
        assert typical3 > 0
        log_typical, moved3 = log(typical3), typical3 - self._typical3
        if self._typical3:
            self._inters.push(log_typical - self._log_typical)
        self._typical3, self._log_typical = typical3, log_typical
        self.flow_lots = self.raw = None
        if len(self._volumes) == self._period and self._inters.full:
            self._flow(bar, moved3 / 3, self._sum_lots / self._period)
        self._volumes.append(bar.lots)
        self._sum_lots += bar.lots
        if len(self._volumes) > self._period:
            self._sum_lots -= self._volumes.popleft()
        return None if self.raw is None else self.value

    def _flow(self, bar: Bar, moved_ticks: float, average_lots: float) -> None:
        """Take in the bar's flow, given the mean volume before it."""
        cutoff_ticks = self._coef * sqrt(self._inters.variance) * bar.close_ticks
        way = sign(moved_ticks) if abs(moved_ticks) > cutoff_ticks else 0
        self.flow_lots = way * min(bar.lots, self._cap * average_lots)
        self._flows.push(self.flow_lots)
        if not self._flows.full or not average_lots > 0:
            self.vote = 0
            return
        self.raw = self._flows.total / average_lots
        self.value = self.raw if self.value is None else self.value + self._smooth * (self.raw - self.value)
        self.vote = sign(self.value)


def build(config: Indicators) -> Indicator:
    """Return the indicator as configured."""
    return Vfi(config.vfi_period, config.vfi_coef, config.vfi_cap, config.vfi_stdev_bars, config.vfi_ema_bars)
