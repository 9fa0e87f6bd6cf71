"""Liquidations are told in batches of half a second."""

from __future__ import annotations

import orjson

from services.exchange.liquidation_stream import LiquidationStream
from shared.scale import Scale

MS = 1_000_000


def test_a_batch_names_the_side_of_the_position_and_the_bankruptcy_price() -> None:
    stream = LiquidationStream("BTCUSDT", Scale("0.10", "0.001"))
    assert stream.advance(500 * MS) == []
    stream.add(1, 5, 590_000, 510 * MS)
    stream.add(-1, 7, 610_000, 520 * MS)
    assert stream.advance(600 * MS) == []
    (data,) = stream.advance(1_000 * MS)
    assert orjson.loads(data) == {
        "topic": "allLiquidation.BTCUSDT",
        "type": "snapshot",
        "ts": 1_000,
        "data": [
            {"T": 510, "s": "BTCUSDT", "S": "Buy", "v": "0.005", "p": "59000.00"},
            {"T": 520, "s": "BTCUSDT", "S": "Sell", "v": "0.007", "p": "61000.00"},
        ],
    }
    assert stream.advance(1_500 * MS) == []
