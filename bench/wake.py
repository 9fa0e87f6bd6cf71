"""From a record's publication to the hands of a reader in another process: woken by ZeroMQ, woken by a datagram, and
spinning on the ring.

The signal engine uses the last two, and ZeroMQ where a datagram finds nobody. The writer stamps each record with the
time just before it is published.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import uvloop

from bench.frames import MARKETS, Walk
from bench.stage import Stage, await_true, pin, quantiles_us, say
from shared import layout, shm
from shared.attach import DataPlane, Spinner
from shared.book import Book
from shared.bus import Bus
from shared.fleet import Counters, Word
from shared.kernel import KERNEL, BookKernel, append_records
from shared.layout import EVENT_WORDS, LAST, META, RECV_NS, Kind, meta
from shared.messages import Dirty
from shared.mirror import BookTable, format_books
from shared.ring import RingWriter, format_ring

WAIT_S = 0.002  # Mean time between two records: the reader is asleep, or spinning, long before the next.
MODES = ("zmq", "poke", "spin")
EVERYBODY = "*"
ROUNDS = 3
TARGETS_US = {"message": 100.0, "delta": 50.0, "imbalance": 15.0}


class Writer:
    """Ingest's end: ring and bus."""

    def __init__(self, stage: Stage) -> None:
        self._clock = stage.clock
        generation = stage.data.renew()
        self._held = shm.attach(shm.segment_name(stage.run_id, "ring", generation))
        self._ring = RingWriter(self._held.buffer)
        stage.fleet.put(Word.DATA_GENERATION, generation)

    def run(self, stage: Stage, pipe: Connection, count: int) -> None:
        """Publish ``count`` records each time the pipe asks for them; poke the reader that it names, if any."""
        bus = Bus("ingest", 0, stage.folder, stage.clock, Counters())
        rng = random.Random(1)
        row = np.zeros((1, EVENT_WORDS), np.int64)
        row[0, META] = meta(Kind.TICKER, LAST, 0, 0)
        while reader := pipe.recv():
            for _ in range(count):
                time.sleep(rng.expovariate(1 / WAIT_S))
                row[0, RECV_NS] = self._clock.now()
                head = append_records(self._ring.words, row)
                dirty = Dirty(self._ring.generation, head)
                bus.poke(reader, dirty) if reader != EVERYBODY else bus.publish(dirty)


async def _hear(stage: Stage, bus: Bus, mode: str, count: int, ask: Any) -> list[int]:
    """Return how late each of ``count`` records was heard."""
    plane, clock = DataPlane(stage.run_id, stage.fleet), stage.clock
    plane.refresh()
    late: list[int] = []
    done = asyncio.Event()

    def drain() -> None:
        ring = plane.ring
        data = ring.take() if ring is not None else None
        if data is None:
            return
        now = clock.now()
        stamps = np.frombuffer(data, np.int64).reshape(-1, EVENT_WORDS)[:, RECV_NS]
        late.extend((now - stamps).tolist())
        if len(late) >= count:
            done.set()

    spinner = None
    if mode == "spin":
        spinner = Spinner(plane, drain)
    else:
        bus.subscribe(["ingest"], [Dirty], lambda _: drain())
        await asyncio.sleep(0.3)  # Until the subscription has arrived.
    ask()
    try:
        async with asyncio.timeout(60):
            while not done.is_set():
                await asyncio.sleep(0.05)
                drain() if mode != "spin" and len(late) >= count - 2 else None
    finally:
        if spinner is not None:
            spinner.stop()
    plane.close()
    return late[:count]


def _read(stage: Stage, writer: Connection, result: Connection, count: int) -> None:
    async def rounds() -> dict[str, list[list[int]]]:
        found: dict[str, list[list[int]]] = {mode: [] for mode in MODES}
        for number in range(ROUNDS * len(MODES)):
            mode = MODES[number % len(MODES)]
            name = f"reader{number}"
            bus = Bus(name, 0, stage.folder, stage.clock, Counters())
            peer = name if mode == "poke" else EVERYBODY
            found[mode].append(await _hear(stage, bus, mode, count, partial(writer.send, peer)))
            bus.close()
        return found

    result.send(uvloop.run(rounds()))


def measure(count: int) -> dict[str, Any]:
    """Measure all ways in turns; return quantiles."""
    with Stage(ring_records=1 << 14) as stage:
        writer = Writer(stage)
        near, far = Pipe()
        got, told = Pipe(duplex=False)
        stage.fork(lambda: writer.run(stage, far, count), cpu=0)
        stage.fork(lambda: _read(stage, near, told, count), cpu=1)
        await_true(got.poll, "wake-ups", 240.0)
        found: dict[str, list[list[int]]] = got.recv()
    result: dict[str, Any] = {}
    for mode, rounds in found.items():
        p50s, p99s = zip(*(quantiles_us(late, (0.5, 0.99)) for late in rounds), strict=True)
        result |= {f"{mode}_p50_us": sorted(p50s)[len(p50s) // 2], f"{mode}_p99_us": sorted(p99s)[len(p99s) // 2]}
    return result


def kernel_us() -> dict[str, float]:
    """Return the median cost of a delta (as ingest applies it) and of a top-10 imbalance, microseconds."""
    books, events = bytearray(layout.books_bytes(1, 50)), bytearray(layout.ring_bytes(1 << 16))
    format_books(books, symbols_max=1, depth=50, generation=1)
    format_ring(events, 1 << 16, 1)
    market, table = MARKETS[0], BookTable(books)
    kernel = BookKernel(table.writer(table.add(market.symbol, market.scale)), RingWriter(events), 50)
    reader, book = table.reader(0), Book()
    delta, imbalance = [], []
    for frame in Walk(market, seed=3).frames(1_000):
        start = time.perf_counter_ns()
        kernel.apply(frame, 1, 1)
        delta.append(time.perf_counter_ns() - start)
        view = reader.read()
        assert view is not None
        book.load(view)
        start = time.perf_counter_ns()
        book.imbalance(10)
        imbalance.append(time.perf_counter_ns() - start)
    return {"delta_us": quantiles_us(delta)[0], "imbalance_us": quantiles_us(imbalance)[0]}


def main(argv: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.wake", description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    parser.add_argument("--count", type=int, default=500, help="wake-ups a round; each way has three rounds")
    wanted = parser.parse_args(argv)
    pin(0)
    found = measure(wanted.count) | kernel_us() | {"bench": "wake", "kernel": KERNEL}
    rows = [
        ("ZeroMQ: p50; p99 us", f"{found['zmq_p50_us']}; {found['zmq_p99_us']}", f"message {TARGETS_US['message']}"),
        ("a datagram: p50; p99 us", f"{found['poke_p50_us']}; {found['poke_p99_us']}", ""),
        ("spinning: p50; p99 us", f"{found['spin_p50_us']}; {found['spin_p99_us']}", ""),
        ("one delta, us", str(found["delta_us"]), f"target {TARGETS_US['delta']}"),
        ("imbalance of ten levels, us", str(found["imbalance_us"]), f"target {TARGETS_US['imbalance']}"),
    ]
    say(rows, found, as_json=wanted.json)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
