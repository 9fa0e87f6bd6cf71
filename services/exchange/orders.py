"""The account's orders: what an order is, which states it goes through, and where all of them are kept.

Theory of operation. An order is ACCEPTED when the client has its acknowledgement; what follows is told by the private
stream. An ordinary order rests (New), fills, or is cancelled. A conditional order (the client's own, or a position's
take profit, stop or trailing stop) is born Untriggered; it is Deactivated before its trigger, or Triggered and from
then on like any other, unless it is Rejected because there is no margin for it. Whatever happens to the state of an
order is a row of TRANSITIONS.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
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
    REJECTED = "Rejected"


class Event(StrEnum):
    """What can happen to an order."""

    REST = "rest"
    FILL = "fill"
    COMPLETE = "complete"
    CANCEL = "cancel"
    ARM = "arm"
    TRIGGER = "trigger"
    REJECT = "reject"


S, E = Status, Event
_IMMEDIATE = {E.FILL: S.PARTIALLY_FILLED, E.COMPLETE: S.FILLED, E.CANCEL: S.CANCELLED}
TRANSITIONS: dict[Status, dict[Event, Status]] = {
    S.ACCEPTED: {E.REST: S.NEW, E.ARM: S.UNTRIGGERED, **_IMMEDIATE},
    S.NEW: dict(_IMMEDIATE),
    S.PARTIALLY_FILLED: dict(_IMMEDIATE),
    S.UNTRIGGERED: {E.TRIGGER: S.TRIGGERED, E.CANCEL: S.DEACTIVATED},
    S.TRIGGERED: {E.REST: S.NEW, E.REJECT: S.REJECTED, **_IMMEDIATE},
    S.FILLED: {},
    S.CANCELLED: {},
    S.DEACTIVATED: {},
    S.REJECTED: {},
}
CLOSED = frozenset((S.FILLED, S.CANCELLED, S.DEACTIVATED, S.REJECTED))
RESTING = frozenset((S.NEW, S.PARTIALLY_FILLED))

# stopOrderType: of the whole position, of a part of it, and the client's own conditional order.
TAKE_PROFIT, STOP_LOSS, TRAILING_STOP = "TakeProfit", "StopLoss", "TrailingStop"
PARTIAL_TAKE_PROFIT, PARTIAL_STOP_LOSS = "PartialTakeProfit", "PartialStopLoss"
CONDITIONAL = "Stop"
WHOLE = frozenset((TAKE_PROFIT, STOP_LOSS, TRAILING_STOP))
PARTIAL = frozenset((PARTIAL_TAKE_PROFIT, PARTIAL_STOP_LOSS))
USER, BY_STOP_ORDER, BY_BBO = "CreateByUser", "CreateByStopOrder", "CreateByBboOrder"
FULL_MODE, PARTIAL_MODE = "Full", "Partial"  # tpslMode
RISES, FALLS = 1, 2  # triggerDirection
NO_ERROR = "EC_NoError"
BY_USER, AT_REQUEST = "CancelByUser", "EC_PerCancelRequest"
BY_REDUCE_ONLY = "CancelByReduceOnly"
BY_POSITION_CLOSE = "CancelByTpSlTsClear"
BY_SMP, BY_SETTLE, BY_ADMIN = "CancelBySmp", "CancelBySettle", "CancelByAdmin"
BEFORE_LIQUIDATION, BEFORE_ADL = "CancelAllBeforeLiq", "CancelAllBeforeAdl"
BY_STOP_SIBLING, BY_PROFIT_SIBLING = "CancelByOCOTpCanceledBySlTriggered", "CancelByOCOSlCanceledByTpTriggered"

ORDERS_KEPT = 20_000
LINK_IDS_KEPT = 1_000_000
BOOK_ID_BASE = 1 << 40  # The synthetic market counts its own orders up from far below.


class Leg(NamedTuple):
    """One side of an attached bracket."""

    trigger_ticks: int
    trigger_by: str  # LastPrice, MarkPrice or IndexPrice
    limit_ticks: int = 0  # Of a leg that is a limit order (Partial only); 0 for a market order.


class Trigger(NamedTuple):
    """What makes an order conditional."""

    ticks: int
    by: str  # LastPrice, MarkPrice or IndexPrice
    direction: int  # RISES or FALLS


class OrderRequest(NamedTuple):
    """A create request that makes sense: on the grid, within the limits."""

    symbol: str
    side: int
    order_type: str  # Limit or Market
    tif: str  # GTC, IOC, FOK or PostOnly
    price_ticks: int  # Of a market order: its bound.
    qty_lots: int  # 0 only for a conditional order that closes the whole position.
    reduce_only: bool
    link_id: str
    take_profit: Leg | None
    stop_loss: Leg | None
    trigger: Trigger | None = None
    close_on_trigger: bool = False
    tpsl_mode: str = FULL_MODE
    smp_type: str = "None"
    slippage: tuple[str, str] = ("UNKNOWN", "0")  # slippageToleranceType and slippageTolerance, as sent
    create_type: str = USER


class Order:
    """One order of the account."""

    __slots__ = (
        "active_ticks", "armed", "armed_lots", "cancel_type", "close_on_trigger", "closed_pnl_e8", "create_type",
        "created_ms", "entry_id", "fee_e8", "filled_lots", "grid", "heard", "kind", "last_on_created_ticks",
        "left_lots",
        "number", "order_id", "order_link_id", "parent_link_id", "price_ticks", "qty_lots", "reduce_only",
        "reject_reason", "sibling_id", "side", "slippage", "smp_order_id", "smp_type", "status", "stop_loss", "symbol",
        "take_profit", "tif", "tpsl_mode", "trail_ticks", "trigger_by", "trigger_direction", "trigger_ticks", "type",
        "updated_ms", "value_e8",
    )  # fmt: skip

    def __init__(self, number: int, order_id: str, request: OrderRequest, now_ms: int) -> None:
        self.number, self.order_id = number, order_id
        self.symbol, self.side, self.type, self.tif = request.symbol, request.side, request.order_type, request.tif
        self.order_link_id = request.link_id
        self.price_ticks, self.qty_lots = request.price_ticks, request.qty_lots
        self.reduce_only, self.close_on_trigger = request.reduce_only, request.close_on_trigger
        self.take_profit, self.stop_loss = request.take_profit, request.stop_loss
        self.tpsl_mode, self.smp_type, self.slippage = request.tpsl_mode, request.smp_type, request.slippage
        self.smp_order_id = ""  # The order it was cancelled for.
        self.armed, self.armed_lots = False, 0  # Whether its legs have become orders of their own, and for how much.
        self.left_lots, self.filled_lots = request.qty_lots, 0
        self.value_e8 = self.fee_e8 = self.closed_pnl_e8 = 0
        self.status = Status.ACCEPTED
        self.cancel_type, self.reject_reason = "UNKNOWN", NO_ERROR
        self.kind, self.create_type, self.parent_link_id = "", request.create_type, ""  # kind: stopOrderType.
        self.entry_id = self.sibling_id = ""  # Of a partial leg: the entry it came with, the leg that dies with it.
        self.trigger_ticks, self.trigger_by, self.trigger_direction = request.trigger or (0, "", 0)
        self.trail_ticks = self.active_ticks = 0  # Of a trailing stop: its distance; where it begins, 0 once begun.
        self.heard = 0  # How many matches of the market had been heard when its trigger was set.
        self.last_on_created_ticks = 0
        self.created_ms = self.updated_ms = now_ms
        self.grid = 0  # How many grids its symbol had had before the one that its ticks and lots are of.

    @property
    def closes(self) -> bool:
        """Whether it may only make the position smaller."""
        return self.reduce_only or self.close_on_trigger

    @property
    def waiting(self) -> bool:
        """Whether it is a conditional order that has not been triggered (yet, or at all)."""
        return self.status in (S.UNTRIGGERED, S.DEACTIVATED)

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
        if self.status in (S.CANCELLED, S.DEACTIVATED, S.REJECTED):
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

    def reject(self, reason: str, now_ms: int) -> None:
        """End it at its trigger."""
        self.reject_reason = reason
        self.step(E.REJECT, now_ms)


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

    def restore(self, orders: Iterable[Order], link_ids: Iterable[str]) -> None:
        """Take in the orders of an earlier process, oldest first, and the names of those it had forgotten."""
        self._link_ids.update(dict.fromkeys(link_ids))
        for order in orders:
            self.add(order)
            self.settle(order)

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
