"""LuxFVGtrend: the trend that fair value gaps draw, known at the close of the bar that completes one.

    bull gap   low > high two bars before, and the close between them lies above that high; the gap is what is between
    bear gap   high < low two bars before, and the close between them lies below that low
    strong     the body of the bar between is at least ``mult`` times the mean body of the ``length`` bars before it
    counter    a strong bull gap makes it 1 when it was below 0, else 1 more; a bear gap the reverse; else it stays
    trend      the sign of the counter

Nobody has published what ``length`` and ``mult`` of this name mean: the strength of the displacement is this project's
own definition. 0 as ``mult`` takes every gap.
"""

from __future__ import annotations

from collections import deque

from services.signals.candles import Bar
from services.signals.indicators.indicator import Indicator, sign
from shared.config_candles import Indicators


class LuxFvgTrend:
    """Gaps of one series of bars, and the trend they draw."""

    __slots__ = (
        "_before",
        "_between",
        "_bodies",
        "_length",
        "_mult",
        "_sum_ticks",
        "counter",
        "gap",
        "midpoint",
        "vote",
    )

    def __init__(self, length: int, mult: float) -> None:
        assert length > 0
        self._length, self._mult = length, mult
        self._before: Bar | None = None  # Two bars before the next one,
        self._between: Bar | None = None  # and the one before it.
        self._bodies: deque[int] = deque()  # Of the bars up to ``_before``.
        self._sum_ticks = 0
        self.counter = self.vote = 0
        self.gap = 0  # What the last bar completed: +1 a bull gap, -1 a bear gap.
        self.midpoint: float | None = None  # Of that gap, ticks.

    def update(self, bar: Bar) -> float | None:
        """Take in one finished bar; return the counter."""
        before, between = self._before, self._between
        self._before, self._between = between, bar
        self.gap, self.midpoint = 0, None
        ready = before is not None and between is not None and len(self._bodies) == self._length
        if ready:
            assert before is not None
            assert between is not None
            self._judge(before, between, bar)
        if between is not None:
            body = _body(between)
            self._bodies.append(body)
            self._sum_ticks += body
            if len(self._bodies) > self._length:
                self._sum_ticks -= self._bodies.popleft()
        return float(self.counter) if ready else None

    def _judge(self, before: Bar, between: Bar, bar: Bar) -> None:
        if not _body(between) * self._length >= self._mult * self._sum_ticks:
            return
        if bar.low_ticks > before.high_ticks and between.close_ticks > before.high_ticks:
            self.gap, edges_ticks = 1, bar.low_ticks + before.high_ticks
        elif bar.high_ticks < before.low_ticks and between.close_ticks < before.low_ticks:
            self.gap, edges_ticks = -1, before.low_ticks + bar.high_ticks
        else:
            return
        self.midpoint = edges_ticks / 2
        self.counter = self.gap if self.counter * self.gap < 0 else self.counter + self.gap
        self.vote = sign(self.counter)


def _body(bar: Bar) -> int:
    return abs(bar.close_ticks - bar.open_ticks)


def build(config: Indicators) -> Indicator:
    """Return the indicator as configured."""
    return LuxFvgTrend(config.luxfvgtrend_length, config.luxfvgtrend_mult)
