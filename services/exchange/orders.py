"""The account's orders: what an order is, which states it goes through, and where all of them are kept.

Theory of operation. An order is ACCEPTED when the client has its acknowledgement; what follows is told by the private
stream. An ordinary order rests (New), fills, or is cancelled. A conditional order (a position's take profit or stop)
is born Untriggered; it is Deactivated before its trigger, or Triggered and from then on an immediate-or-cancel order.
Whatever happens to the state of an order is a row of TRANSITIONS.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """Bybit's orderStatus; ACCEPTED is never shown."""

    ACCEPTED = "Accepted"
    NEW = "New"
    PARTIALLY_FILLED = "PartiallyFilled"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    UNTRIGGERED = "Untriggered"
    TRIGGERED = "Triggered"
    DEACTIVATED = "Deactivated"


class Event(StrEnum):
    """What can happen to an order."""

    REST = "rest"
    FILL = "fill"
    COMPLETE = "complete"
    CANCEL = "cancel"
    ARM = "arm"
    TRIGGER = "trigger"


S, E = Status, Event
_IMMEDIATE = {E.FILL: S.PARTIALLY_FILLED, E.COMPLETE: S.FILLED, E.CANCEL: S.CANCELLED}
TRANSITIONS: dict[Status, dict[Event, Status]] = {
    S.ACCEPTED: {E.REST: S.NEW, E.ARM: S.UNTRIGGERED, **_IMMEDIATE},
    S.NEW: dict(_IMMEDIATE),
    S.PARTIALLY_FILLED: dict(_IMMEDIATE),
    S.UNTRIGGERED: {E.TRIGGER: S.TRIGGERED, E.CANCEL: S.DEACTIVATED},
    S.TRIGGERED: dict(_IMMEDIATE),
    S.FILLED: {},
    S.CANCELLED: {},
    S.DEACTIVATED: {},
}
CLOSED = frozenset((S.FILLED, S.CANCELLED, S.DEACTIVATED))
RESTING = frozenset((S.NEW, S.PARTIALLY_FILLED))

TAKE_PROFIT, STOP_LOSS = "TakeProfit", "StopLoss"
USER = "CreateByUser"
RISES, FALLS = 1, 2  # triggerDirection
NO_ERROR = "EC_NoError"
BY_USER, AT_REQUEST = "CancelByUser", "EC_PerCancelRequest"
BY_REDUCE_ONLY = "CancelByReduceOnly"
BY_POSITION_CLOSE = "CancelByTpSlTsClear"

ORDERS_KEPT = 20_000
LINK_IDS_KEPT = 1_000_000
BOOK_ID_BASE = 1 << 40  # The synthetic market counts its own orders up from far below.


class Leg(NamedTuple):
    """One side of an attached bracket."""

    trigger_ticks: int
    trigger_by: str  # LastPrice or MarkPrice


class OrderRequest(NamedTuple):
    """A create request that makes sense: on the grid, within the limits."""

    symbol: str
    side: int
    order_type: str  # Limit or Market
    tif: str  # GTC, IOC, FOK or PostOnly
    price_ticks: int  # Of a market order: its bound.
    qty_lots: int
    reduce_only: bool
    link_id: str
    take_profit: Leg | None
    stop_loss: Leg | None


