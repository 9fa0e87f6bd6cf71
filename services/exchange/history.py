"""What one symbol's past looks like: bars of its trades, mark, index and premium, kept from the opening on.

What lies before the opening is made up (`past.py`); mark and index went the same way then.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.exchange.candles import Candles
from services.exchange.grid import Regrid
from services.exchange.past import flat, past_of
from shared.scale import E8, Scale

SAMPLE_MS = 1_000


class History:
    """One symbol's series. Trades are in ticks and lots, mark and index at 1e-8, the premium a fraction at 1e-8."""

    def __init__(self, symbol: str, scale: Scale, last_ticks: int, ticker: Mapping[str, str], now_ms: int) -> None:
        self.scale = scale
        past = self._past = past_of(symbol, scale, last_ticks, ticker, now_ms)
        self.trades = Candles(now_ms, (), last_ticks, past.bars if past else None)
        self.mark: Candles | None = None
        self.index: Candles | None = None
        self.premium: Candles | None = None
        self.due_ms = 0  # The next sample is not taken before.

    def regrid(self, change: Regrid) -> None:
        """Say the trades' bars in the steps of another grid; the other series have none."""
        self.scale = change.new
        self.trades.regrid(change)

    def sample(self, mark_e8: int, index_e8: int, now_ms: int) -> None:
        """Take note of mark and index, once a second at most."""
        if now_ms < self.due_ms or mark_e8 <= 0 or index_e8 <= 0:
            return
        self.due_ms = (now_ms // SAMPLE_MS + 1) * SAMPLE_MS
        premium_e8 = (mark_e8 - index_e8) * E8 // index_e8
        if self.mark is None or self.index is None or self.premium is None:
            past = self._past
            self.mark = Candles(now_ms, (), mark_e8, past and (lambda interval: past.at(interval, mark_e8)))
            self.index = Candles(now_ms, (), index_e8, past and (lambda interval: past.at(interval, index_e8)))
            self.premium = Candles(now_ms, (), premium_e8, past and (lambda interval: flat(interval, past, premium_e8)))
            return
        self.mark.add(mark_e8, 0, 0, now_ms)
        self.index.add(index_e8, 0, 0, now_ms)
        self.premium.add(premium_e8, 0, 0, now_ms)
