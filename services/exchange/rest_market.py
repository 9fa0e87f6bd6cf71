"""REST that everybody may ask: time, instruments, tickers, order book, bars, trades, funding, limits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from services.exchange.acceptance import PRICE_TICKS_MAX, invalid, symbol_of, text_of
from services.exchange.account import Money
from services.exchange.candles import DAY_MS, INTERVALS, Bar, Candles
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.history import History
from services.exchange.limit_stream import band_texts
from services.exchange.positioning import INTERVALS_MS, Record
from services.exchange.query import limit_of, page_of, time_of
from services.exchange.streams import Streams
from services.exchange.ticker_stream import FUNDING_CAP, fixed
from shared.messages import Instrument
from shared.scale import E8, Scale, e8_text

CATEGORIES = ("linear", "inverse", "spot", "option")
NS_PER_S = 1_000_000_000
INSURANCE = "100000000"
TIERS_SHOWN = 15  # Symbols on one page of risk tiers.


class MarketRest:
    """Handlers of /v5/market/*. Each returns the ``result`` of its answer."""

    def __init__(self, desk: Desk, streams: Streams) -> None:
        self._desk, self._streams = desk, streams

    def time(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/time."""
        return {"timeSecond": str(now // NS_PER_S), "timeNano": str(now)}

    def instruments(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/instruments-info: the other categories exist and are empty."""
        category, symbols = self._listed(params)
        status, base = text_of(params, "status") or "Trading", text_of(params, "baseCoin")
        rows = [
            instrument_row(self._desk.money[symbol], number, self._desk.status(symbol))
            for number, symbol in enumerate(symbols, 1)
            if self._desk.status(symbol) == status and base in ("", symbol.removesuffix("USDT"))
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
        symbol = self._symbol(params)
        return self._desk.market.orderbook_result(symbol, limit_of(params, 25, 1_000))

    # --- bars -------------------------------------------------------------------------------------------------------

    def kline(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/kline: newest first, the bar that is still open among them."""
        symbol, history = self._series(params)
        scale = self._desk.money[symbol].scale

        def row(bar: Bar) -> list[str]:
            prices = [scale.price_text(ticks) for ticks in (bar.open, bar.high, bar.low, bar.close)]
            return [str(bar.start_ms), *prices, scale.qty_text(bar.lots), e8_text(bar.value_e8)]

        rows = [row(bar) for bar in self._bars(params, history.trades if history else None, now)]
        return {"category": "linear", "symbol": symbol, "list": rows}

    def mark_kline(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/mark-price-kline."""
        symbol, history = self._series(params)
        return self._plain(params, symbol, history.mark if history else None, now)

    def index_kline(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/index-price-kline."""
        symbol, history = self._series(params)
        return self._plain(params, symbol, history.index if history else None, now)

    def premium_kline(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/premium-index-price-kline."""
        symbol, history = self._series(params)
        return self._plain(params, symbol, history.premium if history else None, now)

    def _plain(self, params: dict[str, Any], symbol: str, candles: Candles | None, now: int) -> dict[str, Any]:
        """Bars without volume, of a series at 1e-8."""
        rows = [
            [str(bar.start_ms), *(e8_text(price) for price in (bar.open, bar.high, bar.low, bar.close))]
            for bar in self._bars(params, candles, now)
        ]
        return {"category": "linear", "symbol": symbol, "list": rows}

    def _series(self, params: dict[str, Any]) -> tuple[str, History | None]:
        symbol = self._symbol(params)
        if text_of(params, "interval") not in INTERVALS:
            raise invalid("interval")
        return symbol, self._streams.history(symbol)

    def _bars(self, params: dict[str, Any], candles: Candles | None, now: int) -> list[Bar]:
        """Return the bars asked for, newest first."""
        limit, start, end = limit_of(params, 200, 1_000), time_of(params, "start"), time_of(params, "end")
        if candles is None:
            return []
        candles.roll(now // NS_PER_MS)
        chosen = (
            bar
            for bar in reversed(candles.bars(text_of(params, "interval")))
            if (start is None or bar.start_ms >= start) and (end is None or bar.start_ms <= end)
        )
        return list(islice(chosen, limit))

    # --- trades, funding, limits ------------------------------------------------------------------------------------

    def recent_trades(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/recent-trade: other names than the stream's."""
        symbol = self._symbol(params)
        rows = [
            {
                "execId": row["i"], "symbol": symbol, "price": row["p"], "size": row["v"], "side": row["S"],
                "time": str(row["T"]), "isBlockTrade": row["BT"], "isRPITrade": row.get("RPI", False),
                "seq": str(row.get("seq", 0)),
            }
            for row in self._desk.market.recent_trades(symbol, limit_of(params, 500, 1_000))
        ]  # fmt: skip
        return {"category": "linear", "list": rows}

    def funding_history(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/funding/history: newest first."""
        symbol = self._symbol(params)
        start, end = time_of(params, "startTime"), time_of(params, "endTime")
        if start is not None and end is None:
            raise invalid("endTime")
        rates = reversed(self._streams.funding_rates(symbol))
        rows = [
            {"symbol": symbol, "fundingRate": rate, "fundingRateTimestamp": str(at_ms)}
            for at_ms, rate in rates
            if (start is None or at_ms >= start) and (end is None or at_ms <= end)
        ]
        return {"category": "linear", "list": rows[: limit_of(params, 200, 200)]}

    def risk_limit(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/risk-limit: the tiers of one symbol, or of all, a page of symbols at a time."""
        category, symbols = self._listed(params)
        cursor = text_of(params, "cursor")
        rest = [symbol for symbol in symbols if symbol > cursor]
        shown = rest[:TIERS_SHOWN]
        more = shown[-1] if len(rest) > len(shown) else ""
        rows = [
            {
                "id": tier.number, "symbol": symbol, "riskLimitValue": e8_text(tier.limit_e8),
                "maintenanceMargin": e8_text(tier.maintenance_e8),
                "initialMargin": e8_text(E8 * 100 // tier.max_leverage_e2), "isLowestRisk": int(tier.number == 1),
                "maxLeverage": fixed(tier.max_leverage_e2, 2), "mmDeduction": e8_text(tier.deduction_e8),
            }
            for symbol in shown
            for tier in self._desk.money[symbol].rules.tiers
        ]  # fmt: skip
        return {"category": category, "list": rows, "nextPageCursor": more}

    def price_limit(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/price-limit."""
        symbol = self._symbol(params)
        texts = band_texts(self._desk.band(symbol), self._desk.money[symbol].scale)
        return {"symbol": symbol, **texts, "ts": str(now // NS_PER_MS)}

    # --- what is held ---------------------------------------------------------------------------------------------

    def open_interest(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/open-interest: one side's, newest first."""
        symbol, records = self._records(params, "intervalTime")
        page, cursor = page_of(records, _at_ms, params, limit_of(params, 50, 200))
        rows = [{"openInterest": one.interest, "timestamp": str(one.at_ms)} for one in page]
        return {"symbol": symbol, "category": "linear", "list": rows, "nextPageCursor": cursor}

    def account_ratio(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/account-ratio: newest first."""
        symbol, records = self._records(params, "period")
        page, cursor = page_of(records, _at_ms, params, limit_of(params, 50, 500))
        rows = [
            {
                "symbol": symbol, "buyRatio": fixed(one.long_e4, 4), "sellRatio": fixed(10_000 - one.long_e4, 4),
                "timestamp": str(one.at_ms),
            }
            for one in page
        ]  # fmt: skip
        return {"list": rows, "nextPageCursor": cursor}

    def insurance(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/market/insurance: told once a day. Nobody's loss is ever paid from it here."""
        coin = text_of(params, "coin")
        rows = [{"coin": "USDT", "symbols": "", "balance": INSURANCE, "value": INSURANCE}]
        updated_ms = now // NS_PER_MS // DAY_MS * DAY_MS
        return {"updatedTime": str(updated_ms), "list": rows if coin in ("", "USDT") else []}

    def _records(self, params: dict[str, Any], name: str) -> tuple[str, Iterator[Record]]:
        symbol, interval = self._symbol(params), text_of(params, name)
        if interval not in INTERVALS_MS:
            raise invalid(name)
        start, end = time_of(params, "startTime"), time_of(params, "endTime")
        records = self._streams.positioning(symbol).newest_first(interval)
        return symbol, (
            one for one in records if (start is None or one.at_ms >= start) and (end is None or one.at_ms <= end)
        )

    # --- the parts --------------------------------------------------------------------------------------------------

    def _symbol(self, params: dict[str, Any]) -> str:
        """Return the symbol; where the category may be missing, it is linear."""
        if text_of(params, "category") not in ("", "linear"):
            raise invalid("category")
        return symbol_of(params, self._desk)

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


def _at_ms(record: Record) -> int:
    return record.at_ms


def instrument_row(money: Money, symbol_id: int, status: str) -> dict[str, Any]:
    """Return a symbol's record of /v5/market/instruments-info."""
    rules: Instrument = money.instrument
    scale = Scale(rules.tick, rules.lot)
    base = rules.symbol.removesuffix("USDT")
    most = scale.qty_text(rules.max_lots)
    limits = {
        "priceLimitRatioX": e8_text(money.rules.limit_x_e8),
        "priceLimitRatioY": e8_text(money.rules.limit_y_e8),
    }
    return {
        "symbol": rules.symbol, "symbolId": symbol_id, "contractType": "LinearPerpetual", "status": status,
        "baseCoin": base, "quoteCoin": "USDT", "launchTime": "1585526400000", "deliveryTime": "0",
        "deliveryFeeRate": "", "priceScale": str(scale.tick_grid[0]),
        "leverageFilter": {
            "minLeverage": "1", "maxLeverage": fixed(rules.max_leverage_e2, 2), "leverageStep": "0.01",
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
        "copyTrading": "none", "upperFundingRate": FUNDING_CAP, "lowerFundingRate": f"-{FUNDING_CAP}",
        "displayName": "", "forbidUplWithdrawal": False, "isPreListing": False, "preListingInfo": None,
        "riskParameters": limits, "symbolType": "", "skipCallAuction": False,
    }  # fmt: skip
