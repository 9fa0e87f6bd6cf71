"""From a frame's ring records to the decision: what the signal engine does with each, and where the time goes.

Frames of the local exchange's made-up market, and the real recording where it lies beside, pass the ingest kernel
beforehand. Timed is `SignalsCore.on_events` as the live engine calls it, once for each frame: records, book, tape,
volatility, eight signals, fusion, the reason why not, the message. ``decision_us`` counts the frames that end in a
decision, those of books; ``frames_per_s`` counts all, as a replay hands them over. The clock is the frames' own.

On a box with neighbours two figures stand beside these: ``decision_p99_quiet_us``, of each frame's best round, which
leaves out what others took from us and keeps what a frame costs; and ``frames_per_cpu_s``, by our own CPU time.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import statistics
from collections.abc import Callable, Iterable, Iterator
from random import Random
from time import perf_counter_ns, process_time_ns
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from bench import frames
from bench.stage import rules
from bench.timing import clock_ns
from services.exchange.profile import PROFILES
from services.exchange.public import PublicStreams
from services.exchange.synthetic import INSTRUMENTS, START_PRICES_TICKS, SyntheticMarket
from services.signals.core import SignalsCore
from services.signals.fuse import builders
from services.signals.lane import Lane
from services.signals.strategy import builder
from shared import COMPILED, layout
from shared.config import Config
from shared.kernel import KERNEL, BookKernel, FlowKernel
from shared.layout import EVENT_BYTES, META, SIZE_LOTS, TAKER_BUY, meta_flags, meta_symbol
from shared.messages import BookCopy, Events, ExecutionState, Instrument, Lapped, Started, Universe
from shared.mirror import BookTable, format_books
from shared.ring import Record, RingReader, RingWriter, format_ring, records
from shared.scale import Scale

SECONDS, ROUNDS, SEED = 120.0, 5, 11
WARM_SHARE = 0.3  # Of the frames: until volatility and averages are known. Played, not measured.
STEP_NS, START_NS = 10_000_000, 1_790_000_000_000_000_000
REPLAY_NS = 50_000_000  # What came within this time is one range of the ring: every frame is still fresh, and judged.
RING_RECORDS, SYMBOLS_MAX, GENERATION = 1 << 16, 64, 1
P50_GOAL_US, P99_GOAL_US, IMBALANCE_GOAL_US, FRAMES_GOAL = 10.0, 40.0, 15.0, 100_000
Quantiles = tuple[float, float]  # Median and 99th percentile, us.


class Told(NamedTuple):
    """The ring records of one frame, or of several."""

    events: Events
    at_ns: int
    frames: int
    is_book: bool  # Whether (the last of) it changed a book: whether there is something to decide.


class Heard(NamedTuple):
    """What one market gave the engine to read: where it joined, and the records of every frame."""

    universe: Universe
    joined: list[BookCopy]
    told: list[Told]

    @property
    def warm(self) -> int:
        """How many frames come before those that count."""
        return int(len(self.told) * WARM_SHARE)


class Ingest:
    """The kernel of every symbol over one table and one ring, and a reader that takes what each frame leaves there."""

    def __init__(self, instruments: Iterable[Instrument], depth: int) -> None:
        self._instruments = tuple(instruments)
        books, ring = bytearray(layout.books_bytes(SYMBOLS_MAX, depth)), bytearray(layout.ring_bytes(RING_RECORDS))
        format_books(books, symbols_max=SYMBOLS_MAX, depth=depth, generation=GENERATION)
        format_ring(ring, RING_RECORDS, GENERATION)
        self._table, self._reader, writer = BookTable(books), RingReader(ring), RingWriter(ring)
        self._books: dict[bytes, BookKernel] = {}
        self._flows: dict[bytes, FlowKernel] = {}
        for one in self._instruments:
            mirror = self._table.writer(self._table.add(one.symbol, Scale(one.tick, one.lot)))
            self._books[f"orderbook.{depth}.{one.symbol}".encode()] = BookKernel(mirror, writer, depth)
            self._flows[f"publicTrade.{one.symbol}".encode()] = FlowKernel(mirror, writer)
        self._joined: dict[bytes, BookCopy] = {}
        self._told: list[Told] = []

    def hear(self, frame: bytes, at_ns: int) -> None:
        """Take one frame. The engine joins a book at its snapshot."""
        topic = frame[10 : frame.index(b'"', 10)]
        if topic in self._books:
            self._books[topic].apply(frame, at_ns, at_ns)
        elif topic in self._flows:
            self._flows[topic].trades(frame, at_ns)
        first, data = self._reader.cursor, self._reader.take(RING_RECORDS)
        if data is None:
            return
        if topic in self._books and topic not in self._joined:
            self._joined[topic] = self._copy(topic)
        else:
            self._told.append(Told(Events(GENERATION, first, data), at_ns, 1, topic in self._books))

    def _copy(self, topic: bytes) -> BookCopy:
        symbol_id = self._table.find(topic.rpartition(b".")[2].decode())
        assert symbol_id is not None
        view = self._table.reader(symbol_id).read()
        assert view is not None
        tick, lot = view.scale.tick, view.scale.lot
        return BookCopy(GENERATION, symbol_id, view.symbol, tick, lot, view.ring_seq, view.row)

    def heard(self) -> Heard:
        """Return what the engine is to be told."""
        universe = Universe(1, self._instruments, tuple(0.0 for _ in self._instruments))
        return Heard(universe, list(self._joined.values()), self._told)


def synthetic(seconds: float, seed: int, profile: str = "lively") -> Heard:
    """Return a made-up market of four symbols."""
    market = SyntheticMarket(Random(seed), INSTRUMENTS, START_PRICES_TICKS, START_NS, PROFILES[profile])
    streams, ingest = PublicStreams(market, START_NS), Ingest(INSTRUMENTS, 50)
    for one in INSTRUMENTS:
        for topic in (f"orderbook.50.{one.symbol}", f"publicTrade.{one.symbol}"):
            streams.watch(topic)
            first = streams.subscribe(topic, START_NS)
            if first is not None:
                ingest.hear(first, START_NS)
    for now in range(START_NS + STEP_NS, START_NS + int(seconds * 1e9), STEP_NS):
        for _, frame in streams.advance(now, market.advance(now)):
            ingest.hear(frame, now)
    return ingest.heard()


def recorded() -> Heard | None:
    """Return the real recording; None where there is none."""
    if not frames.RECORDING.exists():
        return None
    ingest = Ingest(rules(frames.MARKETS), 200)
    with gzip.open(frames.RECORDING) as lines:
        for line in lines:
            at_ns, frame = line.rstrip().split(b" ", 1)
            ingest.hear(frame, int(at_ns))
    return ingest.heard()


def ranges(told: Iterable[Told]) -> Iterator[Told]:
    """Yield what came together as one range."""
    held: list[Told] = []
    for one in told:
        if held and one.at_ns - held[0].at_ns >= REPLAY_NS:
            yield _joined(held)
            held = []
        held.append(one)
    if held:
        yield _joined(held)


def _joined(held: list[Told]) -> Told:
    data = b"".join(one.events.data for one in held)
    return Told(Events(GENERATION, held[0].events.first, data), held[-1].at_ns, len(held), held[-1].is_book)


def engine(heard: Heard, strategy: str = "fusion") -> SignalsCore:
    """Return an engine that has joined every book and may trade."""
    core, now = SignalsCore(msgspec.structs.replace(Config(), strategy=strategy)), heard.told[0].at_ns
    core.on_started(Started("signals", "bench", 0), now)
    core.on_lapped(Lapped(GENERATION), now)
    core.on_universe(heard.universe, now)
    core.on_execution_state(ExecutionState("running", "", (), 0), now)
    for copy in heard.joined:
        core.on_book_copy(copy, now)
    return core


def each_ns(heard: Heard) -> list[int]:
    """Return what each decision takes."""
    on_events, clock, found = engine(heard).on_events, clock_ns(), []
    for events, at_ns, _, is_book in heard.told:
        start = perf_counter_ns()
        on_events(events, at_ns)
        took = perf_counter_ns() - start - clock
        found.append(took if is_book else -1)
    return [took for took in found[heard.warm :] if took >= 0]


def frames_a_second(heard: Heard) -> tuple[float, float]:
    """Return the pace of a replay of everything: by the clock on the wall, and by our own CPU time."""
    on_events, warm = engine(heard).on_events, heard.warm
    for events, at_ns, _, _ in heard.told[:warm]:
        on_events(events, at_ns)
    work = list(ranges(heard.told[warm:]))
    start, start_cpu = perf_counter_ns(), process_time_ns()
    for events, at_ns, _, _ in work:
        on_events(events, at_ns)
    took, took_cpu = perf_counter_ns() - start, process_time_ns() - start_cpu
    count = sum(one.frames for one in work) * 1e9
    return count / took, count / took_cpu


def quantiles(found: list[int]) -> Quantiles:
    """Return median and 99th percentile, us."""
    ordered = sorted(found)
    return ordered[len(ordered) // 2] / 1e3, ordered[int(len(ordered) * 0.99)] / 1e3


class Parts:
    """One symbol's lane taken apart, with a clock at every seam."""

    def __init__(self, copy: BookCopy, found: dict[str, list[int]]) -> None:
        config = Config()
        build = builder(config)
        self._found, self._clock, self._counts = found, clock_ns(), False
        self._lane = Lane(copy, lambda symbol: build(config, symbol), config.signals)
        names = self._lane.strategy.signals
        self._signals = dict(zip(names, (make(config.signals) for make in builders(names)), strict=True))

    def play(self, told: Told, *, counts: bool) -> None:
        """Take in one frame as a lane does."""
        self._counts = counts
        book, market, strategy = self._lane.book, self._lane.market, self._lane.strategy
        everything = self._timed("records", list, records(told.events.data))
        self._timed("book", _each, book.on_record, everything)
        self._timed("tape", _each, market.tape.hear, everything)
        if told.is_book:
            market.trades, market.book_ns = [], told.at_ns
        else:
            market.trades = everything
        bought = [record[SIZE_LOTS] for record in market.trades if meta_flags(record[META]) & TAKER_BUY]
        market.bought_lots = sum(bought)
        market.sold_lots = sum(record[SIZE_LOTS] for record in market.trades) - market.bought_lots
        self._timed("touch, volatility", market.complete, told.at_ns)
        for name, signal in self._signals.items():
            self._timed(name, signal.update, market)
        strategy.update(market)
        self._timed("fusion", strategy.opinion, market)

    def _timed(self, name: str, call: Callable[..., Any], *arguments: object) -> Any:
        start = perf_counter_ns()
        answer = call(*arguments)
        took = perf_counter_ns() - start - self._clock
        if self._counts:
            self._found.setdefault(name, []).append(max(0, took))
        return answer


