"""From single opinions to one: a weighted sum, its direction, and the confidence it deserves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from math import tanh
from typing import NamedTuple

import msgspec

from services.signals.market import Signal
from services.signals.maths import clamp
from shared.config import Signals, Weights
from shared.config_load import ConfigError
from shared.config_signals import own_weights


class Fused(NamedTuple):
    """What all signals together say."""

    score: float  # Weighted sum, -1..1.
    direction: int  # +1, -1; 0 within the deadband.
    confidence: float  # 0..1


def confidence(score: float, steepness: float) -> float:
    """Return 2 sigmoid(steepness |score|) - 1: with 5 it is 0 for no opinion, 0.40 at 0.17, 0.65 at 0.31, 0.85 at 0.50.

    A plain sigmoid never falls below a half, so a threshold for letting go could not be reached.
    """
    return tanh(0.5 * steepness * abs(clamp(score)))  # The same function, in one call.


def active(weights: Weights, own: Iterable[str] = ()) -> dict[str, float]:
    """Return the share of each signal that is switched on; the shares sum to 1.

    Shares are of what is *configured*, so that two signals can reach the entry threshold as eight can. They are not
    shared out again when a signal is stale or silent: less evidence is less confidence.
    """
    named = msgspec.structs.asdict(weights) | own_weights(own)
    given = {name: float(value) for name, value in named.items() if value > 0}
    total = sum(given.values())
    return {name: value / total for name, value in given.items()}


def builders(names: Iterable[str]) -> list[Callable[[Signals], Signal]]:
    """Return what makes each signal: a name is a file in `signals/`. Raises ConfigError when one is not."""
    paths = [f"services.signals.signals.{name}" for name in names]
    missing = [path for path in paths if find_spec(path) is None]
    if missing:
        raise ConfigError([f"signals.own: {path.rpartition('.')[2]}: there is no such signal" for path in missing])
    return [import_module(path).build for path in paths]


def fuse(scores: Sequence[float], shares: Sequence[float], deadband: float, steepness: float) -> Fused:
    """Return what the signals together say. A score that is not a number counts as 0."""
    assert len(scores) == len(shares)
    score = 0.0
    for at, share in enumerate(shares):
        value = scores[at]
        if -1.0 <= value <= 1.0:
            score += share * value
        else:
            score += share * clamp(value)
    if not -1.0 <= score <= 1.0:
        score = clamp(score)  # By a rounding at most.
    size = score if score >= 0 else -score
    direction = 0
    if size >= deadband and size > 0:
        direction = 1 if score > 0 else -1
    return Fused(score, direction, tanh(0.5 * steepness * size))
