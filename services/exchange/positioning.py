"""How much is held on the market, and by whom: a record every five minutes, for REST.

The open interest is the market's own. Its accounts are not real, so neither is the share of them that is long: it
leans to where the day has gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from services.exchange.candles import DAY_MS, MINUTE_MS

RECORD_MS = 5 * MINUTE_MS
KEPT = 7 * DAY_MS // RECORD_MS
INTERVALS_MS = {
    "5min": RECORD_MS, "15min": 15 * MINUTE_MS, "30min": 30 * MINUTE_MS, "1h": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS, "1d": DAY_MS,
}  # fmt: skip
LEAN_MAX_E4 = 2_000  # Of 10,000: how far the share of longs is from one half at most.


class Record(NamedTuple):
    """The market at one time."""

    at_ms: int
    interest: str  # One side's, as the ticker writes it.
    long_e4: int  # Share of the accounts that are net long.


class Positioning:
    """One symbol's records, with a day before the opening that was like the opening."""

    def __init__(self, ticker: Mapping[str, str], now_ms: int) -> None:
        self._records: deque[Record] = deque(maxlen=KEPT)
        before = _record(ticker, now_ms)
        for at_ms in range((now_ms - DAY_MS) // RECORD_MS * RECORD_MS, now_ms + 1, RECORD_MS):
            self._records.append(Record(at_ms, before.interest, before.long_e4))
        self.due_ms = (now_ms // RECORD_MS + 1) * RECORD_MS

    def sample(self, ticker: Mapping[str, str], now_ms: int) -> None:
        """Take note of what is due."""
        while now_ms >= self.due_ms:
            self._records.append(_record(ticker, self.due_ms))
            self.due_ms += RECORD_MS

    def newest_first(self, interval: str) -> Iterator[Record]:
        """Yield the records of an interval."""
        step = INTERVALS_MS[interval]
        return (record for record in reversed(self._records) if record.at_ms % step == 0)


def _record(ticker: Mapping[str, str], at_ms: int) -> Record:
    interest = ticker.get("singleOpenInterest") or ticker.get("openInterest") or "0"
    try:
        change_e4 = int(Decimal(ticker.get("price24hPcnt") or "0") * 10_000)
    except InvalidOperation:
        change_e4 = 0
    lean = max(-LEAN_MAX_E4, min(LEAN_MAX_E4, change_e4))
    return Record(at_ms, interest, 5_000 + lean)
