"""Bars of every interval of one series of prices. Prices and sizes are integers in whatever unit the series has."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from services.exchange.grid import Regrid

MINUTE_MS = 60_000
DAY_MS = 86_400_000
MONDAY_MS = 4 * DAY_MS  # The epoch was a Thursday.
MINUTES = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720")
INTERVALS = (*MINUTES, "D", "W", "M")
BARS_KEPT = 2_400


class Bar:
    """One interval's trading; ``last_ms`` is when its last price was made."""

    __slots__ = ("close", "end_ms", "high", "last_ms", "lots", "low", "open", "start_ms", "value_e8")

    def __init__(self, start_ms: int, end_ms: int, price: int) -> None:
        self.start_ms, self.end_ms, self.last_ms = start_ms, end_ms, start_ms
        self.open = self.high = self.low = self.close = price
        self.lots = self.value_e8 = 0

    def add(self, price: int, lots: int, value_e8: int, now_ms: int) -> None:
        """Take one price in."""
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close, self.last_ms = price, now_ms
        self.lots += lots
        self.value_e8 += value_e8

    def join(self, later: Bar) -> None:
        """Take in what came after this bar's last price."""
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.close, self.last_ms = later.close, later.last_ms
        self.lots += later.lots
        self.value_e8 += later.value_e8

    def regrid(self, change: Regrid) -> None:
        """Say prices and sizes, which are in ticks and lots, in the steps of another grid."""
        self.open, self.high = change.ticks(self.open), change.ticks(self.high)
        self.low, self.close = change.ticks(self.low), change.ticks(self.close)
        self.lots = change.lots(self.lots)


def span_ms(interval: str, at_ms: int) -> tuple[int, int]:
    """Return the first millisecond of the interval that ``at_ms`` lies in, and that of the next one."""
    if interval == "M":
        year, month = _month(at_ms // DAY_MS)
        return _first_day(year, month) * DAY_MS, _first_day(year + month // 12, month % 12 + 1) * DAY_MS
    if interval == "W":
        start_ms = (at_ms - MONDAY_MS) // (7 * DAY_MS) * (7 * DAY_MS) + MONDAY_MS
        return start_ms, start_ms + 7 * DAY_MS
    length_ms = DAY_MS if interval == "D" else int(interval) * MINUTE_MS
    start_ms = at_ms // length_ms * length_ms
    return start_ms, start_ms + length_ms


def _first_day(year: int, month: int) -> int:
    """Return the days from the epoch to the first of a month (a year that begins in March makes leap days last)."""
    year -= month <= 2
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5
    return year * 365 + year // 4 - year // 100 + year // 400 + of_year - 719_468


def _month(day: int) -> tuple[int, int]:
    """Return (year, month) of a day counted from the epoch."""
    year = 1970 + day // 366
    while _first_day(year + 1, 1) <= day:
        year += 1
    month = 1
    while month < 12 and _first_day(year, month + 1) <= day:
        month += 1
    return year, month


class Candles:
    """Closed bars and the open one of every interval, oldest first. A time without trades has flat bars."""

    def __init__(
        self,
        now_ms: int,
        past: Iterable[tuple[int, int, int, int]],
        price: int,
        bars_before: Callable[[str], list[Bar]] | None = None,
    ) -> None:
        """``past`` are (ms, price, lots, value at 1e-8) in order of time; ``price`` is the one of now.

        ``bars_before`` returns an interval's bars of the time before, oldest first, when they are first asked for.
        """
        self._bars_before, self._unread = bars_before, set(INTERVALS if bars_before else ())
        self._regrids: list[Regrid] = []  # All changes of the grid, for a past that is read after them.
        self.count = 0  # Prices taken in since the beginning.
        self._bars: dict[str, deque[Bar]] = {}
        self._fresh: Bar | None = None  # What was taken in and is in no bar yet.
        self._rolls_ms = 0
        before = list(past)
        for interval in INTERVALS:
            first_ms, first = (before[0][0], before[0][1]) if before else (now_ms, price)
            self._bars[interval] = deque([Bar(*span_ms(interval, first_ms), first)], maxlen=BARS_KEPT)
        for at_ms, old, lots, value_e8 in before:
            self.add(old, lots, value_e8, at_ms)
        self.roll(now_ms)
        self.count = 0

    def add(self, price: int, lots: int, value_e8: int, now_ms: int) -> None:
        """Take one price in."""
        self.count += 1
        self.roll(now_ms)
        if self._fresh is None:
            self._fresh = Bar(now_ms, now_ms, price)
        self._fresh.add(price, lots, value_e8, now_ms)

    def _fold(self) -> None:
        """Put what was taken in since the last time into the open bar of every interval."""
        fresh, self._fresh = self._fresh, None
        if fresh is not None:
            for bars in self._bars.values():
                bars[-1].join(fresh)

    def roll(self, now_ms: int) -> None:
        """Close the bars whose time is over."""
        if now_ms < self._rolls_ms:
            return
        self._fold()
        for interval, bars in self._bars.items():
            last = bars[-1]
            if now_ms >= last.end_ms and now_ms - last.end_ms > BARS_KEPT * (last.end_ms - last.start_ms):
                skipped_ms = now_ms - BARS_KEPT * (last.end_ms - last.start_ms)
                bars.append(Bar(*span_ms(interval, skipped_ms), last.close))
            while now_ms >= bars[-1].end_ms:
                bars.append(Bar(*span_ms(interval, bars[-1].end_ms), bars[-1].close))
        self._rolls_ms = self._bars["1"][-1].end_ms

    def bars(self, interval: str) -> deque[Bar]:
        """Return the bars of one interval, the open one last."""
        self._fold()
        if interval in self._unread:
            self._unread.discard(interval)
            self._read(interval)
        return self._bars[interval]

    def _read(self, interval: str) -> None:
        """Put the time before in front of what there is."""
        assert self._bars_before is not None
        bars, before = self._bars[interval], self._bars_before(interval)[-BARS_KEPT:]
        for bar in before:
            for change in self._regrids:
                bar.regrid(change)
        first = bars[0]
        while before and first.start_ms > before[-1].end_ms and len(before) < 2 * BARS_KEPT:
            before.append(Bar(*span_ms(interval, before[-1].end_ms), before[-1].close))
        if before and before[-1].start_ms == first.start_ms:
            open_before = before.pop()
            first.open = open_before.open
            first.high, first.low = max(first.high, open_before.high), min(first.low, open_before.low)
            first.lots += open_before.lots
            first.value_e8 += open_before.value_e8
        room = BARS_KEPT - len(bars)
        bars.extendleft(reversed(before[-room:] if room else []))

    def regrid(self, change: Regrid) -> None:
        """Say all bars, of a series in ticks and lots, in the steps of another grid; an unread past when it is read."""
        self._fold()
        if self._unread:
            self._regrids.append(change)
        for bars in self._bars.values():
            for bar in bars:
                bar.regrid(change)
