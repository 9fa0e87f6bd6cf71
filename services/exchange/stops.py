"""Brackets: take profit and stop loss as orders of their own, bound to the whole position (tpslMode Full).

Attached to an entry they come to life with its first fill, or with its end, as configured; a configured delay is a
deliberate fault. They die with the position. There is at most one of each per symbol: a new one replaces the old.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.orders import (
    BY_POSITION_CLOSE,
    FALLS,
    NO_ERROR,
    RISES,
    STOP_LOSS,
    TAKE_PROFIT,
    Event,
    Leg,
    Order,
    OrderRequest,
)
from services.exchange.rows import Protection

FIRST_FILL, COMPLETION = "first_fill", "completion"
LAST_PRICE, MARK_PRICE = "LastPrice", "MarkPrice"


class Timing(NamedTuple):
    """When an attached bracket comes to life."""

    at: str = FIRST_FILL
    delay_ns: int = 0


class Stops:
    """The live brackets of all positions."""

    def __init__(self, desk: Desk, timing: Timing) -> None:
        self._desk, self._timing = desk, timing
        self._legs: dict[str, dict[str, Order]] = {}  # symbol -> kind -> order
        self._late: deque[tuple[int, Order]] = deque()  # (due, entry) while the fault holds a bracket back

    # --- attached to an entry -------------------------------------------------------------------------------------

    def follow_entry(self, entry: Order, now: int) -> None:
        """Bring the entry's bracket to life if it is time."""
        if entry.armed or not entry.filled_lots or not (entry.take_profit or entry.stop_loss):
            return
        if self._timing.at == COMPLETION and entry.open:
            return
        entry.armed = True
        if self._timing.delay_ns:
            self._late.append((now + self._timing.delay_ns, entry))
        else:
            self._attach(entry, now)

    def _attach(self, entry: Order, now: int) -> None:
        if self._desk.account.position(entry.symbol).side != entry.side:
            return
        if entry.take_profit:
            self.set_leg(entry.symbol, TAKE_PROFIT, entry.take_profit, now, entry.order_link_id)
        if entry.stop_loss:
            self.set_leg(entry.symbol, STOP_LOSS, entry.stop_loss, now, entry.order_link_id)

    def attach_late(self, now: int) -> None:
        """Bring to life what was held back until now."""
        while self._late and self._late[0][0] <= now:
            self._attach(self._late.popleft()[1], now)

    @property
    def next_due_ns(self) -> int | None:
        """When the next bracket that is held back is due."""
        return self._late[0][0] if self._late else None

    # --- the legs -------------------------------------------------------------------------------------------------

    def leg(self, symbol: str, kind: str) -> Order | None:
        """Return a live leg."""
        return self._legs.get(symbol, {}).get(kind)

    def protection(self, symbol: str) -> Protection:
        """Return the bracket as the position's rows show it."""
        price = self._desk.money[symbol].scale.price_text
        profit, loss = self.leg(symbol, TAKE_PROFIT), self.leg(symbol, STOP_LOSS)
        return Protection(price(profit.trigger_ticks) if profit else "", price(loss.trigger_ticks) if loss else "")

    def set_leg(self, symbol: str, kind: str, leg: Leg, now: int, parent_link_id: str = "") -> None:
        """Create a leg of the open position, or move the one it has."""
        position = self._desk.account.position(symbol)
        order = self.leg(symbol, kind)
        if order is None:
            request = OrderRequest(
                symbol=symbol, side=-position.side, order_type="Market", tif="IOC", price_ticks=0,
                qty_lots=abs(position.lots), reduce_only=True, link_id="", take_profit=None, stop_loss=None,
            )  # fmt: skip
            order = self._desk.new_order(request, now)
            order.kind, order.create_type, order.left_lots = kind, f"CreateBy{kind}", 0
            order.trigger_direction = FALLS if (kind == STOP_LOSS) == (position.side > 0) else RISES
            order.step(Event.ARM, now // NS_PER_MS)
            self._legs.setdefault(symbol, {})[kind] = order
        order.trigger_ticks, order.trigger_by = leg.trigger_ticks, leg.trigger_by
        order.parent_link_id, order.updated_ms = parent_link_id, now // NS_PER_MS
        self._desk.tell(order)

    def drop_leg(self, order: Order, cancel_type: str, reason: str, now: int) -> None:
        """Cancel one leg before its trigger."""
        self.release(order)
        order.cancel(cancel_type, reason, now // NS_PER_MS)
        self._desk.tell(order)

    def release(self, order: Order) -> None:
        """Take a leg off its position: it is cancelled or has been triggered."""
        del self._legs[order.symbol][order.kind]

    def follow_position(self, symbol: str, now: int) -> None:
        """End the legs of a position that is gone; give the others its present size."""
        position = self._desk.account.position(symbol)
        for order in list(self._legs.get(symbol, {}).values()):
            if order.side == -position.side:
                order.qty_lots = abs(position.lots)
            else:
                self.drop_leg(order, BY_POSITION_CLOSE, NO_ERROR, now)
        if not position.lots:  # An entry that goes on filling opens anew, and brings its bracket again.
            for entry in self._desk.orders.open_orders(symbol):
                entry.armed = False

    # --- triggers -------------------------------------------------------------------------------------------------

    def hit(self, symbol: str, last_ticks: int) -> Order | None:
        """Return a leg whose price has been reached, the stop before the take profit."""
        legs = self._legs.get(symbol)
        if not legs:
            return None
        for kind in (STOP_LOSS, TAKE_PROFIT):
            order = legs.get(kind)
            if order is not None and self._reached(order, last_ticks):
                return order
        return None

    def _reached(self, order: Order, last_ticks: int) -> bool:
        trigger, price = order.trigger_ticks, last_ticks
        if order.trigger_by == MARK_PRICE:
            trigger *= self._desk.money[order.symbol].scale.tick_e8
            price = self._desk.market.mark_e8(order.symbol)
        if price <= 0:
            return False
        return price <= trigger if order.trigger_direction == FALLS else price >= trigger

    def symbols(self) -> Iterator[str]:
        """Yield the symbols that have a live leg."""
        return iter([symbol for symbol, legs in self._legs.items() if legs])
