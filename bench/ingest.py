"""What the real ingest process bears: frames a second without a loss, and how late a book is at the market's rate.

A server of prebuilt frames on one core, ingest on the other. Lateness is measured from outside: from just before the
server hands a frame to the kernel until its ring records are seen by a reader in the server's process.
"""

from __future__ import annotations

import argparse
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import psutil

from bench.server import Client, FrameServer, framed
from bench.stage import NS_PER_S, Stage, await_true, pin, quantiles_us, rules, say
from bench.streams import CYCLE, DEPTH, Streams, markets
from shared import layout, shm
from shared.fleet import FleetPage, Word
from shared.kernel import KERNEL
from shared.kernel.plain import BookKernel
from shared.layout import AUX2, EVENT_WORDS, LAST, META, Row
from shared.mirror import BookTable, format_books
from shared.ring import LappedError, RingReader, RingWriter, format_ring

SYMBOLS, RATE, GOAL_RATE, GOAL_P99_MS = 550, 27_500, 80_000, 5.0
TICK_NS = 500_000
CHUNK_FRAMES = 64
RING_RECORDS, CHECKED = 1 << 18, 6
INGEST_MB_GOAL, MESSAGE_US_GOAL = 100.0, 100.0
Chunk = list[tuple[Client, bytes]]
SETTLE_S = 2.0


