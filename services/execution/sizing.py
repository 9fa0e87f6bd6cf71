"""How many lots an entry has, and what it puts at risk. Exact integers: no cap is ever exceeded by a rounding.

An entry risks a share of the equity: its size is that share over what one lot loses at the stop, both fees included
(R). The value wished for, the USDT limit, the leverage and the free balance cap it, and drawdown shrinks whatever is
left. A wish below the venue's least order means that order, as long as the day is not in drawdown and the risk and the
other caps allow it; otherwise there is no size.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from shared.messages import Instrument
from shared.scale import E8, Scale

E6 = 1_000_000
WHOLE_PERCENT = 100
TIERS = ((20_000, 100), (50_000, 50), (100_000, 25))
"""Drawdown from the day's peak, millionths, and the size below it, percent. From the last one on: nothing."""

scale_of = lru_cache(maxsize=4_096)(Scale)
"""A symbol's grid: reading its texts takes longer than all the gates together."""


class Prices(NamedTuple):
    """The range an entry may fill in."""

    low_ticks: int  # Its value is never less than at this price: what the venue's least order value is held against.
    high_ticks: int  # Nor more than at this one: what our caps are held against.


class Wish(NamedTuple):
    """How much is wanted, before the venue's rules. Money at 1e-8 of the quote coin."""

    risk_e8: int  # It may lose no more than this at its stop.
    value_e8: int  # It is worth this, or as little as the venue takes,
    cap_e8: int  # and never more than this.
    percent: int  # What is left of the first two, by drawdown.


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
    top, bottom = scale.per_e8
    return top, max(price_ticks, 1) * bottom


def loss_e8(price_ticks: int, stop_ticks: int, taker_e8: int) -> int:
    """Return what one unit bought at ``price_ticks`` loses at its stop, both taker fees included: ticks at 1e-8."""
    return abs(price_ticks - stop_ticks) * E8 + taker_e8 * (price_ticks + stop_ticks)


def lots_risking(risk_e8: int, unit_loss_e8: int, scale: Scale) -> int:
    """Return the most lots that lose no more than ``risk_e8`` when each unit loses ``unit_loss_e8``; 0 if none."""
    top, bottom = _per_value(1, scale)
    return max(risk_e8, 0) * top * E8 // (bottom * unit_loss_e8) if unit_loss_e8 > 0 else 0


def risk_e8(lots: int, unit_loss_e8: int, scale: Scale) -> int:
    """Return what ``lots`` lose when each unit loses ``unit_loss_e8``, rounded up: their R, at 1e-8."""
    top, bottom = _per_value(1, scale)
    return -(-lots * unit_loss_e8 * bottom // (top * E8))


def affordable_e8(available_e8: int, leverage: int, taker_e8: int) -> int:
    """Return the value of position that the free balance carries: its margin and both its fees."""
    if available_e8 <= 0 or leverage <= 0:
        return 0
    return available_e8 * E8 // (-(-E8 // leverage) + 2 * taker_e8)


def tier_percent(drawdown_e6: float) -> int:
    """Return the size left at this drawdown from the day's peak, percent: a tier begins at its boundary."""
    if drawdown_e6 >= 0:
        for below_e6, percent in TIERS:
            if drawdown_e6 < below_e6:
                return percent
    return 0


def least_lots(prices: Prices, rules: Instrument, scale: Scale) -> int:
    """Return the venue's least order."""
    return max(rules.min_lots, 1, lots_reaching(rules.min_notional_e8, prices.low_ticks, scale))


def size_lots(wish: Wish, unit_loss_e8: int, prices: Prices, rules: Instrument, scale: Scale) -> int:
    """Return the size of an entry, 0 when none fits: never above any cap, never below the venue's least order."""
    if not (prices.low_ticks > 0 and 0 <= wish.percent <= WHOLE_PERCENT):
        return 0
    by_risk = lots_risking(wish.risk_e8, unit_loss_e8, scale)
    by_value = lots_within(wish.value_e8, prices.high_ticks, scale)
    least = least_lots(prices, rules, scale)
    if by_value < least and wish.percent == WHOLE_PERCENT:
        by_value = least
    cap = lots_within(wish.cap_e8, prices.high_ticks, scale)
    lots = min(min(by_risk, by_value) * wish.percent // WHOLE_PERCENT, cap, rules.max_lots, rules.max_market_lots)
    return lots if lots >= least else 0
