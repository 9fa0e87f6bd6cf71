"""Fleet time: nanoseconds since the epoch that never run back and compare across processes."""

from __future__ import annotations

import time
from typing import Protocol

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """Whatever can say what time it is."""

    def now(self) -> int:
        """Return fleet time in ns."""


def measure_epoch_ns() -> int:
    """Return wall time minus monotonic time. The supervisor measures it once and gives it to every worker."""
    return time.time_ns() - time.monotonic_ns()


class FleetClock:
    """CLOCK_MONOTONIC (system-wide on Linux) plus one constant: the wall clock may jump, this does not."""

    __slots__ = ("_epoch_ns",)

    def __init__(self, epoch_ns: int) -> None:
        self._epoch_ns = epoch_ns

    def now(self) -> int:
        """Return fleet time in ns."""
        return time.monotonic_ns() + self._epoch_ns