class Load:
    """The server's process: what it sends, when, and what it sees of it in the ring."""

    def __init__(self, stage: Stage, pipe: Connection, symbols: int, seconds: float) -> None:
        self._fleet, self._pipe, self._seconds = stage.fleet, pipe, seconds
        self._run_id, self._counters = stage.run_id, stage.counters
        self._streams = Streams(markets(symbols), seed=5)
        self._server = FrameServer()
        self._count = self._frame_bytes = 0
        self._kept: dict[int, list[bytes]] = {number: [] for number in range(CHECKED)}
        self._fleet.put(Word.EXCHANGE_PORT, self._server.port)

    def run(self) -> None:
        """Wait for all subscriptions, then measure."""
        wanted = {f"orderbook.{DEPTH}.{symbol}" for symbol in self._streams.symbols}
        while not wanted <= self._server.topics().keys():
            self._server.poll(0.05)
        topics = self._server.topics()
        self._clients = [topics[f"orderbook.{DEPTH}.{symbol}"] for symbol in self._streams.symbols]
        generation = self._fleet.get(Word.DATA_GENERATION)
        segments = [shm.attach(shm.segment_name(self._run_id, role, generation)) for role in ("books", "ring")]
        self._books, self._ring = BookTable(segments[0].buffer), RingReader(segments[1].buffer)
        self._process = psutil.Process(self._fleet.enrolled("ingest")[0])
        self._flood(self._chunks(2 * len(self._clients), CHUNK_FRAMES))
        found: dict[str, Any] = {"connections": len(self._server.clients)}
        found |= self._lateness()
        found |= self._throughput()
        found |= self._verdict()
        self._pipe.send(found)

    def _chunks(self, frames: int, size: int) -> list[Chunk]:
        """Build ``frames`` more frames, joined per connection and ``size`` frames."""
        chunks: list[Chunk] = []
        for start in range(0, frames, size):
            joined: dict[int, tuple[Client, list[bytes]]] = {}
            for _ in range(min(size, frames - start)):
                number = self._count % len(self._clients)
                frame = self._streams.next(number, self._count)  # Its cross sequence is its number.
                self._count += 1
                self._frame_bytes += len(frame)
                client = self._clients[number]
                joined.setdefault(id(client), (client, []))[1].append(framed(frame))
                if number in self._kept:
                    self._kept[number].append(frame)
            chunks.append([(client, b"".join(parts)) for client, parts in joined.values()])
        return chunks

    def _flood(self, chunks: list[Chunk]) -> float:
        """Send as fast as it is taken; return the seconds until everything was taken in."""
        target, began = self._count, time.monotonic()
        for chunk in chunks:
            for client, data in chunk:
                client.send(data)
            while any(client.outbox for client in self._server.clients):
                self._server.poll(0.0)
        await_true(lambda: self._counters["frames"] >= target, "end of the flood")
        return time.monotonic() - began

    def _throughput(self) -> dict[str, Any]:
        frames = int(self._seconds * 100_000)
        chunks = self._chunks(frames, CHUNK_FRAMES)
        cpu_s = self._cpu_s()
        taken_s = self._flood(chunks)
        busy_s = self._cpu_s() - cpu_s
        return {
            "frames": frames,
            "frames_per_s": round(frames / taken_s),
            "flood_cpu_share": round(busy_s / taken_s, 3),
            "cpu_us_per_frame": round(busy_s / frames * 1e6, 2),
            "frames_per_cpu_s": round(frames / busy_s),
        }

    def _lateness(self) -> dict[str, Any]:
        first, count = self._count, int(self._seconds * RATE)
        chunks = self._chunks(count, 1)
        sent, seen = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._ring.cursor = self._ring.head
        cpu_s, start = self._cpu_s(), time.monotonic_ns()
        due = next_tick = 0
        while due < count:
            now = time.monotonic_ns() - start
            if now < next_tick:
                self._look(seen, first, start)
                continue
            next_tick += TICK_NS
            upto = min(count, now * RATE // NS_PER_S + 1)
            sent[due:upto] = time.monotonic_ns() - start
            self._send(chunks[due:upto])
            due = upto
        spent_s = (time.monotonic_ns() - start) / NS_PER_S
        busy = (self._cpu_s() - cpu_s) / spent_s
        deadline = time.monotonic() + 5
        while not seen.all() and time.monotonic() < deadline:
            self._look(seen, first, start)
        late = (seen - sent)[seen > 0]
        p50, p99, p999 = quantiles_us(late.tolist())
        own = self._fleet.histogram("frame_to_book")
        return {
            "rate": round(count / spent_s),
            "late_p50_us": p50,
            "late_p99_us": p99,
            "late_p999_us": p999,
            "late_max_us": round(int(late.max()) / 1e3, 1),
            "unseen": int((seen == 0).sum()),
            "cpu_share_at_rate": round(busy, 3),
            "read_to_book_p50_us": round(own.quantile_ns(0.5) / 1e3, 1),
        }

    def _send(self, chunks: list[Chunk]) -> None:
        joined: dict[int, tuple[Client, list[bytes]]] = {}
        for chunk in chunks:
            for client, data in chunk:
                joined.setdefault(id(client), (client, []))[1].append(data)
        for client, parts in joined.values():
            client.send(b"".join(parts))

    def _look(self, seen: Any, first: int, start: int) -> None:
        """Note when which frames came out of the ring."""
        if any(client.outbox for client in self._server.clients):
            self._server.poll()
        try:
            data = self._ring.take(8192)
        except LappedError:
            self._ring.cursor = self._ring.head
            return
        if data is None:
            return
        now = time.monotonic_ns() - start
        rows = np.frombuffer(data, np.int64).reshape(-1, EVENT_WORDS)
        ended = rows[(rows[:, META] >> 8 & LAST) == LAST]
        numbers = ended[:, AUX2] - first
        seen[numbers[(numbers >= 0) & (numbers < len(seen))]] = now

    def _cpu_s(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system

    def _verdict(self) -> dict[str, Any]:
        """Nothing lost: every frame counted, every book at its last update id, some compared level by level."""
        counters, count = self._counters, self._count
        deadline = time.monotonic() + SETTLE_S  # Frames are counted before the last batch of them is applied.
        while (wrong := self._wrong()) and time.monotonic() < deadline:
            time.sleep(0.01)
        differ = sum(1 for number, frames in self._kept.items() if not self._same(number, frames))
        memory = self._process.memory_full_info()
        return {
            "lost": count - counters["frames"],
            "gaps": counters["book_gaps"] + counters["resyncs"] + counters["reconnects"],
            "wrong_books": wrong,
            "differing_books": differ,
            "compared_books": len(self._kept),
            "frame_bytes": round(self._frame_bytes / count),
            "ingest_mb": round(memory.uss / 1e6, 1),
            "ingest_rss_mb": round(memory.rss / 1e6, 1),
        }

    def _wrong(self) -> int:
        """Return how many books are not valid at their last update id."""
        last = [self._books.reader(number).read() for number in range(len(self._books))]
        per_symbol = [self._count // len(last) + (number < self._count % len(last)) for number in range(len(last))]
        return sum(
            view is None or not view.valid or view.word(Row.U) != updates or view.updates != updates
            for view, updates in zip(last, per_symbol, strict=True)
        )

    def _same(self, number: int, frames: list[bytes]) -> bool:
        """Compare with the reference, which has read the same frames."""
        market = markets(number + 1)[number]
        books, events = bytearray(layout.books_bytes(1, DEPTH)), bytearray(layout.ring_bytes(4096))
        format_books(books, symbols_max=1, depth=DEPTH, generation=1)
        format_ring(events, 4096, 1)
        table = BookTable(books)
        kernel = BookKernel(table.writer(table.add(market.symbol, market.scale)), RingWriter(events), DEPTH)
        newest_snapshot = (len(frames) - 1) // (CYCLE + 1) * (CYCLE + 1)
        for frame in frames[newest_snapshot:]:
            kernel.apply(frame, 1, 1)
        ours, theirs = self._books.reader(number).read(), table.reader(0).read()
        assert ours is not None and theirs is not None
        pairs = zip(_sides(ours), _sides(theirs), strict=True)
        return all(np.array_equal(one, other) for one, other in pairs)


def _sides(view: Any) -> tuple[Any, ...]:
    return view.bid_ticks, view.bid_lots, view.ask_ticks, view.ask_lots


def measure(symbols: int, seconds: float, *, ingest_cpu: int = 1, server_cpu: int = 0) -> dict[str, Any]:
    """Fly once."""
    settings = {"symbols_max": symbols, "depth": DEPTH, "ring_records": RING_RECORDS, "cross_check": False}
    quiet = {"silence_ms": 60_000, "book_silence_ms": 3_600_000, "ticker_silence_ms": 0, "resync_timeout_ms": 60_000}
    with Stage(**settings, **quiet) as stage:
        near, far = Pipe(duplex=False)
        stage.fork(lambda: Load(stage, far, symbols, seconds).run(), cpu=server_cpu)
        await_true(lambda: stage.fleet.get(Word.EXCHANGE_PORT), "server")
        voices = stage.start_voices(cpu=server_cpu, every_s=1.0)
        voices.execution()
        voices.universe(rules(markets(symbols)))
        stage.start_ingest(cpu=ingest_cpu)
        while not near.poll(0.2):
            _alive(stage.fleet)
        found: dict[str, Any] = near.recv()
    return found


def _alive(fleet: FleetPage) -> None:
    pid = fleet.enrolled("ingest")[0]
    if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
        raise RuntimeError("ingest died")


def main(argv: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    parser.add_argument("--symbols", type=int, default=SYMBOLS)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each of the two parts")
    wanted = parser.parse_args(argv)
    pin(0)
    found = measure(wanted.symbols, wanted.seconds)
    found |= {"bench": "ingest", "kernel": KERNEL, "symbols": wanted.symbols}
    rows = [
        ("frames a second, sustained, none lost", f"{found['frames_per_s']:,}", f"goal {GOAL_RATE:,}"),
        ("frames a second of ingest's own CPU time", f"{found['frames_per_cpu_s']:,}", ""),
        ("CPU a frame, us", f"{found['cpu_us_per_frame']}", f"message target {MESSAGE_US_GOAL:.0f}"),
        (f"lateness at {found['rate']:,} frames/s, p50 us", f"{found['late_p50_us']:,}", ""),
        ("  p99 us", f"{found['late_p99_us']:,}", f"goal {GOAL_P99_MS * 1000:,.0f}"),
        ("  p99.9 us", f"{found['late_p999_us']:,}", ""),
        ("  CPU of ingest at that rate", f"{found['cpu_share_at_rate']:.0%}", ""),
        ("frames lost, gaps, wrong books", f"{found['lost']}, {found['gaps']}, {found['wrong_books']}", "0, 0, 0"),
        ("ingest's memory, MB (own; with shared)", f"{found['ingest_mb']}; {found['ingest_rss_mb']}", "target 100"),
    ]
    say(rows, found, as_json=wanted.json)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
