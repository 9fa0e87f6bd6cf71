"""From a decision to the order's bytes on the wire: bus, gates, order journal, order-entry socket, all of them real.

The exchange, ingest, the scanner and execution are processes as the supervisor runs them; this one takes the place of
the signal engine and decides on what the book mirror shows. Every other entry is written without waiting for the disk.

The executor has the first CPU and everything else the last one, if there are two: the venue is another machine, and
when it wakes up on the sender's own CPU, the time that it takes there would be counted as the sender's.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import msgspec
import uvloop

from bench.executor import Mark, marked, marks, parts_us, refusals
from bench.stage import Stage, await_true, quantiles_us, say
from services.exchange import main as exchange
from services.scanner import main as scanner
from shared.attach import DataPlane
from shared.awake import awake
from shared.bus import Bus
from shared.clock import NS_PER_MS
from shared.config import Brackets, Config, Exchange, Execution, Ingest, Risk, Router, Scanner
from shared.fleet import Counters, Word
from shared.messages import BUY, SELL, ExecutionState, Intent, PositionNews

ENTRIES, WARM = 200, 20
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "SUIUSDT")
GOALS_US = {"decision_to_wire_us": 500.0, "without_sync_us": 150.0}
SEED_TARGET_US = 10_000.0
PAUSE_S = 0.02  # Between two decisions: everybody is asleep again.
REST_NS = 300 * NS_PER_MS  # Of a symbol, after it was heard to be flat.
DEADLINE_S = 120.0
SYNCS = 200


def config() -> Config:
    """Return a configuration in which nothing but the way itself takes time: no cooldown, no breaker in reach."""
    risk = Risk(
        position_size_usdt=50.0, max_positions=64, max_exposure_usdt=1e6, max_daily_loss_usdt=1e9,
        max_daily_loss_r=1000.0, max_daily_loss_pct=100.0, max_slippage_ticks=10_000, slippage_breaches=1000,
        cooldown_s=0.0, reject_limit=1000, reject_pause_s=0.0, funding_min=0.0, max_latency_ms=0.0, orders_per_s=1000,
    )  # fmt: skip
    return msgspec.structs.replace(
        Config(),
        exchange=Exchange(symbols=SYMBOLS, order_per_s=100_000, ip_requests=10**9, balance_usdt=1e7, persist=False),
        scanner=Scanner(symbols=SYMBOLS, interval_s=3600.0),
        ingest=Ingest(stale_ms=5_000),
        brackets=Brackets(time_exit_s=0.1),
        router=Router(mode="take"),
        risk=risk,
        execution=Execution(watch_ms=0, reconcile_s=3600.0),
    )


class Decider:
    """Wishes for an entry wherever we are flat, and knows nothing else."""

    def __init__(self, stage: Stage) -> None:
        self._clock = stage.clock
        self._bus = Bus("signals", 0, stage.folder, stage.clock, Counters())
        self._plane = DataPlane(stage.run_id, stage.fleet)
        self._since_ns = dict.fromkeys(SYMBOLS, 0)  # When each was last wished for, or heard to be held.
        self._state = ""
        self._number = 0
        self._bus.subscribe(["execution"], [ExecutionState, PositionNews], self._hear)

    def _hear(self, message: object) -> None:
        if isinstance(message, ExecutionState):
            self._state = message.state
            for symbol in message.open_symbols:
                self._since_ns[symbol] = self._clock.now()
        elif isinstance(message, PositionNews) and message.position_lots:
            self._since_ns[message.symbol] = self._clock.now()

    async def run(self, entries: int) -> None:
        """Decide so many times, one symbol after the other."""
        deadline = time.monotonic() + DEADLINE_S
        while self._number < entries:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._number} of {entries} decisions within {DEADLINE_S} s")
            self._bus.retry(self._clock.now())
            self._plane.refresh()
            symbol = min(SYMBOLS, key=self._since_ns.__getitem__)
            if self._state == "running" and self._clock.now() - self._since_ns[symbol] > REST_NS:
                self._decide(symbol)
            await asyncio.sleep(PAUSE_S)
        await asyncio.sleep(1.0)  # The last of them leaves, and is closed again.

    def _decide(self, symbol: str) -> None:
        view = self._plane.view(symbol)
        if view is None or not view.valid:
            return
        self._number += 1
        side = BUY if self._number % 2 else SELL
        entry, away = (view.best_ask, view.best_bid)[side < 0], view.best_bid // 50
        now = self._since_ns[symbol] = self._clock.now()
        self._bus.send("execution", Intent(
            f"bench-{self._number}", symbol, side, entry, entry - side * away, entry + side * 2 * away, 0.5 * side, 0.9,
            view.generation, view.ring_seq, view.recv_ns, now, now + 250 * NS_PER_MS,
        ), now + 250 * NS_PER_MS)  # fmt: skip


def _decide(stage: Stage, pipe: Connection, entries: int) -> None:
    async def run() -> None:
        await Decider(stage).run(entries)

    uvloop.run(run())
    pipe.send_bytes(b"done")


def measure(entries: int = ENTRIES) -> dict[str, Any]:
    """Return both ways' p50 and p99, and what they are made of."""
    near, far = Pipe()
    cpus = sorted(os.sched_getaffinity(0))
    ours, others = cpus[0], cpus[-1]
    with Stage(config()) as stage:
        stage.start("exchange", exchange.main, cpu=others)
        await_true(lambda: stage.fleet.get(Word.EXCHANGE_PORT), "exchange")
        stage.start_ingest(cpu=others)
        stage.start("scanner", scanner.main, cpu=others)
        stage.start("execution", marked(), cpu=ours)
        stage.fork(lambda: _decide(stage, far, entries + WARM), cpu=others)
        await_true(near.poll, "decisions", DEADLINE_S + 30.0)
        found, refused = list(marks(stage.folder))[WARM:], refusals(stage.folder)
        disk_us = _disk_us(str(stage.folder / "disk"))
    return summed(found) | {"refused": refused, "disk_sync_p50_us": disk_us}


