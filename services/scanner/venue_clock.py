"""When to ask the venue for its time, and what its answers add up to."""

from __future__ import annotations

from services.scanner import parse
from services.scanner.wire import RequestTime
from shared.clock import NS_PER_MS
from shared.messages import ClockOffset, Message
from shared.offset import OffsetEstimator

BURST = 8  # The first questions come quickly: one round trip says little.
BURST_NS = 250 * NS_PER_MS


class VenueClock:
    """Asks ``BURST`` times at once, then every ``interval_ns`` (0: never). An answer that never comes is not missed."""

    def __init__(self, interval_ns: int) -> None:
        self._interval_ns = interval_ns
        self._estimator = OffsetEstimator()
        self._asked = 0
        self._due_ns = 0

    def tick(self, now: int) -> list[Message]:
        """Ask when it is time."""
        if not self._interval_ns or now < self._due_ns:
            return []
        self._asked += 1
        self._due_ns = now + (BURST_NS if self._asked < BURST else self._interval_ns)
        return [RequestTime(self._asked)]

    def hear(self, data: bytes, sent_ns: int, received_ns: int) -> list[Message]:
        """Take an answer; return what is known now. Raises ProtocolError for one that makes no sense."""
        if not self._estimator.add(sent_ns, received_ns, parse.venue_time_ns(data)):
            return []
        best = self._estimator.estimate(received_ns)
        assert best is not None
        return [ClockOffset(best.offset_ns, best.uncertainty_ns, best.at_ns)]
