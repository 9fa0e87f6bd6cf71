"""From a frame's bytes to a published book: the kernel, and others on the same frames in turns.

The kernel is called as ingest calls it: validation, two-slot mirror, checksum and ring included. Every book it makes
is compared with the reference's, level by level, and every rival's last book with both.
"""

from __future__ import annotations

import argparse
import json
import statistics
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench import frames, rivals
from bench.timing import Contest, Work
from shared import layout
from shared.kernel import KERNEL, BookKernel
from shared.kernel.plain import BookKernel as PlainKernel
from shared.mirror import BookTable, BookView, format_books
from shared.ring import RingWriter, format_ring

FRAMES, ROUNDS, BLOCK = 6_000, 3, 500
RING_RECORDS = 1 << 18
SYMBOLS_MAX = 64
DELTA_TARGET_US = 50.0
Tagged = list[tuple[str, bytes]]


class Kernels:
    """One kernel a symbol over one table and one ring, as in ingest."""

    def __init__(self, kind: Any, depth: int) -> None:
        books = bytearray(layout.books_bytes(SYMBOLS_MAX, depth))
        format_books(books, symbols_max=SYMBOLS_MAX, depth=depth, generation=1)
        ring = bytearray(layout.ring_bytes(RING_RECORDS))
        format_ring(ring, RING_RECORDS, 1)
        self.table, self.ring = BookTable(books), RingWriter(ring)
        self.by_symbol = {}
        for market in frames.MARKETS:
            writer = self.table.writer(self.table.add(market.symbol, market.scale))
            self.by_symbol[market.symbol] = kind(writer, self.ring, depth)
        self._readers = {entry.symbol: self.table.reader(entry.symbol_id) for entry in self.table.entries()}

    def work(self, tagged: Tagged) -> Work:
        """Return the calls that ingest would make."""
        return [(self.by_symbol[symbol].apply, (frame, 1, 2)) for symbol, frame in tagged]

    def view(self, symbol: str) -> BookView:
        """Return a symbol's book as any process reads it."""
        view = self._readers[symbol].read()
        assert view is not None
        return view


def levels_of(view: BookView) -> tuple[list[list[int]], list[list[int]]]:
    """Return both sides as [ticks, lots]."""
    return ([view.bid_ticks.tolist(), view.bid_lots.tolist()], [view.ask_ticks.tolist(), view.ask_lots.tolist()])


def compare(tagged: Tagged, depth: int) -> int:
    """Return how many books the kernel and the reference made alike; AssertionError at the first that differs."""
    ours, theirs = Kernels(BookKernel, depth), Kernels(PlainKernel, depth)
    for number, (symbol, frame) in enumerate(tagged):
        outcomes = [int(side.by_symbol[symbol].apply(frame, 1, 2)) for side in (ours, theirs)]
        assert outcomes[0] == outcomes[1] <= 1, f"frame {number}: outcomes {outcomes}"
        same = levels_of(ours.view(symbol)) == levels_of(theirs.view(symbol))
        assert same, f"frame {number}: the books of {symbol} differ"
    return len(tagged)


def fast_contest(tagged: Tagged, depth: int, rounds: int) -> Contest:
    """Let the kernel and the mere decoders take turns: microseconds against microseconds."""
    decode = rivals.msgspec_decode()
    done = Contest(
        {
            "kernel": Kernels(BookKernel, depth).work(tagged),
            "orjson.loads": [(orjson.loads, (frame,)) for _, frame in tagged],
            "msgspec typed": [(decode, (frame,)) for _, frame in tagged],
        },
        BLOCK,
    )
    done.run(rounds)
    return done


