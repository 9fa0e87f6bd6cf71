"""How far the venue's clock is from ours, and how sure that is: what makes ages of its stamps mean anything.

Each question about its time bounds the offset: the answer was written between our sending and our receiving. The
bound is as wide as the round trip, and grows with age because clocks drift; the tightest one counts.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

SAMPLES_MAX = 64
ROUND_TRIP_NS_MAX = 2_000_000_000
DRIFT_PPM = 50  # Two quartz clocks, with room to spare.


class Offset(NamedTuple):
    """Their clock minus ours is ``offset_ns`` give or take ``uncertainty_ns``, as of ``at_ns`` on our clock."""

    offset_ns: int
    uncertainty_ns: int
    at_ns: int

    def at(self, now: int) -> Offset:
        """Return what is known of it at another time."""
        return Offset(self.offset_ns, self.uncertainty_ns + drift_ns(now - self.at_ns), now)


class Age(NamedTuple):
    """How old something of theirs is: ``age_ns`` give or take ``uncertainty_ns``."""

    age_ns: int
    uncertainty_ns: int

    @property
    def at_least_ns(self) -> int:
        """The age it surely has: what a gate compares with its limit."""
        return self.age_ns - self.uncertainty_ns


class OffsetEstimator:
    """Keeps the newest samples; forgets them all when one contradicts what they say (a clock was set)."""

    def __init__(self) -> None:
        self._samples: deque[Offset] = deque(maxlen=SAMPLES_MAX)

    def add(self, sent_ns: int, received_ns: int, theirs_ns: int) -> bool:
        """Take the answer ``theirs_ns`` to a question asked and answered at these times; False if it is no use."""
        round_trip_ns = received_ns - sent_ns
        if not 0 <= round_trip_ns <= ROUND_TRIP_NS_MAX:
            return False
        sample = Offset(theirs_ns - (sent_ns + received_ns) // 2, (round_trip_ns + 1) // 2, received_ns)
        known = self.estimate(received_ns)
        if known is not None and _apart(sample, known):
            self._samples.clear()
        self._samples.append(sample)
        return True

    def estimate(self, now: int) -> Offset | None:
        """Return the best there is to say at ``now``; None before the first sample."""
        if not self._samples:
            return None
        return min((sample.at(now) for sample in self._samples), key=lambda sample: sample.uncertainty_ns)


def age_of(stamp_ns: int, now: int, offset: Offset) -> Age:
    """Return the age of their ``stamp_ns`` (cts, ts) at ``now`` on our clock."""
    return Age(now + offset.offset_ns - stamp_ns, offset.uncertainty_ns + drift_ns(now - offset.at_ns))


def drift_ns(elapsed_ns: int) -> int:
    """Return how far two clocks may have drifted apart meanwhile."""
    return abs(elapsed_ns) * DRIFT_PPM // 1_000_000


def _apart(one: Offset, other: Offset) -> bool:
    return abs(one.offset_ns - other.offset_ns) > one.uncertainty_ns + other.uncertainty_ns
