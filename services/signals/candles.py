"""Bars of one symbol, made from its trades: 1 min, 5 min and 1 h, prices in ticks, volumes in lots.

Time is the venue's own: a trade belongs to the bar in which it was matched, so that our bars are the venue's bars. A
bar closes when a trade of a later bar is heard (trades come in order), or when any other record is more than CLOSES_MS
past its end. A bar opens at the close before it; one without trades is flat. Block trades are no part of a bar (they
are negotiated elsewhere); retail price improvement (RPI) trades are: the book never showed them, but somebody took.

A bar is worth something only when all of its trades were heard. One that spans a gap (the feed broke, or we have only
just joined) is marked, never kept, and asked of the venue (`services/signals/backfill.py`). What an indicator sees,
``closed``, has no holes: what comes after a hole waits until it is mended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

CLOSES_MS = 500  # A trade may come so much later than other records of its time.
BLIND_MS = 1_000  # After joining; subscriptions to book and trades do not begin at the same moment.
SETTLES_MS = 1_000  # The venue's own bar is asked for so long after its end.
PAGE_BARS = 1_000
NEVER_MS = 1 << 62


class Bar(NamedTuple):
    """One finished bar."""

    start_ms: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    lots: int
    delta_lots: int  # Bought by takers less sold by takers.
    exact: bool = True  # The delta is counted; False: split from the shape of the candle.


def split_delta(open_ticks: int, high_ticks: int, low_ticks: int, close_ticks: int, lots: int) -> int:
    """Return the delta that a candle's shape suggests, where takers are not known.

    Wicks belong to both sides alike, the body to the side that won: V x body / spread, with the sign of the body.
    """
    spread = high_ticks - low_ticks
    if spread <= 0:
        return 0
    size = lots * abs(close_ticks - open_ticks) // spread
    return size if close_ticks > open_ticks else -size


class Series:
    """Bars of one length."""

    __slots__ = (
        "_close_ticks",
        "_delta_lots",
        "_first_ticks",
        "_heard_from_ms",
        "_high_ticks",
        "_keep",
        "_later",
        "_lots",
        "_low_ticks",
        "_next_ms",
        "_start_ms",
        "closed",
        "count",
        "interval_ms",
        "revision",
    )

    def __init__(self, interval_ms: int, keep: int) -> None:
        assert interval_ms > 0
        assert keep > 0
        self.interval_ms, self._keep = interval_ms, keep
        self.closed: deque[Bar] = deque(maxlen=keep)  # Finished, each beginning where the one before ends.
        self.count = 0  # How many were put there since the revision began.
        self.revision = 0  # Rises when the bars begin anew: who followed them must begin anew too.
        self._later: dict[int, Bar] = {}  # Finished bars after the first hole, by start, in order.
        self._next_ms = 0  # Start of the bar that ``closed`` waits for.
        self._heard_from_ms = NEVER_MS  # Bars that begin earlier have trades that were not heard.
        self._start_ms = -1  # Of the open bar; -1 before the first look at the clock.
        self._first_ticks = self._high_ticks = self._low_ticks = self._close_ticks = 0  # 0: no trade yet.
        self._lots = self._delta_lots = 0

    # --- hearing ------------------------------------------------------------------------------------------------------

    def trade(self, at_ms: int, ticks: int, lots: int, taker: int) -> None:
        """Count one trade. One of a bar that has closed already counts in the open one, lest its volume be lost."""
        self._reach(at_ms)
        if not self._first_ticks:
            self._first_ticks = self._high_ticks = self._low_ticks = ticks
        elif ticks > self._high_ticks:
            self._high_ticks = ticks
        elif ticks < self._low_ticks:
            self._low_ticks = ticks
        self._close_ticks = ticks
        self._lots += lots
        self._delta_lots += taker * lots

    def clock(self, at_ms: int) -> None:
        """Learn what time it is at the venue."""
        if at_ms - CLOSES_MS >= self._start_ms + self.interval_ms:
            self._reach(at_ms - CLOSES_MS)

    def lose(self) -> None:
        """From here on trades may be missed."""
        self._heard_from_ms = NEVER_MS

    def join(self, at_ms: int) -> None:
        """From here on trades are heard."""
        self._reach(at_ms)
        if self._heard_from_ms == NEVER_MS:
            self._heard_from_ms = at_ms + BLIND_MS

    def _reach(self, at_ms: int) -> None:
        """Close the bars that end by ``at_ms``. Time that runs back is no time."""
        late_ms = at_ms - self._start_ms
        if late_ms < self.interval_ms and self._start_ms >= 0:
            return
        if self._start_ms < 0 or late_ms > self._keep * self.interval_ms:
            self._begin(at_ms)
            return
        while at_ms >= self._start_ms + self.interval_ms:
            self._close()

    def _begin(self, at_ms: int) -> None:
        """Begin anew at a time from which nothing earlier is within reach."""
        self._start_ms = at_ms // self.interval_ms * self.interval_ms
        self._empty()
        if self._heard_from_ms < NEVER_MS:
            self._heard_from_ms = at_ms + BLIND_MS
        self.closed.clear()
        self._later.clear()
        self._next_ms = self._start_ms - self._keep * self.interval_ms
        self.count, self.revision = 0, self.revision + 1

    def _close(self) -> None:
        if self._start_ms >= self._heard_from_ms:
            self._later[self._start_ms] = Bar(
                self._start_ms, self._first_ticks, self._high_ticks, self._low_ticks, self._close_ticks, self._lots,
                self._delta_lots,
            )  # fmt: skip
            if self._start_ms == self._next_ms:
                self._drain()
            elif len(self._later) > self._keep:
                del self._later[next(iter(self._later))]
        self._start_ms += self.interval_ms
        self._empty()
        if self._start_ms - self._next_ms > 2 * self._keep * self.interval_ms:
            self._begin(self._start_ms)  # Nobody has mended the hole: what lies before it is too old.

    def _empty(self) -> None:
        self._first_ticks = self._high_ticks = self._low_ticks = self._close_ticks = 0
        self._lots = self._delta_lots = 0

    def _drain(self) -> None:
        """Put the bars for which the way is free where they are seen."""
        later = self._later
        while self._next_ms in later:
            self._put(later.pop(self._next_ms))

    def _put(self, bar: Bar) -> None:
        """Add a bar to what is seen; ours open at the close before them, as the venue's do."""
        self._next_ms = bar.start_ms + self.interval_ms
        if bar.exact and self.closed:
            before = self.closed[-1].close_ticks
            if not bar.lots:
                bar = bar._replace(open_ticks=before, high_ticks=before, low_ticks=before, close_ticks=before)
            else:
                high, low = max(bar.high_ticks, before), min(bar.low_ticks, before)
                bar = bar._replace(open_ticks=before, high_ticks=high, low_ticks=low)
        elif not bar.lots and not bar.close_ticks:
            return  # No price has ever been heard of.
        self.closed.append(bar)
        self.count += 1

    # --- mending ------------------------------------------------------------------------------------------------------

    def missing(self, at_ms: int) -> tuple[int, int] | None:
        """Return (start of the first, start of the last) bar to ask the venue for at that time, at most a page."""
        if self._start_ms < 0:
            return None
        end_ms = min(
            next(iter(self._later), self._start_ms), (at_ms - SETTLES_MS) // self.interval_ms * self.interval_ms
        )
        if self._next_ms >= end_ms:
            return None
        return self._next_ms, min(end_ms, self._next_ms + PAGE_BARS * self.interval_ms) - self.interval_ms

    def fill(self, bars: Sequence[Bar], first_ms: int, last_ms: int) -> bool:
        """Mend a hole with the venue's bars of ``first_ms`` .. ``last_ms``, oldest first; return whether that helped.

        Of the time before the oldest bar there is nothing more to be had. An unfinished bar is not taken.
        """
        if first_ms != self._next_ms or last_ms >= self._start_ms:
            return False  # The answer to a question of another time.
        before = self._next_ms
        found = [bar for bar in bars if first_ms <= bar.start_ms <= last_ms]
        if not self.closed:
            self._next_ms = found[0].start_ms if found else last_ms + self.interval_ms
        for bar in found:
            if bar.start_ms == self._next_ms:
                self._put(bar)
        self._drain()
        return self._next_ms > before

    # --- asking -------------------------------------------------------------------------------------------------------

    @property
    def whole(self) -> bool:
        """Whether ``closed`` leads up to the open bar."""
        return self._start_ms >= 0 and self._next_ms == self._start_ms

    @property
    def end_ms(self) -> int:
        """When the newest bar of ``closed`` ended."""
        return self._next_ms

    def since(self, count: int) -> Iterable[Bar]:
        """Return the bars after the ``count``-th of this revision, as far as they are kept."""
        return islice(self.closed, max(0, len(self.closed) - (self.count - count)), None)


class Candles:
    """The bars of one symbol."""

    __slots__ = ("at_ms", "series")

    def __init__(self, intervals: Sequence[tuple[str, int, int]]) -> None:
        """``intervals`` are (name, length in ms, finished bars to keep)."""
        self.series = {name: Series(interval_ms, keep) for name, interval_ms, keep in intervals}
        self.at_ms = 0  # The venue's time, as far as it is known.

    def trade(self, at_ms: int, ticks: int, lots: int, taker: int) -> None:
        """Count one trade; ``taker`` is +1 when he bought, -1 when he sold."""
        for each in self.series.values():
            each.trade(at_ms, ticks, lots, taker)
        self.at_ms = max(self.at_ms, at_ms)

    def clock(self, at_ms: int) -> None:
        """Learn what time it is at the venue."""
        if at_ms > self.at_ms:
            self.at_ms = at_ms
            for each in self.series.values():
                each.clock(at_ms)

    def lose(self) -> None:
        """From here on trades may be missed."""
        for each in self.series.values():
            each.lose()

    def join(self, at_ms: int) -> None:
        """From here on trades are heard."""
        self.at_ms = max(self.at_ms, at_ms)
        for each in self.series.values():
            each.join(at_ms)
