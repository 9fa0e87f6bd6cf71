"""The venue changes an instrument's tick or lot while something of ours is open: what is counted, counted anew.

Theory of operation. Sizes and the prices of orders must come out exactly. Where they do not, all is counted on the
coarsest grid that holds the old one and the new, so nothing is lost, and the position is closed; the new grid is taken
once the symbol is flat. Money is never touched: cash and entry price are kept in the quote coin. Of a round trip's
sums, which only its average prices are made of, less than one step each may be rounded away.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from services.execution.orders import Order
from services.execution.positions import Holding
from shared.scale import Scale


class Change(NamedTuple):
    """From one grid to another: what one old step is in new ones."""

    ticks: Fraction
    lots: Fraction

    def fits(self, held: Holding | None, orders: list[Order]) -> bool:
        """Whether every size, and every price of an order, is a whole number of new steps."""
        sizes, prices = [held.position_lots, held.trip_lots_max] if held is not None else [], list[int]()
        for order in orders:
            sizes += [order.qty_lots, order.cum_lots, order.booked_lots]
            prices += [order.price_ticks, order.stop_ticks, order.target_ticks, *order.wanted]
        whole_lots = all((size * self.lots).denominator == 1 for size in sizes)
        return whole_lots and all((price * self.ticks).denominator == 1 for price in prices)

    def sooner(self, ticks: int, side: int) -> int:
        """Return a stop of a position of ``side``, moved by less than a step to where it is reached sooner."""
        exact = ticks * self.ticks
        return -(-exact.numerator // exact.denominator) if side > 0 else exact.numerator // exact.denominator

    def nearest(self, value: int, by: Fraction) -> int:
        """Return a sum in new steps, rounded half up."""
        return (2 * value * by.numerator + by.denominator) // (2 * by.denominator)


def change_of(old: Scale, new: Scale) -> Change:
    """Return the change from one grid to the other."""
    return Change(Fraction(old.tick) / Fraction(new.tick), Fraction(old.lot) / Fraction(new.lot))


def regrid_holding(held: Holding, change: Change, new: Scale) -> None:
    """Count a position on its new grid; sizes fit, or it would not be asked for."""
    side, by = (1 if held.position_lots > 0 else -1), change.ticks * change.lots
    held.scale = new
    held.position_lots = int(held.position_lots * change.lots)
    held.trip_lots_max = int(held.trip_lots_max * change.lots)
    held.stop_ticks = change.sooner(held.stop_ticks, side)
    held.first_stop_ticks = change.sooner(held.first_stop_ticks, side)
    held.target_ticks = change.sooner(held.target_ticks, -side)
    held.trip_open_sum, held.trip_close_sum = (
        change.nearest(held.trip_open_sum, by), change.nearest(held.trip_close_sum, by),
    )  # fmt: skip
    held.trip_open_lots, held.trip_close_lots = (
        change.nearest(held.trip_open_lots, change.lots), change.nearest(held.trip_close_lots, change.lots),
    )  # fmt: skip


def regrid_order(order: Order, change: Change, new: Scale) -> None:
    """Count an order on its new grid: everything in it fits."""
    order.tick, order.lot = new.tick, new.lot
    order.qty_lots, order.cum_lots = int(order.qty_lots * change.lots), int(order.cum_lots * change.lots)
    order.booked_lots = int(order.booked_lots * change.lots)
    order.price_ticks = int(order.price_ticks * change.ticks)
    order.stop_ticks, order.target_ticks = int(order.stop_ticks * change.ticks), int(order.target_ticks * change.ticks)
    price, stop, target = order.wanted
    order.wanted = int(price * change.ticks), int(stop * change.ticks), int(target * change.ticks)
