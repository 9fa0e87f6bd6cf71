"""Tickers as Bybit writes them: the stream's snapshot and deltas, and the record REST answers with."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from services.exchange.synthetic import SyntheticMarket

INTERVAL_NS = 100_000_000
FUNDING_CAP = "0.005"  # The largest rate, either way, of the large symbols in the venue's recorded list.
BLANK = ("predictedDeliveryPrice", "basisRate", "basis", "basisRateYear", "deliveryFeeRate")
REST_KEYS = (
    *("symbol", "lastPrice", "indexPrice", "markPrice", "prevPrice24h", "price24hPcnt", "highPrice24h"),
    *("lowPrice24h", "prevPrice1h", "openInterest", "openInterestValue", "singleOpenInterest"),
    *("singleOpenInterestValue", "turnover24h", "volume24h", "fundingRate", "nextFundingTime"),
    *(*BLANK, "deliveryTime", "ask1Size", "bid1Price", "ask1Price", "bid1Size", "preOpenPrice", "preQty"),
    *("curPreListingPhase", "fundingIntervalHour", "fundingCap"),
)
PAIRS = (("bid1Price", "bid1Size"), ("ask1Price", "ask1Size"))  # The venue names both when one has changed.


def rest_row(ticker: Mapping[str, str]) -> dict[str, str]:
    """Return the REST record for the state of a ticker stream."""
    return {key: ticker.get(key, "0" if key == "deliveryTime" else "") for key in REST_KEYS}


def fixed(value: int, decimals: int) -> str:
    """Return ``value`` / 10^decimals as text with all its decimals."""
    digits = str(abs(value)).rjust(decimals + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else str(value)


class TickerStream:
    """One symbol's ticker topic."""

    def __init__(self, market: SyntheticMarket, symbol: str) -> None:
        self.topic = f"tickers.{symbol}"
        self._market, self._symbol = market, symbol
        self._sent: dict[str, str] = {}
        self.due_ns = 0
        self.tick_direction = "ZeroPlusTick"

    def state(self, now: int) -> dict[str, str]:
        """Return every key's value now, in the wire's order."""
        market, symbol = self._market, self._symbol
        day, book, scale = market.days[symbol], market.books[symbol], market.scales[symbol]
        rules = market.instruments[symbol]
        last, prev = book.last_ticks, day.prev_24h_ticks
        bid, ask = book.best_bid(), book.best_ask()
        interest, mark_e8 = market.open_interest_lots[symbol], market.mark_e8(symbol)
        decimals, lot_decimals = scale.tick_grid[0], scale.lot_grid[0]
        price_unit = 10 ** (8 - decimals)
        interest_cents = interest * scale.lot_grid[1] * mark_e8 // 10 ** (lot_decimals + 6)
        change = abs(last - prev) * 1_000_000 // prev * (1 if last >= prev else -1)
        return {
            "symbol": symbol,
            "tickDirection": self.tick_direction,
            "price24hPcnt": fixed(change, 6),
            "lastPrice": scale.price_text(last),
            "prevPrice24h": scale.price_text(prev),
            "highPrice24h": scale.price_text(day.high_ticks),
            "lowPrice24h": scale.price_text(day.low_ticks),
            "prevPrice1h": scale.price_text(day.prev_1h_ticks),
            "markPrice": fixed(mark_e8 // price_unit, decimals),
            "indexPrice": fixed(market.index_e8(symbol) // price_unit, decimals),
            "openInterest": scale.qty_text(interest),
            "openInterestValue": fixed(interest_cents, 2),
            "turnover24h": fixed(day.value_e8 // 10_000, 4),
            "volume24h": fixed(day.lots * scale.lot_grid[1] * 10_000 // 10**lot_decimals, 4),
            "fundingIntervalHour": str(rules.funding_interval_min // 60),
            "fundingCap": FUNDING_CAP,
            "singleOpenInterest": scale.qty_text(interest // 2),
            "singleOpenInterestValue": fixed(interest_cents // 2, 2),
            "nextFundingTime": str(market.next_funding_ms(symbol, now)),
            "fundingRate": fixed(market.funding_rate_e8[symbol], 8),
            "bid1Price": "" if bid is None else scale.price_text(bid),
            "bid1Size": "" if bid is None else scale.qty_text(book.level_lots(1, bid)),
            "ask1Price": "" if ask is None else scale.price_text(ask),
            "ask1Size": "" if ask is None else scale.qty_text(book.level_lots(-1, ask)),
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
        }

    def snapshot(self, now: int, cs: int, live: bool) -> bytes:
        """Return a whole frame of what subscribers know; it is refreshed first if there are none yet."""
        if not live or not self._sent:
            self._sent = self.state(now)
            self.due_ns = now + INTERVAL_NS
        return self._frame("snapshot", self._sent, now, cs)

    def advance(self, now: int, cs: int) -> list[bytes]:
        """Return the delta that is due, if anything has changed."""
        if now < self.due_ns or not self._sent:
            return []
        self.due_ns = (now // INTERVAL_NS + 1) * INTERVAL_NS
        state = self.state(now)
        changed = {key for key, value in state.items() if self._sent[key] != value}
        if not changed:
            return []
        self._sent = state
        for pair in PAIRS:
            if not changed.isdisjoint(pair):
                changed.update(pair)
        data = {key: value for key, value in state.items() if key == "symbol" or key in changed}
        return [self._frame("delta", data, now, cs)]

    def _frame(self, kind: str, data: Mapping[str, str], now: int, cs: int) -> bytes:
        return orjson.dumps({"topic": self.topic, "type": kind, "data": data, "cs": cs, "ts": now // 1_000_000})
