"""A change of an instrument's tick or lot while orders stand and positions are held.

What the venue does is not documented beyond its announcements; here: what is not on the new grid cannot stand, so such
orders are cancelled first (CancelByAdmin); the others keep their ids and their size and come back behind the market's
own. A position's bracket is never taken away: a leg off the grid is moved by less than a tick to where it is triggered
sooner. A lot that a position is no whole number of waits until it is. What is closed stays written as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.exchange.desk import Desk
from services.exchange.grid import Regrid
from services.exchange.matching import MatchingBook
from services.exchange.orders import (
    BY_ADMIN,
    FALLS,
    NO_ERROR,
    PARTIAL,
    RESTING,
    WHOLE,
    Leg,
    Order,
)
from services.exchange.reopening import put_back
from services.exchange.stops import Stops
from services.exchange.streams import Streams
from services.exchange.trading import Trading
from shared.scale import Scale

Frames = list[tuple[str, bytes]]
GRIDS_MAX = 100  # Of one symbol in a run.
BRACKET = WHOLE | PARTIAL


class Regridding:
    """Carries such changes out. ``regrid`` (symbol, tick, lot) puts the market on another grid, if it can."""

    def __init__(
        self,
        desk: Desk,
        stops: Stops,
        trading: Trading,
        streams: Streams,
        books: Mapping[str, MatchingBook],
        market: Callable[[str, str, str], None] | None,
        fits: Callable[[str, str], bool] | None,
    ) -> None:
        self._desk, self._stops, self._trading, self._streams = desk, stops, trading, streams
        self._books, self._market, self._fits = books, market, fits

    def refuse(self, symbol: str, tick: str, lot: str) -> str:
        """Return why that cannot be, "" if it can."""
        if self._market is None or self._fits is None:
            return "a recording has its grid already"
        if not tick and not lot:
            return "give tick=, lot= or both"
        if tick and not self._fits(symbol, tick):
            return f"{symbol} cannot trade in ticks of {tick}: its price would be too few or too many of them"
        if len(self._desk.grids.get(symbol, ())) >= GRIDS_MAX:
            return f"{symbol} has had {GRIDS_MAX} grids already"
        return ""

    def change(self, symbol: str, tick: str, lot: str, now: int) -> Frames | None:
        """Put a symbol on another grid; return what its subscribers are told, None if that has to wait."""
        rules = self._desk.money[symbol].instrument
        tick, lot = tick or rules.tick, lot or rules.lot
        if (tick, lot) == (rules.tick, rules.lot):
            return []
        change = Regrid(Scale(rules.tick, rules.lot), Scale(tick, lot))
        if self._market is None or self.refuse(symbol, tick, lot) or not self._ready(symbol, change):
            return None
        self._cancel(symbol, change, now)
        if self._stops.held_back(symbol):  # A fault lets the bracket of what has just ended come to life late.
            return None
        said = self._tell(now)
        self._market(symbol, tick, lot)
        moved = self._convert(symbol, change)
        self._trading.add_matches(put_back(self._desk, {symbol: self._books[symbol]}))
        said += self._streams.regrid(change, symbol, now)
        for order in moved:
            self._desk.tell(order)
        return said

    # --- the parts ------------------------------------------------------------------------------------------------

    def _ready(self, symbol: str, change: Regrid) -> bool:
        """Whether the position and all of its bracket are whole numbers of the new lot."""
        if self._stops.held_back(symbol):
            return False
        legs = [order.qty_lots for order in self._stops.live(symbol) if order.kind in PARTIAL]
        return change.fits_lots(self._desk.account.position(symbol).lots, *legs)

    def _cancel(self, symbol: str, change: Regrid, now: int) -> None:
        """End the orders that cannot stand on the new grid."""
        for order in self._desk.orders.open_orders(symbol):
            waiting_leg = order.kind in BRACKET and order.status not in RESTING
            if order.open and not waiting_leg and not _fits(order, change):
                self._trading.cancel_for(order, BY_ADMIN, NO_ERROR, now)

    def _tell(self, now: int) -> Frames:
        """Return what is still to be said in the steps of the old grid."""
        for one in self._trading.take_liquidated():
            self._streams.liquidated(one.symbol, one.side, one.lots, one.price_ticks, now)
        return self._streams.advance(now, self._trading.take_matches())

    def _convert(self, symbol: str, change: Regrid) -> list[Order]:
        """Say everything that is open in the steps of the new grid; return what is not quite what it was."""
        desk = self._desk
        desk.regrid(symbol)
        position, orders = desk.account.position(symbol), desk.orders.open_orders(symbol)
        position.lots = change.lots(position.lots)
        desk.oracle.heard_grid(symbol, change, (order.order_id for order in orders))
        moved = []
        for order in orders:
            if _convert(order, change, desk.grid(symbol)):
                moved.append(order)
            desk.oracle.heard_order(order)
        return moved


def _legs(order: Order) -> list[Leg]:
    return [leg for leg in (order.take_profit, order.stop_loss) if leg is not None]


def _fits(order: Order, change: Regrid) -> bool:
    """Whether an order is on the new grid, with the bracket it carries."""
    prices = [ticks for leg in _legs(order) for ticks in (leg.trigger_ticks, leg.limit_ticks)]
    sizes = (order.qty_lots, order.left_lots, order.filled_lots, order.armed_lots)
    return change.fits_ticks(order.price_ticks, order.trigger_ticks, *prices) and change.fits_lots(*sizes)


def _convert(order: Order, change: Regrid, grid: int) -> bool:
    """Put one order on the new grid; return whether its price is another then."""
    sooner = change.ticks_up if order.trigger_direction == FALLS else change.ticks_down
    same = change.fits_ticks(order.trigger_ticks, order.price_ticks, order.trail_ticks, order.active_ticks)
    order.trigger_ticks = sooner(order.trigger_ticks) if order.trigger_ticks else 0
    order.price_ticks, order.trail_ticks = change.ticks(order.price_ticks), change.ticks(order.trail_ticks)
    order.active_ticks = change.ticks(order.active_ticks)
    order.last_on_created_ticks = change.ticks(order.last_on_created_ticks)
    order.qty_lots, order.left_lots = change.lots(order.qty_lots), change.lots(order.left_lots)
    order.filled_lots, order.armed_lots = change.lots(order.filled_lots), change.lots(order.armed_lots)
    order.take_profit, order.stop_loss = _leg(order.take_profit, change), _leg(order.stop_loss, change)
    order.grid = grid
    return not same


def _leg(leg: Leg | None, change: Regrid) -> Leg | None:
    if leg is None:
        return None
    return leg._replace(trigger_ticks=change.ticks(leg.trigger_ticks), limit_ticks=change.ticks(leg.limit_ticks))
