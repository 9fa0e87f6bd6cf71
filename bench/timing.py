"""Interleaved timing: contenders take turns block by block in one process, so that all suffer the same neighbours."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Sequence
from time import perf_counter_ns

Work = Sequence[tuple[Callable[..., object], tuple[object, ...]]]  # Calls with their arguments, in order.


def block_ns(work: Work) -> int:
    """Return how long the calls took together."""
    start = perf_counter_ns()
    for call, arguments in work:
        call(*arguments)
    return perf_counter_ns() - start


def each_ns(work: Work) -> list[int]:
    """Return how long every call took, less what the clock itself takes."""
    clock = clock_ns()
    found = []
    for call, arguments in work:
        start = perf_counter_ns()
        call(*arguments)
        found.append(max(0, perf_counter_ns() - start - clock))
    return found


def clock_ns(samples: int = 200) -> int:
    """Return what an empty measurement shows."""
    found = []
    for _ in range(samples):
        start = perf_counter_ns()
        found.append(perf_counter_ns() - start)
    return int(statistics.median(found))


class Contest:
    """Contenders do the same work in turns; ask for medians and ratios afterwards."""

    def __init__(self, contenders: dict[str, Work], block: int) -> None:
        sizes = {len(work) for work in contenders.values()}
        assert len(sizes) == 1, "everybody does the same work"
        self._contenders, self._block, self._count = contenders, block, sizes.pop()
        self._turns = 0
        self._blocks: dict[str, list[float]] = {name: [] for name in contenders}  # ns a call, block by block.
        self._singles: dict[str, list[int]] = {name: [] for name in contenders}

    @property
    def names(self) -> list[str]:
        """Return the contenders."""
        return list(self._contenders)

    def run(self, rounds: int) -> None:
        """Run the whole work ``rounds`` times in blocks, then once call by call, without the garbage collector."""
        gc.collect()
        gc.disable()
        try:
            for number in range(rounds + 1):
                for at in range(0, self._count, self._block):
                    self._turn(at, singly=number == rounds)
        finally:
            gc.enable()

    def _turn(self, at: int, *, singly: bool) -> None:
        self._turns += 1
        names = list(self._contenders)
        first = self._turns % len(names)
        for name in names[first:] + names[:first]:  # Nobody always follows the one who leaves the caches cold.
            part = self._contenders[name][at : at + self._block]
            if singly:
                self._singles[name] += each_ns(part)
            else:
                self._blocks[name].append(block_ns(part) / len(part))

    def per_second(self, name: str) -> float:
        """Return calls a second, by the median block."""
        return 1e9 / statistics.median(self._blocks[name])

    def quantile_us(self, name: str, share: float) -> float:
        """Return a quantile of the single calls."""
        ordered = sorted(self._singles[name])
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] / 1_000

    def ratio(self, name: str, base: str) -> float:
        """Return the median over all blocks of one contender's time by another's for the same work."""
        pairs = zip(self._blocks[name], self._blocks[base], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)
