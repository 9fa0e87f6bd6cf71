"""What one symbol's past looks like: bars of its trades, mark, index and premium, kept from the opening on.

A market that has just been made up has no past, but its ticker tells of a day: the bars before the opening go from that
day's first price to its last and share its volume, on a path that is a pure function of the symbol.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

from services.exchange.candles import DAY_MS, MINUTE_MS, Candles
from services.exchange.grid import Regrid
from shared.scale import E8, OffGridError, Scale, to_e8

MINUTES = DAY_MS // MINUTE_MS
SAMPLE_MS = 1_000
WANDER_PER_MILLION = 60  # Half-width of the made-up path's step in a minute.
_MULTIPLIER, _INCREMENT = 6_364_136_223_846_793_005, 1_442_695_040_888_963_407


class History:
    """One symbol's series. Trades are in ticks and lots, mark and index at 1e-8, the premium a fraction at 1e-8."""

    def __init__(self, symbol: str, scale: Scale, last_ticks: int, ticker: Mapping[str, str], now_ms: int) -> None:
        self.scale = scale
        self.trades = Candles(now_ms, _past(symbol, scale, last_ticks, ticker, now_ms), last_ticks)
        self.mark: Candles | None = None
        self.index: Candles | None = None
        self.premium: Candles | None = None
        self._sample_ms = 0

    def regrid(self, change: Regrid) -> None:
        """Say the trades' bars in the steps of another grid; the other series have none."""
        self.scale = change.new
        self.trades.regrid(change)

    def sample(self, mark_e8: int, index_e8: int, now_ms: int) -> None:
        """Take note of mark and index, once a second at most."""
        if now_ms < self._sample_ms or mark_e8 <= 0 or index_e8 <= 0:
            return
        self._sample_ms = (now_ms // SAMPLE_MS + 1) * SAMPLE_MS
        premium_e8 = (mark_e8 - index_e8) * E8 // index_e8
        if self.mark is None or self.index is None or self.premium is None:
            self.mark, self.index = Candles(now_ms, (), mark_e8), Candles(now_ms, (), index_e8)
            self.premium = Candles(now_ms, (), premium_e8)
            return
        self.mark.add(mark_e8, 0, 0, now_ms)
        self.index.add(index_e8, 0, 0, now_ms)
        self.premium.add(premium_e8, 0, 0, now_ms)


def _past(
    symbol: str, scale: Scale, last_ticks: int, ticker: Mapping[str, str], now_ms: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (ms, price, lots, value at 1e-8) for every minute of the ticker's last day."""
    try:
        first = scale.price_ticks(ticker["prevPrice24h"])
        value_e8 = to_e8(ticker["turnover24h"]) // MINUTES
    except (KeyError, OffGridError):
        return
    if first <= 0 or last_ticks <= 0:
        return
    state, away = zlib.crc32(symbol.encode()), 0
    for minute in range(MINUTES):
        state = (state * _MULTIPLIER + _INCREMENT) & 0xFFFF_FFFF_FFFF_FFFF
        step = ((state >> 33) % (2 * WANDER_PER_MILLION + 1) - WANDER_PER_MILLION) * last_ticks // 1_000_000
        away = away * 15 // 16 + step if minute < MINUTES - 1 else 0
        price = max(1, first + (last_ticks - first) * (minute + 1) // MINUTES + away)
        at_ms = now_ms - (MINUTES - minute) * MINUTE_MS
        yield at_ms, price, value_e8 // max(1, scale.value_e8(price, 1)), value_e8
