"""REST that tells what trading has brought: closed profit and loss, and the account's log of money."""

from __future__ import annotations

from typing import Any, NamedTuple

from services.exchange.acceptance import invalid, linear, text_of
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.query import elsewhere, limit_of, page_of, scope_of, window_of
from services.exchange.rest_orders import numbered
from services.exchange.rows import ADL_TRADE, BUST_TRADE, FUNDING, SETTLE, TRADE, Execution, Row, side_text
from shared.scale import E8, e8_text, to_e8

# The log's words for what the execution list calls by other names.
LOG_TYPES = {
    TRADE: "TRADE", FUNDING: "SETTLEMENT", BUST_TRADE: "LIQUIDATION", ADL_TRADE: "ADL", SETTLE: "DELIVERY",
}  # fmt: skip


class _Closing(NamedTuple):
    """The executions with which one order closed something, newest first."""

    number: int  # Of the newest.
    done: list[Execution]


class RecordRest:
    """Handlers of /v5/position/closed-pnl and /v5/account/transaction-log."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def closed_pnl(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/position/closed-pnl: one row for each order that closed something."""
        if (nothing := elsewhere(params)) is not None:
            return nothing
        linear(params)
        symbols = scope_of(params, self._desk, needed=False)
        start, end = window_of(params, now // NS_PER_MS)
        closings: dict[str, _Closing] = {}
        for number, done in numbered(self._desk):
            if done.closed_lots and done.symbol in symbols:
                closings.setdefault(done.order_id, _Closing(number, [])).done.append(done)
        chosen = (one for one in closings.values() if start <= one.done[0].exec_ms <= end)
        page, cursor = page_of(chosen, _number, params, limit_of(params, 50, 100))
        rows = [self._closed_row(one.done) for one in page]
        return {"category": "linear", "list": rows, "nextPageCursor": cursor}

    def _closed_row(self, done: list[Execution]) -> Row:
        last, money = done[0], self._desk.money_of(done[0])
        lots, entry = self._closed_lots(done), sum(one.entry_e8 for one in done)
        leaving, pnl = sum(one.exit_e8 for one in done), sum(one.pnl_e8 for one in done)
        opening_fee, closing_fee = sum(one.open_fee_e8 for one in done), sum(one.close_fee_e8 for one in done)
        price, qty = money.scale.price_text, money.scale.qty_text
        return {
            "symbol": last.symbol, "orderId": last.order_id, "side": side_text(last.side),
            "qty": qty(last.order_qty_lots), "orderPrice": price(last.order_price_ticks),
            "orderType": last.order_type, "execType": last.exec_type, "closedSize": qty(lots),
            "cumEntryValue": e8_text(entry), "avgEntryPrice": e8_text(money.average_e8(entry, lots)),
            "cumExitValue": e8_text(leaving), "avgExitPrice": e8_text(money.average_e8(leaving, lots)),
            "closedPnl": e8_text(pnl - opening_fee - closing_fee), "fillCount": str(len(done)),
            "leverage": e8_text(last.leverage_e2 * (E8 // 100)), "openFee": e8_text(opening_fee),
            "closeFee": e8_text(closing_fee), "createdTime": str(done[-1].exec_ms), "updatedTime": str(last.exec_ms),
        }  # fmt: skip

    def _closed_lots(self, done: list[Execution]) -> int:
        """Return what was closed in lots of the newest execution, even if the lot was changed meanwhile."""
        closed_e8 = sum(one.closed_lots * to_e8(self._desk.money_of(one).scale.lot) for one in done)
        return closed_e8 // to_e8(self._desk.money_of(done[0]).scale.lot)

    def transaction_log(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/account/transaction-log: everything that changed the wallet."""
        kind, currency = text_of(params, "type"), text_of(params, "currency")
        if text_of(params, "accountType") not in ("", "UNIFIED"):
            raise invalid("accountType")
        if kind and kind not in LOG_TYPES.values():
            kind = "-"  # A type that this account never has.
        start, end = window_of(params, now // NS_PER_MS)
        base, category = text_of(params, "baseCoin"), text_of(params, "category")
        chosen = (
            (number, done)
            for number, done in numbered(self._desk)
            if kind in ("", LOG_TYPES[done.exec_type])
            and start <= done.exec_ms <= end
            and base in ("", done.symbol.removesuffix("USDT"))
            and currency in ("", "USDT")
            and category in ("", "linear")
        )
        page, cursor = page_of(chosen, _first, params, limit_of(params, 20, 50))
        return {"list": [self._log_row(number, done) for number, done in page], "nextPageCursor": cursor}

    def _log_row(self, number: int, done: Execution) -> Row:
        money, funding = self._desk.money_of(done), done.exec_type == FUNDING
        fee, received = (0, -done.fee_e8) if funding else (done.fee_e8, 0)
        price = e8_text(done.price_e8) if done.price_e8 else money.scale.price_text(done.price_ticks)
        return {
            "id": f"{done.exec_id}_{number}", "symbol": done.symbol, "category": "linear",
            "side": side_text(done.side), "transactionTime": str(done.exec_ms), "type": LOG_TYPES[done.exec_type],
            "transSubType": "", "qty": money.scale.qty_text(done.qty_lots),
            "size": money.scale.qty_text(done.position_lots), "currency": "USDT", "tradePrice": price,
            "funding": e8_text(received) if funding else "", "fee": e8_text(fee), "cashFlow": e8_text(done.pnl_e8),
            "change": e8_text(done.pnl_e8 + received - fee), "cashBalance": e8_text(done.wallet_e8),
            "feeRate": e8_text(done.rate_e8), "bonusChange": "", "tradeId": done.exec_id, "orderId": done.order_id,
            "orderLinkId": done.order_link_id, "extraFees": "",
        }  # fmt: skip


def _number(closing: _Closing) -> int:
    return closing.number


def _first(pair: tuple[int, Execution]) -> int:
    return pair[0]
