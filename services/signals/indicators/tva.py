"""TVA: time-volume analysis. Which way the leg goes, whether volume grows with it, and whether there is much of it now.

leg       sign of the slope of a least-squares line through the last 14 closes, which is the sign of WMA - SMA:
          WMA - SMA = slope x (n - 1) / 6. A slope of 0 leaves the leg as it is.
rising    within a leg, sum of the 3-bar means of the volume of bars that had more than the bar before them
declining the same of bars that had less; both begin at 0 when the leg turns
relative  volume / mean volume of the last 20 bars
TVA       leg x rising / (rising + declining) x min(1, relative / 2), in -1..1
vote      the leg, when rising outweighs declining
"""

from __future__ import annotations

from collections import deque

from services.signals.candles import Bar
from services.signals.indicators.indicator import Indicator
from shared.config_candles import Indicators


class Tva:
    """Time-volume analysis of one series of bars."""

    __slots__ = (
        "_closes",
        "_fallen",
        "_grown",
        "_leg_bars",
        "_lots",
        "_smooth_bars",
        "_sum_lots",
        "_sum_ticks",
        "_volume_bars",
        "_volumes",
        "_weighted_ticks",
        "declining_lots",
        "leg",
        "rising_lots",
        "vote",
    )

    def __init__(self, volume_bars: int, leg_bars: int, smooth_bars: int) -> None:
        assert volume_bars > 0
        assert leg_bars > 1
        assert smooth_bars > 0
        self._volume_bars, self._leg_bars, self._smooth_bars = volume_bars, leg_bars, smooth_bars
        self._closes: deque[int] = deque()
        self._volumes: deque[int] = deque()
        self._grown: deque[int] = deque([0] * smooth_bars)  # Volume of bars that had more than the bar before,
        self._fallen: deque[int] = deque([0] * smooth_bars)  # and of those that had less; else 0.
        self._sum_ticks = self._weighted_ticks = self._sum_lots = 0
        self._lots = -1
        self.leg = self.vote = 0
        self.rising_lots = self.declining_lots = 0.0

    def update(self, bar: Bar) -> float | None:
        """Take in one finished bar; return the signed strength."""
        self._follow_volume(bar.lots)
        slope = self._follow_closes(bar.close_ticks)
        if slope is None:
            return None
        if slope * self.leg < 0 or (slope and not self.leg):
            self.leg = 1 if slope > 0 else -1
            self.rising_lots = self.declining_lots = 0.0
        if self.leg:
            self.rising_lots += sum(self._grown) / self._smooth_bars
            self.declining_lots += sum(self._fallen) / self._smooth_bars
        if len(self._volumes) < self._volume_bars:
            return None
        both = self.rising_lots + self.declining_lots
        self.vote = self.leg if self.rising_lots > self.declining_lots else 0
        if not both > 0 or not self._sum_lots > 0:
            return 0.0
        relative = bar.lots * self._volume_bars / self._sum_lots
        return self.leg * self.rising_lots / both * min(1.0, relative / 2)

    def _follow_volume(self, lots: int) -> None:
        before, self._lots = self._lots, lots
        self._grown.append(lots if 0 <= before < lots else 0)
        self._fallen.append(lots if lots < before else 0)
        self._grown.popleft()
        self._fallen.popleft()
        self._volumes.append(lots)
        self._sum_lots += lots
        if len(self._volumes) > self._volume_bars:
            self._sum_lots -= self._volumes.popleft()

    def _follow_closes(self, ticks: int) -> int | None:
        """Return a number with the sign of the slope, in whole numbers and so exact; None for too few closes."""
        self._closes.append(ticks)
        if len(self._closes) > self._leg_bars:
            self._weighted_ticks -= self._sum_ticks
            self._sum_ticks -= self._closes.popleft()
        self._weighted_ticks += len(self._closes) * ticks
        self._sum_ticks += ticks
        if len(self._closes) < self._leg_bars:
            return None
        return 2 * self._weighted_ticks - (self._leg_bars + 1) * self._sum_ticks


def build(config: Indicators) -> Indicator:
    """Return the indicator as configured."""
    return Tva(config.tva_volume_ma_period, config.tva_leg_bars, config.tva_smooth_bars)
