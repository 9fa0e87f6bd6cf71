"""What a create request must be before it becomes an order: Bybit's checks, in its order, with its texts."""

from __future__ import annotations

import re
from typing import Any

from services.exchange.auth import Refusal
from services.exchange.desk import Desk
from services.exchange.orders import Leg, OrderRequest
from services.exchange.stops import LAST_PRICE, MARK_PRICE
from shared.messages import BUY, SELL
from shared.scale import OffGridError

LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
PRICE_TICKS_MAX = 20_000_000
SIDES = {"Buy": BUY, "Sell": SELL}
TIFS = ("GTC", "IOC", "FOK", "PostOnly")
# Order features that this exchange does not have: said, not ignored.
UNSUPPORTED = ("triggerPrice", "tpLimitPrice", "slLimitPrice", "slippageTolerance", "bboSideType", "smpType")

TOO_SMALL = Refusal(10001, "The number of contracts exceeds minimum limit allowed")
TOO_LARGE = Refusal(10001, "The number of contracts exceeds maximum limit allowed")
WRONG_MODE = Refusal(10001, "position idx not match position mode")
OUT_OF_RANGE = Refusal(110003, "Order price is out of permissible range")
NO_MARGIN = Refusal(110007, "ab not enough for new order")
NOTHING_TO_REDUCE = Refusal(110017, "current position is zero, cannot fix reduce-only order qty")
WRONG_WAY = Refusal(110017, "Reduce-only rule not satisfied")
DUPLICATE = Refusal(110072, "OrderLinkedID is duplicate")
RECORDING = Refusal(110074, "This market is a recording: it shows prices and takes no orders")
BELOW_NOTIONAL = Refusal(110094, "Order does not meet minimum order value 5USDT")
TOO_LOW = Refusal(110120, "Order price is below the price limit")
TOO_HIGH = Refusal(110121, "Order price is above the price limit")


