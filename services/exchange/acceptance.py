"""The parts that requests about orders are made of: parameters read, refused with Bybit's codes and texts, fitted."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from services.exchange.auth import Refusal
from services.exchange.desk import Band, Desk
from services.exchange.orders import FALLS, FULL_MODE, PARTIAL_MODE, RISES, Leg, Trigger
from services.exchange.stops import INDEX_PRICE, LAST_PRICE, MARK_PRICE
from shared.messages import BUY, SELL
from shared.scale import OffGridError

LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
PRICE_TICKS_MAX = 19_999_998  # As of every symbol in the venue's recorded list.
SIDES = {"Buy": BUY, "Sell": SELL}
TIFS = ("GTC", "IOC", "FOK", "PostOnly")
TRIGGERS_BY = (LAST_PRICE, MARK_PRICE, INDEX_PRICE)

UNCHANGED = Refusal(10001, "The order remains unchanged as the parameters entered match the existing ones.")
TOO_SMALL = Refusal(10001, "The number of contracts exceeds minimum limit allowed")
TOO_LARGE = Refusal(10001, "The number of contracts exceeds maximum limit allowed")
WRONG_MODE = Refusal(10001, "position idx not match position mode")
OUT_OF_RANGE = Refusal(110003, "Order price is out of permissible range")
NO_MARGIN = Refusal(110007, "ab not enough for new order")
NOTHING_TO_REDUCE = Refusal(110017, "current position is zero, cannot fix reduce-only order qty")
WRONG_WAY = Refusal(110017, "Reduce-only rule not satisfied")
TOO_MANY_CONDITIONAL = Refusal(110009, "The number of stop orders exceeds maximum limit allowed")
TOO_MANY_ACTIVE = Refusal(110020, "Cannot have more than 500 active orders.")
TOO_MANY_PARTIAL = Refusal(110061, "Cannot have more than 20 TP/SLs under Partial tpSlMode")
FILLED_ALREADY = Refusal(110064, "The number of contracts modified cannot be less than or equal to the filled quantity")
DELISTING = Refusal(30228, "No new positions during delisting.")
NOT_LIVE = Refusal(110074, "This contract is not live")
BEYOND_RISK = Refusal(110090, "Position value would exceed the risk limit at this leverage")  # Its text is not known.
SLIPPAGE_TICKS = Refusal(110108, "slippageTolerance must be from 1 to 10000 ticks")  # Nor are these two.
SLIPPAGE_PERCENT = Refusal(110109, "slippageTolerance must be from 0.01 to 10 percent")
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
    if nothing(text):
        return None
    trigger_by = by_of(params, f"{prefix}TriggerBy")
    limit = 0
    if text_of(params, f"{prefix}OrderType") not in ("", "Market", "Limit"):
        raise invalid(f"{prefix}OrderType")
    if text_of(params, f"{prefix}OrderType") == "Limit":
        if text_of(params, "tpslMode") != PARTIAL_MODE:
            raise invalid(f"{prefix}OrderType")
        limit = price_of(desk, symbol, text_of(params, f"{prefix}LimitPrice"), f"{prefix}LimitPrice")
    elif not nothing(text_of(params, f"{prefix}LimitPrice")):
        raise invalid(f"{prefix}LimitPrice")
    return Leg(price_of(desk, symbol, text, name), trigger_by, limit)


def by_of(params: dict[str, Any], name: str) -> str:
    """Return which price a trigger watches."""
    trigger_by = text_of(params, name) or LAST_PRICE
    if trigger_by not in TRIGGERS_BY:
        raise invalid(name)
    return trigger_by


def nothing(text: str) -> bool:
    """Return whether a price or size is absent or "0"."""
    return not text or bool(DECIMAL.fullmatch(text) and not text.strip("0."))


def mode_of(params: dict[str, Any]) -> str:
    """Return tpslMode, Full where it is absent."""
    mode = text_of(params, "tpslMode") or FULL_MODE
    if mode not in (FULL_MODE, PARTIAL_MODE):
        raise invalid("tpslMode")
    return mode


def watched_e8(desk: Desk, symbol: str, trigger_by: str) -> int:
    """Return the present price that such a trigger watches, 0 while unknown."""
    if trigger_by == MARK_PRICE:
        return desk.market.mark_e8(symbol)
    if trigger_by == INDEX_PRICE:
        return desk.market.index_e8(symbol)
    return desk.market.last_ticks(symbol) * desk.money[symbol].scale.tick_e8


def check_trigger(desk: Desk, symbol: str, trigger: Trigger) -> None:
    """Refuse a trigger that the price has reached already."""
    asked, now = trigger.ticks * desk.money[symbol].scale.tick_e8, watched_e8(desk, symbol, trigger.by)
    shown = f"trigger_price[{asked // 10_000}]", f"current[{now // 10_000}]??{trigger.by}"
    if trigger.direction == RISES and asked <= now:
        raise RefusedError(Refusal(110092, f"expect Rising, but {shown[0]} <= {shown[1]}"))
    if trigger.direction == FALLS and asked >= now:
        raise RefusedError(Refusal(110093, f"expect Falling, but {shown[0]} >= {shown[1]}"))


def check_bracket(desk: Desk, symbol: str, side: int, base_ticks: int, legs: tuple[Leg | None, Leg | None]) -> None:
    """Refuse a (take profit, stop loss) on the wrong side of the price the position starts from."""
    money, (profit, loss) = desk.money[symbol], legs
    for leg, name, sign in ((profit, "TakeProfit", side), (loss, "StopLoss", -side)):
        if leg is None:
            continue
        by_last = leg.trigger_by == LAST_PRICE
        base_e8 = base_ticks * money.scale.tick_e8 if by_last else watched_e8(desk, symbol, leg.trigger_by)
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


def market_bound_ticks(desk: Desk, symbol: str, side: int) -> int:
    """Return the worst price that a market order may fill at: the edge of the band."""
    band = desk.band(symbol)
    return band.max_buy_ticks if side == BUY else band.min_sell_ticks


def within(band: Band, side: int, price_ticks: int) -> int:
    """Return a limit price moved to the band where it lies beyond."""
    return min(price_ticks, band.max_buy_ticks) if side == BUY else max(price_ticks, band.min_sell_ticks)


def banded(desk: Desk, symbol: str, side: int, price_ticks: int) -> int:
    """Move a limit price beyond the band to its edge, or refuse it where the client chose that."""
    fitted = within(desk.band(symbol), side, price_ticks)
    if fitted != price_ticks and not desk.reprice:
        raise RefusedError(TOO_HIGH if side == BUY else TOO_LOW)
    return fitted


def lots_of(desk: Desk, symbol: str, text: str, name: str) -> int:
    """Return a size in lots: on the grid."""
    if not DECIMAL.fullmatch(text):
        raise invalid(name)
    try:
        return desk.money[symbol].scale.qty_lots(text)
    except OffGridError:
        money = desk.money[symbol]
        if Decimal(text) < Decimal(money.scale.qty_text(money.instrument.min_lots)):
            raise RefusedError(TOO_SMALL) from None
        raise invalid(name) from None


def limit_price_of(desk: Desk, symbol: str, text: str, name: str = "price") -> int:
    """Return an order's price in ticks, which is not beyond everything."""
    price = price_of(desk, symbol, text, name)
    if price > PRICE_TICKS_MAX:
        raise RefusedError(OUT_OF_RANGE)
    return price


def check_risk(desk: Desk, symbol: str, side: int, price_ticks: int, lots: int) -> None:
    """Refuse an order after which the position would be beyond the risk limit, or too large for its leverage."""
    position, money = desk.account.position(symbol), desk.money[symbol]
    after = abs(position.lots + side * lots)
    if after <= abs(position.lots):
        return
    value = money.scale.value_e8(price_ticks, after)
    tier = money.rules.tier(value)
    if value > tier.limit_e8 or position.leverage_e2 > tier.max_leverage_e2:
        raise RefusedError(BEYOND_RISK)
