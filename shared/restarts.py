"""When to start a dead worker again: a budget per worker and for all, and a growing pause. Time is an argument."""

from __future__ import annotations

from collections import deque
from enum import Enum

from shared.clock import NS_PER_MS, NS_PER_S
from shared.exits import Exit

WORKER_WINDOW_NS = 60 * NS_PER_S
TOTAL_WINDOW_NS = 300 * NS_PER_S
PAUSE_NS_MIN = 200 * NS_PER_MS
PAUSE_NS_MAX = 5 * NS_PER_S

FINAL = frozenset(
    {Exit.BAD_CONFIG, Exit.NOT_FOUND, Exit.EXCHANGE_REJECTED, Exit.LATCHED, Exit.ALREADY_RUNNING, Exit.PORT_IN_USE,
     Exit.SHM_TOO_SMALL}
)  # fmt: skip


class Verdict(Enum):
    """What to do about a worker that ended."""

    RESTART = "restart"
    FINAL = "final"  # It said why in its exit code, and a restart cannot mend that.
    SPENT = "spent"  # It died too often: the system must be made safe.


class Restarts:
    """The budget. Limits are counts within WORKER_WINDOW_NS and TOTAL_WINDOW_NS."""

    def __init__(self, per_worker_max: int, total_max: int) -> None:
        self._per_worker_max, self._total_max = per_worker_max, total_max
        self._deaths: dict[str, deque[int]] = {}
        self._all: deque[int] = deque()

    def on_exit(self, worker: str, code: int, now: int) -> tuple[Verdict, int]:
        """Return the verdict and, for RESTART, the fleet time at which to start it again.

        The first death in a while is answered at once; each further one within the window doubles the pause.
        """
        if code in FINAL:
            return Verdict.FINAL, 0
        deaths = self._deaths.setdefault(worker, deque())
        for times, window_ns in ((deaths, WORKER_WINDOW_NS), (self._all, TOTAL_WINDOW_NS)):
            times.append(now)
            while now - times[0] > window_ns:
                times.popleft()
        if len(deaths) > self._per_worker_max or len(self._all) > self._total_max:
            return Verdict.SPENT, 0
        pause_ns = min(PAUSE_NS_MIN << (len(deaths) - 2), PAUSE_NS_MAX) if len(deaths) > 1 else 0
        return Verdict.RESTART, now + pause_ns
