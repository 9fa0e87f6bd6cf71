"""Orders coming in, one by one and in batches: what REST and the order-entry socket both can ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.exchange.acceptance import RefusedError, invalid, linear, symbol_of, text_of
from services.exchange.auth import Refusal
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.endpoints import Route, Row
from services.exchange.orders import Order
from services.exchange.query import filter_of, scope_of
from services.exchange.trading import Trading

TOO_LATE = Refusal(110001, "order not exists or too late to cancel")
CANCEL_ALL_MAX = 500


class OrderEntry:
    """Handlers of /v5/order/* that change something."""

    def __init__(self, desk: Desk, trading: Trading) -> None:
        self._desk, self._trading = desk, trading

    def routes(self, per_second: int) -> dict[str, Route]:
        """Return every endpoint with its budget; batches count apart, one unit for each order."""
        return {
            "/v5/order/create": Route(self.create, per_second),
            "/v5/order/amend": Route(self.amend, per_second),
            "/v5/order/cancel": Route(self.cancel, per_second),
            "/v5/order/cancel-all": Route(self.cancel_all, per_second),
            "/v5/order/create-batch": Route(None, per_second, self._create_row),
            "/v5/order/amend-batch": Route(None, per_second, self._amend_row),
            "/v5/order/cancel-batch": Route(None, per_second, self._cancel_row),
        }

    # --- one by one -----------------------------------------------------------------------------------------------

    def create(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/order/create. The answer says accepted, not filled and not resting."""
        return _names(self._trading.create(params, now))

    def amend(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/order/amend."""
        return _names(self._trading.amend(params, now))

    def cancel(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/order/cancel."""
        return _names(self._cancel(params, now))

    def cancel_all(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/order/cancel-all. Without orderFilter it takes the brackets too."""
        linear(params)
        symbols, wanted = scope_of(params, self._desk, needed=True), filter_of(params)
        orders = [order for order in self._desk.orders.open_orders() if order.symbol in symbols and wanted(order)]
        # A stop may end as a consequence of one that was cancelled before it: then it is not in the list.
        done = [order for order in orders[:CANCEL_ALL_MAX] if self._trading.cancel(order, now)]
        return {"list": [_names(order) for order in done], "success": "1"}

    def _cancel(self, params: dict[str, Any], now: int) -> Order:
        order = self._named(params)
        if order is None or not self._trading.cancel(order, now):
            raise RefusedError(TOO_LATE)
        return order

    def _named(self, params: dict[str, Any]) -> Order | None:
        """Return the order that a request is about; None if there is none on that symbol."""
        linear(params)
        symbol = symbol_of(params, self._desk)
        order = named_order(self._desk, params)
        return order if order is not None and order.symbol == symbol else None

    # --- in batches -----------------------------------------------------------------------------------------------

    def _create_row(self, params: dict[str, Any], now: int, refusal: Refusal | None) -> Row:
        row = self._row(self._trading.create, params, now, refusal)
        created = "" if row.code else str(now // NS_PER_MS)
        echo = {"orderId": ""} if row.code else {}  # There is none, whatever the client sent.
        return row._replace(result=row.result | echo | {"createAt": created})

    def _amend_row(self, params: dict[str, Any], now: int, refusal: Refusal | None) -> Row:
        return self._row(self._trading.amend, params, now, refusal)

    def _cancel_row(self, params: dict[str, Any], now: int, refusal: Refusal | None) -> Row:
        return self._row(self._cancel, params, now, refusal)

    def _row(
        self,
        handler: Callable[[dict[str, Any], int], Order],
        params: dict[str, Any],
        now: int,
        refusal: Refusal | None,
    ) -> Row:
        """Carry out one order of a batch; a failed row has no order id and echoes the names it came with."""
        try:
            if refusal is not None:
                raise RefusedError(refusal)
            order = handler(params, now)
        except RefusedError as error:
            echo = {name: _echo(params, name) for name in ("symbol", "orderId", "orderLinkId")}
            return Row({"category": "linear", **echo}, error.refusal.code, error.refusal.text)
        return Row({"category": "linear", "symbol": order.symbol, **_names(order)})


def named_order(desk: Desk, params: dict[str, Any]) -> Order | None:
    """Return the order named by orderId, which wins, or by orderLinkId; one of them must be there."""
    order_id, link_id = text_of(params, "orderId"), text_of(params, "orderLinkId")
    if not order_id and not link_id:
        raise invalid("orderId")
    return desk.orders.find(order_id, link_id)


def _names(order: Order) -> dict[str, Any]:
    return {"orderId": order.order_id, "orderLinkId": order.order_link_id}


def _echo(params: dict[str, Any], name: str) -> str:
    value = params.get(name)
    return value if isinstance(value, str) else ""
