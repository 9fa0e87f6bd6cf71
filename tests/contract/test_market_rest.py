"""Public REST: time, instruments, tickers, funding, limits of price and of risk."""

from __future__ import annotations

import pytest

from tests.contract.client import LINEAR, SYMBOL, Rest, now_ms

INSTRUMENT = [
    "symbol", "symbolId", "contractType", "status", "baseCoin", "quoteCoin", "launchTime", "deliveryTime",
    "deliveryFeeRate", "priceScale", "leverageFilter", "priceFilter", "lotSizeFilter", "unifiedMarginTrade",
    "fundingInterval", "settleCoin", "copyTrading", "upperFundingRate", "lowerFundingRate", "displayName",
    "forbidUplWithdrawal", "isPreListing", "preListingInfo", "riskParameters", "symbolType", "skipCallAuction",
]  # fmt: skip
FILTERS = {
    "leverageFilter": ["minLeverage", "maxLeverage", "leverageStep"],
    "priceFilter": ["minPrice", "maxPrice", "tickSize"],
    "lotSizeFilter": [
        "maxOrderQty", "minOrderQty", "qtyStep", "postOnlyMaxOrderQty", "maxMktOrderQty", "minNotionalValue",
    ],
    "riskParameters": ["priceLimitRatioX", "priceLimitRatioY"],
}  # fmt: skip
TICKER = {
    "symbol", "lastPrice", "indexPrice", "markPrice", "prevPrice24h", "price24hPcnt", "highPrice24h", "lowPrice24h",
    "prevPrice1h", "openInterest", "openInterestValue", "singleOpenInterest", "singleOpenInterestValue", "turnover24h",
    "volume24h", "fundingRate", "nextFundingTime", "predictedDeliveryPrice", "basisRate", "basis", "basisRateYear",
    "deliveryFeeRate", "deliveryTime", "ask1Size", "bid1Price", "ask1Price", "bid1Size", "preOpenPrice", "preQty",
    "curPreListingPhase", "fundingIntervalHour", "fundingCap",
}  # fmt: skip


