"""The open bar every second with trading, and each bar once more when it closes."""

from __future__ import annotations

import orjson

from services.exchange.candles import Candles
from services.exchange.kline_stream import KlineStream
from shared.scale import Scale

MS, S = 1_000_000, 1_000_000_000
NOW = 1_790_000_040 * S  # A full minute.


def test_frames_have_the_venues_keys_and_a_bar_closes_once() -> None:
    candles = Candles(NOW // MS, (), 600_000)
    stream = KlineStream("BTCUSDT", "1", Scale("0.10", "0.001"), candles)
    stream.join(NOW)
    assert stream.advance(NOW + S) == []
    candles.add(600_010, 3, 180_003 * 1_000_000, (NOW + S) // MS + 5)
    (data,) = stream.advance(NOW + 2 * S)
    frame = orjson.loads(data)
    assert list(frame) == ["topic", "data", "ts", "type"]
    (bar,) = frame["data"]
    assert bar == {
        "start": NOW // MS, "end": NOW // MS + 59_999, "interval": "1", "open": "60000.00", "close": "60001.00",
        "high": "60001.00", "low": "60000.00", "volume": "0.003", "turnover": "1800.03", "confirm": False,
        "timestamp": NOW // MS + 1_005,
    }  # fmt: skip
    assert stream.advance(NOW + 3 * S) == []
    (closed,) = stream.advance(NOW + 61 * S)
    assert orjson.loads(closed)["data"][0] == bar | {"confirm": True}
    assert stream.advance(NOW + 62 * S) == []
