"""REST answers for scanner tests, as the venue words them."""

from __future__ import annotations

import json
from typing import Any


def instrument(symbol: str, /, **changes: Any) -> dict[str, Any]:
    """Return one row of instruments-info; dotted keys reach into its filters (priceFilter.tickSize)."""
    row: dict[str, Any] = {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": symbol.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "50.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.01", "maxPrice": "19999.98", "tickSize": "0.01"},
        "lotSizeFilter": {
            "maxOrderQty": "79770.0",
            "minOrderQty": "0.1",
            "qtyStep": "0.1",
            "maxMktOrderQty": "12340.05",
            "minNotionalValue": "5",
        },
        "fundingInterval": 480,
        "isPreListing": False,
        "symbolType": "",
    }
    for key, value in changes.items():
        head, _, tail = key.partition(".")
        if tail:
            row[head] = row[head] | {tail: value}
        else:
            row[head] = value
    return row


def ticker(symbol: str, turnover: str = "50000000", change: str = "0.01") -> dict[str, Any]:
    """Return one row of tickers."""
    return {"symbol": symbol, "lastPrice": "1", "turnover24h": turnover, "price24hPcnt": change}


def answer(*rows: Any, cursor: str = "", code: int = 0) -> bytes:
    """Return a whole answer."""
    result = {"category": "linear", "list": rows, "nextPageCursor": cursor}
    return json.dumps({"retCode": code, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1}).encode()
