"""A ticker says everything once and then only what has changed."""

from __future__ import annotations

from random import Random

import orjson
import pytest

from services.exchange.synthetic import INSTRUMENTS, START_PRICES_TICKS, SyntheticMarket
from services.exchange.ticker_stream import REST_KEYS, TickerStream, fixed, rest_row

MS = 1_000_000
NOW = 1_790_000_000_000 * MS
WIRE_KEYS = [
    *("symbol", "tickDirection", "price24hPcnt", "lastPrice", "prevPrice24h", "highPrice24h", "lowPrice24h"),
    *("prevPrice1h", "markPrice", "indexPrice", "openInterest", "openInterestValue", "turnover24h", "volume24h"),
    *("fundingIntervalHour", "fundingCap", "singleOpenInterest", "singleOpenInterestValue", "nextFundingTime"),
    *("fundingRate", "bid1Price", "bid1Size", "ask1Price", "ask1Size", "preOpenPrice", "preQty"),
    "curPreListingPhase",
]


def ticker_of() -> tuple[SyntheticMarket, TickerStream]:
    market = SyntheticMarket(Random(1), INSTRUMENTS, START_PRICES_TICKS, NOW)
    return market, TickerStream(market, "BTCUSDT")


def test_a_snapshot_has_all_keys_as_text() -> None:
    frame = orjson.loads(ticker_of()[1].snapshot(NOW, 77, live=False))
    assert list(frame) == ["topic", "type", "data", "cs", "ts"]
    assert (frame["topic"], frame["type"]) == ("tickers.BTCUSDT", "snapshot")
    assert (frame["cs"], frame["ts"]) == (77, NOW // MS)
    assert list(frame["data"]) == WIRE_KEYS
    assert all(isinstance(value, str) for value in frame["data"].values())
    assert frame["data"]["lastPrice"] == "65000.00"
    assert frame["data"]["fundingIntervalHour"] == "8"


def test_the_change_of_the_day_is_the_one_of_its_prices() -> None:
    data = ticker_of()[1].state(NOW)
    change = float(data["lastPrice"]) / float(data["prevPrice24h"]) - 1
    assert float(data["price24hPcnt"]) == pytest.approx(change, abs=1e-6)
    assert float(data["turnover24h"]) / float(data["volume24h"]) == pytest.approx(65_000, rel=0.01)


def test_a_delta_names_only_what_has_changed_and_a_touch_as_a_pair() -> None:
    market, ticker = ticker_of()
    ticker.snapshot(NOW, 77, live=False)
    book = market.books["BTCUSDT"]
    touch = book.best_bid()
    assert touch is not None
    book.submit(1, 7, 1, touch, 5, "GTC")
    assert ticker.advance(NOW + 50 * MS, 78) == []
    [frame] = ticker.advance(NOW + 100 * MS, 78)
    decoded = orjson.loads(frame)
    assert decoded["type"] == "delta"
    assert list(decoded["data"]) == ["symbol", "bid1Price", "bid1Size"]
    assert ticker.advance(NOW + 200 * MS, 79) == []


def test_deltas_add_up_to_the_state() -> None:
    market, ticker = ticker_of()
    known = orjson.loads(ticker.snapshot(NOW, 1, live=False))["data"]
    for tenth in range(1, 300):
        now = NOW + tenth * 100 * MS
        for symbol, fill in market.advance(now):
            market.record(symbol, fill)
        for frame in map(orjson.loads, ticker.advance(now, tenth)):
            known |= frame["data"]
        assert known == ticker.state(now)


def test_the_rest_record_has_its_own_keys_and_the_same_values() -> None:
    state = ticker_of()[1].state(NOW)
    row = rest_row(state)
    assert tuple(row) == REST_KEYS
    assert {key: row[key] for key in state if key in row} == {
        key: state[key] for key in state if key != "tickDirection"
    }
    assert (row["deliveryTime"], row["basis"]) == ("0", "")


@pytest.mark.parametrize(
    ("value", "decimals", "text"), [(-12_345, 6, "-0.012345"), (5, 0, "5"), (0, 2, "0.00"), (123_456, 2, "1234.56")]
)
def test_fixed_point_text(value: int, decimals: int, text: str) -> None:
    assert fixed(value, decimals) == text
