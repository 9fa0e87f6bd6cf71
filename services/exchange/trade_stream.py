"""One public trade topic: matches as Bybit writes them."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Any

import orjson

from services.exchange.matching import Fill
from shared.scale import Scale

TRADES_MAX = 1024  # In one message.
RECENT_MAX = 1_000  # Kept for REST.


class TradeStream:
    """The topic publicTrade.<symbol>."""

    def __init__(self, symbol: str, scale: Scale, last_ticks: int, born_ns: int) -> None:
        self.topic = f"publicTrade.{symbol}"
        self._symbol, self._scale, self._born_ns = symbol, scale, born_ns
        self._last_ticks = last_ticks
        self._rising = True
        self._count = 0
        self._recent: deque[str] = deque(maxlen=RECENT_MAX)
        self.tick_direction = "ZeroPlusTick"

    def add(self, fill: Fill, seq: int, now_ms: int) -> str:
        """Count one match and return it as JSON."""
        self.tick_direction = self._direction(fill.price_ticks)
        self._count += 1
        side = "Buy" if fill.taker_side > 0 else "Sell"
        price, qty = self._scale.price_text(fill.price_ticks), self._scale.qty_text(fill.qty_lots)
        trade = (
            f'{{"T":{now_ms},"s":"{self._symbol}","S":"{side}","v":"{qty}","p":"{price}",'
            f'"L":"{self.tick_direction}","i":"{self._trade_id()}","BT":false,"RPI":false,"seq":{seq}}}'
        )
        self._recent.append(trade)
        return trade

    def regrid(self, scale: Scale, last_ticks: int) -> None:
        """Go on in the steps of another grid."""
        self._scale, self._last_ticks = scale, last_ticks

    def recent(self, limit: int) -> list[dict[str, Any]]:
        """Return the last trades, newest first."""
        return [orjson.loads(trade) for trade, _ in zip(reversed(self._recent), range(limit), strict=False)]

    def frames(self, trades: list[str], now_ms: int) -> list[bytes]:
        """Return the messages that carry these trades."""
        head = f'{{"topic":"{self.topic}","type":"snapshot","ts":{now_ms},"data":['
        return [
            f"{head}{','.join(trades[first : first + TRADES_MAX])}]}}".encode()
            for first in range(0, len(trades), TRADES_MAX)
        ]

    def _direction(self, price_ticks: int) -> str:
        """Return how this price stands to the one before; equal prices remember the last move."""
        moved = price_ticks != self._last_ticks
        if moved:
            self._rising = price_ticks > self._last_ticks
        self._last_ticks = price_ticks
        return f"{'' if moved else 'Zero'}{'Plus' if self._rising else 'Minus'}Tick"

    def _trade_id(self) -> str:
        """Return an id in the form of a uuid, a pure function of symbol, birth and count."""
        text = f"{self._symbol}:{self._born_ns}:{self._count}".encode()
        word = hashlib.blake2b(text, digest_size=16).hexdigest()
        return f"{word[:8]}-{word[8:12]}-5{word[13:16]}-a{word[17:20]}-{word[20:]}"
