"""One kline topic: the open bar every second in which there was trading, and each bar once more when it closes."""

from __future__ import annotations

import orjson

from services.exchange.candles import Bar, Candles
from shared.scale import Scale, e8_text

MS = 1_000_000
INTERVAL_NS = 1_000 * MS


class KlineStream:
    """The topic kline.<interval>.<symbol>."""

    def __init__(self, symbol: str, interval: str, scale: Scale, candles: Candles) -> None:
        self.topic = f"kline.{interval}.{symbol}"
        self._interval, self._scale, self._candles = interval, scale, candles
        self._start_ms = self._seen = 0
        self._due_ns = 0

    def join(self, now: int) -> None:
        """Begin to tell: nothing is said of the past."""
        self._candles.roll(now // MS)
        self._start_ms, self._seen = self._candles.bars(self._interval)[-1].start_ms, self._candles.count
        self._due_ns = (now // INTERVAL_NS + 1) * INTERVAL_NS

    def advance(self, now: int) -> list[bytes]:
        """Return what is due."""
        if now < self._due_ns:
            return []
        self._due_ns = (now // INTERVAL_NS + 1) * INTERVAL_NS
        self._candles.roll(now // MS)
        bars = self._candles.bars(self._interval)
        frames: list[bytes] = []
        if bars[-1].start_ms != self._start_ms:
            closed = [bar for bar in bars if self._start_ms <= bar.start_ms < bars[-1].start_ms]
            frames += [self._frame(bar, True, now) for bar in closed]
            self._start_ms = bars[-1].start_ms
        if self._candles.count != self._seen and bars[-1].lots:
            frames.append(self._frame(bars[-1], False, now))
        self._seen = self._candles.count
        return frames

    def _frame(self, bar: Bar, confirm: bool, now: int) -> bytes:
        price = self._scale.price_text
        data = {
            "start": bar.start_ms, "end": bar.end_ms - 1, "interval": self._interval, "open": price(bar.open),
            "close": price(bar.close), "high": price(bar.high), "low": price(bar.low),
            "volume": self._scale.qty_text(bar.lots), "turnover": e8_text(bar.value_e8), "confirm": confirm,
            "timestamp": bar.last_ms,
        }  # fmt: skip
        return orjson.dumps({"topic": self.topic, "data": [data], "ts": now // MS, "type": "snapshot"})
