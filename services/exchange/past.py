"""The past of a market that has just been made up: bars of the days before its opening.

The last day goes from the ticker's first price to the opening price and shares the ticker's turnover; the days before
it lie about where that day begins and trade as much. Around that line the price wanders, and comes back to it in time:
the last bar closes at the opening price, at which the first live bar opens. A pure function of symbol, ticker and
opening time, worked out when somebody asks for it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from services.exchange.candles import DAY_MS, MINUTE_MS, Bar, span_ms
from shared.scale import OffGridError, Scale, to_e8

DAYS = 9  # 200 hours and a little.
DAY_MINUTES = DAY_MS // MINUTE_MS
MILLION = 1_000_000
STEP_PER_MILLION = 1_700  # A minute's step is at most so large: 10 basis points of standard deviation.
WICK_PER_MILLION = 500
SPREAD_PER_MILLE = 400  # So much more or less than the mean is traded in a minute.
BACK = 32  # So much of the distance to the line goes in a minute: one part in,
HOME_MINUTES = 60  # and what is left of it in the last so many minutes.
_MULTIPLIER, _INCREMENT, _WORD = 6_364_136_223_846_793_005, 1_442_695_040_888_963_407, 0xFFFF_FFFF_FFFF_FFFF


class Past(NamedTuple):
    """What is known of the time before the opening. Prices in ticks."""

    symbol: str
    scale: Scale
    first_ticks: int  # A day before the opening.
    last_ticks: int
    minute_value_e8: int  # Mean turnover of a minute.
    now_ms: int

    def minutes(self) -> Iterator[tuple[int, int, int, int, int, int, int]]:
        """Yield (start ms, open, high, low, close, lots, value at 1e-8) of every whole minute before the opening."""
        start_ms = self.now_ms // MINUTE_MS * MINUTE_MS - DAYS * DAY_MS
        lot_value_e8 = max(1, self.scale.value_e8(MILLION, 1))  # Of one lot at a price of a million ticks.
        first, moved = self.first_ticks, self.last_ticks - self.first_ticks
        state, away, spread, price = zlib.crc32(self.symbol.encode()), 0, 0, first
        for left in range(DAYS * DAY_MINUTES - 1, -1, -1):
            state = (state * _MULTIPLIER + _INCREMENT) & _WORD
            away += (state >> 16) % (2 * STEP_PER_MILLION + 1) - STEP_PER_MILLION - away // BACK
            line = first if left >= DAY_MINUTES else first + moved * (DAY_MINUTES - left) // DAY_MINUTES
            home = left if left < HOME_MINUTES else HOME_MINUTES
            before, price = price, line + line * away * home // (HOME_MINUTES * MILLION)
            if price < 1:
                price = 1
            high, low = (price, before) if price > before else (before, price)
            high += high * ((state >> 40) % WICK_PER_MILLION) // MILLION
            low -= low * ((state >> 50) % WICK_PER_MILLION) // MILLION
            # Minutes come in pairs, one of which has as much more than the mean as the other has less.
            spread = (state >> 32) % (2 * SPREAD_PER_MILLE) - SPREAD_PER_MILLE if left % 2 else -spread
            value_e8 = self.minute_value_e8 * (1_000 + spread) // 1_000
            lots = value_e8 * MILLION // (price * lot_value_e8)
            yield start_ms, before, high, low, price, lots, value_e8
            start_ms += MINUTE_MS

    def bars(self, interval: str) -> list[Bar]:
        """Return the bars of one interval, oldest first; the last of them may not be over yet."""
        found: list[Bar] = []
        end_ms = 0
        for start_ms, opened, high, low, close, lots, value_e8 in self.minutes():
            if start_ms >= end_ms:
                bar = Bar(*span_ms(interval, start_ms), opened)
                end_ms = bar.end_ms
                found.append(bar)
            if high > bar.high:
                bar.high = high
            if low < bar.low:
                bar.low = low
            bar.close, bar.last_ms = close, start_ms + MINUTE_MS - 1
            bar.lots += lots
            bar.value_e8 += value_e8
        return found

    def at(self, interval: str, price: int) -> list[Bar]:
        """Return the same bars without volume, of a series in another unit that opens at ``price``: mark or index."""
        found = self.bars(interval)
        for bar in found:
            bar.open, bar.close = bar.open * price // self.last_ticks, bar.close * price // self.last_ticks
            bar.high, bar.low = bar.high * price // self.last_ticks, bar.low * price // self.last_ticks
            bar.lots = bar.value_e8 = 0
        return found


def past_of(symbol: str, scale: Scale, last_ticks: int, ticker: Mapping[str, str], now_ms: int) -> Past | None:
    """Return the past that a ticker tells of; None when it tells of none."""
    try:
        first = scale.price_ticks(ticker["prevPrice24h"])
        value_e8 = to_e8(ticker["turnover24h"]) // DAY_MINUTES
    except (KeyError, OffGridError):
        return None
    if first <= 0 or last_ticks <= 0 or value_e8 < 0:
        return None
    return Past(symbol, scale, first, last_ticks, value_e8, now_ms)


def flat(interval: str, past: Past, price: int) -> list[Bar]:
    """Return bars that never moved, of the same times: the premium."""
    return [Bar(bar.start_ms, bar.end_ms, price) for bar in past.bars(interval)]
