"""Where stop and target of a new position lie, in ticks: by a share of the price, by ticks, or by the market's range.

    pct     stop_pct and target_pct of the entry
    ticks   base_stop_ticks, and tp_ticks_multiplier times as much
    atr     atr_stop and atr_target average ranges; the stop kept within atr_min_pct .. atr_max_pct of the entry, the
            target moved with it, so that their ratio stays

Whatever the policy, the target is at least one tick beyond the price at which both taker fees are paid, counted from
the worst price that the entry may fill at. Distances are rounded up to whole ticks.
"""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import NamedTuple

from shared.config import Brackets
from shared.scale import E8

HUNDRED = 100
REACH_TICKS = 3  # An entry may fill this far beyond the touch.
FARTHEST_TICKS = 1 << 40


class Levels(NamedTuple):
    """Stop and target of one entry, ticks."""

    stop_ticks: int
    target_ticks: int


class Away(NamedTuple):
    """How far stop and target lie from the entry, ticks."""

    stop_ticks: int
    target_ticks: int


def levels(side: int, entry_ticks: int, config: Brackets, taker_e8: int, atr_ticks: float = 0.0) -> Levels | None:
    """Return the bracket around ``entry_ticks``; None where a leg would not be a price, or its range is not known.

    ``taker_e8`` is the taker's fee at 1e-8 of the value; ``atr_ticks`` the average range, 0 while it is not known.
    """
    away = distances(entry_ticks, config, atr_ticks)
    if away is None:
        return None
    stop = entry_ticks - side * away.stop_ticks
    target = entry_ticks + side * max(away.target_ticks, paying_ticks(side, entry_ticks, taker_e8))
    return Levels(stop, target) if stop > 0 and 0 < target < FARTHEST_TICKS else None


def distances(entry_ticks: int, config: Brackets, atr_ticks: float) -> Away | None:
    """Return what the policy asks for; None when it needs a range and there is none."""
    if config.policy == "ticks":
        return Away(config.base_stop_ticks, _up(config.base_stop_ticks * _exact(config.tp_ticks_multiplier)))
    if config.policy == "pct":
        return Away(_share(entry_ticks, config.stop_pct), _share(entry_ticks, config.target_pct))
    if not (isfinite(atr_ticks) and 0 < atr_ticks <= FARTHEST_TICKS):
        return None
    wanted = _up(_exact(config.atr_stop) * Fraction(atr_ticks))
    nearest, farthest = (_share(entry_ticks, share) for share in (config.atr_min_pct, config.atr_max_pct))
    stop = min(max(wanted, nearest), farthest)
    return Away(stop, _up(stop * _exact(config.atr_target) / _exact(config.atr_stop)))


def paying_ticks(side: int, entry_ticks: int, taker_e8: int) -> int:
    """Return the shortest way to a target that pays both fees and a tick from the worst price of the entry."""
    worst = entry_ticks + side * REACH_TICKS
    if not (worst > 0 and 0 <= taker_e8 < E8):
        return FARTHEST_TICKS
    # Gain of the way w from p: w. Fees: f (p + p + side w). So w (1 - side f) > 2 f p.
    return 2 * taker_e8 * worst // (E8 - side * taker_e8) + 1 + 1 + REACH_TICKS


def _exact(value: float) -> Fraction:
    return Fraction(str(value))  # As it was written, so that 0.3 % of 1000 ticks is 3 and not 4.


def _share(entry_ticks: int, percent: float) -> int:
    return _up(entry_ticks * _exact(percent) / HUNDRED)


def _up(value: Fraction) -> int:
    return max(1, -(-value.numerator // value.denominator))
