"""The account's objects as Bybit writes them: exact keys, in the order of the wire, numbers as text.

The stream and the REST answers differ in their blanks and in a few keys; both are made here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from services.exchange.account import (
    Account,
    Margin,
    Money,
    Position,
    divide,
    position_margin_e8,
    position_tier,
    unrealised_e8,
)
from services.exchange.orders import FULL_MODE, PARTIAL, WHOLE, Leg, Order, Status
from shared.messages import BUY
from shared.scale import E8, e8_text

Row = dict[str, Any]
UID = "1000001"
TRADE, FUNDING, BUST_TRADE, ADL_TRADE, SETTLE = "Trade", "Funding", "BustTrade", "AdlTrade", "Settle"  # execType
_CONDITIONAL = (Status.UNTRIGGERED, Status.TRIGGERED, Status.DEACTIVATED, Status.REJECTED)
_STREAM_ONLY = ("category", "feeCurrency", "closedPnl", "slippageTolerance", "slippageToleranceType")
NO_LEG = Leg(0, "")


class Execution(NamedTuple):
    """One execution of one of our orders."""

    exec_id: str
    symbol: str
    order_id: str
    order_link_id: str
    side: int
    order_type: str
    kind: str  # TakeProfit, StopLoss or nothing.
    create_type: str
    order_price_ticks: int
    order_qty_lots: int
    leaves_lots: int
    price_ticks: int
    qty_lots: int
    value_e8: int
    fee_e8: int
    rate_e8: int
    is_maker: bool
    closed_lots: int
    pnl_e8: int
    mark_e8: int
    exec_ms: int
    seq: int
    exec_type: str = TRADE
    price_e8: int = 0  # Of funding, whose price need not be on the grid.
    position_lots: int = 0  # After it, signed.
    wallet_e8: int = 0  # After it.
    entry_e8: int = 0  # What the closed part had been opened for,
    exit_e8: int = 0  # and was closed for, without fees.
    open_fee_e8: int = 0  # Of the closed part.
    close_fee_e8: int = 0
    leverage_e2: int = 0
    grid: int = 0  # As of an order.


def side_text(side: int) -> str:
    """Return Bybit's word for a side; "" for none."""
    return ("", "Buy", "Sell")[side]


def order_row(order: Order, money: Money) -> Row:
    """Return an order as the ``order`` topic shows it."""
    scale = money.scale
    price, qty = scale.price_text, scale.qty_text
    left = order.left_lots
    # A market order has no price before it is given its bound.
    waiting = order.status in _CONDITIONAL and not (order.type == "Limit" and order.price_ticks)
    filled_fee = e8_text(order.fee_e8)
    profit, loss = order.take_profit or NO_LEG, order.stop_loss or NO_LEG
    return {
        "category": "linear", "symbol": order.symbol, "orderId": order.order_id, "orderLinkId": order.order_link_id,
        "blockTradeId": "", "side": side_text(order.side), "positionIdx": 0, "orderStatus": order.status.value,
        "cancelType": order.cancel_type, "rejectReason": order.reject_reason, "timeInForce": order.tif,
        "isLeverage": "", "price": "0" if waiting else price(order.price_ticks), "qty": qty(order.qty_lots),
        "avgPrice": e8_text(money.average_e8(order.value_e8, order.filled_lots)) if order.filled_lots else "",
        "leavesQty": qty(left) if left else "0",
        "leavesValue": e8_text(scale.value_e8(order.price_ticks, left)),
        "cumExecQty": qty(order.filled_lots), "cumExecValue": e8_text(order.value_e8), "cumExecFee": filled_fee,
        "orderType": order.type, "stopOrderType": order.kind, "orderIv": "",
        "triggerPrice": price(order.trigger_ticks) if order.trigger_ticks else "",
        "takeProfit": price(profit.trigger_ticks) if profit.trigger_ticks else "",
        "stopLoss": price(loss.trigger_ticks) if loss.trigger_ticks else "",
        "triggerBy": order.trigger_by, "tpTriggerBy": profit.trigger_by, "slTriggerBy": loss.trigger_by,
        "triggerDirection": order.trigger_direction, "placeType": "",
        "lastPriceOnCreated": price(order.last_on_created_ticks),
        "closeOnTrigger": order.close_on_trigger or order.kind in WHOLE | PARTIAL,
        "reduceOnly": order.reduce_only, "smpGroup": 0, "smpType": order.smp_type, "smpOrderId": order.smp_order_id,
        "slLimitPrice": price(loss.limit_ticks) if loss.limit_ticks else "0",
        "tpLimitPrice": price(profit.limit_ticks) if profit.limit_ticks else "0", "tpslMode": _tpsl_mode(order),
        "createType": order.create_type, "marketUnit": "", "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms), "feeCurrency": "", "closedPnl": e8_text(order.closed_pnl_e8),
        "parentOrderLinkId": order.parent_link_id, "slippageTolerance": order.slippage[1],
        "slippageToleranceType": order.slippage[0], "cumFeeDetail": {"USDT": filled_fee} if order.filled_lots else {},
    }  # fmt: skip


