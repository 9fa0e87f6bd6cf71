"""Public REST."""

from __future__ import annotations

import pytest

from services.exchange.account import Money
from services.exchange.rest_market import instrument_row
from tests.exchange_rig import NOW, OTHER, RULES, SYMBOL, Rig

INSTRUMENT_KEYS = [
    "symbol", "symbolId", "contractType", "status", "baseCoin", "quoteCoin", "launchTime", "deliveryTime",
    "deliveryFeeRate", "priceScale", "leverageFilter", "priceFilter", "lotSizeFilter", "unifiedMarginTrade",
    "fundingInterval", "settleCoin", "copyTrading", "upperFundingRate", "lowerFundingRate", "displayName",
    "forbidUplWithdrawal", "isPreListing", "preListingInfo", "riskParameters", "symbolType", "skipCallAuction",
]  # fmt: skip


def test_time_is_told_in_two_ways() -> None:
    answer = Rig().get("/v5/market/time")
    assert answer["result"] == {"timeSecond": str(NOW // 10**9), "timeNano": str(NOW)}
    assert answer["time"] == NOW // 10**6


def test_an_instrument_has_bybits_keys_and_its_rules() -> None:
    row = instrument_row(Money(RULES[0]), 5, "Trading")
    assert list(row) == INSTRUMENT_KEYS
    assert row["priceFilter"] == {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"}
    assert row["lotSizeFilter"] == {
        "maxOrderQty": "1500.000", "minOrderQty": "0.001", "qtyStep": "0.001", "postOnlyMaxOrderQty": "1500.000",
        "maxMktOrderQty": "150.000", "minNotionalValue": "5",
    }  # fmt: skip
    assert row["leverageFilter"] == {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"}
    assert (row["fundingInterval"], row["priceScale"], row["baseCoin"]) == (480, "2", "BTC")


def test_instruments_come_in_pages() -> None:
    rig = Rig()
    first = rig.get("/v5/market/instruments-info", category="linear", limit="1")["result"]
    assert ([row["symbol"] for row in first["list"]], first["nextPageCursor"]) == ([SYMBOL], SYMBOL)
    second = rig.get("/v5/market/instruments-info", category="linear", limit="1", cursor=SYMBOL)["result"]
    assert ([row["symbol"] for row in second["list"]], second["nextPageCursor"]) == ([OTHER], "")
    one = rig.rows("/v5/market/instruments-info", symbol=OTHER)
    assert [row["symbol"] for row in one] == [OTHER]
    assert rig.rows("/v5/market/instruments-info", status="PreLaunch") == []
    assert [row["symbol"] for row in rig.rows("/v5/market/instruments-info", baseCoin="ETH")] == [OTHER]


@pytest.mark.parametrize("path", ["/v5/market/instruments-info", "/v5/market/tickers"])
def test_other_categories_exist_and_are_empty(path: str) -> None:
    rig = Rig()
    assert rig.get(path, category="spot")["result"]["list"] == []
    assert rig.get(path, category="bonds")["retCode"] == 10001
    assert rig.get(path)["retCode"] == 10001


def test_tickers_of_all_or_one() -> None:
    rig = Rig()
    assert [row["symbol"] for row in rig.rows("/v5/market/tickers")] == [SYMBOL, OTHER]
    assert [row["symbol"] for row in rig.rows("/v5/market/tickers", symbol=OTHER)] == [OTHER]
    assert rig.get("/v5/market/tickers", category="linear", symbol="NONE")["retMsg"] == "params error: symbol invalid"


def test_a_book_has_the_depth_asked_for() -> None:
    rig = Rig()
    book = rig.get("/v5/market/orderbook", category="linear", symbol=SYMBOL, limit="3")["result"]
    assert (book["s"], len(book["b"]), len(book["a"])) == (SYMBOL, 3, 3)
    assert rig.get("/v5/market/orderbook", category="linear")["retCode"] == 10001
    assert rig.get("/v5/market/orderbook", category="spot", symbol=SYMBOL)["retCode"] == 10001