def summed(found: list[Mark]) -> dict[str, Any]:
    """Return the figures of some entries; each way needs a few of them."""
    ways = {True: "decision_to_wire_us", False: "without_sync_us"}
    result: dict[str, Any] = {"entries": len(found)}
    for synced, name in ways.items():
        chosen = [mark for mark in found if mark.synced is synced]
        if len(chosen) < WARM // 2:
            raise SystemExit(f"bench: only {len(chosen)} of {len(found)} entries left with synced={synced}")
        p50, p99 = quantiles_us([mark.wire_ns - mark.decided_ns for mark in chosen], (0.5, 0.99))
        result |= {name: {"p50": p50, "p99": p99}, name.replace("_us", "_parts_p50_us"): parts_us(chosen)}
    return result


def _disk_us(path: str) -> float:
    """Return what a bare append of 4 KiB and its sync take here: the floor under every journal."""
    handle, took = os.open(path, os.O_WRONLY | os.O_CREAT), list[int]()
    for _ in range(SYNCS):
        began = time.perf_counter_ns()
        os.write(handle, bytes(4096))
        os.fdatasync(handle)
        took.append(time.perf_counter_ns() - began)
    os.close(handle)
    return round(median(took) / 1e3, 1)


def main(argv: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.execution", description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--awake", action="store_true", help="no CPU sleeps, as with supervisor.awake")
    wanted = parser.parse_args(argv)
    with awake(wanted=wanted.awake) as fault:
        found = measure(wanted.entries)
    found |= {
        "bench": "execution", "awake": wanted.awake and not fault, "goals_us": GOALS_US,
        "seed_target_us": SEED_TARGET_US, "load": round(os.getloadavg()[0], 2),
    }  # fmt: skip
    rows = [
        (name, f"{found[name]['p50']}; {found[name]['p99']}", f"goal p50 {goal:g}, seed target {SEED_TARGET_US:g}")
        for name, goal in GOALS_US.items()
    ]
    for way in ("decision_to_wire", "without_sync"):
        parts = found[f"{way}_parts_p50_us"]
        rows.append((f"  {way}: {', '.join(parts)}", "; ".join(map(str, parts.values())), "p50 us"))
    rows += [
        ("a bare 4 KiB append and sync here, p50 us", str(found["disk_sync_p50_us"]), ""),
        ("entries; refused; load", f"{found['entries']}; {found['refused']}; {found['load']}", ""),
    ]  # fmt: skip
    say(rows, found, as_json=wanted.json)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
