"""What a client may ask about a position: its bracket and trailing stop, its leverage, the position mode."""

from __future__ import annotations

from typing import Any

from services.exchange.acceptance import (
    DECIMAL,
    NO_MARGIN,
    TOO_MANY_PARTIAL,
    RefusedError,
    check_bracket,
    invalid,
    leg_of,
    linear,
    lots_of,
    mode_of,
    nothing,
    one_way,
    price_of,
    symbol_of,
    text_of,
)
from services.exchange.auth import Refusal
from services.exchange.creation import PARTIAL_MAX
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.orders import (
    AT_REQUEST,
    BY_USER,
    PARTIAL,
    PARTIAL_MODE,
    STOP_LOSS,
    TAKE_PROFIT,
    TRAILING_STOP,
    Leg,
)
from services.exchange.stops import Stops
from shared.scale import E8, to_e8

NOT_MODIFIED = Refusal(34040, "not modified")
LEVERAGE_NOT_MODIFIED = Refusal(110043, "leverage not modified")
LEVERAGE_BEYOND_RISK = Refusal(110013, "Cannot set leverage due to risk limit level.")
ZERO_POSITION = Refusal(10001, "can not set tp/sl/ts for zero position")
MODE_NOT_MODIFIED = Refusal(110025, "Position mode is not modified")
MODE_HAS_POSITION = Refusal(110024, "You have an existing position, so position mode cannot be switched")
MODE_HAS_ORDERS = Refusal(110028, "Open orders exist, so you cannot change position mode")
NO_HEDGE_MODE = Refusal(110029, "Hedge mode is not available for this symbol")
NOT_FOR_UNIFIED = Refusal(100028, "The API cannot be accessed by unified account users.")
ONE_WAY, HEDGE = 0, 3

NAMES = ((TAKE_PROFIT, "takeProfit", "tp"), (STOP_LOSS, "stopLoss", "sl"))


