"""One price-limit topic: the band in which orders may stand, every 300 ms."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from services.exchange.desk import Band
from shared.scale import Scale

MS = 1_000_000
INTERVAL_NS = 300 * MS


class LimitStream:
    """The topic priceLimit.<symbol>. ``band`` says the present band."""

    def __init__(self, symbol: str, scale: Scale, band: Callable[[str], Band]) -> None:
        self.topic = f"priceLimit.{symbol}"
        self._symbol, self._scale, self._band = symbol, scale, band
        self._due_ns = 0

    def advance(self, now: int) -> list[bytes]:
        """Return what is due."""
        if now < self._due_ns:
            return []
        self._due_ns = (now // INTERVAL_NS + 1) * INTERVAL_NS
        data = {"symbol": self._symbol, **band_texts(self._band(self._symbol), self._scale)}
        return [orjson.dumps({"topic": self.topic, "data": data, "ts": now // MS})]


def band_texts(band: Band, scale: Scale) -> dict[str, str]:
    """Return a band as Bybit writes it."""
    return {"buyLmt": scale.price_text(band.max_buy_ticks), "sellLmt": scale.price_text(band.min_sell_ticks)}
