"""The local exchange: fan-out, punctuality, order latency, simulated time. `python -m bench.exchange [--json] [--full]`

A table for people and, as the last line, one JSON object for machines (with --json nothing else).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import orjson

from bench.exchange_orders import round_trips
from bench.exchange_server import settle
from bench.exchange_streams import fan_out, held
from bench.exchange_time import accelerated

Figures = dict[str, Any]
SYMBOLS_FAN_OUT, SYMBOLS_HELD = 400, 50
WANTED = (
    ("fan_out", "frames_per_s", "book frames/s to one client", ">=", 20_000),
    ("fan_out", "frames_per_cpu_s", "the same for a second of the server's CPU", "", 0),
    ("held", "late_p99_ms", "50 symbols at 20 ms, p99 late, ms", "<=", 5),
    ("orders", "stream_p50_ms", "order create -> stream, p50, ms", "<=", 2),
    ("orders", "stream_p99_ms", "order create -> stream, p99, ms", "", 0),
    ("orders", "answer_p50_ms", "order create -> answer, p50, ms", "", 0),
    ("time", "hours_per_s", "simulated hours a second, one symbol", "", 0),
    ("time", "hours", "simulated hours in this run", "", 0),
    ("time", "growth_second_half_mb", "memory growth in their second half, MB", "", 0),
)


def _alone(pipe: Connection, measure: Callable[..., Figures], *args: float) -> None:
    pipe.send(measure(*args))


def _in_a_process(measure: Callable[..., Figures], *args: float) -> Figures:
    """Measure in a fresh process on a box come to rest, so that one measurement leaves nothing behind for the next."""
    busy = settle()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_alone, args=(theirs, measure, *args))
    process.start()
    theirs.close()
    try:
        found: Figures = ours.recv()
    except EOFError:
        raise SystemExit(f"bench: {measure.__name__} failed") from None
    finally:
        process.join()
    return {**found, "busy_before": busy}


def measure(full: bool) -> Figures:
    """Measure everything."""
    seconds = 30.0 if full else 5.0
    return {
        "fan_out": _in_a_process(fan_out, SYMBOLS_FAN_OUT, seconds),
        "held": _in_a_process(held, SYMBOLS_HELD, seconds),
        "orders": _in_a_process(round_trips, 2_000 if full else 400),
        "time": _in_a_process(accelerated, 24.0 if full else 0.25),
        "load": round(os.getloadavg()[0], 2),  # Of the whole box: other people's work is in the figures.
    }


def table(found: Figures) -> str:
    """Return the figures that were asked for, for people."""
    lines = []
    for part, name, text, sign, wanted in WANTED:
        value = found[part][name]
        met = value >= wanted if sign == ">=" else value <= wanted
        verdict = f"  wanted {sign} {wanted:,}: {'met' if met else 'NOT met'}" if sign else ""
        lines.append(f"  {text:<40} {value:>12,.2f}{verdict}")
    fan = found["fan_out"]
    lines.append(f"  fan-out: {fan['symbols']} symbols, {fan['different']:,} different of {fan['frames']:,} frames,")
    lines.append(f"    {fan['gaps']} gaps, server {fan['server_cpu']:.0%} and client {fan['client_cpu']:.0%} of a core")
    busiest = max(found[part]["busy_before"] for part in ("fan_out", "held", "orders", "time"))
    lines.append(f"  load average of the box {found['load']}, by others up to {busiest:.0%} busy between the parts")
    return "\n".join(["local exchange", *lines])


def main(argv: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.exchange", description="Measure the local exchange.")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    parser.add_argument("--full", action="store_true", help="24 simulated hours (also with PEREGRINE_FULL=1)")
    args = parser.parse_args(argv)
    found = measure(args.full or os.environ.get("PEREGRINE_FULL") == "1")
    if not args.json:
        print(table(found))
    print(orjson.dumps({"bench": "exchange", **found}).decode())


if __name__ == "__main__":
    main(sys.argv[1:])