class PositionRules:
    """Carries out /v5/position/trading-stop, set-leverage and switch-mode."""

    def __init__(self, desk: Desk, stops: Stops) -> None:
        self._desk, self._stops = desk, stops

    # --- brackets -------------------------------------------------------------------------------------------------

    def trading_stop(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """Full: set, move or ("0") remove legs of the whole position. Partial: add a pair. Both: the trailing stop."""
        linear(params)
        symbol = symbol_of(params, self._desk)
        one_way(params)
        mode = mode_of(params)
        if not self._desk.account.position(symbol).lots:
            raise RefusedError(ZERO_POSITION)
        trailing = self._trailing(symbol, params)
        if mode == PARTIAL_MODE:
            part = self._part(symbol, params)
            if part is None and trailing is None:
                raise RefusedError(NOT_MODIFIED)
            if part is not None:
                self._stops.add_part(symbol, part[0], part[1], now)
        else:
            changes = self._changes(symbol, params)
            if not changes and trailing is None:
                raise RefusedError(NOT_MODIFIED)
            for kind, leg in changes.items():
                self._set(symbol, kind, leg, now)
        if trailing is not None:
            self._set_trailing(symbol, trailing, now)
        return {}

    def _changes(self, symbol: str, params: dict[str, Any]) -> dict[str, Leg | None]:
        """Return what is to be different about the legs of the whole position."""
        wanted = {
            kind: leg_of(self._desk, symbol, params, name, prefix)
            for kind, name, prefix in NAMES
            if text_of(params, name)
        }
        changes = {kind: leg for kind, leg in wanted.items() if not self._in_force(symbol, kind, leg)}
        self._check(symbol, (changes.get(TAKE_PROFIT), changes.get(STOP_LOSS)))
        return changes

    def _in_force(self, symbol: str, kind: str, leg: Leg | None) -> bool:
        order = self._stops.leg(symbol, kind)
        if order is None or leg is None:
            return order is None and leg is None
        return (order.trigger_ticks, order.trigger_by) == leg[:2]

    def _check(self, symbol: str, legs: tuple[Leg | None, Leg | None]) -> None:
        side, last = self._desk.account.position(symbol).side, self._desk.market.last_ticks(symbol)
        check_bracket(self._desk, symbol, side, last, legs)

    def _set(self, symbol: str, kind: str, leg: Leg | None, now: int) -> None:
        old = self._stops.leg(symbol, kind)
        if leg is not None:
            self._stops.set_leg(symbol, kind, leg, now)
        elif old is not None:
            self._stops.drop_leg(old, BY_USER, AT_REQUEST, now)

    def _part(self, symbol: str, params: dict[str, Any]) -> tuple[tuple[Leg | None, Leg | None], int] | None:
        """Return the legs to add and their size: tpSize and slSize must agree where both are there."""
        profit, loss = (leg_of(self._desk, symbol, params, name, prefix) for _, name, prefix in NAMES)
        sizes = {
            lots_of(self._desk, symbol, text_of(params, name), name)
            for leg, name in ((profit, "tpSize"), (loss, "slSize"))
            if leg is not None
        }
        if not sizes:
            return None
        lots = sizes.pop()
        if sizes or not 0 < lots <= abs(self._desk.account.position(symbol).lots):
            raise invalid("slSize" if loss else "tpSize")
        if self._stops.count(symbol, PARTIAL) + (profit is not None) + (loss is not None) > PARTIAL_MAX:
            raise RefusedError(TOO_MANY_PARTIAL)
        self._check(symbol, (profit, loss))
        return (profit, loss), lots

    # --- the trailing stop ----------------------------------------------------------------------------------------

    def _trailing(self, symbol: str, params: dict[str, Any]) -> tuple[int, int] | None:
        """Return (distance, active price) in ticks of the trailing stop to be, (0, 0) to end it, None to leave it."""
        text, active = text_of(params, "trailingStop"), text_of(params, "activePrice")
        if not text:
            return None
        present = self._stops.leg(symbol, TRAILING_STOP)
        if nothing(text):
            return None if present is None else (0, 0)
        distance = price_of(self._desk, symbol, text, "trailingStop")
        start = 0 if nothing(active) else price_of(self._desk, symbol, active, "activePrice")
        if present is not None and present.trail_ticks == distance and start in (0, present.active_ticks):
            return None
        return distance, start

    def _set_trailing(self, symbol: str, trailing: tuple[int, int], now: int) -> None:
        distance, start = trailing
        present = self._stops.leg(symbol, TRAILING_STOP)
        if distance:
            self._stops.set_trailing(symbol, distance, start, now)
        elif present is not None:
            self._stops.drop_leg(present, BY_USER, AT_REQUEST, now)

    # --- leverage and mode ----------------------------------------------------------------------------------------

    def set_leverage(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """Change what the position's margin is worked out with, where its size and the account allow it."""
        linear(params)
        desk, symbol = self._desk, symbol_of(params, self._desk)
        leverage = self._leverage(symbol, params, "buyLeverage")
        if self._leverage(symbol, params, "sellLeverage") != leverage:
            raise invalid("sellLeverage")
        position, money = desk.account.position(symbol), desk.money[symbol]
        before = position.leverage_e2
        if before == leverage:
            raise RefusedError(LEVERAGE_NOT_MODIFIED)
        value = money.value_e8(desk.market.mark_e8(symbol), abs(position.lots))
        if leverage > money.rules.tier(value).max_leverage_e2:
            raise RefusedError(LEVERAGE_BEYOND_RISK)
        position.leverage_e2 = leverage
        if leverage < before and desk.margin().available_e8 < 0:
            position.leverage_e2 = before
            raise RefusedError(NO_MARGIN)
        position.updated_ms = now // NS_PER_MS
        desk.moved[symbol] = None
        return {}

    def _leverage(self, symbol: str, params: dict[str, Any], name: str) -> int:
        text, most = text_of(params, name), self._desk.money[symbol].instrument.max_leverage_e2
        leverage, rest = divmod(to_e8(text), E8 // 100) if DECIMAL.fullmatch(text) else (0, 0)
        if rest or not 100 <= leverage <= most:
            raise invalid(name)
        return leverage

    def switch_mode(self, params: dict[str, Any]) -> dict[str, Any]:
        """There is the one-way mode only: it is kept, and the other is refused with the reason that comes first."""
        linear(params)
        mode = params.get("mode")
        if isinstance(mode, bool) or mode not in (ONE_WAY, HEDGE):
            raise invalid("mode")
        symbols = [symbol_of(params, self._desk)] if text_of(params, "symbol") else list(self._desk.money)
        if not text_of(params, "symbol") and text_of(params, "coin") != "USDT":
            raise invalid("coin")
        if mode == ONE_WAY:
            raise RefusedError(MODE_NOT_MODIFIED)
        if any(self._desk.account.position(symbol).lots for symbol in symbols):
            raise RefusedError(MODE_HAS_POSITION)
        if any(self._desk.orders.open_orders(symbol) for symbol in symbols):
            raise RefusedError(MODE_HAS_ORDERS)
        raise RefusedError(NO_HEDGE_MODE)

    def switch_isolated(self, params: dict[str, Any]) -> dict[str, Any]:
        """For accounts of the old kind: a unified one has one margin mode for everything (set-margin-mode)."""
        raise RefusedError(NOT_FOR_UNIFIED)
