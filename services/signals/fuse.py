"""From single opinions to one: a weighted sum, its direction, and the confidence it deserves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import NamedTuple

import msgspec

from services.signals.market import Signal
from services.signals.maths import clamp, sigmoid
from shared.config import Signals, Weights

STEEPNESS = 5.0


class Fused(NamedTuple):
    """What all signals together say."""

    score: float  # Weighted sum, -1..1.
    direction: int  # +1, -1; 0 within the deadband.
    confidence: float  # 0..1


def confidence(score: float) -> float:
    """Return 2 sigmoid(5 |score|) - 1: 0 for no opinion, 0.65 at 0.31, 0.85 at 0.50.

    A plain sigmoid never falls below a half, so a threshold for letting go could not be reached.
    """
    return 2.0 * sigmoid(STEEPNESS * abs(clamp(score))) - 1.0


def active(weights: Weights) -> dict[str, float]:
    """Return the share of each signal that is switched on; the shares sum to 1.

    Shares are of what is *configured*, so that two signals can reach the entry threshold as eight can. They are not
    shared out again when a signal is stale or silent: less evidence is less confidence.
    """
    given = {name: float(value) for name, value in msgspec.structs.asdict(weights).items() if value > 0}
    total = sum(given.values())
    return {name: value / total for name, value in given.items()}


def builders(names: Iterable[str]) -> list[Callable[[Signals], Signal]]:
    """Return what makes each signal: a name is a file in `signals/`."""
    return [import_module(f"services.signals.signals.{name}").build for name in names]


def fuse(scores: Sequence[float], shares: Sequence[float], deadband: float) -> Fused:
    """Return what the signals together say. A score that is not a number counts as 0."""
    score = clamp(sum(share * clamp(value) for share, value in zip(shares, scores, strict=True)))
    direction = 0 if not abs(score) >= deadband or score == 0 else (1 if score > 0 else -1)
    return Fused(score, direction, confidence(score))
