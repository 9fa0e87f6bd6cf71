"""Where the stop of an open position should be: behind the best price it has seen, or where its fees are paid.

Theory of operation. Distances are measured in the distance of the first stop from the entry, so that one setting suits
every instrument and policy. The better of the two levels counts, kept one tick on the loss side of what the position
could be closed at now. A stop that would move by less than a step, or the wrong way, stays where it is.
"""

from __future__ import annotations

from typing import NamedTuple

from shared.clock import NS_PER_MS
from shared.config_brackets import Brackets
from shared.scale import E8

E6 = 1_000_000


class TrailLimits(NamedTuple):
    """How the configuration moves stops. Shares of the first stop's distance, millionths; 0 switches off."""

    from_e6: int = 0
    distance_e6: int = E6
    tight_e6: int = E6
    step_ticks: int = 1
    interval_ns: int = 200 * NS_PER_MS
    break_even_e6: int = 0
    partial_e6: int = 0  # Where a part is closed, share of the way to the target.
    part_e6: int = E6 // 2  # How much of the position that is.

    @property
    def moves(self) -> bool:
        """Whether stops are moved at all."""
        return self.from_e6 > 0 or self.break_even_e6 > 0


def trail_limits(config: Brackets) -> TrailLimits:
    """Return the limits that ``config`` sets."""
    return TrailLimits(
        from_e6=round(config.trail_from * E6),
        distance_e6=round(config.trail_distance * E6),
        tight_e6=round(config.trail_tight * E6),
        step_ticks=config.trail_step_ticks,
        interval_ns=config.trail_interval_ms * NS_PER_MS,
        break_even_e6=round(config.break_even_from * E6),
        partial_e6=round(config.partial_from * E6),
        part_e6=round(config.partial_share * E6),
    )


class Course(NamedTuple):
    """One position and what the market has done since. ``side`` is +1 for a long."""

    side: int
    entry_e8: int
    tick_e8: int
    first_stop_ticks: int
    best_ticks: int  # The best price it could have been closed at so far.
    now_ticks: int  # What it could be closed at now.
    taker_e8: int  # Fee at 1e-8 of the value; below 0: not known.


def better_stop(course: Course, present_ticks: int, limits: TrailLimits, *, tight: bool) -> int:
    """Return the stop that should take the place of ``present_ticks``, 0 when it should stay."""
    side, tick_e8 = course.side, course.tick_e8
    risk_e8 = side * (course.entry_e8 - course.first_stop_ticks * tick_e8)
    gain_e8 = side * (course.best_ticks * tick_e8 - course.entry_e8)
    if not (side in (1, -1) and risk_e8 > 0 and course.first_stop_ticks > 0 and present_ticks > 0):
        return 0
    found = []
    if 0 < limits.from_e6 * risk_e8 <= gain_e8 * E6:
        share_e12 = limits.distance_e6 * (limits.tight_e6 if tight else E6)
        found.append(course.best_ticks - side * max(1, -(-risk_e8 * share_e12 // (E6 * E6 * tick_e8))))
    if 0 < limits.break_even_e6 * risk_e8 <= gain_e8 * E6 and 0 <= course.taker_e8 < E8:
        found.append(paid_ticks(side, course.entry_e8, tick_e8, course.taker_e8))
    if not found:
        return 0
    wanted = min(max(side * level for level in found), side * course.now_ticks - 1) * side
    return wanted if wanted > 0 and (wanted - present_ticks) * side >= max(1, limits.step_ticks) else 0


def paid_ticks(side: int, entry_e8: int, tick_e8: int, taker_e8: int) -> int:
    """Return the nearest price at which a position pays both its fees, and one tick more."""
    # Long: p (1 - f) >= e (1 + f). Short: p (1 + f) <= e (1 - f).
    paid = entry_e8 * (E8 + side * taker_e8)
    unit = (E8 - side * taker_e8) * tick_e8
    return -(-paid // unit) + 1 if side > 0 else paid // unit - 1
