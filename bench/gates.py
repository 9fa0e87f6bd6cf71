"""What all gates together cost one intent: every gate asked, its size worked out; and then the verdict and the order.

The case is made anew each time, as for a live intent, so that nothing worked out before is used again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from bench.timing import each_ns
from services.execution import gates
from services.execution.case import Case, Standing
from services.execution.gate import Gate, ask
from services.execution.limits import limits_of
from services.execution.wire import Quote
from shared.clock import NS_PER_MS, NS_PER_S
from shared.config import Config
from shared.messages import BUY, Instrument, Intent
from shared.scale import E8

GOAL_US = 20.0
NOW = 1_790_000_000 * NS_PER_S
CALLS, WARM = 5_000, 500
COLD, SLEEP_S = 100, 0.012
PERCENTILES = (50, 99)


def case() -> Case:
    """Return a case that passes every gate."""
    rules = Instrument("BTCUSDT", "0.10", "0.001", 1, 100_000, 50_000, 5 * E8, 480, 10_000, "Trading")
    quote = Quote("BTCUSDT", 600_000, 600_001, NOW, True, 1, 1, NOW - NS_PER_MS, 0, NS_PER_MS, NOW)
    intent = Intent(
        "bench-0-1", "BTCUSDT", BUY, 600_001, 597_000, 606_000, 0.8, 0.9, 1, 1, NOW, NOW, NOW + 250 * NS_PER_MS
    )
    standing = Standing(
        equity_e8=10_000 * E8, opening_e8=10_000 * E8, result_e8=-5 * E8, result_r_e6=-1_500_000, open_loss_e8=3 * E8,
        open_count=1, drawdown_e6=500, exposure_e8=500 * E8, own_e8=0, breaches=1, rejects=0, rejected_ns=0,
        lost_ns=NOW - 60 * NS_PER_S, entered_ns=NOW - 60 * NS_PER_S, tokens=10, next_funding_ns=NOW + 3600 * NS_PER_S,
    )  # fmt: skip
    return Case(
        now=NOW, intent=intent, limits=limits_of(Config()), state=gates.RUNNING, private_up=True, journal_ok=True,
        seen_before=False, quote=quote, rules=rules, prepared=True, taker_e8=55_000, available_e8=10_000 * E8,
        position_lots=0, pending=0, open_symbols=1, standing=standing,
    )  # fmt: skip


def measure(calls: int = CALLS) -> dict[str, object]:
    """Return what asking every gate costs, what a whole review does that passes or not, and the slowest gates, µs."""
    passing = case()
    refused = replace(passing, position_lots=1)
    assert gates.review(passing, 1, "bench-0-1-e")[1] is not None
    assert gates.review(refused, 1, "bench-0-1-e")[1] is None
    found = {
        "asked_us": _us(lambda one: [gate(one) for gate in gates.GATES], passing, calls),
        "passed_us": _us(lambda one: gates.review(one, 1, "bench-0-1-e"), passing, calls),
        "refused_us": _us(lambda one: gates.review(one, 1, "bench-0-1-e"), refused, calls),
    }
    asked = [_slept(passing) for _ in range(COLD)]
    singles = {gate.__name__: _us(_asking(gate), passing, calls // 10)["p50"] for gate in gates.GATES}
    slowest = dict(sorted(singles.items(), key=lambda item: -item[1])[:5])
    return {
        "gates": len(gates.GATES), **found, "asked_after_sleep_us": round(statistics.median(asked) / 1000, 2),
        "slowest_us": slowest, "goal_us": GOAL_US, "goal_met": found["asked_us"]["p50"] <= GOAL_US,
    }  # fmt: skip


def _slept(one: Case) -> int:
    """Return what asking them takes after a moment of sleep, when nothing of them is in the CPU's caches; ns."""
    fresh = replace(one)
    time.sleep(SLEEP_S)
    began_ns = time.perf_counter_ns()
    for gate in gates.GATES:
        gate(fresh)
    return time.perf_counter_ns() - began_ns


def _asking(gate: Gate) -> Callable[[Case], object]:
    return lambda one: ask(gate, one)


def _us(call: Callable[[Case], object], one: Case, calls: int) -> dict[str, float]:
    work = [(call, (replace(one),)) for _ in range(calls + WARM)]
    taken = sorted(each_ns(work)[WARM:])
    cuts = statistics.quantiles(taken, n=100)
    return {f"p{percent}": round(cuts[percent - 1] / 1000, 2) for percent in PERCENTILES}


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    chosen = parser.parse_args(argv)
    found = measure()
    if chosen.json:
        print(json.dumps(found))
        return
    table = Table("gates", *[str(name) for name in found if name != "gates"])
    table.add_row(*[str(value) for value in found.values()])
    Console().print(table)


if __name__ == "__main__":
    main()