def _tpsl_mode(order: Order) -> str:
    if order.kind in WHOLE:
        return FULL_MODE
    return order.tpsl_mode if order.kind in PARTIAL or order.take_profit or order.stop_loss else "UNKNOWN"


def order_rest_row(order: Order, money: Money) -> Row:
    """Return an order as /v5/order/realtime and history show it."""
    row = {key: value for key, value in order_row(order, money).items() if key not in _STREAM_ONLY}
    row["stopOrderType"] = order.kind or "UNKNOWN"
    row["triggerPrice"] = row["triggerPrice"] or money.scale.price_text(0)
    row["avgPrice"] = row["avgPrice"] or "0"
    return row


def execution_row(done: Execution, money: Money) -> Row:
    """Return an execution as the ``execution`` topic shows it."""
    price, qty = money.scale.price_text, money.scale.qty_text
    return {
        "category": "linear", "symbol": done.symbol, "closedSize": qty(done.closed_lots) if done.closed_lots else "0",
        "execFee": e8_text(done.fee_e8), "execId": done.exec_id,
        "execPrice": e8_text(done.price_e8) if done.price_e8 else price(done.price_ticks),
        "execQty": qty(done.qty_lots), "execType": done.exec_type, "execValue": e8_text(done.value_e8),
        "feeRate": e8_text(done.rate_e8), "tradeIv": "", "markIv": "", "blockTradeId": "",
        "markPrice": e8_text(done.mark_e8), "indexPrice": "", "underlyingPrice": "",
        "leavesQty": qty(done.leaves_lots) if done.leaves_lots else "0", "orderId": done.order_id,
        "orderLinkId": done.order_link_id,
        "orderPrice": price(done.order_price_ticks) if done.order_price_ticks else "0",
        "orderQty": qty(done.order_qty_lots) if done.order_qty_lots else "0", "orderType": done.order_type,
        "stopOrderType": done.kind or "UNKNOWN",
        "side": side_text(done.side), "execTime": str(done.exec_ms), "isLeverage": "0", "isMaker": done.is_maker,
        "seq": done.seq, "marketUnit": "", "execPnl": e8_text(done.pnl_e8), "createType": done.create_type,
        "extraFees": "", "feeCurrency": "USDT",
    }  # fmt: skip


def execution_rest_row(done: Execution, money: Money) -> Row:
    """Return an execution as /v5/execution/list shows it."""
    row = execution_row(done, money)
    del row["category"], row["execPnl"]
    return row


class Protection(NamedTuple):
    """A position's bracket as the position rows show it: decimal text, "" for none."""

    take_profit: str
    stop_loss: str
    trailing_stop: str = "0"


