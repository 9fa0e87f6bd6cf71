"""The price band, every 300 ms."""

from __future__ import annotations

import orjson

from services.exchange.desk import Band
from services.exchange.limit_stream import LimitStream
from shared.scale import Scale

MS = 1_000_000


def test_the_band_is_told_every_300_ms() -> None:
    stream = LimitStream("BTCUSDT", Scale("0.10", "0.001"), lambda symbol: Band(590_000, 610_000))
    said = [(at, frame) for at in range(0, 1_000, 100) for frame in stream.advance(at * MS)]
    assert [at for at, _ in said] == [0, 300, 600, 900]
    assert orjson.loads(said[1][1]) == {
        "topic": "priceLimit.BTCUSDT",
        "data": {"symbol": "BTCUSDT", "buyLmt": "61000.00", "sellLmt": "59000.00"},
        "ts": 300,
    }