def _each(call: Callable[[Record], object], everything: Iterable[Record]) -> None:
    for record in everything:
        call(record)


def parts_us(heard: Heard) -> dict[str, Quantiles]:
    """Return what each stage takes of a frame that ends in a decision."""
    found: dict[str, list[int]] = {}
    lanes = {copy.symbol_id: Parts(copy, found) for copy in heard.joined}
    for number, told in enumerate(heard.told):
        symbol_id = meta_symbol(next(records(told.events.data))[META])
        lanes[symbol_id].play(told, counts=told.is_book and number >= heard.warm)
    return {name: quantiles(took) for name, took in found.items()}


class Result(NamedTuple):
    """What was found in one market; each figure is that of the median round."""

    decision: Quantiles
    quiet: Quantiles  # Of every frame's best round.
    parts: dict[str, Quantiles]
    frames_per_s: float
    frames_per_cpu_s: float


def measure(heard: Heard, rounds: int) -> Result:
    """Return what whole decisions and their parts take, and the pace of a replay."""
    gc.collect()
    gc.freeze()  # As the supervisor does before it forks; what the engine makes itself is collected as usual.
    turns = [(each_ns(heard), parts_us(heard), frames_a_second(heard)) for _ in range(rounds)]
    wholes = [whole for whole, _, _ in turns]
    paces = list(zip(*(pace for _, _, pace in turns), strict=True))
    return Result(
        _median([quantiles(whole) for whole in wholes]),
        quantiles([min(one) for one in zip(*wholes, strict=True)]),
        {name: _median([parts[name] for _, parts, _ in turns]) for name in turns[0][1]},
        statistics.median(paces[0]),
        statistics.median(paces[1]),
    )


