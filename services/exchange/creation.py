"""What a create request must be before it becomes an order: Bybit's checks, in its order, with its texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.exchange.acceptance import (
    BELOW_NOTIONAL,
    DECIMAL,
    DELISTING,
    DUPLICATE,
    LINK_ID,
    NO_MARGIN,
    NOT_LIVE,
    NOTHING_TO_REDUCE,
    RECORDING,
    SIDES,
    SLIPPAGE_PERCENT,
    SLIPPAGE_TICKS,
    TIFS,
    TOO_LARGE,
    TOO_MANY_ACTIVE,
    TOO_MANY_CONDITIONAL,
    TOO_MANY_PARTIAL,
    TOO_SMALL,
    WRONG_WAY,
    RefusedError,
    banded,
    by_of,
    check_bracket,
    check_risk,
    check_trigger,
    flag_of,
    invalid,
    leg_of,
    limit_price_of,
    linear,
    lots_of,
    market_bound_ticks,
    mode_of,
    nothing,
    one_way,
    price_of,
    symbol_of,
    text_of,
    within,
)
from services.exchange.desk import Desk
from services.exchange.matching import CANCEL_BOTH, CANCEL_MAKER, CANCEL_TAKER, NO_SMP, MatchingBook
from services.exchange.orders import (
    BY_BBO,
    BY_STOP_ORDER,
    CONDITIONAL,
    FALLS,
    PARTIAL,
    PARTIAL_MODE,
    RISES,
    USER,
    OrderRequest,
    Status,
    Trigger,
)
from services.exchange.stops import Stops
from shared.messages import BUY
from shared.scale import E8, to_e8

SMP_TYPES = (NO_SMP, CANCEL_MAKER, CANCEL_TAKER, CANCEL_BOTH)
ACTIVE_MAX, CONDITIONAL_MAX, PARTIAL_MAX = 500, 10, 20  # Per symbol.
DIRECTIONS: dict[object, int] = {1: RISES, 2: FALLS, "1": RISES, "2": FALLS}
PERCENT_E8 = E8 // 100


class Creation:
    """Turns the body of /v5/order/create into an order request."""

    def __init__(self, desk: Desk, stops: Stops, books: Mapping[str, MatchingBook]) -> None:
        self._desk, self._stops, self._books = desk, stops, books

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
        tif, smp = self._tif(params, order_type), text_of(params, "smpType") or NO_SMP
        if smp not in SMP_TYPES:
            raise invalid("smpType")
        link_id = text_of(params, "orderLinkId")
        if link_id and not LINK_ID.fullmatch(link_id):
            raise invalid("orderLinkId")
        reduce_only, closing = flag_of(params, "reduceOnly"), flag_of(params, "closeOnTrigger")
        mode = mode_of(params)
        legs = leg_of(desk, symbol, params, "takeProfit", "tp"), leg_of(desk, symbol, params, "stopLoss", "sl")
        if reduce_only and any(legs):
            raise invalid("reduceOnly")
        trigger = self._trigger(symbol, params)
        lots = self._lots(symbol, params, order_type, (reduce_only, closing), trigger)
        price, created_by = self._price(symbol, side, params, order_type)
        slippage = self._slippage(params, order_type, trigger)
        if slippage[0] != "UNKNOWN":
            price = self._tolerated(symbol, side, price, slippage)
        request = OrderRequest(
            symbol, side, order_type, tif, price, lots, reduce_only, link_id, *legs, trigger, closing, mode, smp,
            slippage, BY_STOP_ORDER if trigger else created_by,
        )  # fmt: skip
        return self._checked(request, params)

    # --- one parameter at a time ----------------------------------------------------------------------------------

    def _tif(self, params: dict[str, Any], order_type: str) -> str:
        tif = text_of(params, "timeInForce") or "GTC"
        if tif not in TIFS:
            raise invalid("timeInForce")
        return "IOC" if order_type == "Market" else tif

    def _trigger(self, symbol: str, params: dict[str, Any]) -> Trigger | None:
        text = text_of(params, "triggerPrice")
        if nothing(text):
            return None
        direction = params.get("triggerDirection")
        if isinstance(direction, bool) or not isinstance(direction, int | str) or direction not in DIRECTIONS:
            raise invalid("triggerDirection")
        ticks = price_of(self._desk, symbol, text, "triggerPrice")
        return Trigger(ticks, by_of(params, "triggerBy"), DIRECTIONS[direction])

    def _lots(
        self, symbol: str, params: dict[str, Any], order_type: str, closes: tuple[bool, bool], trigger: Trigger | None
    ) -> int:
        """Return the size; "0" with reduceOnly and closeOnTrigger is all there is, up to the largest order."""
        text, instrument = text_of(params, "qty"), self._desk.money[symbol].instrument
        limit = instrument.max_market_lots if order_type == "Market" else instrument.max_lots
        if all(closes) and DECIMAL.fullmatch(text) and nothing(text):
            held = abs(self._desk.account.position(symbol).lots)
            return 0 if trigger else min(held, limit) or instrument.min_lots
        lots = lots_of(self._desk, symbol, text, "qty")
        if lots < instrument.min_lots:
            raise RefusedError(TOO_SMALL)
        if lots > limit and not any(closes):
            raise RefusedError(TOO_LARGE)
        return lots

    def _price(self, symbol: str, side: int, params: dict[str, Any], order_type: str) -> tuple[int, str]:
        """Return the limit price, of a market order the edge of the band; and what the order is created by."""
        if order_type == "Market":
            return market_bound_ticks(self._desk, symbol, side), USER
        queue = text_of(params, "bboSideType")
        if queue in ("", "None"):
            return limit_price_of(self._desk, symbol, text_of(params, "price")), USER
        if queue not in ("Queue", "Counterparty"):
            raise invalid("bboSideType")
        level = text_of(params, "bboLevel")
        if level not in ("1", "2", "3", "4", "5"):
            raise invalid("bboLevel")
        levels = self._books[symbol].depth(side if queue == "Queue" else -side, int(level))
        if len(levels) < int(level):  # What the venue does where the book is not that deep is not documented.
            raise invalid("bboLevel")
        return levels[-1][0], BY_BBO

    def _slippage(self, params: dict[str, Any], order_type: str, trigger: Trigger | None) -> tuple[str, str]:
        kind, text = text_of(params, "slippageToleranceType"), text_of(params, "slippageTolerance")
        if kind in ("", "UNKNOWN"):
            return "UNKNOWN", "0"
        if kind not in ("TickSize", "Percent") or order_type != "Market" or trigger:
            raise invalid("slippageToleranceType")
        if not DECIMAL.fullmatch(text):
            raise invalid("slippageTolerance")
        value = to_e8(text)
        if kind == "TickSize" and not (E8 <= value <= 10_000 * E8 and value % E8 == 0):
            raise RefusedError(SLIPPAGE_TICKS)
        if kind == "Percent" and not E8 // 100 <= value <= 10 * E8:
            raise RefusedError(SLIPPAGE_PERCENT)
        return kind, text

    def _tolerated(self, symbol: str, side: int, bound_ticks: int, slippage: tuple[str, str]) -> int:
        """Return a market order's bound: the touch and the tolerance beyond it, not beyond the band."""
        bid, ask = self._desk.market.touch_ticks(symbol)
        touch, value = (ask if side == BUY else bid), to_e8(slippage[1])
        if not touch:
            return bound_ticks
        if slippage[0] == "TickSize":
            price = touch + side * (value // E8)
        elif side == BUY:
            price = touch * (100 * E8 + value) // (100 * E8)
        else:
            price = -(-touch * (100 * E8 - value) // (100 * E8))
        return max(1, within(self._desk.band(symbol), side, price))

    # --- against the state of things ------------------------------------------------------------------------------

    def _checked(self, request: OrderRequest, params: dict[str, Any]) -> OrderRequest:
        """Check what depends on the state of the market and the account, and fit the order to it."""
        desk, symbol, side, trigger = self._desk, request.symbol, request.side, request.trigger
        closes = request.reduce_only or request.close_on_trigger
        self._check_status(symbol, closes)
        base = request.price_ticks
        if request.order_type == "Market":
            base = trigger.ticks if trigger else desk.market.last_ticks(symbol)
        instrument, scale = desk.money[symbol].instrument, desk.money[symbol].scale
        if not closes and scale.value_e8(base, request.qty_lots) < instrument.min_notional_e8:
            raise RefusedError(BELOW_NOTIONAL)
        if request.link_id and desk.orders.link_id_used(request.link_id):
            raise RefusedError(DUPLICATE)
        one_way(params)
        if closes and not trigger:
            request = self._reduced(request)
        self._check_room(request)
        if trigger:
            check_trigger(desk, symbol, trigger)
        check_bracket(desk, symbol, side, base, (request.take_profit, request.stop_loss))
        if trigger:
            return request  # Its margin and its price are checked when it is triggered.
        if not closes:
            self._check_money(request)
        if request.order_type == "Market":
            return request
        return request._replace(price_ticks=banded(desk, symbol, side, request.price_ticks))

    def _check_status(self, symbol: str, closes: bool) -> None:
        status = self._desk.status(symbol)
        if status == "Delivering" and not closes:
            raise RefusedError(DELISTING)
        if status not in ("Trading", "Delivering"):
            raise RefusedError(NOT_LIVE)

    def _reduced(self, request: OrderRequest) -> OrderRequest:
        """Cut a reduce-only order to what there is to close."""
        position = self._desk.account.position(request.symbol)
        if not position.lots:
            raise RefusedError(NOTHING_TO_REDUCE)
        if position.side == request.side:
            raise RefusedError(WRONG_WAY)
        return request._replace(qty_lots=min(request.qty_lots, abs(position.lots)))

    def _check_room(self, request: OrderRequest) -> None:
        """Refuse what would be one order too many on its symbol."""
        symbol = request.symbol
        if request.trigger:
            if self._stops.count(symbol, frozenset((CONDITIONAL,))) >= CONDITIONAL_MAX:
                raise RefusedError(TOO_MANY_CONDITIONAL)
        elif (
            sum(order.status is not Status.UNTRIGGERED for order in self._desk.orders.open_orders(symbol)) >= ACTIVE_MAX
        ):
            raise RefusedError(TOO_MANY_ACTIVE)
        if request.tpsl_mode == PARTIAL_MODE and (request.take_profit or request.stop_loss):
            added = sum(leg is not None for leg in (request.take_profit, request.stop_loss))
            if self._stops.count(symbol, PARTIAL) + added > PARTIAL_MAX:
                raise RefusedError(TOO_MANY_PARTIAL)

    def _check_money(self, request: OrderRequest) -> None:
        desk, symbol = self._desk, request.symbol
        needed = desk.order_margin_e8(symbol, request.side, request.price_ticks, request.qty_lots)
        if needed and needed > desk.margin().available_e8:
            raise RefusedError(NO_MARGIN)
        check_risk(desk, symbol, request.side, request.price_ticks, request.qty_lots)
