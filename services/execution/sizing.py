"""How many lots an entry has. Exact integers: no cap is ever exceeded by a rounding."""

from __future__ import annotations

from typing import NamedTuple

from shared.messages import Instrument
from shared.scale import E8, Scale


class Prices(NamedTuple):
    """The range an entry may fill in."""

    low_ticks: int  # Its value is never less than at this price: what the venue's least order value is held against.
    high_ticks: int  # Nor more than at this one: what our caps are held against.


def lots_within(value_e8: int, price_ticks: int, scale: Scale) -> int:
    """Return the most lots whose value at ``price_ticks`` does not exceed ``value_e8``; 0 when there are none."""
    top, bottom = _per_value(price_ticks, scale)
    return max(value_e8, 0) * top // bottom if price_ticks > 0 else 0


def lots_reaching(value_e8: int, price_ticks: int, scale: Scale) -> int:
    """Return the fewest lots worth at least ``value_e8`` at ``price_ticks`` (which is above 0)."""
    top, bottom = _per_value(price_ticks, scale)
    return -(-max(value_e8, 0) * top // bottom)


def _per_value(price_ticks: int, scale: Scale) -> tuple[int, int]:
    """Return the number of lots that 1e-8 of the quote coin buys, as a fraction."""
    tick_decimals, tick = scale.tick_grid
    lot_decimals, lot = scale.lot_grid
    return 10 ** (tick_decimals + lot_decimals), max(price_ticks, 1) * tick * lot * E8


def affordable_e8(available_e8: int, leverage: int, taker_e8: int) -> int:
    """Return the value of position that the free balance carries: its margin and both its fees."""
    if available_e8 <= 0 or leverage <= 0:
        return 0
    return available_e8 * E8 // (-(-E8 // leverage) + 2 * taker_e8)


def size_lots(wish_e8: int, cap_e8: int, prices: Prices, rules: Instrument, scale: Scale) -> int:
    """Return the size of an entry wanted at ``wish_e8``: at least the venue's least size, never above ``cap_e8``.

    A wish below the venue's least order is raised to that order as long as the cap allows; 0 means that no size fits.
    """
    if prices.low_ticks <= 0:
        return 0
    most = min(lots_within(cap_e8, prices.high_ticks, scale), rules.max_lots, rules.max_market_lots)
    least = max(rules.min_lots, 1, lots_reaching(rules.min_notional_e8, prices.low_ticks, scale))
    lots = min(max(lots_within(wish_e8, prices.high_ticks, scale), least), most)
    return lots if lots >= least else 0
