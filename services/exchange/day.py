"""The last 24 hours of one symbol, in hourly buckets: what a ticker says about the past."""

from __future__ import annotations

from collections import deque

from services.exchange.grid import Regrid

HOUR_NS = 3_600_000_000_000
HOURS = 24


class _Hour:
    """One hour's trading."""

    __slots__ = ("high_ticks", "lots", "low_ticks", "open_ticks", "value_e8")

    def __init__(self, open_ticks: int, close_ticks: int, lots: int, value_e8: int) -> None:
        self.open_ticks = open_ticks
        self.high_ticks, self.low_ticks = max(open_ticks, close_ticks), min(open_ticks, close_ticks)
        self.lots, self.value_e8 = lots, value_e8


class Day:
    """Rolling 24 hour figures, born with a straight-line past from ``prev_ticks`` to ``last_ticks``."""

    def __init__(self, now: int, prev_ticks: int, last_ticks: int, lots: int, value_e8: int) -> None:
        path = [prev_ticks + (last_ticks - prev_ticks) * hour // HOURS for hour in range(HOURS)] + [last_ticks]
        self._hours = deque(
            (_Hour(path[hour], path[hour + 1], lots // HOURS, value_e8 // HOURS) for hour in range(HOURS)),
            maxlen=HOURS,
        )
        self.last_ticks = last_ticks
        self._rolls_ns = now + HOUR_NS

    def trade(self, price_ticks: int, lots: int, value_e8: int) -> None:
        """Count one match."""
        hour = self._hours[-1]
        hour.high_ticks = max(hour.high_ticks, price_ticks)
        hour.low_ticks = min(hour.low_ticks, price_ticks)
        hour.lots += lots
        hour.value_e8 += value_e8
        self.last_ticks = price_ticks

    def roll(self, now: int) -> None:
        """Forget the hours that are more than a day old."""
        if now < self._rolls_ns:
            return
        passed = (now - self._rolls_ns) // HOUR_NS + 1
        for _ in range(min(passed, HOURS)):
            self._hours.append(_Hour(self.last_ticks, self.last_ticks, 0, 0))
        self._rolls_ns += passed * HOUR_NS

    def regrid(self, change: Regrid) -> None:
        """Say the past in the steps of another grid, each price and size at the nearest."""
        for hour in self._hours:
            hour.open_ticks, hour.high_ticks = change.ticks(hour.open_ticks), change.ticks(hour.high_ticks)
            hour.low_ticks, hour.lots = change.ticks(hour.low_ticks), change.lots(hour.lots)
        self.last_ticks = change.ticks(self.last_ticks)

    @property
    def prev_24h_ticks(self) -> int:
        """The price a day ago."""
        return self._hours[0].open_ticks

    @property
    def prev_1h_ticks(self) -> int:
        """The price at the beginning of the running hour."""
        return self._hours[-1].open_ticks

    @property
    def high_ticks(self) -> int:
        """The highest price of the day."""
        return max(hour.high_ticks for hour in self._hours)

    @property
    def low_ticks(self) -> int:
        """The lowest price of the day."""
        return min(hour.low_ticks for hour in self._hours)

    @property
    def lots(self) -> int:
        """The day's volume in lots."""
        return sum(hour.lots for hour in self._hours)

    @property
    def value_e8(self) -> int:
        """The day's turnover in the quote coin at 1e-8."""
        return sum(hour.value_e8 for hour in self._hours)
