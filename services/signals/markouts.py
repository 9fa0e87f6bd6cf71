"""Markouts: what the mid did after every decision, taken or blocked.

    moved_h = (mid at t + h - mid at t) / mid at t x 10^4, basis points, for h = 0.1, 0.5, 1, 5, 30, 60 s

The mid at a time is the last one known by then, on the records' clock; where a gap had voided the book there is none,
and the figure is not a number. Sign and costs are for the reader: a signal's own sign is not the decision's.
"""

from __future__ import annotations

from collections import deque
from math import nan

from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import Decision, Markout, Message
from shared.scale import Scale

HORIZONS_MS = (100, 500, 1_000, 5_000, 30_000, 60_000)
HORIZONS_NS = tuple(horizon * NS_PER_MS for horizon in HORIZONS_MS)
LATE_NS = 2 * NS_PER_S  # A book may be silent: so much later its last mid is taken without waiting for another frame.
PENDING_MAX = 1_024  # Decisions of one symbol under way; there are at most five a second.
COURSES_MAX = 1_024
FAR_NS = 1 << 62
BPS = 10_000.0


class _Open:
    """One decision whose horizons have not all passed."""

    __slots__ = ("at_ns", "cost_bps", "decision", "mid", "moved_bps")

    def __init__(self, decision: Decision, at_ns: int, mid: float, cost_bps: float) -> None:
        self.decision, self.at_ns, self.mid, self.cost_bps = decision, at_ns, mid, cost_bps
        self.moved_bps: list[float] = []


class Course:
    """Where one symbol's mid goes."""

    __slots__ = ("_at_ns", "_done", "_half_tick", "_mid2", "_queues", "due_ns")

    def __init__(self, done: list[_Open]) -> None:
        self._done = done
        self._half_tick = 0.0
        self._mid2 = 0  # Twice the mid in ticks; 0 while there is none.
        self._at_ns = 0
        self._queues: tuple[deque[_Open], ...] = tuple(deque() for _ in HORIZONS_NS)
        self.due_ns = FAR_NS  # The next horizon of any decision.

    @property
    def pending(self) -> int:
        """How many decisions are under way."""
        return len(self._queues[-1])

    def see(self, at_ns: int, mid2: int) -> None:
        """Take in twice the mid of a whole book as of ``at_ns``."""
        if at_ns > self.due_ns:
            self.fill(at_ns)
        self._mid2 = mid2
        if at_ns > self._at_ns:
            self._at_ns = at_ns

    def lose(self, at_ns: int) -> None:
        """From ``at_ns`` on there is no mid."""
        self._at_ns = max(at_ns, self._at_ns)
        self.fill(self._at_ns)
        self._mid2 = 0

    def count_in(self, scale: Scale) -> None:
        """Take the grid that mids are counted on from here on."""
        self._half_tick = scale.tick_size / 2

    def begin(self, decision: Decision, at_ns: int, fees_bps: float) -> None:
        """Follow the mid from this decision on."""
        if self.pending >= PENDING_MAX:
            return
        mid2 = decision.best_bid_ticks + decision.best_ask_ticks
        spread_bps = (decision.best_ask_ticks - decision.best_bid_ticks) / mid2 * 2 * BPS
        one = _Open(decision, max(at_ns, self._at_ns), mid2 * self._half_tick, fees_bps + spread_bps)
        for queue in self._queues:
            queue.append(one)
        self.due_ns = min(self.due_ns, one.at_ns + HORIZONS_NS[0])

    def fill(self, until_ns: int) -> None:
        """Note the present mid for all horizons before ``until_ns``."""
        mid, due_ns = self._mid2 * self._half_tick, FAR_NS
        for queue, horizon_ns in zip(self._queues, HORIZONS_NS, strict=True):
            while queue and queue[0].at_ns + horizon_ns < until_ns:
                one = queue.popleft()
                one.moved_bps.append((mid / one.mid - 1.0) * BPS if mid > 0 else nan)
                if len(one.moved_bps) == len(HORIZONS_NS):
                    self._done.append(one)
            if queue:
                due_ns = min(due_ns, queue[0].at_ns + horizon_ns)
        self.due_ns = due_ns

    def close(self) -> None:
        """Nothing more will be seen: what is still to come is not known."""
        self._mid2 = 0
        self.fill(FAR_NS)


class Markouts:
    """The courses of all symbols, and the markouts that are complete."""

    def __init__(self, fees_bps: float) -> None:
        self._fees_bps = fees_bps  # Of a round trip.
        self._courses: dict[str, Course] = {}
        self._done: list[_Open] = []

    def course(self, symbol: str, scale: Scale) -> Course:
        """Return the symbol's course, made if missing."""
        found = self._courses.get(symbol)
        if found is None:
            if len(self._courses) >= COURSES_MAX:
                idle = next((name for name, course in self._courses.items() if not course.pending), symbol)
                self._courses.pop(idle, None)
            found = self._courses[symbol] = Course(self._done)
        found.count_in(scale)
        return found

    def begin(self, course: Course, decision: Decision, at_ns: int) -> None:
        """Follow the mid from this decision on."""
        course.begin(decision, at_ns, self._fees_bps)

    def lose(self, at_ns: int) -> None:
        """All books are void."""
        for course in self._courses.values():
            course.lose(at_ns)

    def tick(self, now: int) -> None:
        """Let time pass in silent books."""
        for course in self._courses.values():
            if now - LATE_NS > course.due_ns:
                course.fill(now - LATE_NS)

    def close(self) -> None:
        """Give up what is not complete."""
        for course in self._courses.values():
            course.close()

    def take(self, epoch: int) -> list[Message]:
        """Return what is complete, once."""
        if not self._done:
            return []
        done = [_markout(one, epoch) for one in self._done]
        self._done.clear()
        return done


def _markout(one: _Open, epoch: int) -> Message:
    decision = one.decision
    return Markout(
        decision=decision.decision,
        symbol=decision.symbol,
        direction=decision.direction,
        reason=decision.reason,
        score=decision.score,
        scores=decision.scores,
        signals=decision.signals,
        weights_version=decision.weights_version,
        regime=decision.regime,
        horizons_ms=HORIZONS_MS,
        moved_bps=tuple(one.moved_bps),
        cost_bps=one.cost_bps,
        decided_ns=decision.decided_ns,
        epoch=epoch,
    )
