"""CVD: cumulative volume delta, lots.

    delta of a bar = lots that takers bought - lots that takers sold
    CVD            = sum of the deltas of the last ``length`` bars

It rolls, so no hour of the day is special. Deltas are exact for bars made from trades; the venue's bars do not tell the
taker's side, so for those the delta is split from the shape of the candle (`services/signals/candles.py`).
"""

from __future__ import annotations

from collections import deque

from services.signals.candles import Bar
from services.signals.indicators.indicator import Indicator, sign
from shared.config_candles import Indicators


class Cvd:
    """Cumulative volume delta of one series of bars."""

    __slots__ = ("_deltas", "_length", "_sum_lots", "vote")

    def __init__(self, length: int) -> None:
        assert length > 0
        self._length, self._sum_lots = length, 0
        self._deltas: deque[int] = deque()
        self.vote = 0

    def update(self, bar: Bar) -> float | None:
        """Take in one finished bar; return the lots bought over those sold."""
        self._deltas.append(bar.delta_lots)
        self._sum_lots += bar.delta_lots
        if len(self._deltas) > self._length:
            self._sum_lots -= self._deltas.popleft()
        if len(self._deltas) < self._length:
            return None
        self.vote = sign(self._sum_lots)
        return float(self._sum_lots)


def build(config: Indicators) -> Indicator:
    """Return the indicator as configured."""
    return Cvd(config.cvd_length)
