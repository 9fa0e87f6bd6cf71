"""The universe changes while it runs: some symbols a second leave fifty live ones and others come, on one connection.

Ten symbols stay all the time: each of their frames must be in their books. One leaves the universe while execution
still names it: it must stay until execution has let go of it.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from contextlib import suppress
from multiprocessing import Pipe
from typing import Any

from bench.market import LiveMarket, markets, truth
from bench.stage import Stage, Voices, await_true, quantiles_us, rules, say
from shared.attach import DataPlane
from shared.fleet import Word
from shared.mirror import BookView

LIVE, STAYING, POOL, RATE = 50, 10, 120, 1_500.0
LIMIT_S = 30.0
FAULTS = ("book_gaps", "reconnects", "wrong_books")


class Rotation:
    """Which symbols are wanted: those that stay, and a window that moves on through the others."""

    def __init__(self) -> None:
        self.symbols = markets(POOL)
        self.held = STAYING  # Leaves with the first swap and never comes back.
        self.window = list(range(STAYING, LIVE))
        self.spare = list(range(LIVE, POOL))
        self.swaps: list[tuple[int, int]] = []  # (who left, who came)

    def swap(self, count: int) -> None:
        """Let the oldest go, take the next."""
        for _ in range(count):
            left, came = self.window.pop(0), self.spare.pop(0)
            self.window.append(came)
            self.swaps.append((left, came))
            if left != self.held:
                self.spare.append(left)

    @property
    def wanted(self) -> list[int]:
        """Return the numbers of the universe's symbols."""
        return [*range(STAYING), *self.window]

    def hand_overs_ns(self, report: dict[str, Any]) -> list[int]:
        """Return, of each swap, how long after the newcomer's snapshot was sent the old one was let go."""
        snapshots, leaves = _times(report["snapshots"]), _times(report["leaves"])
        came = Counter(range(LIVE))  # Their first snapshots were the beginning.
        left: Counter[int] = Counter()
        found = []
        for old, new in self.swaps:
            if old != self.held and left[old] < len(leaves[old]) and came[new] < len(snapshots[new]):
                found.append(leaves[old][left[old]] - snapshots[new][came[new]])
            left[old] += 1
            came[new] += 1
        return found


def _times(events: list[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {number: [] for number in range(POOL)}
    for at_ns, number in events:
        found[number].append(at_ns)
    return found


class Watch:
    """What a reader sees of the books."""

    def __init__(self, stage: Stage, rotation: Rotation) -> None:
        self._rotation, self._truth = rotation, truth()
        self._plane = DataPlane(stage.run_id, stage.fleet)

    def view(self, number: int) -> BookView | None:
        """Return the newest book of a symbol."""
        self._plane.refresh()
        return self._plane.view(self._rotation.symbols[number].symbol)

    def is_valid(self, number: int) -> bool:
        """Whether it may be used."""
        view = self.view(number)
        return view is not None and view.valid

    def is_right(self, number: int) -> bool:
        """Whether it may be used and is what the market was."""
        view = self.view(number)
        return view is not None and view.valid and not self._truth.differs(number, view)

    def all_valid(self) -> bool:
        """Whether every wanted book is there."""
        return all(map(self.is_valid, self._rotation.wanted))

    def missing(self, sent: list[int]) -> int:
        """Return how many frames of the symbols that stay are not in their books."""
        views = [self.view(number) for number in range(STAYING)]
        return sum(sent[:STAYING]) - sum(0 if view is None else view.updates for view in views)


def measure(seconds: float, per_s: float, at_once: int = 1) -> dict[str, Any]:
    """Swap for so long; return what was seen."""
    rotation = Rotation()
    with Stage(symbols_max=POOL, ring_records=1 << 16, cross_check=False) as stage:
        near, far = Pipe()
        stage.fork(lambda: LiveMarket(stage, far, rotation.symbols, RATE).run())
        await_true(lambda: stage.fleet.get(Word.EXCHANGE_PORT), "market")
        voices, watch = stage.start_voices(), Watch(stage, rotation)
        voices.execution(rotation.symbols[rotation.held].symbol)
        voices.universe(rules(rotation.symbols[number] for number in rotation.wanted))
        stage.start_ingest()
        await_true(watch.all_valid, "fifty live books", LIMIT_S)
        _rotate(rotation, voices, seconds, per_s, at_once)
        await_true(watch.all_valid, "live books at the end", LIMIT_S)
        wrong = sum(1 for number in rotation.wanted if not watch.is_right(number))
        held = watch.is_valid(rotation.held)
        voices.execution()
        await_true(lambda: not watch.is_valid(rotation.held), "end of the symbol that was held", LIMIT_S)
        found = {name: stage.counters[name] for name in ("book_gaps", "reconnects", "resyncs", "malformed", "unknown")}
        near.send("stop")
        report = near.recv()
        with suppress(TimeoutError):
            await_true(lambda: not watch.missing(report["sent"]), "last frames", 5.0)
        lost = watch.missing(report["sent"])
    waits = rotation.hand_overs_ns(report)
    return found | {
        "swaps": len(rotation.swaps),
        "connections": report["accepted"],
        "frames_of_staying": sum(report["sent"][:STAYING]),
        "lost_of_staying": lost,
        "wrong_books": wrong,
        "held_until_released": held,
        "hand_overs": len(waits),
        "too_early": sum(1 for wait in waits if wait < 0),
        "hand_over_p50_ms": quantiles_us(waits)[0] / 1e3,
        "hand_over_max_ms": max(waits) / 1e6,
    }


def _rotate(rotation: Rotation, voices: Voices, seconds: float, per_s: float, at_once: int) -> None:
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        rotation.swap(at_once)
        voices.universe(rules(rotation.symbols[number] for number in rotation.wanted))
        time.sleep(max(0.0, start + len(rotation.swaps) / per_s - time.monotonic()))


def main(argv: list[str]) -> None:
    """Swap and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.swaps", description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--per-second", type=float, default=20.0)
    parser.add_argument("--at-once", type=int, default=1, help="symbols that change together")
    wanted = parser.parse_args(argv)
    found = measure(wanted.seconds, wanted.per_second, wanted.at_once) | {"bench": "swaps"}
    rows = [
        ("swaps, connections", f"{found['swaps']}, {found['connections']}", "1 connection"),
        ("frames of ten that stay; lost", f"{found['frames_of_staying']:,}; {found['lost_of_staying']}", "goal 0"),
        ("gaps; reconnects; wrong books", "; ".join(str(found[name]) for name in FAULTS), "goal 0"),
        ("let go before the new one was there", str(found["too_early"]), "goal 0"),
        ("new snapshot to old goodbye, p50 ms", f"{found['hand_over_p50_ms']:.1f}", ""),
    ]
    say(rows, found, as_json=wanted.json)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
