"""One liquidation topic: every liquidation, gathered for half a second."""

from __future__ import annotations

import orjson

from shared.scale import Scale

MS = 1_000_000
INTERVAL_NS = 500 * MS


class LiquidationStream:
    """The topic allLiquidation.<symbol>."""

    def __init__(self, symbol: str, scale: Scale) -> None:
        self.topic = f"allLiquidation.{symbol}"
        self._symbol, self._scale = symbol, scale
        self._rows: list[dict[str, object]] = []
        self._due_ns = 0

    def add(self, side: int, lots: int, bankruptcy_ticks: int, now: int) -> None:
        """Take in a position that was liquidated: its own side, and the price at which its margin was gone."""
        self._rows.append(
            {
                "T": now // MS,
                "s": self._symbol,
                "S": "Buy" if side > 0 else "Sell",
                "v": self._scale.qty_text(lots),
                "p": self._scale.price_text(bankruptcy_ticks),
            }
        )

    def regrid(self, scale: Scale) -> None:
        """Go on in the steps of another grid."""
        self._scale = scale

    def advance(self, now: int) -> list[bytes]:
        """Return what is due."""
        if now < self._due_ns:
            return []
        self._due_ns = (now // INTERVAL_NS + 1) * INTERVAL_NS
        if not self._rows:
            return []
        rows, self._rows = self._rows, []
        return [orjson.dumps({"topic": self.topic, "type": "snapshot", "ts": now // MS, "data": rows})]
