"""REST that asks about orders and executions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from services.exchange.acceptance import linear, text_of
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.order_entry import named_order
from services.exchange.orders import Order
from services.exchange.query import elsewhere, filter_of, limit_of, page_of, scope_of, window_of
from services.exchange.rows import Execution, execution_rest_row, order_rest_row

CLOSED_SHOWN = 500
UNFILLED_SHOWN_MS = 86_400_000  # Orders that ended without a fill are forgotten after a day.


class OrderRest:
    """Handlers of GET /v5/order/* and /v5/execution/*."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def realtime(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/order/realtime: open orders, or with openOnly=1 the last 500 closed since a restart of the venue."""
        if (nothing := elsewhere(params)) is not None:
            return nothing
        linear(params)
        if text_of(params, "orderId") or text_of(params, "orderLinkId"):
            order = named_order(self._desk, params)
            found = [order] if order is not None and order.symbol in scope_of(params, self._desk, needed=False) else []
            return self._list(iter(found), params)
        symbols, wanted = scope_of(params, self._desk, needed=True), filter_of(params)
        newest = self._desk.orders.newest_first()
        if text_of(params, "openOnly") == "1":
            since_ms = self._desk.reopened_ms
            closed = (order for order in newest if not order.open and order.updated_ms >= since_ms)
            newest = islice(closed, CLOSED_SHOWN)
        else:
            newest = reversed(self._desk.orders.open_orders())
        return self._list((order for order in newest if order.symbol in symbols and wanted(order)), params)

    def history(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/order/history: closed orders."""
        if (nothing := elsewhere(params)) is not None:
            return nothing
        linear(params)
        symbols, wanted = scope_of(params, self._desk, needed=False), filter_of(params)
        order_id, link_id, status = (text_of(params, name) for name in ("orderId", "orderLinkId", "orderStatus"))
        now_ms = now // NS_PER_MS
        start, end = window_of(params, now_ms)
        orders = (
            order
            for order in self._desk.orders.newest_first()
            if not order.open
            and order.symbol in symbols
            and wanted(order)
            and order_id in ("", order.order_id)
            and link_id in ("", order.order_link_id)
            and status in ("", order.status.value)
            and start <= order.created_ms <= end
            and (order.filled_lots or order.updated_ms > now_ms - UNFILLED_SHOWN_MS)
        )
        return self._list(orders, params)

    def executions(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/execution/list."""
        if (nothing := elsewhere(params)) is not None:
            return nothing
        linear(params)
        symbols, limit = scope_of(params, self._desk, needed=False), limit_of(params, 50, 100)
        order_id, link_id, kind = (text_of(params, name) for name in ("orderId", "orderLinkId", "execType"))
        start, end = window_of(params, now // NS_PER_MS)
        chosen = (
            (number, done)
            for number, done in numbered(self._desk)
            if done.symbol in symbols
            and kind in ("", done.exec_type)
            and order_id in ("", done.order_id)
            and link_id in ("", done.order_link_id)
            and start <= done.exec_ms <= end
        )
        page, cursor = page_of(chosen, _first, params, limit)
        rows = [execution_rest_row(done, self._desk.money_of(done)) for _, done in page]
        return {"category": "linear", "list": rows, "nextPageCursor": cursor}

    def _list(self, orders: Iterator[Order], params: dict[str, Any]) -> dict[str, Any]:
        page, cursor = page_of(orders, _order_number, params, limit_of(params, 20, 50))
        rows = [order_rest_row(order, self._desk.money_of(order)) for order in page]
        return {"category": "linear", "list": rows, "nextPageCursor": cursor}


def numbered(desk: Desk) -> Iterator[tuple[int, Execution]]:
    """Yield the kept executions, newest first, with their numbers since the start."""
    oracle = desk.oracle
    for back, done in enumerate(reversed(oracle.executions)):
        yield oracle.executed - back, done


def _first(pair: tuple[int, Execution]) -> int:
    return pair[0]


def _order_number(order: Order) -> int:
    return order.number
