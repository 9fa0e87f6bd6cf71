"""SIGKILL to ingest at random instants: what its readers see, and how soon the next one serves.

The reader never stops looking: every valid book has to be one that the market really had, of the right symbol and
generation, and never older than the one seen before it.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from multiprocessing import Pipe
from typing import Any

from bench.market import LiveMarket, Truth, markets, truth
from bench.stage import Stage, await_true, quantiles_us, rules, say
from shared.attach import DataPlane
from shared.fleet import Word
from shared.layout import Row

SYMBOLS, RATE = 20, 3_000.0
EARLY_SHARE, EARLY_S, LATE_S = 0.3, 0.15, 0.12


class Reader:
    """One reader over all generations."""

    def __init__(self, stage: Stage, symbols: list[str], books: Truth) -> None:
        self._fleet, self._symbols, self._truth = stage.fleet, symbols, books
        self.plane = DataPlane(stage.run_id, stage.fleet)
        self._last: dict[str, tuple[int, int, int]] = {}  # Generation, version, update id of the newest book seen.
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.valid_ns: dict[int, int] = {}  # Generation -> write time of the first valid book seen in it.

    def look(self) -> None:
        """Read every book once."""
        self.plane.refresh()
        for number, symbol in enumerate(self._symbols):
            view = self.plane.view(symbol)
            if view is None:
                continue
            self.counts["reads"] += 1
            generation, update = view.generation, view.word(Row.U)
            before = self._last.get(symbol, (0, 0, 0))
            if (generation, view.version) == before[:2]:
                continue
            if not view.valid:
                self.counts["void"] += 1
                continue
            self.counts["books"] += 1
            self.valid_ns.setdefault(generation, view.write_ns)
            self._last[symbol] = generation, view.version, update
            wrong = self._truth.differs(number, view)
            if generation != self.plane.generation or view.symbol != symbol:
                wrong = f"foreign: generation {generation} in {self.plane.generation}"
            elif (generation, view.version) < before[:2] or update < before[2]:
                wrong = f"older: {before} before {(generation, view.version, update)}"
            if wrong:
                self.wrong.append(wrong)

    def look_for(self, seconds: float) -> None:
        """Read for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()


def measure(kills: int, seed: int) -> dict[str, Any]:
    """Kill so often; return what was seen."""
    rng, symbols, books = random.Random(seed), markets(SYMBOLS), truth()
    names = [market.symbol for market in symbols]
    with Stage(symbols_max=SYMBOLS, ring_records=1 << 14, cross_check=False) as stage:
        near, far = Pipe()
        stage.fork(lambda: LiveMarket(stage, far, symbols, RATE).run())
        await_true(lambda: stage.fleet.get(Word.EXCHANGE_PORT), "market")
        voices = stage.start_voices()
        voices.execution()
        voices.universe(rules(symbols))
        reader, served = Reader(stage, names, books), 0
        for _ in range(kills):
            pid = stage.start_ingest()
            generation = stage.fleet.get(Word.DATA_GENERATION)
            if rng.random() < EARLY_SHARE:
                reader.look_for(rng.uniform(0.0, EARLY_S))
            else:
                await_true(lambda: reader.look() or reader.valid_ns.get(generation), "valid book")  # noqa: B023
                reader.look_for(rng.uniform(0.0, LATE_S))
            stage.kill(pid)
            reader.look()
        stage.start_ingest()
        generation = stage.fleet.get(Word.DATA_GENERATION)
        await_true(lambda: reader.look() or reader.valid_ns.get(generation), "valid book")
        served = len(reader.valid_ns)
        near.send("stop")
        report = near.recv()
        generations = _first_snapshots(report["snapshots"], reader.valid_ns)
    waits = [valid - snapshot for valid, snapshot in generations]
    return {
        "kills": kills,
        "generations_served": served,
        "reads": reader.counts["reads"],
        "valid_books": reader.counts["books"],
        "void_books": reader.counts["void"],
        "wrong": len(reader.wrong),
        "first_wrong": reader.wrong[:3],
        "serve_p50_ms": quantiles_us(waits)[0] / 1e3,
        "serve_max_ms": max(waits) / 1e6,
    }


def _first_snapshots(snapshots: list[tuple[int, int]], valid_ns: dict[int, int]) -> list[tuple[int, int]]:
    """Pair each generation's first valid book with the first snapshot of the burst of subscriptions it came from."""
    found, previous = [], 0
    for valid in sorted(valid_ns.values()):
        burst = [at for at, _ in snapshots if previous < at <= valid]
        found.append((valid, _burst_start(burst)))
        previous = valid
    return found


def _burst_start(times: list[int], apart_ns: int = 50_000_000) -> int:
    """Return when the last run of times without a long pause began: earlier ones went to a process killed since."""
    start = times[-1]
    for at in reversed(times):
        if start - at > apart_ns:
            break
        start = at
    return start


def main(argv: list[str]) -> None:
    """Kill and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.kills", description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(argv)
    found = measure(wanted.kills, wanted.seed) | {"bench": "kills"}
    rows = [
        ("kills; generations that served", f"{found['kills']}; {found['generations_served']}", ""),
        ("reads; valid books among them", f"{found['reads']:,}; {found['valid_books']:,}", ""),
        ("torn, older or foreign books", str(found["wrong"]), "goal 0"),
        ("first snapshot to valid book, p50 ms", f"{found['serve_p50_ms']:.1f}", ""),
        ("  max ms", f"{found['serve_max_ms']:.1f}", "goal 1000"),
    ]
    say(rows, found, as_json=wanted.json)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