def _median(rounds: list[Quantiles]) -> Quantiles:
    return statistics.median(p50 for p50, _ in rounds), statistics.median(p99 for _, p99 in rounds)


def show(title: str, found: Result) -> None:
    """Print one table."""
    table = Table(title=title)
    for name in ("", "p50 us", "p99 us", "goal"):
        table.add_column(name, justify="right" if name.endswith("us") else "left")
    goals = {"decision": f"{P50_GOAL_US:.0f} and {P99_GOAL_US:.0f}", "obi": f"imbalance < {IMBALANCE_GOAL_US:.0f}"}
    rows = {"decision": found.decision, "each frame's best round": found.quiet} | found.parts
    for name, (p50, p99) in rows.items():
        table.add_row(name, f"{p50:.2f}", f"{p99:.2f}", goals.get(name, ""))
    table.add_row("frames replayed a second", f"{found.frames_per_s:,.0f}", "", f"{FRAMES_GOAL:,}")
    table.add_row("and a second of CPU time", f"{found.frames_per_cpu_s:,.0f}", "", "")
    Console(width=100).print(table)


def figures(found: Result, suffix: str) -> dict[str, object]:
    """Return what the JSON object says of one market."""
    said = {
        "decision_us": round(found.decision[0], 2),
        "decision_p99_us": round(found.decision[1], 2),
        "decision_p99_quiet_us": round(found.quiet[1], 2),
        "imbalance_us": round(found.parts["obi"][0], 2),
        "frames_per_s": round(found.frames_per_s),
        "frames_per_cpu_s": round(found.frames_per_cpu_s),
    }
    return {f"{name}{suffix}": value for name, value in said.items()}


def main(argv: list[str]) -> None:
    """Print tables and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.signals", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted for all benchmarks: the last line is JSON anyway")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of the made-up market")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args(argv)
    form = "compiled" if COMPILED else "plain Python"
    found: dict[str, object] = {"kernel": KERNEL, "signals": form, "decision_goal_us": P50_GOAL_US}
    markets = {"": synthetic(asked.seconds, asked.seed), "_recorded": recorded()}
    for suffix, heard in markets.items():
        if heard is None:
            continue
        sizes = [len(one.events.data) // EVENT_BYTES for one in heard.told[heard.warm :] if one.is_book]
        result = measure(heard, asked.rounds)
        median, p99 = (sorted(sizes)[int(len(sizes) * share)] for share in (0.5, 0.99))
        name = "the real recording, orderbook.200" if suffix else f"a lively market, orderbook.50, seed {asked.seed}"
        show(f"{name}: {len(sizes):,} book frames of {median} records, p99 {p99}; {form}", result)
        found |= figures(result, suffix)
    print(json.dumps(found))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
