"""Resting orders and their queues, small enough for the books of hundreds of symbols to stay near the processor."""

from __future__ import annotations

from collections.abc import Iterator


class Order:
    """A resting order. Read-only outside the matching book."""

    __slots__ = ("after", "before", "left_lots", "order_id", "owner", "price_ticks", "reduce_only", "side")

    def __init__(
        self, order_id: int, owner: int, side: int, price_ticks: int, left_lots: int, reduce_only: bool = False
    ) -> None:
        self.order_id, self.owner, self.side = order_id, owner, side
        self.price_ticks, self.left_lots = price_ticks, left_lots
        self.reduce_only = reduce_only
        self.before: Order | None = None  # Its neighbours in the queue.
        self.after: Order | None = None


class Level:
    """All orders at one price, oldest first; nearly always there is one. ``lots`` is what they have together."""

    __slots__ = ("first", "last", "lots")

    def __init__(self) -> None:
        self.first: Order | None = None
        self.last: Order | None = None
        self.lots = 0

    def __iter__(self) -> Iterator[Order]:
        order = self.first
        while order is not None:
            yield order
            order = order.after

    def append(self, order: Order) -> None:
        """Put an order behind the others."""
        last = self.last
        if last is None:
            self.first = order
        else:
            last.after, order.before = order, last
        self.last = order
        self.lots += order.left_lots

    def remove(self, order: Order) -> None:
        """Take an order of this queue out of it, with what it has left."""
        before, after = order.before, order.after
        if before is None:
            self.first = after
        else:
            before.after = after
        if after is None:
            self.last = before
        else:
            after.before = before
        order.before = order.after = None
        self.lots -= order.left_lots

    def lead(self, order: Order) -> None:
        """Put an order of this queue before the others."""
        self.remove(order)
        first = self.first
        if first is None:
            self.last = order
        else:
            first.before, order.after = order, first
        self.first = order
        self.lots += order.left_lots
