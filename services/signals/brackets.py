"""Where stop and target of a new position lie, in ticks."""

from __future__ import annotations

from typing import NamedTuple

PERCENT_E6 = 100_000_000  # 100 % in millionths of a percent.


class Levels(NamedTuple):
    """Stop and target of one entry, ticks."""

    stop_ticks: int
    target_ticks: int


def levels(side: int, entry_ticks: int, stop_pct: float, target_pct: float) -> Levels | None:
    """Return the bracket around ``entry_ticks``; None when a leg would not be a price.

    Distances are rounded up to whole ticks: the stop is never tighter and the target never nearer than asked.
    """
    stop = entry_ticks - side * _away(entry_ticks, stop_pct)
    target = entry_ticks + side * _away(entry_ticks, target_pct)
    return Levels(stop, target) if stop > 0 and target > 0 else None


def _away(entry_ticks: int, percent: float) -> int:
    part_e6 = round(percent * 1e6)  # As an integer, so that 0.3 % of 1000 ticks is 3 and not 4.
    return max(1, -(-entry_ticks * part_e6 // PERCENT_E6))