class RefusedError(Exception):
    """Ends the checks. Never leaves the exchange's door."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def invalid(name: str) -> RefusedError:
    """Return the error for a parameter that makes no sense."""
    return RefusedError(Refusal(10001, f"params error: {name} invalid"))


def text_of(params: dict[str, Any], name: str, default: str = "") -> str:
    """Return a text parameter; null counts as absent."""
    value = params.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise invalid(name)
    return value


def flag_of(params: dict[str, Any], name: str) -> bool:
    """Return a boolean parameter; absent or null is False."""
    value = params.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(name)
    return bool(value)


def linear(params: dict[str, Any]) -> None:
    """Insist on the only category there is."""
    if text_of(params, "category") != "linear":
        raise invalid("category")


def symbol_of(params: dict[str, Any], desk: Desk) -> str:
    """Return the symbol, which must exist."""
    symbol = text_of(params, "symbol")
    if symbol not in desk.money:
        raise invalid("symbol")
    return symbol


def one_way(params: dict[str, Any]) -> None:
    """Insist on the one-way position mode."""
    index = params.get("positionIdx", 0)
    if isinstance(index, bool) or index not in (0, "0", None):
        raise RefusedError(WRONG_MODE)


def price_of(desk: Desk, symbol: str, text: str, name: str) -> int:
    """Return a price in ticks: on the grid and above zero."""
    if not DECIMAL.fullmatch(text):
        raise invalid(name)
    try:
        ticks = desk.money[symbol].scale.price_ticks(text)
    except OffGridError:
        raise invalid(name) from None
    if not ticks:
        raise invalid(name)
    return ticks


def leg_of(desk: Desk, symbol: str, params: dict[str, Any], name: str, prefix: str) -> Leg | None:
    """Return one side of a bracket, None where it is absent or "0". ``prefix`` is tp or sl."""
    text = text_of(params, name)
    if not text or (DECIMAL.fullmatch(text) and not text.strip("0.")):
        return None
    trigger_by = text_of(params, f"{prefix}TriggerBy") or LAST_PRICE
    if trigger_by not in (LAST_PRICE, MARK_PRICE):
        raise invalid(f"{prefix}TriggerBy")
    return Leg(price_of(desk, symbol, text, name), trigger_by)


def check_bracket(desk: Desk, symbol: str, side: int, base_ticks: int, legs: tuple[Leg | None, Leg | None]) -> None:
    """Refuse a (take profit, stop loss) on the wrong side of the price the position starts from."""
    money, (profit, loss) = desk.money[symbol], legs
    for leg, name, sign in ((profit, "TakeProfit", side), (loss, "StopLoss", -side)):
        if leg is None:
            continue
        base_e8 = desk.market.mark_e8(symbol) if leg.trigger_by == MARK_PRICE else base_ticks * money.scale.tick_e8
        if (leg.trigger_ticks * money.scale.tick_e8 - base_e8) * sign > 0:
            continue
        word, owner = ("higher" if sign > 0 else "lower"), ("Buy" if side == BUY else "Sell")
        shown, base = leg.trigger_ticks * money.scale.tick_e8 // 10_000, base_e8 // 10_000
        raise RefusedError(
            Refusal(
                10001,
                f"{name}:{shown} set for {owner} position should {word} than base_price:{base}??{leg.trigger_by}",
            )
        )


class Acceptance:
    """Turns the body of /v5/order/create into an order request."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def read(self, params: dict[str, Any]) -> OrderRequest:
        """Return the order asked for. Raises RefusedError with the first thing that is wrong."""
        desk = self._desk
        linear(params)
        symbol = symbol_of(params, desk)
        side = SIDES.get(text_of(params, "side"))
        if side is None:
            raise invalid("side")
        order_type = text_of(params, "orderType")
        if order_type not in ("Market", "Limit"):
            raise invalid("orderType")
        if not desk.market.matches_orders:
            raise RefusedError(RECORDING)
        tif = self._tif(params, order_type)
        for name in UNSUPPORTED:
            if params.get(name) not in (None, "", "0", "None"):
                raise invalid(name)
        if text_of(params, "tpslMode") not in ("", "Full"):
            raise invalid("tpslMode")
        link_id = text_of(params, "orderLinkId")
        if link_id and not LINK_ID.fullmatch(link_id):
            raise invalid("orderLinkId")
        reduce_only = flag_of(params, "reduceOnly")
        legs = leg_of(desk, symbol, params, "takeProfit", "tp"), leg_of(desk, symbol, params, "stopLoss", "sl")
        if reduce_only and any(legs):
            raise invalid("reduceOnly")
        lots = self._lots(symbol, params, order_type, reduce_only)
        price = self._price(symbol, side, params, order_type)
        request = OrderRequest(symbol, side, order_type, tif, price, lots, reduce_only, link_id, *legs)
        return self._checked(request, params)

    def _tif(self, params: dict[str, Any], order_type: str) -> str:
        tif = text_of(params, "timeInForce") or "GTC"
        if tif not in TIFS:
            raise invalid("timeInForce")
        return "IOC" if order_type == "Market" else tif

    def _lots(self, symbol: str, params: dict[str, Any], order_type: str, reduce_only: bool) -> int:
        text, money = text_of(params, "qty"), self._desk.money[symbol]
        if not DECIMAL.fullmatch(text):
            raise invalid("qty")
        if reduce_only and flag_of(params, "closeOnTrigger") and not text.strip("0."):
            return abs(self._desk.account.position(symbol).lots) or money.instrument.min_lots
        try:
            lots = money.scale.qty_lots(text)
        except OffGridError:
            raise invalid("qty") from None
        if lots < money.instrument.min_lots:
            raise RefusedError(TOO_SMALL)
        limit = money.instrument.max_market_lots if order_type == "Market" else money.instrument.max_lots
        if lots > limit and not reduce_only:
            raise RefusedError(TOO_LARGE)
        return lots

    def _price(self, symbol: str, side: int, params: dict[str, Any], order_type: str) -> int:
        """Return the limit price; of a market order the edge of the band."""
        if order_type == "Market":
            band = self._desk.band(symbol)
            return band.max_buy_ticks if side == BUY else band.min_sell_ticks
        price = price_of(self._desk, symbol, text_of(params, "price"), "price")
        if price > PRICE_TICKS_MAX:
            raise RefusedError(OUT_OF_RANGE)
        return price

    def _checked(self, request: OrderRequest, params: dict[str, Any]) -> OrderRequest:
        """Check what depends on the state of the market and the account, and fit the order to it."""
        desk, symbol, side = self._desk, request.symbol, request.side
        last = desk.market.last_ticks(symbol)
        base = last if request.order_type == "Market" else request.price_ticks
        instrument, scale = desk.money[symbol].instrument, desk.money[symbol].scale
        if not request.reduce_only and scale.value_e8(base, request.qty_lots) < instrument.min_notional_e8:
            raise RefusedError(BELOW_NOTIONAL)
        if request.link_id and desk.orders.link_id_used(request.link_id):
            raise RefusedError(DUPLICATE)
        one_way(params)
        if request.reduce_only:
            request = self._reduced(request)
        check_bracket(desk, symbol, side, base, (request.take_profit, request.stop_loss))
        needed = 0 if request.reduce_only else desk.order_margin_e8(symbol, side, request.price_ticks, request.qty_lots)
        if needed and needed > desk.margin().available_e8:
            raise RefusedError(NO_MARGIN)
        return self._within_band(request)

    def _reduced(self, request: OrderRequest) -> OrderRequest:
        """Cut a reduce-only order to what there is to close."""
        position = self._desk.account.position(request.symbol)
        if not position.lots:
            raise RefusedError(NOTHING_TO_REDUCE)
        if position.side == request.side:
            raise RefusedError(WRONG_WAY)
        return request._replace(qty_lots=min(request.qty_lots, abs(position.lots)))

    def _within_band(self, request: OrderRequest) -> OrderRequest:
        """Move a limit price beyond the band to its edge, or refuse it where the client chose that."""
        band, price = self._desk.band(request.symbol), request.price_ticks
        if request.side == BUY and price > band.max_buy_ticks:
            refusal, edge = TOO_HIGH, band.max_buy_ticks
        elif request.side == SELL and price < band.min_sell_ticks:
            refusal, edge = TOO_LOW, band.min_sell_ticks
        else:
            return request
        if not self._desk.reprice:
            raise RefusedError(refusal)
        return request._replace(price_ticks=edge)
