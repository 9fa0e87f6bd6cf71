"""What a gate is: one small function of the case, whose name is the reason in verdicts, logs and tests.

Comparisons are written so that a NaN fails them, and so does a figure beyond anything that can be true: a gate passes
what it understands, not what it cannot refute. Answers are floats, also of whole numbers: the journal has no others.
"""

from __future__ import annotations

from collections.abc import Callable

from services.execution.case import Case
from shared.messages import Check as Check

HUGE = 1e15  # No tick, millisecond, basis point or USDT of ours is beyond this.

Gate = Callable[[Case], Check]
UNKNOWN = Check(False, float("inf"), 0.0)
YES, NO = Check(True, 1.0, 1.0), Check(False, 0.0, 1.0)


def yes(value: bool) -> Check:
    """Return the answer to a yes-or-no question."""
    return YES if value is True else NO


def at_most(value: float, limit: float, *, least: float = 0.0) -> Check:
    """Return whether ``value`` is at most ``limit``, and a figure at all."""
    return Check(least <= value <= limit <= HUGE, value, limit)


def below(value: float, limit: float, *, least: float = 0.0) -> Check:
    """Return whether ``value`` is below ``limit``, and a figure at all."""
    return Check(least <= value < limit <= HUGE, value, limit)


def at_least(value: float, limit: float, *, most: float = HUGE) -> Check:
    """Return whether ``value`` reaches ``limit``, and is a figure at all."""
    return Check(0.0 <= limit <= value <= most, value, limit)


def ask(gate: Gate, case: Case) -> Check:
    """Return a gate's answer. Where arithmetic itself fails nothing has been proven, so nothing passes."""
    try:
        return gate(case)
    except (ArithmeticError, ValueError):
        return Check(False, float("nan"), float("nan"))
