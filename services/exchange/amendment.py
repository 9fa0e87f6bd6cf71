"""Amending: an order keeps its id and gets another price, size, trigger or bracket.

The venue documents no rule of priority: a new price or more size is taken to lose the place in the queue, less size to
keep it. ``qty`` is the new total, what is filled included.
"""

from __future__ import annotations

from typing import Any

from services.exchange.acceptance import (
    BELOW_NOTIONAL,
    FILLED_ALREADY,
    NO_MARGIN,
    TOO_LARGE,
    TOO_SMALL,
    UNCHANGED,
    RefusedError,
    banded,
    by_of,
    check_bracket,
    check_risk,
    check_trigger,
    invalid,
    leg_of,
    limit_price_of,
    linear,
    lots_of,
    mode_of,
    price_of,
    symbol_of,
    text_of,
)
from services.exchange.auth import Refusal
from services.exchange.desk import Desk
from services.exchange.engine import Engine
from services.exchange.orders import CONDITIONAL, PARTIAL, RESTING, WHOLE, Leg, Order, Status, Trigger
from services.exchange.stops import Stops

BRACKET_IN_FORCE = Refusal(110059, "Cannot modify the TP/SL of a partially filled open order")
TOO_LATE = Refusal(110001, "order not exists or too late to replace")


