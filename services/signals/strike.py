"""A score that is struck once and fades: what an event leaves behind."""

from __future__ import annotations

from services.signals.maths import clamp


class Strike:
    """A score that fades evenly to nothing within ``hold_ns``. A clock that goes back ends it."""

    __slots__ = ("_at_ns", "_hold_ns", "_score")

    def __init__(self, hold_ns: int) -> None:
        assert hold_ns > 0
        self._hold_ns = hold_ns
        self._at_ns, self._score = 0, 0.0

    def hit(self, at_ns: int, score: float) -> None:
        """Begin anew with ``score``, in place of what is left of the strike before."""
        self._at_ns, self._score = at_ns, clamp(score)

    def at(self, now: int) -> float:
        """Return what is left of it, -1..1."""
        if self._score == 0.0:
            return 0.0
        age_ns = now - self._at_ns
        if not 0 <= age_ns < self._hold_ns:
            self._score = 0.0
            return 0.0
        return self._score * (1.0 - age_ns / self._hold_ns)

    @property
    def ends_ns(self) -> int:
        """When nothing is left of it."""
        return self._at_ns + self._hold_ns
