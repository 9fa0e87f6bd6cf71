"""REST about orders and executions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from services.exchange.acceptance import Acceptance, RefusedError, invalid, linear, symbol_of, text_of
from services.exchange.auth import Refusal
from services.exchange.desk import Desk
from services.exchange.orders import Order
from services.exchange.query import limit_of, page_of, scope_of, time_of
from services.exchange.rows import Execution, execution_rest_row, order_rest_row
from services.exchange.trading import Trading

TOO_LATE = Refusal(110001, "order not exists or too late to cancel")
CLOSED_SHOWN = 500
CANCEL_ALL_MAX = 500
FILTERS = ("", "Order", "StopOrder", "tpslOrder", "OpenOrder")


class OrderRest:
    """Handlers of /v5/order/* and /v5/execution/*."""

    def __init__(self, desk: Desk, trading: Trading) -> None:
        self._desk, self._trading = desk, trading
        self._acceptance = Acceptance(desk)

    def create(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/order/create. The answer says accepted, not filled and not resting."""
        order = self._trading.submit(self._acceptance.read(params), now)
        return _names(order)

    def cancel(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/order/cancel."""
        linear(params)
        symbol = symbol_of(params, self._desk)
        order = self._named(params)
        if order is None or order.symbol != symbol or not self._trading.cancel(order, now):
            raise RefusedError(TOO_LATE)
        return _names(order)

    def cancel_all(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/order/cancel-all. Without orderFilter it takes the brackets too."""
        linear(params)
        symbols, wanted = scope_of(params, self._desk, needed=True), _filter_of(params)
        orders = [order for order in self._desk.orders.open_orders() if order.symbol in symbols and wanted(order)]
        # A stop may end as a consequence of one that was cancelled before it: then it is not in the list.
        done = [order for order in orders[:CANCEL_ALL_MAX] if self._trading.cancel(order, now)]
        return {"list": [_names(order) for order in done], "success": "1"}

    def realtime(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/order/realtime: open orders, or with openOnly=1 the last 500 closed ones."""
        linear(params)
        if text_of(params, "orderId") or text_of(params, "orderLinkId"):
            order = self._named(params)
            found = [order] if order is not None and order.symbol in scope_of(params, self._desk, needed=False) else []
            return self._list(iter(found), params)
        symbols, wanted = scope_of(params, self._desk, needed=True), _filter_of(params)
        newest = self._desk.orders.newest_first()
        if text_of(params, "openOnly") == "1":
            newest = islice((order for order in newest if not order.open), CLOSED_SHOWN)
        else:
            newest = reversed(self._desk.orders.open_orders())
        return self._list((order for order in newest if order.symbol in symbols and wanted(order)), params)

    def history(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/order/history: closed orders."""
        linear(params)
        symbols, wanted = scope_of(params, self._desk, needed=False), _filter_of(params)
        order_id, link_id = text_of(params, "orderId"), text_of(params, "orderLinkId")
        status, start, end = text_of(params, "orderStatus"), time_of(params, "startTime"), time_of(params, "endTime")
        orders = (
            order
            for order in self._desk.orders.newest_first()
            if not order.open
            and order.symbol in symbols
            and wanted(order)
            and order_id in ("", order.order_id)
            and link_id in ("", order.order_link_id)
            and status in ("", order.status.value)
            and (start is None or order.created_ms >= start)
            and (end is None or order.created_ms <= end)
        )
        return self._list(orders, params)

    def executions(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/execution/list."""
        linear(params)
        symbols, limit = scope_of(params, self._desk, needed=False), limit_of(params, 50, 100)
        order_id, link_id = text_of(params, "orderId"), text_of(params, "orderLinkId")
        start, end = time_of(params, "startTime"), time_of(params, "endTime")
        chosen = (
            done
            for done in reversed(self._desk.oracle.executions)
            if text_of(params, "execType") in ("", "Trade")
            and done.symbol in symbols
            and order_id in ("", done.order_id)
            and link_id in ("", done.order_link_id)
            and (start is None or done.exec_ms >= start)
            and (end is None or done.exec_ms <= end)
        )
        page, cursor = page_of(chosen, _execution_number, params, limit)
        rows = [execution_rest_row(done, self._desk.money[done.symbol]) for done in page]
        return {"category": "linear", "list": rows, "nextPageCursor": cursor}

    def _named(self, params: dict[str, Any]) -> Order | None:
        order_id, link_id = text_of(params, "orderId"), text_of(params, "orderLinkId")
        if not order_id and not link_id:
            raise invalid("orderId")
        return self._desk.orders.find(order_id, link_id)

    def _list(self, orders: Iterator[Order], params: dict[str, Any]) -> dict[str, Any]:
        page, cursor = page_of(orders, _order_number, params, limit_of(params, 20, 50))
        rows = [order_rest_row(order, self._desk.money[order.symbol]) for order in page]
        return {"category": "linear", "list": rows, "nextPageCursor": cursor}


class _Filter:
    """orderFilter: which of ordinary and conditional orders are meant."""

    def __init__(self, name: str) -> None:
        self._ordinary = name not in ("StopOrder", "tpslOrder")
        self._conditional = name not in ("Order", "OpenOrder")

    def __call__(self, order: Order) -> bool:
        return self._conditional if order.kind else self._ordinary


def _filter_of(params: dict[str, Any]) -> _Filter:
    name = text_of(params, "orderFilter")
    if name not in FILTERS:
        raise invalid("orderFilter")
    return _Filter(name)


def _names(order: Order) -> dict[str, Any]:
    return {"orderId": order.order_id, "orderLinkId": order.order_link_id}


def _order_number(order: Order) -> int:
    return order.number


def _execution_number(done: Execution) -> int:
    return done.seq