class Amendment:
    """Carries out /v5/order/amend."""

    def __init__(self, desk: Desk, stops: Stops, engine: Engine) -> None:
        self._desk, self._stops, self._engine = desk, stops, engine

    def amend(self, params: dict[str, Any], now: int) -> Order:
        """Change the order as asked. Raises RefusedError with the first thing that is wrong, having changed nothing."""
        linear(params)
        symbol = symbol_of(params, self._desk)
        order_id, link_id = text_of(params, "orderId"), text_of(params, "orderLinkId")
        if not order_id and not link_id:
            raise invalid("orderId")
        order = self._desk.orders.find(order_id, link_id)
        if order is None or order.symbol != symbol:
            raise RefusedError(TOO_LATE)
        if order.status is Status.UNTRIGGERED:
            self._amend_waiting(order, params, now)
        elif order.status in RESTING:
            self._amend_resting(order, params, now)
        else:
            raise RefusedError(TOO_LATE)
        return order

    # --- in the book ----------------------------------------------------------------------------------------------

    def _amend_resting(self, order: Order, params: dict[str, Any], now: int) -> None:
        price, lots = self._price(order, params), self._lots(order, params)
        legs = self._legs(order, params)
        base = price or order.price_ticks
        if (price, lots, legs) == (order.price_ticks, order.qty_lots, (order.take_profit, order.stop_loss)):
            raise RefusedError(UNCHANGED)
        if legs != (order.take_profit, order.stop_loss):
            if order.filled_lots:
                raise RefusedError(BRACKET_IN_FORCE)
            check_bracket(self._desk, order.symbol, order.side, base, legs)
        left = lots - order.filled_lots
        if not order.closes:
            self._check_money(order, base, left)
        order.take_profit, order.stop_loss = legs
        if price != order.price_ticks or lots > order.qty_lots:
            order.qty_lots = lots
            self._engine.reprice(order, price, left, now)
        else:
            order.qty_lots = lots
            self._engine.shrink(order, left, now)
        self._engine.trim(order.symbol, now)

    def _price(self, order: Order, params: dict[str, Any]) -> int:
        text = text_of(params, "price")
        if not text:
            return order.price_ticks
        price = limit_price_of(self._desk, order.symbol, text)
        return price if price == order.price_ticks else banded(self._desk, order.symbol, order.side, price)

    def _lots(self, order: Order, params: dict[str, Any]) -> int:
        """Return the new total."""
        text, instrument = text_of(params, "qty"), self._desk.money[order.symbol].instrument
        if not text:
            return order.qty_lots
        lots = lots_of(self._desk, order.symbol, text, "qty")
        if lots < instrument.min_lots:
            raise RefusedError(TOO_SMALL)
        if lots <= order.filled_lots:
            raise RefusedError(FILLED_ALREADY)
        limit = instrument.max_market_lots if order.type == "Market" else instrument.max_lots
        if lots > max(limit, order.qty_lots):
            raise RefusedError(TOO_LARGE)
        if order.closes and order.status in RESTING:  # Cut at once: it may be about to match.
            lots = min(lots, order.filled_lots + abs(self._desk.account.position(order.symbol).lots))
        return lots

    def _legs(self, order: Order, params: dict[str, Any]) -> tuple[Leg | None, Leg | None]:
        """Return the bracket as it shall be: a leg that is not named stays, "0" removes it."""
        named = any(text_of(params, name) for name in ("takeProfit", "stopLoss"))
        if named and order.reduce_only:
            raise invalid("reduceOnly")
        if text_of(params, "tpslMode") and mode_of(params) != order.tpsl_mode:
            raise invalid("tpslMode")
        params = {"tpslMode": order.tpsl_mode, **params}
        legs = []
        for present, name, prefix in ((order.take_profit, "takeProfit", "tp"), (order.stop_loss, "stopLoss", "sl")):
            if present is not None and present.limit_ticks and f"{prefix}OrderType" not in params:
                params = {**params, f"{prefix}OrderType": "Limit"}
            usual = {f"{prefix}TriggerBy": present.trigger_by} if present else {}
            leg = leg_of(self._desk, order.symbol, usual | params, name, prefix)
            legs.append(leg if text_of(params, name) else present)
        return legs[0], legs[1]

    def _check_money(self, order: Order, price_ticks: int, left_lots: int) -> None:
        """Refuse what the account could not afford instead of the order as it is."""
        desk, scale = self._desk, self._desk.money[order.symbol].scale
        least_e8 = desk.money[order.symbol].instrument.min_notional_e8
        if scale.value_e8(price_ticks, order.filled_lots + left_lots) < least_e8:
            raise RefusedError(BELOW_NOTIONAL)
        before = desk.order_margin_e8(order.symbol, order.side, order.price_ticks, order.left_lots)
        after = desk.order_margin_e8(order.symbol, order.side, price_ticks, left_lots)
        if after > before and after - before > desk.margin().available_e8:
            raise RefusedError(NO_MARGIN)
        if after > before:
            check_risk(desk, order.symbol, order.side, price_ticks, left_lots)

    # --- before its trigger ---------------------------------------------------------------------------------------

    def _amend_waiting(self, order: Order, params: dict[str, Any], now: int) -> None:
        trigger = self._trigger(order, params)
        price = order.price_ticks
        if order.type == "Limit" and text_of(params, "price"):
            price = limit_price_of(self._desk, order.symbol, text_of(params, "price"))
        lots = order.qty_lots if order.kind in WHOLE else self._lots(order, params)
        legs = order.take_profit, order.stop_loss
        if order.kind == CONDITIONAL:
            legs = self._legs(order, params)
        was = Trigger(order.trigger_ticks, order.trigger_by, order.trigger_direction)
        as_it_was = was, order.price_ticks, order.qty_lots, (order.take_profit, order.stop_loss)
        if (trigger, price, lots, legs) == as_it_was:
            raise RefusedError(UNCHANGED)
        if trigger != was:
            check_trigger(self._desk, order.symbol, trigger)
        check_bracket(self._desk, order.symbol, order.side, price if order.type == "Limit" else trigger.ticks, legs)
        order.trigger_ticks, order.trigger_by, _ = trigger
        order.price_ticks, order.qty_lots = price, lots
        order.take_profit, order.stop_loss = legs
        self._stops.change(order, now)

    def _trigger(self, order: Order, params: dict[str, Any]) -> Trigger:
        text, trigger_by = text_of(params, "triggerPrice"), order.trigger_by
        if text_of(params, "triggerBy"):
            trigger_by = by_of(params, "triggerBy")
        if order.kind not in WHOLE | PARTIAL | {CONDITIONAL} or (text and order.trail_ticks):
            raise invalid("triggerPrice")  # A trailing stop makes its own.
        ticks = price_of(self._desk, order.symbol, text, "triggerPrice") if text else order.trigger_ticks
        return Trigger(ticks, trigger_by, order.trigger_direction)