def test_time(rest: Rest) -> None:
    """v5/market/time: both texts."""
    result = rest.public("/v5/market/time").result
    assert list(result) == ["timeSecond", "timeNano"]
    assert abs(int(result["timeNano"]) // 1_000_000 - now_ms()) < 1_000
    assert int(result["timeSecond"]) == int(result["timeNano"]) // 1_000_000_000


def test_an_instrument(rest: Rest) -> None:
    """v5/market/instrument: keys in the order of the wire; fundingInterval is minutes."""
    (row,) = rest.public("/v5/market/instruments-info", **LINEAR).rows
    assert list(row) == INSTRUMENT
    for name, keys in FILTERS.items():
        assert list(row[name]) == keys
        assert all(isinstance(value, str) for value in row[name].values())
    assert (row["symbol"], row["contractType"], row["status"]) == (SYMBOL, "LinearPerpetual", "Trading")
    assert type(row["fundingInterval"]) is type(row["symbolId"]) is int
    assert row["isPreListing"] is False


def test_instruments_are_paged(rest: Rest) -> None:
    """v5/market/instrument: follow nextPageCursor until it is empty."""
    whole = rest.public("/v5/market/instruments-info", category="linear").result
    assert whole["nextPageCursor"] == ""
    seen, cursor = list[str](), ""
    while True:
        result = rest.public("/v5/market/instruments-info", category="linear", limit=1, cursor=cursor).result
        seen += [row["symbol"] for row in result["list"]]
        cursor = result["nextPageCursor"]
        if not cursor:
            break
    assert seen == [row["symbol"] for row in whole["list"]]


@pytest.mark.parametrize("query", [{"category": "spot"}, {"category": "inverse"}, {"category": "option"}])
def test_other_categories_are_empty(rest: Rest, query: dict[str, str]) -> None:
    """v5/market/instrument: ccxt asks for them all."""
    assert rest.public("/v5/market/instruments-info", **query).rows == []


def test_pre_launch_contracts_are_asked_for(rest: Rest) -> None:
    """v5/market/instrument: only Trading by default."""
    assert rest.public("/v5/market/instruments-info", category="linear", status="PreLaunch").rows == []


def test_an_unknown_symbol_or_category_is_10001(rest: Rest) -> None:
    """v5/error 10001."""
    for path in ("instruments-info", "tickers", "orderbook", "kline", "recent-trade", "price-limit"):
        answer = rest.public(f"/v5/market/{path}", category="linear", symbol="NOSUCHUSDT", interval="1")
        assert answer.code == 10001, path
        assert rest.public(f"/v5/market/{path}", category="bonds", symbol=SYMBOL, interval="1").code == 10001, path


def test_tickers(rest: Rest) -> None:
    """v5/market/tickers: every value is text; the whole market without a symbol."""
    rows = rest.public("/v5/market/tickers", category="linear").rows
    assert {row["symbol"] for row in rows} == {"BTCUSDT", "ETHUSDT", "SOLUSDT", "SUIUSDT"}
    for row in rows:
        assert set(row) == TICKER
        assert all(isinstance(value, str) for value in row.values())
        assert float(row["bid1Price"]) < float(row["ask1Price"])
        assert float(row["lowPrice24h"]) <= float(row["lastPrice"]) <= float(row["highPrice24h"])


def test_funding_history(rest: Rest) -> None:
    """v5/market/history-fund-rate: rows of three; startTime without endTime is an error."""
    rows = rest.public("/v5/market/funding/history", **LINEAR).rows
    assert rows
    assert all(set(row) == {"symbol", "fundingRate", "fundingRateTimestamp"} for row in rows)
    times = [int(row["fundingRateTimestamp"]) for row in rows]
    assert times == sorted(times, reverse=True)
    assert times[0] <= now_ms()
    assert rest.public("/v5/market/funding/history", **LINEAR, startTime=times[-1]).code == 10001


def test_risk_limits(rest: Rest) -> None:
    """v5/market/risk-limit: tiers of a symbol."""
    rows = rest.public("/v5/market/risk-limit", **LINEAR).rows
    keys = {
        "id", "symbol", "riskLimitValue", "maintenanceMargin", "initialMargin", "isLowestRisk", "maxLeverage",
        "mmDeduction",
    }  # fmt: skip
    assert rows
    assert all(set(row) == keys for row in rows)
    assert rows[0]["isLowestRisk"] == 1
    limits = [float(row["riskLimitValue"]) for row in rows]
    assert limits == sorted(limits)


def test_price_limit(rest: Rest) -> None:
    """v5/market/order-price-limit: the band now."""
    result = rest.public("/v5/market/price-limit", **LINEAR).result
    assert set(result) == {"symbol", "buyLmt", "sellLmt", "ts"}
    assert float(result["sellLmt"]) < rest.mark() < float(result["buyLmt"])


def test_klines_of_a_range(rest: Rest) -> None:
    """v5/market/kline: start and end."""
    rows = rest.public("/v5/market/kline", **LINEAR, interval="1", limit=3).rows
    start, end = rows[-1][0], rows[0][0]
    assert rest.public("/v5/market/kline", **LINEAR, interval="1", start=start, end=start).rows[0][0] == start
    again = rest.public("/v5/market/kline", **LINEAR, interval="1", start=start, end=end).rows
    assert [row[0] for row in again] == [row[0] for row in rows]


def test_a_symbol_twice_or_a_stray_parameter_does_no_harm(rest: Rest) -> None:
    """RFC 3986: an answer, whatever the query."""
    for query in (
        "category=linear&symbol=BTCUSDT&symbol=BTCUSDT",
        "category=linear&&=&x",
        "category=linear&symbol=%ff",
    ):
        assert rest.send("GET", f"/v5/market/tickers?{query}").code in (0, 10001)
