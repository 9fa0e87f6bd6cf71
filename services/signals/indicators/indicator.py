"""The shape of an indicator, and the sliding window that several share."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from services.signals.candles import Bar


class Indicator(Protocol):
    """One opinion on finished bars. A file `indicators/<name>.py` holds one class of this shape and ends in ``build``.

    It is shown each bar once, in order, after its end; a gap in the bars is never shown (`services/signals/candles.py`
    sees to that). A value rests on the bars shown so far and on nothing else.
    """

    vote: int
    """What the last value says of the direction: +1 up, -1 down, 0 nothing or not known yet."""

    def update(self, bar: Bar) -> float | None:
        """Take in one finished bar and return the value at its close; None while there are too few bars."""


class Window:
    """The last ``size`` numbers, their sum and the sum of their squares.

    Running sums of floats drift: each turn of the window they are made anew, so an update costs the same on average
    however wide the window is.
    """

    __slots__ = ("_fresh", "_size", "_values", "squares", "total")

    def __init__(self, size: int) -> None:
        assert size > 0
        self._size, self._fresh = size, 0
        self._values: deque[float] = deque()
        self.total = self.squares = 0.0

    def push(self, value: float) -> None:
        """Take in one number; the oldest falls out when there are too many."""
        values = self._values
        values.append(value)
        self.total += value
        self.squares += value * value
        if len(values) > self._size:
            gone = values.popleft()
            self.total -= gone
            self.squares -= gone * gone
        self._fresh += 1
        if self._fresh >= self._size:
            self._fresh = 0
            self.total = self.squares = 0.0
            for each in values:
                self.total += each
                self.squares += each * each

    @property
    def full(self) -> bool:
        """Whether there are as many numbers as it holds."""
        return len(self._values) == self._size

    @property
    def mean(self) -> float:
        """Their mean; 0 of none."""
        return self.total / len(self._values) if self._values else 0.0

    @property
    def variance(self) -> float:
        """Their population variance, never below 0; 0 of none."""
        if not self._values:
            return 0.0
        mean = self.mean
        return max(0.0, self.squares / len(self._values) - mean * mean)


def sign(value: float) -> int:
    """Return +1, -1, or 0 (also for what is not a number)."""
    return (value > 0) - (value < 0)