def slow_contest(tagged: Tagged, depth: int, rounds: int) -> Contest:
    """Let the kernel and whatever makes books in Python take turns, and check where each of them ended."""
    symbols = {symbol for symbol, _ in tagged}
    kernels, plain = Kernels(BookKernel, depth), Kernels(PlainKernel, depth)
    lists = {symbol: rivals.Lists(depth) for symbol in symbols}
    pybits = {symbol: rivals.Pybit(f"orderbook.{depth}.{symbol}") for symbol in symbols}
    done = Contest(
        {
            "kernel": kernels.work(tagged),
            "orjson.loads": [(orjson.loads, (frame,)) for _, frame in tagged],
            "orjson+lists+numpy": [(lists[symbol].feed, (frame,)) for symbol, frame in tagged],
            "plain kernel": plain.work(tagged),
            "pybit": [(pybits[symbol].feed, (frame.decode(),)) for symbol, frame in tagged],
        },
        BLOCK,
    )
    done.run(rounds)
    for symbol in symbols:
        book = _decimal_levels(kernels.view(symbol))
        assert book == _decimal_levels(plain.view(symbol)), f"the reference has another book of {symbol}"
        for rival in (lists[symbol], pybits[symbol]):
            assert list(rival.levels()) == book, f"{type(rival).__name__} has another book of {symbol}"
    return done


def _decimal_levels(view: BookView) -> list[rivals.Levels]:
    price, size = view.scale.price_text, view.scale.qty_text
    return [
        [(float(price(ticks)), float(size(lots))) for ticks, lots in zip(*side, strict=True)]
        for side in levels_of(view)
    ]


def show(title: str, fast: Contest, slow: Contest) -> None:
    """Print one table."""
    table = Table(title=title)
    for head in ("", "p50 us", "p99 us", "frames/s", "x orjson.loads"):
        table.add_column(head, justify="right" if head else "left")
    for done, names in ((fast, fast.names), (slow, slow.names[2:])):
        for name in names:
            p50, p99 = (f"{done.quantile_us(name, share):.2f}" for share in (0.5, 0.99))
            ratio = f"{done.ratio(name, 'orjson.loads'):.2f}"
            table.add_row(name, p50, p99, f"{done.per_second(name):,.0f}", ratio)
    Console(width=100).print(table)


def measure(count: int, seed: int, rounds: int) -> dict[str, Any]:
    """Return the figures, tables printed on the way."""
    tagged = frames.interleaved(count, seed=seed)
    sizes = [_levels(frame) for _, frame in tagged[len(frames.MARKETS) :]]
    compared = compare(tagged, 50)
    done, slow = fast_contest(tagged, 50, 5 * rounds), slow_contest(tagged, 50, rounds)
    show(f"orderbook.50, seed {seed}, median {statistics.median(sizes):.0f} levels a delta", done, slow)
    found: dict[str, Any] = {
        "kernel": KERNEL,
        "kernel_us": round(done.quantile_us("kernel", 0.5), 3),
        "kernel_p99_us": round(done.quantile_us("kernel", 0.99), 3),
        "frames_per_s": round(done.per_second("kernel")),
        "ratio_vs_orjson_loads": round(done.ratio("kernel", "orjson.loads"), 3),
        "ratio_vs_pybit": round(slow.ratio("kernel", "pybit"), 4),
        "median_levels": statistics.median(sizes),
        "delta_target_us": DELTA_TARGET_US,
    }
    real = frames.recorded()
    if real:
        compared += compare(real, 200)
        deep, slow = fast_contest(real, 200, 30 * rounds), slow_contest(real, 200, 2 * rounds)
        show("orderbook.200, the real recording", deep, slow)
        found["kernel_us_ob200"] = round(deep.quantile_us("kernel", 0.5), 3)
        found["ratio_vs_orjson_loads_ob200"] = round(deep.ratio("kernel", "orjson.loads"), 3)
        found["ratio_vs_pybit_ob200"] = round(slow.ratio("kernel", "pybit"), 4)
    found["books_compared"] = compared
    return found


def _levels(frame: bytes) -> int:
    data = orjson.loads(frame)["data"]
    return len(data["b"]) + len(data["a"])


def main(argv: list[str]) -> None:
    """Print tables and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.book", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted for all benchmarks: the last line is JSON anyway")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(argv)
    print(json.dumps(measure(asked.frames, asked.seed, asked.rounds)))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