class Order:
    """One order of the account."""

    __slots__ = (
        "armed", "cancel_type", "closed_pnl_e8", "create_type", "created_ms", "fee_e8", "filled_lots", "kind",
        "last_on_created_ticks", "left_lots", "number", "order_id", "order_link_id", "parent_link_id", "price_ticks",
        "qty_lots", "reduce_only", "reject_reason", "side", "status", "stop_loss", "symbol", "take_profit", "tif",
        "trigger_by", "trigger_direction", "trigger_ticks", "type", "updated_ms", "value_e8",
    )  # fmt: skip

    def __init__(self, number: int, order_id: str, request: OrderRequest, now_ms: int) -> None:
        self.number, self.order_id = number, order_id
        self.symbol, self.side, self.type, self.tif = request.symbol, request.side, request.order_type, request.tif
        self.order_link_id = request.link_id
        self.price_ticks, self.qty_lots = request.price_ticks, request.qty_lots
        self.reduce_only = request.reduce_only
        self.take_profit, self.stop_loss = request.take_profit, request.stop_loss
        self.armed = False  # Its legs have become orders of their own.
        self.left_lots, self.filled_lots = request.qty_lots, 0
        self.value_e8 = self.fee_e8 = self.closed_pnl_e8 = 0
        self.status = Status.ACCEPTED
        self.cancel_type, self.reject_reason = "UNKNOWN", NO_ERROR
        self.kind, self.create_type, self.parent_link_id = "", USER, ""  # kind: TakeProfit, StopLoss or nothing.
        self.trigger_ticks, self.trigger_by, self.trigger_direction = 0, "", 0
        self.last_on_created_ticks = 0
        self.created_ms = self.updated_ms = now_ms

    @property
    def book_id(self) -> int:
        """Its number in the matching book."""
        return BOOK_ID_BASE + self.number

    @property
    def open(self) -> bool:
        """Whether anything can still happen to it."""
        return self.status not in CLOSED

    def step(self, event: Event, now_ms: int) -> None:
        """Let ``event`` happen. A pair that is not in the table is a bug: KeyError."""
        self.status = TRANSITIONS[self.status][event]
        self.updated_ms = now_ms
        if self.status in (S.CANCELLED, S.DEACTIVATED):
            self.left_lots = 0

    def fill(self, lots: int, value_e8: int, now_ms: int) -> None:
        """Take one match in."""
        assert 0 < lots <= self.left_lots, (self.order_id, lots, self.left_lots)
        self.left_lots -= lots
        self.filled_lots += lots
        self.value_e8 += value_e8
        self.step(E.FILL if self.left_lots else E.COMPLETE, now_ms)

    def cancel(self, cancel_type: str, reason: str, now_ms: int) -> None:
        """End it unfilled, or partly filled."""
        self.cancel_type, self.reject_reason = cancel_type, reason
        self.step(E.CANCEL, now_ms)


class OrderTable:
    """Every order of the run that may still be asked for, by any of its names."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Order] = OrderedDict()
        self._by_link: dict[str, Order] = {}
        self._open: dict[int, Order] = {}  # By number, oldest first.
        self._link_ids: OrderedDict[str, None] = OrderedDict()
        self.forgotten = 0

    def add(self, order: Order) -> None:
        """Keep a new order."""
        self._by_id[order.order_id] = self._open[order.number] = order
        if order.order_link_id:
            self._by_link[order.order_link_id] = order
            self._link_ids[order.order_link_id] = None
            if len(self._link_ids) > LINK_IDS_KEPT:
                self._link_ids.popitem(last=False)
        if len(self._by_id) > ORDERS_KEPT + len(self._open):
            self._forget()

    def _forget(self) -> None:
        oldest = next(order for order in self._by_id.values() if not order.open)
        del self._by_id[oldest.order_id]
        if self._by_link.get(oldest.order_link_id) is oldest:
            del self._by_link[oldest.order_link_id]
        self.forgotten += 1

    def settle(self, order: Order) -> None:
        """Take a closed order off the open ones."""
        if not order.open:
            self._open.pop(order.number, None)

    def link_id_used(self, link_id: str) -> bool:
        """Whether an order of this name was ever accepted."""
        return link_id in self._link_ids

    def find(self, order_id: str, link_id: str) -> Order | None:
        """Return an order by its id, which wins, or by the client's name for it."""
        return self._by_id.get(order_id) if order_id else self._by_link.get(link_id)

    def by_book_id(self, book_id: int) -> Order | None:
        """Return an open order by its number in the matching book."""
        return self._open.get(book_id - BOOK_ID_BASE)

    def open_orders(self, symbol: str = "") -> list[Order]:
        """Return open orders, oldest first; of one symbol if named."""
        return [order for order in self._open.values() if not symbol or order.symbol == symbol]

    def newest_first(self) -> Iterator[Order]:
        """Yield every order kept."""
        return reversed(self._by_id.values())

    def oldest_first(self) -> Iterator[Order]:
        """Yield every order kept."""
        return iter(self._by_id.values())
