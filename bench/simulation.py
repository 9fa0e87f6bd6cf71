"""Execution against everything that can go wrong: seeded trials on a virtual clock, judged by the exchange's ledger.

python -m bench.simulation --seeds 5000 --json
"""

from __future__ import annotations

import argparse
import gc
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import orjson
from rich.console import Console
from rich.table import Table

from replay.world.trial import Outcome, play

SEEDS = 200
JOBS = 2
CHUNK = 20
COLLECT = 20  # So many trials are played before what they have left behind is collected.
SHOWN_MAX = 20


def outcomes(first: int, seeds: int, jobs: int) -> Iterator[Outcome]:
    """Yield the outcome of every trial, in order of seeds."""
    numbers = range(first, first + seeds)
    if jobs <= 1:
        _still()
        try:
            yield from map(_played, numbers)
        finally:
            gc.unfreeze()
            gc.enable()
        return
    with ProcessPoolExecutor(jobs, initializer=_still) as pool:
        yield from pool.map(_played, numbers, chunksize=CHUNK)


def _still() -> None:
    """Keep the collector out of the trials, and what was imported out of the collector's way."""
    gc.collect()
    gc.freeze()
    gc.disable()


def _played(seed: int) -> Outcome:
    outcome = play(seed)
    if seed % COLLECT == 0:
        gc.collect()
    return outcome


def simulate(first: int, seeds: int, jobs: int, console: Console) -> dict[str, object]:
    """Play the trials; say every finding as it comes; return the totals."""
    totals: Counter[str] = Counter()
    least = {"intents": 1 << 30, "faults": 1 << 30, "seconds": 1 << 30}
    began = time.monotonic()
    for outcome in outcomes(first, seeds, jobs):
        for name in ("intents", "passed", "trips", "faults", "corrections"):
            totals[name] += getattr(outcome, name)
        least = {name: min(least[name], int(getattr(outcome, name))) for name in least}
        totals["seconds"] += round(outcome.seconds)
        totals["violations"] += bool(outcome.findings)
        if outcome.findings and totals["violations"] <= SHOWN_MAX:
            console.print(f"seed {outcome.seed}: {'; '.join(outcome.findings[:3])}", style="red", markup=False)
    spent_s = time.monotonic() - began
    return {
        "bench": "simulation", "first": first, "seeds": seeds, "violations": totals["violations"],
        "seeds_per_s": round(seeds / spent_s, 2), "jobs": jobs, "simulated_s": totals["seconds"],
        "intents": totals["intents"], "entries": totals["passed"], "round_trips": totals["trips"],
        "faults": totals["faults"], "corrections": totals["corrections"],
        **{f"least_{name}": value for name, value in least.items()},
    }  # fmt: skip


def main(argv: list[str]) -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many trials")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=JOBS, help="processes")
    parser.add_argument("--json", action="store_true", help="no table, only the JSON line")
    args = parser.parse_args(argv)
    console = Console(stderr=args.json)
    found = simulate(args.first, args.seeds, args.jobs, console)
    if not args.json:
        table = Table(title="trials of execution with faults")
        for name in found:
            table.add_column(name)
        table.add_row(*map(str, found.values()))
        console.print(table)
    print(orjson.dumps(found).decode())


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
