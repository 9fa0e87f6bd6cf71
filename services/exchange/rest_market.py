"""REST that everybody may ask: time, instruments, tickers, order book."""

from __future__ import annotations

from typing import Any

from services.exchange.acceptance import PRICE_TICKS_MAX, invalid, symbol_of, text_of
from services.exchange.desk import BAND_X_E8, BAND_Y_E8, Desk
from services.exchange.query import limit_of
from shared.messages import Instrument
from shared.scale import E8, Scale, e8_text

CATEGORIES = ("linear", "inverse", "spot", "option")
NS_PER_S = 1_000_000_000


class MarketRest:
    """Handlers of /v5/market/*. Each returns the ``result`` of its answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def time(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/time."""
        return {"timeSecond": str(now // NS_PER_S), "timeNano": str(now)}

    def instruments(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/instruments-info: the other categories exist and are empty."""
        category, symbols = self._listed(params)
        status, base = text_of(params, "status") or "Trading", text_of(params, "baseCoin")
        known = self._desk.market.instruments
        rows = [
            instrument_row(known[symbol], number)
            for number, symbol in enumerate(symbols, 1)
            if known[symbol].status == status and base in ("", symbol.removesuffix("USDT"))
        ]
        limit, cursor = limit_of(params, 500, 1_000), text_of(params, "cursor")
        rows = [row for row in rows if row["symbol"] > cursor] if cursor else rows
        more = rows[limit - 1]["symbol"] if len(rows) > limit else ""
        return {"category": category, "list": rows[:limit], "nextPageCursor": more}

    def tickers(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/tickers."""
        category, symbols = self._listed(params)
        return {"category": category, "list": [self._desk.market.ticker_row(symbol) for symbol in symbols]}

    def orderbook(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/orderbook."""
        if text_of(params, "category") != "linear":
            raise invalid("category")
        symbol = symbol_of(params, self._desk)
        return self._desk.market.orderbook_result(symbol, limit_of(params, 25, 1_000))

    def _listed(self, params: dict[str, Any]) -> tuple[str, list[str]]:
        """Return the category and its symbols in alphabetical order, one only where it is asked for."""
        category = text_of(params, "category")
        if category not in CATEGORIES:
            raise invalid("category")
        if category != "linear":
            return category, []
        if text_of(params, "symbol"):
            return category, [symbol_of(params, self._desk)]
        return category, sorted(self._desk.money)


def instrument_row(rules: Instrument, symbol_id: int) -> dict[str, Any]:
    """Return a symbol's record of /v5/market/instruments-info."""
    scale = Scale(rules.tick, rules.lot)
    base = rules.symbol.removesuffix("USDT")
    most = scale.qty_text(rules.max_lots)
    return {
        "symbol": rules.symbol, "symbolId": symbol_id, "contractType": "LinearPerpetual", "status": rules.status,
        "baseCoin": base, "quoteCoin": "USDT", "launchTime": "1585526400000", "deliveryTime": "0",
        "deliveryFeeRate": "", "priceScale": str(scale.tick_grid[0]),
        "leverageFilter": {
            "minLeverage": "1", "maxLeverage": e8_text(rules.max_leverage_e2 * (E8 // 100)), "leverageStep": "0.01",
        },
        "priceFilter": {
            "minPrice": scale.price_text(1), "maxPrice": scale.price_text(PRICE_TICKS_MAX), "tickSize": rules.tick,
        },
        "lotSizeFilter": {
            "maxOrderQty": most, "minOrderQty": scale.qty_text(rules.min_lots), "qtyStep": rules.lot,
            "postOnlyMaxOrderQty": most, "maxMktOrderQty": scale.qty_text(rules.max_market_lots),
            "minNotionalValue": e8_text(rules.min_notional_e8),
        },
        "unifiedMarginTrade": True, "fundingInterval": rules.funding_interval_min, "settleCoin": "USDT",
        "copyTrading": "none", "upperFundingRate": "0.00375", "lowerFundingRate": "-0.00375", "displayName": "",
        "forbidUplWithdrawal": False, "isPreListing": False, "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": e8_text(BAND_X_E8), "priceLimitRatioY": e8_text(BAND_Y_E8)},
        "symbolType": "", "skipCallAuction": False,
    }  # fmt: skip
