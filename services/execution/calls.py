"""From requests to the venue's words: which call of the REST client, with which decimal texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from services.execution.wire import (
    AmendRequest,
    CancelAllRequest,
    CancelRequest,
    LeverageRequest,
    OrderRequest,
    PriceLimitRequest,
    Query,
    StopRequest,
)
from shared.messages import BUY, Message
from shared.scale import Scale

LINEAR, COIN = "linear", "USDT"
ENTRY, EXIT, CANCEL, STOP, MOVE, READ = LANES = ("entry", "exit", "cancel", "stop", "move", "read")
# Lanes: nothing that reduces risk ever waits behind something else, nor one such thing behind another kind of it.
TRIGGER = "LastPrice"
PERCENT = Scale("0.01", "1")  # One step is a basis point.


class Call(NamedTuple):
    """One call of the REST client."""

    method: str
    params: dict[str, Any]
    lane: str


def _order(request: OrderRequest) -> Call:
    scale = Scale(request.tick, request.lot)
    params: dict[str, Any] = {
        "category": LINEAR,
        "symbol": request.symbol,
        "side": "Buy" if request.side == BUY else "Sell",
        "orderType": "Limit" if request.price_ticks else "Market",
        "qty": scale.qty_text(request.qty_lots),
        "timeInForce": "PostOnly" if request.post else "IOC",
        "positionIdx": 0,
        "orderLinkId": request.order_link_id,
        "reduceOnly": request.reduce_only,
    }
    if request.price_ticks:
        params["price"] = scale.price_text(request.price_ticks)
    elif request.slip_bps:
        params |= {"slippageToleranceType": "Percent", "slippageTolerance": PERCENT.price_text(request.slip_bps)}
    if not request.reduce_only:
        params |= {
            "stopLoss": scale.price_text(request.stop_ticks),
            "takeProfit": scale.price_text(request.target_ticks),
            "tpslMode": "Full",
            "slTriggerBy": TRIGGER,
            "tpTriggerBy": TRIGGER,
        }
    return Call("place_order", params, EXIT if request.reduce_only else ENTRY)


def _amend(request: AmendRequest) -> Call:
    # The size is left out: it would be a new total, and a fill on its way would make it another order.
    scale = Scale(request.tick, "1")
    params = {
        "category": LINEAR,
        "symbol": request.symbol,
        "orderLinkId": request.order_link_id,
        "price": scale.price_text(request.price_ticks),
        "stopLoss": scale.price_text(request.stop_ticks),
        "takeProfit": scale.price_text(request.target_ticks),
    }
    return Call("amend_order", params, ENTRY)


def _cancel(request: CancelRequest) -> Call:
    params = {"category": LINEAR, "symbol": request.symbol, "orderLinkId": request.order_link_id}
    return Call("cancel_order", params, CANCEL)


def _cancel_all(_: CancelAllRequest) -> Call:
    # Without the filter the venue would also take away the stops of our positions.
    return Call("cancel_all_orders", {"category": LINEAR, "settleCoin": COIN, "orderFilter": "Order"}, CANCEL)


def _stop(request: StopRequest) -> Call:
    price = Scale(request.tick, "1").price_text(request.stop_ticks)
    params = {
        "category": LINEAR, "symbol": request.symbol, "tpslMode": "Full", "positionIdx": 0, "stopLoss": price,
        "slTriggerBy": TRIGGER,
    }  # fmt: skip
    return Call("set_trading_stop", params, STOP if request.urgent else MOVE)


def _leverage(request: LeverageRequest) -> Call:
    leverage = str(request.leverage)
    params = {"category": LINEAR, "symbol": request.symbol, "buyLeverage": leverage, "sellLeverage": leverage}
    return Call("set_leverage", params, READ)


def _price_limit(_: PriceLimitRequest) -> Call:
    return Call("set_limit_price_action", {"category": LINEAR, "modifyEnable": False}, READ)


_LINKED: dict[str, str] = {
    "order": "get_open_orders",
    "order_history": "get_order_history",
    "order_executions": "get_executions",
}
_PAGED: dict[str, tuple[str, int]] = {
    "open_orders": ("get_open_orders", 50),
    "positions": ("get_positions", 200),
    "watch": ("get_positions", 200),
    "executions": ("get_executions", 100),
}


_BARE: dict[str, str] = {"key": "get_api_key_information", "account": "get_account_info"}
_BY_SYMBOL: dict[str, str] = {
    "fee_rate": "get_fee_rates",
    "ticker": "get_tickers",
    "instrument": "get_instruments_info",
    "mode": "get_positions",
}


def _query(query: Query) -> Call:
    kind = query.kind
    if kind == "wallet":
        return Call("get_wallet_balance", {"accountType": "UNIFIED"}, READ)
    if kind in _BARE:
        return Call(_BARE[kind], {}, READ)
    if kind in _BY_SYMBOL:
        return Call(_BY_SYMBOL[kind], {"category": LINEAR, "symbol": query.symbol}, READ)
    if kind in _LINKED:
        params = {"category": LINEAR, "symbol": query.symbol, "orderLinkId": query.order_link_id}
        return Call(_LINKED[kind], params, READ)
    method, limit = _PAGED[kind]
    paged: dict[str, Any] = {"category": LINEAR, "limit": limit}
    if kind == "executions":
        paged["startTime"] = query.start_ms
    else:
        paged["settleCoin"] = COIN
    if query.cursor:
        paged["cursor"] = query.cursor
    return Call(method, paged, MOVE if kind == "watch" else READ)


_CALLS: dict[type[Message], Callable[[Any], Call]] = {
    OrderRequest: _order,
    AmendRequest: _amend,
    CancelRequest: _cancel,
    CancelAllRequest: _cancel_all,
    StopRequest: _stop,
    LeverageRequest: _leverage,
    PriceLimitRequest: _price_limit,
    Query: _query,
}
REQUESTS = tuple(_CALLS)


def call_of(request: Message) -> Call:
    """Return the call that carries out ``request`` (one of REQUESTS)."""
    return _CALLS[type(request)](request)


def kind_of(request: Message) -> str:
    """Return the ``Reply.kind`` of the request's answer."""
    return request.kind if isinstance(request, Query) else type(request).__name__
