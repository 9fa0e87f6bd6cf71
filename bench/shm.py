"""Is a book in shared memory ever torn, and what does reading one cost?

A compiled writer process writes one mirror flat out, a compiled reader reads it flat out; every row says in each of
its words which row it is. Once as shipped, and once with each fence left out, to see that the fences do something.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from time import perf_counter_ns
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import frames, variants
from bench.book import Kernels
from bench.timing import clock_ns
from shared import layout, shm
from shared.kernel import KERNEL, BookKernel, RowReader
from shared.mirror import BookTable, format_books
from shared.scale import Scale

READS, FULL_READS = 1_000_000, 5_000_000
DEPTH = 50
READ_GOAL_US = 1.5
WRITES_A_CALL = 100_000
TRIES_A_READ = 300  # More than this and the machine is too busy for an answer.


@contextmanager
def segment() -> Iterator[tuple[str, BookTable]]:
    """Lend a books segment with one symbol."""
    run_id = f"bench{uuid.uuid4().hex[:8]}"
    lock = shm.RunLock(run_id)  # Or a run's sweep would take the segment for a leftover.
    try:
        name = shm.segment_name(run_id, "books", 1)
        memory = shm.create(name, layout.books_bytes(1, DEPTH))
        format_books(memory.buffer, symbols_max=1, depth=DEPTH, generation=1)
        table = BookTable(memory.buffer)
        table.add("BTCUSDT", Scale("0.10", "0.001"))
        yield name, table
    finally:
        lock.release()


def two_cores() -> tuple[int, int]:
    """Return a core for the reader and one for the writer, the same where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]


def write_for_ever(name: str, variant: Path) -> None:
    """Be the writer, until killed."""
    memory = shm.attach(name)  # Kept, or the mapping would go.
    table = BookTable(memory.buffer)
    hammer, number = variants.load(variant), 1
    while True:
        number = hammer.write(table.words, table.mirror_at(0), table.row_words, number, WRITES_A_CALL)
        if number == WRITES_A_CALL + 1:
            print("writing", flush=True)


def torn(variant: Path, reads: int) -> dict[str, int]:
    """Read against a writer flat out; return what was counted."""
    with segment() as (name, table):
        command = [sys.executable, "-m", "bench.shm", "--writer", name, "--variant", str(variant)]
        with Popen(command, stdout=PIPE) as writer:
            before = os.sched_getaffinity(0)
            try:
                mine, other = two_cores()
                os.sched_setaffinity(writer.pid, {other})
                os.sched_setaffinity(0, {mine})
                assert writer.stdout is not None
                assert writer.stdout.readline(), "the writer did not start"
                hammer, words, first = variants.load(variant), table.words, table.mirror_at(0)
                found = hammer.read(words, first, table.row_words, reads, TRIES_A_READ * reads)
            finally:
                writer.kill()
                os.sched_setaffinity(0, before)
    counts = dict(zip(("torn", "passed", "back", "tries", "wanting"), found, strict=True))
    return counts | {"reads": reads - counts["wanting"]}


def all_torn(reads: int) -> dict[str, dict[str, int]]:
    """Return the counts of every variant; empty where nothing can be compiled."""
    with tempfile.TemporaryDirectory() as folder:
        return {name: torn(path, reads) for name, path in variants.build(Path(folder)).items()}


def read_cost_us(count: int) -> dict[str, float]:
    """Return the median cost of reading a book that has just changed, as bytes and as a view."""
    tagged = [(symbol, frame) for symbol, frame in frames.interleaved(count, seed=3) if symbol == "BTCUSDT"]
    kernels = Kernels(BookKernel, DEPTH)
    table = kernels.table
    rows, reader = RowReader(table.words, table.mirror_at(0), table.row_words), table.reader(0)
    clock, seen = clock_ns(), 0
    as_bytes, as_view = [], []
    for symbol, frame in tagged:
        kernels.by_symbol[symbol].apply(frame, 1, 2)
        start = perf_counter_ns()
        row = rows.read(seen)
        middle = perf_counter_ns()
        view = reader.read()
        end = perf_counter_ns()
        assert row is not None
        assert view is not None
        assert view.row == row
        seen = view.version
        as_bytes.append(middle - start - clock)
        as_view.append(end - middle - clock)
    return {
        "read_us": round(statistics.median(as_bytes) / 1_000, 3),
        "read_view_us": round(statistics.median(as_view) / 1_000, 3),
    }


def show(found: dict[str, dict[str, int]]) -> None:
    """Print the table of torn reads."""
    table = Table(title=f"a mirror of {DEPTH} levels a side, writer and reader flat out")
    for head in ("", "different rows read", "tries", "torn, by version alone", "torn, checksum too", "older"):
        table.add_column(head, justify="right" if head else "left")
    for name, counts in found.items():
        numbers = (counts[key] for key in ("reads", "tries", "torn", "passed", "back"))
        table.add_row(name, *(f"{number:,}" for number in numbers))
    Console(width=110).print(table)


def main(argv: list[str]) -> None:
    """Print tables and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.shm", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted for all benchmarks: the last line is JSON anyway")
    parser.add_argument("--reads", type=int, default=READS, help=f"full size: {FULL_READS}")
    parser.add_argument("--writer", help=argparse.SUPPRESS)
    parser.add_argument("--variant", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.writer:
        write_for_ever(asked.writer, asked.variant)
    found = all_torn(asked.reads)
    show(found)
    cost = read_cost_us(8_000)
    print(f"reading a book that has changed: {cost['read_us']} us as bytes, {cost['read_view_us']} us as a view")
    reads = min((counts["reads"] for counts in found.values()), default=0)
    result: dict[str, Any] = {"kernel": KERNEL, "reads": reads, "read_goal_us": READ_GOAL_US} | cost
    for name, counts in found.items():
        key = name.replace(" ", "_")
        result[f"torn_{key}"], result[f"torn_by_version_{key}"] = counts["passed"], counts["torn"]
    result["torn_reads"] = found["as shipped"]["passed"] if found else None
    result["reads_as_shipped"] = found["as shipped"]["reads"] if found else 0
    result["older_reads"] = found["as shipped"]["back"] if found else None
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
