"""Taker orders of one symbol: the prints of each folded into one, and what is usual among them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from typing import NamedTuple

BUY, SELL = 1, -1
ORDERS_MAX = 8_192
WINDOW_NS = 60_000_000_000
BACK_NS = 1_000_000_000  # Arrivals may be out of order by so much; beyond, the clock was set back.


class Order:
    """One taker order: the prints that share its cross sequence and side (without one: its matching time and side)."""

    __slots__ = (
        "at_ns",
        "counted",
        "key",
        "lots",
        "number",
        "prices",
        "prints",
        "recv_ns",
        "side",
        "usual_lots",
        "value",
    )

    def __init__(self, side: int, key: int, at_ns: int, recv_ns: int, number: int = 0, usual_lots: float = 0.0) -> None:
        self.side, self.key, self.number = side, key, number
        self.at_ns, self.recv_ns = at_ns, recv_ns  # When it was matched; when its first print arrived.
        self.usual_lots = usual_lots  # Median of the orders of the minute before; 0 when there were none.
        self.lots = self.prints = self.value = 0  # ``value`` is the sum of ticks x lots.
        self.prices: set[int] = set()
        self.counted = 0  # Lots with which it is in the median.

    def add(self, ticks: int, lots: int) -> None:
        """Take in one print."""
        self.lots += lots
        self.value += ticks * lots
        self.prints += 1
        self.prices.add(ticks)


class Flow(NamedTuple):
    """Taker volume of some time, by aggressor."""

    bought_lots: int
    sold_lots: int
    buy_orders: int
    sell_orders: int


class Takers:
    """The orders of the last ``window_ns``, oldest first."""

    __slots__ = ("_number", "_sizes", "_window_ns", "orders", "since_ns", "turnover")

    def __init__(self, window_ns: int = WINDOW_NS) -> None:
        self._window_ns = window_ns
        self.orders: deque[Order] = deque()
        self.turnover = 0  # Their sum of ticks x lots.
        self.since_ns = -1  # When the first order of all arrived.
        self._number = 0
        self._sizes: list[int] = []  # Lots of all orders but the last, sorted.

    def fold(self, side: int, key: int, at_ns: int, recv_ns: int, ticks: int, lots: int) -> Order:
        """Add a print to its order and return that."""
        order = self.orders[-1] if self.orders else None
        if order is None or order.key != key or order.side != side:
            if order is not None:
                order.counted = order.lots
                insort(self._sizes, order.lots)
            self._forget(recv_ns)
            self._number += 1
            order = Order(side, key, at_ns, recv_ns, self._number, self._usual_lots())
            self.orders.append(order)
            if not 0 <= self.since_ns <= recv_ns:
                self.since_ns = recv_ns
        order.add(ticks, lots)
        self.turnover += ticks * lots
        return order

    def flow(self, since_ns: int) -> Flow:
        """Return the taker volume of orders that arrived from ``since_ns`` on."""
        bought = sold = buys = sells = 0
        for order in reversed(self.orders):
            if order.recv_ns < since_ns:
                break
            if order.side == BUY:
                bought, buys = bought + order.lots, buys + 1
            else:
                sold, sells = sold + order.lots, sells + 1
        return Flow(bought, sold, buys, sells)

    def _usual_lots(self) -> float:
        """Return the median size of all orders but the last."""
        sizes = self._sizes
        if not sizes:
            return 0.0
        middle = len(sizes) // 2
        return float(sizes[middle]) if len(sizes) % 2 else (sizes[middle - 1] + sizes[middle]) / 2

    def _forget(self, now: int) -> None:
        """Drop what is older than the window or, when the clock was set back, still to come."""
        orders, sizes = self.orders, self._sizes
        while orders and (not -BACK_NS <= now - orders[0].recv_ns <= self._window_ns or len(orders) >= ORDERS_MAX):
            order = orders.popleft()
            self.turnover -= order.value
            del sizes[bisect_left(sizes, order.counted)]
