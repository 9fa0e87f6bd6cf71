"""Least squares, small and plain: what each of a few causes adds to an outcome when the others are held.

Scalar arithmetic in a fixed order, so that the same rows give the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import NamedTuple

PIVOT_MIN = 1e-9  # Of a cause's own variation: less is left where others say the same.


class Estimate(NamedTuple):
    """One figure and how well it is known."""

    value: float
    error: float  # Standard error; infinite where nothing can be said.


UNKNOWN = Estimate(0.0, inf)


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean with its standard error; a single value has a mean and no error that is known."""
    count = len(values)
    if count < 2:
        return Estimate(sum(values) / count if count else 0.0, inf)
    middle = sum(values) / count
    variance = sum((value - middle) ** 2 for value in values) / (count - 1)
    return Estimate(middle, sqrt(variance / count))


def effects(causes: Sequence[Sequence[float]], outcomes: Sequence[float]) -> list[Estimate]:
    """Return, for each column of ``causes`` (one row per outcome), its coefficient beside all others.

    Ordinary least squares through the origin. UNKNOWN for a column without anything but 0, for one that others before
    it repeat, and for all while there are fewer than two rows for each figure sought.
    """
    count, width = len(causes), len(causes[0]) if causes else 0
    if not width or count < 2 * width:
        return [UNKNOWN] * width
    squares = [[sum(row[one] * row[other] for row in causes) for other in range(width)] for one in range(width)]
    inverse, kept = _inverse(squares)
    products = [sum(row[at] * value for row, value in zip(causes, outcomes, strict=True)) for at in range(width)]
    found = [sum(inverse[at][other] * products[other] for other in kept) for at in range(width)]
    misses = [value - sum(row[at] * found[at] for at in kept) for row, value in zip(causes, outcomes, strict=True)]
    variance = sum(miss * miss for miss in misses) / (count - len(kept))
    return [
        Estimate(found[at], sqrt(max(0.0, variance * inverse[at][at]))) if at in kept else UNKNOWN
        for at in range(width)
    ]


def _inverse(squares: list[list[float]]) -> tuple[list[list[float]], list[int]]:
    """Return the inverse of a symmetric matrix on those of its rows that are independent, and which they are."""
    width = len(squares)
    work = [list(row) + [float(at == other) for other in range(width)] for at, row in enumerate(squares)]
    kept: list[int] = []
    for at in range(width):
        pivot = work[at][at]
        if not pivot > PIVOT_MIN * max(1.0, squares[at][at]):
            continue
        kept.append(at)
        work[at] = [value / pivot for value in work[at]]
        for other in range(width):
            factor = work[other][at]
            if other != at and factor:
                work[other] = [theirs - factor * ours for theirs, ours in zip(work[other], work[at], strict=True)]
    return [[work[at][width + other] for other in range(width)] for at in range(width)], kept
