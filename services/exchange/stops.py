"""Everything that waits for a trigger: brackets and trailing stops of positions, and the client's conditional orders.

Full brackets and the trailing stop are bound to the whole position: at most one of each per symbol, a new one replaces
the old. Partial brackets have their own size, and two legs set together live and die together. All of them come to
life with the entry's first fill, or with its end, as configured (a configured delay is a deliberate fault), and die
with the position. Conditional orders belong to nobody.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.orders import (
    BY_POSITION_CLOSE,
    BY_PROFIT_SIBLING,
    BY_STOP_SIBLING,
    CONDITIONAL,
    FALLS,
    NO_ERROR,
    PARTIAL,
    PARTIAL_MODE,
    PARTIAL_STOP_LOSS,
    PARTIAL_TAKE_PROFIT,
    RISES,
    STOP_LOSS,
    TAKE_PROFIT,
    TRAILING_STOP,
    WHOLE,
    Event,
    Leg,
    Order,
    OrderRequest,
    Status,
    Trigger,
)
from services.exchange.rows import Protection
from services.exchange.trailing import trail

FIRST_FILL, COMPLETION = "first_fill", "completion"
LAST_PRICE, MARK_PRICE, INDEX_PRICE = "LastPrice", "MarkPrice", "IndexPrice"
PROFITS = (TAKE_PROFIT, PARTIAL_TAKE_PROFIT)


class Timing(NamedTuple):
    """When an attached bracket comes to life."""

    at: str = FIRST_FILL
    delay_ns: int = 0


class Stops:
    """What is untriggered, on all symbols."""

    def __init__(self, desk: Desk, timing: Timing) -> None:
        self._desk, self._timing = desk, timing
        self._live: dict[str, dict[int, Order]] = {}  # symbol -> order number -> order
        self._late: deque[tuple[int, Order]] = deque()  # (due, entry) while the fault holds a bracket back

    # --- attached to an entry -------------------------------------------------------------------------------------

    def follow_entry(self, entry: Order, now: int) -> None:
        """Bring the entry's bracket to life if it is time."""
        if not entry.filled_lots or not (entry.take_profit or entry.stop_loss):
            return
        if entry.filled_lots == entry.armed_lots if entry.tpsl_mode == PARTIAL_MODE else entry.armed:
            return
        if self._timing.at == COMPLETION and entry.open:
            return
        entry.armed = True
        if self._timing.delay_ns:
            self._late.append((now + self._timing.delay_ns, entry))
        else:
            self._attach(entry, now)

    def _attach(self, entry: Order, now: int) -> None:
        lots, entry.armed_lots = entry.filled_lots - entry.armed_lots, entry.filled_lots
        position = self._desk.account.position(entry.symbol)
        if position.side != entry.side:
            return
        if entry.tpsl_mode == PARTIAL_MODE:
            self._attach_part(entry, min(lots, abs(position.lots)), now)
            return
        if entry.take_profit:
            self.set_leg(entry.symbol, TAKE_PROFIT, entry.take_profit, now, entry.order_link_id)
        if entry.stop_loss:
            self.set_leg(entry.symbol, STOP_LOSS, entry.stop_loss, now, entry.order_link_id)

    def _attach_part(self, entry: Order, lots: int, now: int) -> None:
        """Give a partial bracket what its entry has just filled: the legs it already has grow, or new ones are made.

        The venue says "with the filled qty" and not how several fills are told; one pair per entry is assumed.
        """
        if not lots:
            return
        grown = [order for order in self.live(entry.symbol) if order.entry_id == entry.order_id]
        for order in grown:
            order.qty_lots += lots
            order.updated_ms = now // NS_PER_MS
            self._desk.tell(order)
        if not grown:
            self.add_part(entry.symbol, (entry.take_profit, entry.stop_loss), lots, now, entry)

    def attach_late(self, now: int) -> None:
        """Bring to life what was held back until now."""
        while self._late and self._late[0][0] <= now:
            self._attach(self._late.popleft()[1], now)

    @property
    def next_due_ns(self) -> int | None:
        """When the next bracket that is held back is due."""
        return self._late[0][0] if self._late else None

    def held_back(self, symbol: str) -> bool:
        """Return whether a bracket of that symbol is held back."""
        return any(entry.symbol == symbol for _, entry in self._late)

    # --- looking --------------------------------------------------------------------------------------------------

    def live(self, symbol: str) -> list[Order]:
        """Return what waits on that symbol, oldest first."""
        return list(self._live.get(symbol, {}).values())

    def any(self, symbol: str) -> bool:
        """Return whether anything waits on that symbol."""
        return bool(self._live.get(symbol))

    def symbols(self) -> list[str]:
        """Return the symbols on which something waits."""
        return [symbol for symbol, orders in self._live.items() if orders]

    def leg(self, symbol: str, kind: str) -> Order | None:
        """Return the live leg of the whole position of that kind."""
        for order in self._live.get(symbol, {}).values():
            if order.kind == kind:
                return order
        return None

    def count(self, symbol: str, kinds: frozenset[str]) -> int:
        """Return how many orders of those kinds wait."""
        return sum(order.kind in kinds for order in self._live.get(symbol, {}).values())

    def protection(self, symbol: str) -> Protection:
        """Return the bracket of the whole position as its rows show it."""
        price = self._desk.money[symbol].scale.price_text
        profit, loss = self.leg(symbol, TAKE_PROFIT), self.leg(symbol, STOP_LOSS)
        trailing = self.leg(symbol, TRAILING_STOP)
        return Protection(
            price(profit.trigger_ticks) if profit else "",
            price(loss.trigger_ticks) if loss else "",
            price(trailing.trail_ticks) if trailing else "0",
        )

    # --- legs of the whole position -------------------------------------------------------------------------------

    def set_leg(self, symbol: str, kind: str, leg: Leg, now: int, parent_link_id: str = "") -> None:
        """Create a leg of the open position, or move the one it has."""
        lots = abs(self._desk.account.position(symbol).lots)
        order = self.leg(symbol, kind) or self._new_leg(symbol, kind, lots, now)
        order.trigger_ticks, order.trigger_by = leg.trigger_ticks, leg.trigger_by
        order.parent_link_id = parent_link_id
        self._arm(order, now)

    def set_trailing(self, symbol: str, trail_ticks: int, active_ticks: int, now: int) -> None:
        """Create the position's trailing stop, or begin anew with the one it has. ``active_ticks`` 0: at once."""
        lots = abs(self._desk.account.position(symbol).lots)
        order = self.leg(symbol, TRAILING_STOP) or self._new_leg(symbol, TRAILING_STOP, lots, now)
        order.trail_ticks, order.active_ticks, order.trigger_ticks = trail_ticks, active_ticks, 0
        order.trigger_by = LAST_PRICE
        trail(order, self._desk.market.last_ticks(symbol))
        self._arm(order, now)

    def add_part(
        self, symbol: str, legs: tuple[Leg | None, Leg | None], lots: int, now: int, entry: Order | None = None
    ) -> None:
        """Add a (take profit, stop loss) of its own size."""
        made = []
        for kind, leg in zip((PARTIAL_TAKE_PROFIT, PARTIAL_STOP_LOSS), legs, strict=True):
            if leg is None:
                continue
            order = self._new_leg(symbol, kind, lots, now)
            order.trigger_ticks, order.trigger_by = leg.trigger_ticks, leg.trigger_by
            if leg.limit_ticks:
                order.type, order.tif, order.price_ticks = "Limit", "GTC", leg.limit_ticks
            if entry is not None:
                order.entry_id, order.parent_link_id = entry.order_id, entry.order_link_id
            made.append(order)
        if len(made) == 2:
            made[0].sibling_id, made[1].sibling_id = made[1].order_id, made[0].order_id
        for order in made:
            self._arm(order, now)

    def _new_leg(self, symbol: str, kind: str, lots: int, now: int) -> Order:
        position = self._desk.account.position(symbol)
        falls = (kind not in PROFITS) == (position.side > 0)
        request = OrderRequest(
            symbol=symbol, side=-position.side, order_type="Market", tif="IOC", price_ticks=0, qty_lots=lots,
            reduce_only=True, link_id="", take_profit=None, stop_loss=None,
            trigger=Trigger(0, LAST_PRICE, FALLS if falls else RISES), close_on_trigger=True,
            tpsl_mode=PARTIAL_MODE if kind in PARTIAL else "Full", create_type=f"CreateBy{kind}",
        )  # fmt: skip
        order = self._desk.new_order(request, now)
        order.kind = kind
        return order

    # --- any of them ----------------------------------------------------------------------------------------------

    def add_conditional(self, order: Order, now: int) -> None:
        """Let a client's conditional order wait for its trigger."""
        order.kind = CONDITIONAL
        self._arm(order, now)

    def _arm(self, order: Order, now: int) -> None:
        """Let an order wait; or one that waits already, with what has been changed in it."""
        if order.status is Status.ACCEPTED:
            order.left_lots = 0  # Until its trigger it is in no book.
            order.step(Event.ARM, now // NS_PER_MS)
            self._live.setdefault(order.symbol, {})[order.number] = order
        order.updated_ms = now // NS_PER_MS
        order.heard = self._desk.heard
        self._desk.tell(order)

    def change(self, order: Order, now: int) -> None:
        """Tell of an order that waits and has been amended: only prices from now on count for it."""
        self._arm(order, now)

    def drop_leg(self, order: Order, cancel_type: str, reason: str, now: int) -> None:
        """Cancel one order before its trigger."""
        del self._live[order.symbol][order.number]
        order.cancel(cancel_type, reason, now // NS_PER_MS)
        self._desk.tell(order)

    def release(self, order: Order, now: int) -> None:
        """Take an order off those that wait: it is triggered. The leg that was set together with it dies.

        Where the leg that is triggered is a limit order, the venue does not say what becomes of the other: the same.
        """
        del self._live[order.symbol][order.number]
        sibling = self._desk.orders.find(order.sibling_id, "") if order.sibling_id else None
        if sibling is not None and sibling.status is Status.UNTRIGGERED:
            cause = BY_PROFIT_SIBLING if order.kind in PROFITS else BY_STOP_SIBLING
            self.drop_leg(sibling, cause, NO_ERROR, now)

    def follow_position(self, symbol: str, now: int) -> None:
        """End the legs of a position that is gone; give those of the whole position its present size."""
        position = self._desk.account.position(symbol)
        for order in self.live(symbol):
            if order.kind == CONDITIONAL:
                continue
            if order.side != -position.side:
                self.drop_leg(order, BY_POSITION_CLOSE, NO_ERROR, now)
            elif order.kind in WHOLE:
                order.qty_lots = abs(position.lots)
        if not position.lots:  # An entry that goes on filling opens anew, and brings its bracket again.
            for entry in self._desk.orders.open_orders(symbol):
                entry.armed = False

    # --- triggers -------------------------------------------------------------------------------------------------

    def trail(self, symbol: str, last_ticks: int, heard: int, now: int) -> None:
        """Let the trailing stop hear a price; every move is told."""
        order = self.leg(symbol, TRAILING_STOP)
        if order is not None and order.heard <= heard and last_ticks > 0 and trail(order, last_ticks):
            order.updated_ms = now // NS_PER_MS
            self._desk.tell(order)

    def hit(self, symbol: str, last_ticks: int, heard: int) -> Order | None:
        """Return an order whose price has been reached, stops before take profits, oldest first.

        ``heard`` is the number of the match that made the price: it sets off nothing that was set later.
        """
        orders = self._live.get(symbol)
        if not orders:
            return None
        reached = [order for order in orders.values() if order.heard <= heard and self._reached(order, last_ticks)]
        if not reached:
            return None
        return min(reached, key=lambda order: (order.kind in PROFITS, order.number))

    def _reached(self, order: Order, last_ticks: int) -> bool:
        trigger, price = order.trigger_ticks, last_ticks
        if order.trigger_by != LAST_PRICE:
            trigger *= self._desk.money[order.symbol].scale.tick_e8
            watched = self._desk.market.mark_e8 if order.trigger_by == MARK_PRICE else self._desk.market.index_e8
            price = watched(order.symbol)
        if price <= 0 or trigger <= 0:
            return False
        return price <= trigger if order.trigger_direction == FALLS else price >= trigger
