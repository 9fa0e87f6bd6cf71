"""What each signal was worth: the mid after every decision, with the signal's own sign, and how sure that figure is.

    edge_h = mean of sign(score_j) x moved_h over the decisions where the score was not 0, basis points
    net_h  = edge_h - mean cost of a round trip at those moments, fees and spread

Decisions follow each other faster than horizons pass, and symbols move together, so single markouts are no independent
evidence. They are counted in batches of time, twice the horizon long (at least a second), all symbols in one; the
interval is that of a ratio of batch sums (cluster-robust), with Student's t for few batches.
"""

from __future__ import annotations

from math import nan, sqrt
from typing import Any, NamedTuple

from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import Markout

NAMES_MAX = 64
HORIZONS_MAX = 16
Z = 1.959963984540054  # Of the normal distribution: 95 % lie within.
FUSED = "fused"  # The decision's own direction.
TAKEN = "taken"  # The same, of those decisions that became intents.
ENTER = "enter"


def student(freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t (Cornish-Fisher expansion; exact for 1 and 2)."""
    if freedom <= 2:
        return (nan, 12.706204736432095, 4.302652729749462)[max(0, freedom)]
    z2 = Z * Z
    first = Z * (z2 + 1) / 4
    second = Z * ((5 * z2 + 16) * z2 + 3) / 96
    third = Z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384
    return Z + first / freedom + second / freedom**2 + third / freedom**3


class Interval(NamedTuple):
    """A mean and where the true one lies with 95 % confidence; not a number while that cannot be said."""

    mean: float
    low: float
    high: float
    size: int  # Of the sample.


class Batches:
    """Mean of values that come in batches of dependent ones."""

    __slots__ = ("_batch_count", "_batch_sum", "_batches", "_counts2", "_cross", "_sums2", "count", "total")

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0
        self._batch_sum, self._batch_count = 0.0, 0
        self._batches = 0
        self._sums2 = self._cross = self._counts2 = 0.0

    def add(self, value: float) -> None:
        """Take in one value of the present batch."""
        self.total += value
        self.count += 1
        self._batch_sum += value
        self._batch_count += 1

    def close(self) -> None:
        """End the present batch."""
        if not self._batch_count:
            return
        self._batches += 1
        self._sums2 += self._batch_sum * self._batch_sum
        self._cross += self._batch_sum * self._batch_count
        self._counts2 += self._batch_count * self._batch_count
        self._batch_sum, self._batch_count = 0.0, 0

    def interval(self) -> Interval:
        """Return mean and interval of everything so far; ends the present batch."""
        self.close()
        if not self.count:
            return Interval(nan, nan, nan, 0)
        mean = self.total / self.count
        if self._batches < 2:
            return Interval(mean, nan, nan, self.count)
        spread = max(0.0, self._sums2 - 2 * mean * self._cross + mean * mean * self._counts2)
        error = sqrt(spread * self._batches / (self._batches - 1)) / self.count
        half = student(self._batches - 1) * error
        return Interval(mean, mean - half, mean + half, self.count)


class _Horizon:
    __slots__ = ("batch", "batch_ns", "costs", "edges")

    def __init__(self, horizon_ms: int) -> None:
        self.batch_ns = max(NS_PER_S, 2 * horizon_ms * NS_PER_MS)
        self.batch = -1
        self.edges: dict[str, Batches] = {}
        self.costs: dict[str, float] = {}


class EdgeBook:
    """All signals at all horizons."""

    def __init__(self) -> None:
        self._horizons: dict[int, _Horizon] = {}

    def hear(self, markout: Markout) -> None:
        """Take in what became of one decision."""
        signs = [(name, _sign(score)) for name, score in zip(markout.signals, markout.scores, strict=False)]
        signs.append((FUSED, markout.direction))
        if markout.reason == ENTER:
            signs.append((TAKEN, markout.direction))
        for horizon_ms, moved in zip(markout.horizons_ms, markout.moved_bps, strict=False):
            if moved == moved:  # NaN: there was no book.
                self._note(horizon_ms, markout, signs, moved)

    def _note(self, horizon_ms: int, markout: Markout, signs: list[tuple[str, int]], moved: float) -> None:
        horizon = self._horizons.get(horizon_ms)
        if horizon is None:
            if len(self._horizons) >= HORIZONS_MAX:
                return
            horizon = self._horizons[horizon_ms] = _Horizon(horizon_ms)
        batch = markout.decided_ns // horizon.batch_ns
        if batch > horizon.batch:
            horizon.batch = batch
            for edge in horizon.edges.values():
                edge.close()
        for name, sign in signs:
            if not sign or (name not in horizon.edges and len(horizon.edges) >= NAMES_MAX):
                continue
            horizon.edges.setdefault(name, Batches()).add(sign * moved)
            horizon.costs[name] = horizon.costs.get(name, 0.0) + markout.cost_bps

    def report(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return, for each signal and horizon in ms, the edge in basis points with its interval, and what is left."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for horizon_ms, horizon in sorted(self._horizons.items()):
            for name, edge in horizon.edges.items():
                interval = edge.interval()
                cost = horizon.costs[name] / interval.size
                found.setdefault(name, {})[str(horizon_ms)] = {
                    "decisions": interval.size,
                    **_rounded(edge_bps=interval.mean, low_bps=interval.low, high_bps=interval.high),
                    **_rounded(cost_bps=cost, net_bps=interval.mean - cost),
                }
        return found


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _rounded(**values: float) -> dict[str, float | None]:
    return {name: round(value, 4) if value == value else None for name, value in values.items()}