def position_row(position: Position, money: Money, mark_e8: int, taker_rate_e8: int, protection: Protection) -> Row:
    """Return a position as the ``position`` topic shows it."""
    lots = abs(position.lots)
    margin, maintenance = position_margin_e8(position, money, mark_e8, taker_rate_e8)
    tier = position_tier(position, money, mark_e8)
    return {
        "positionIdx": 0, "tradeMode": 0, "riskId": tier.number, "riskLimitValue": e8_text(tier.limit_e8),
        "symbol": position.symbol,
        "side": side_text(position.side), "size": money.scale.qty_text(lots) if lots else "0",
        "entryPrice": e8_text(money.average_e8(position.cost_e8, lots)), "sessionAvgPrice": "",
        "leverage": _leverage(position), "positionValue": e8_text(position.cost_e8), "positionBalance": "0",
        "markPrice": e8_text(mark_e8), "positionIM": e8_text(margin), "positionMM": e8_text(maintenance),
        "positionIMByMp": e8_text(margin), "positionMMByMp": e8_text(maintenance),
        "takeProfit": protection.take_profit, "stopLoss": protection.stop_loss,
        "trailingStop": protection.trailing_stop,
        "unrealisedPnl": e8_text(unrealised_e8(position, money, mark_e8)),
        "cumRealisedPnl": e8_text(position.cum_e8), "curRealisedPnl": e8_text(position.cur_e8),
        "createdTime": str(position.created_ms), "updatedTime": str(position.updated_ms), "tpslMode": "Full",
        "liqPrice": "", "bustPrice": "", "category": "linear", "positionStatus": "Normal", "adlRankIndicator": 2,
        "autoAddMargin": 0, "leverageSysUpdatedTime": "", "mmrSysUpdatedTime": "", "seq": position.seq,
        "breakEvenPrice": _break_even(position, money, taker_rate_e8), "isReduceOnly": False,
        "openTime": position.opened_ms,
    }  # fmt: skip


def position_rest_row(
    position: Position, money: Money, mark_e8: int, taker_rate_e8: int, protection: Protection
) -> Row:
    """Return a position as /v5/position/list shows it: the average has another name there."""
    row = position_row(position, money, mark_e8, taker_rate_e8, protection)
    del row["category"]
    row["avgPrice"] = row.pop("entryPrice")
    return row


def _leverage(position: Position) -> str:
    return e8_text(position.leverage_e2 * (E8 // 100))


def _break_even(position: Position, money: Money, taker_rate_e8: int) -> str:
    """(entry x size - realised) / (size - |size| x rate), sizes signed."""
    if not position.lots:
        return ""
    lots = abs(position.lots)
    owed = position.cost_e8 - position.side * position.cur_e8
    rate = max(taker_rate_e8, 55_000)
    share = E8 - rate if position.side == BUY else E8 + rate
    return e8_text(divide(money.average_e8(max(owed, 0), lots) * E8, share))


def wallet_row(account: Account, margin: Margin) -> Row:
    """Return the account as the ``wallet`` topic and /v5/account/wallet-balance show it (USDT counted as USD)."""
    equity = max(margin.equity_e8, 1)
    used, kept = margin.position_im_e8 + margin.order_im_e8, margin.position_mm_e8
    rate, floor = e8_text(used * E8 // equity), e8_text(kept * E8 // equity)
    wallet, equity_text = e8_text(account.wallet_e8), e8_text(margin.equity_e8)
    cum = sum(position.cum_e8 for position in account.positions.values())
    coin = {
        "coin": "USDT", "equity": equity_text, "usdValue": equity_text, "walletBalance": wallet,
        "availableToWithdraw": "", "availableToBorrow": "", "borrowAmount": "0", "accruedInterest": "0",
        "totalOrderIM": e8_text(margin.order_im_e8), "totalPositionIM": e8_text(margin.position_im_e8),
        "totalPositionMM": e8_text(kept), "unrealisedPnl": e8_text(margin.unrealised_e8),
        "cumRealisedPnl": e8_text(cum), "bonus": "0", "collateralSwitch": True, "marginCollateral": True,
        "locked": "0", "spotHedgingQty": "0", "spotBorrow": "0", "colRes": "0",
    }  # fmt: skip
    return {
        "accountIMRate": rate, "accountIMRateByMp": rate, "accountMMRate": floor, "accountMMRateByMp": floor,
        "totalEquity": equity_text, "totalWalletBalance": wallet, "totalMarginBalance": equity_text,
        "totalAvailableBalance": e8_text(max(margin.available_e8, 0)),
        "totalPerpUPL": e8_text(margin.unrealised_e8), "totalInitialMargin": e8_text(used),
        "totalInitialMarginByMp": e8_text(used), "totalMaintenanceMargin": e8_text(kept),
        "totalMaintenanceMarginByMp": e8_text(kept), "coin": [coin], "accountLTV": "0", "accountType": "UNIFIED",
    }  # fmt: skip
