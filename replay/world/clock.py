"""Virtual time: what is due is done in order of time, and of asking where times are equal."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

Call = Callable[[], None]


class VirtualClock:
    """Stands still while something is done, and jumps to what is due next."""

    def __init__(self, start_ns: int) -> None:
        self.now_ns = start_ns
        self._due: list[tuple[int, int, Call]] = []
        self._asked = 0

    def now(self) -> int:
        """Return the present, ns since the epoch."""
        return self.now_ns

    def at(self, due_ns: int, call: Call) -> None:
        """Have something done at a time; what lies in the past is done next."""
        self._asked += 1
        heappush(self._due, (due_ns if due_ns > self.now_ns else self.now_ns, self._asked, call))

    def after(self, delay_ns: int, call: Call) -> None:
        """Have something done later."""
        self.at(self.now_ns + delay_ns, call)

    def every(self, period_ns: int, call: Call) -> None:
        """Have something done again and again, for the first time now."""

        def turn() -> None:
            call()
            self._asked += 1
            heappush(self._due, (self.now_ns + period_ns, self._asked, turn))

        self.at(self.now_ns, turn)

    def run(self, until_ns: int) -> None:
        """Let time pass up to and including ``until_ns``."""
        due = self._due
        while due and due[0][0] <= until_ns:
            self.now_ns, _, call = heappop(due)
            call()
        self.now_ns = max(self.now_ns, until_ns)
