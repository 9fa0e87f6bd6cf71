"""Whatever bytes come in: the compiled kernel, the plain one and a second opinion make the same of them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from shared.kernel import Outcome
from shared.kernel.plain import BookKernel as PlainKernel
from shared.scale import Scale
from tests import market_data as make
from tests.fuzz.engine import EDGES, Fuzzer, build, load
from tests.fuzz.slow_book import SlowBook

fast = pytest.importorskip("shared.kernel.fast", reason="the compiled kernel is not built here")

DEPTH = 5
GRIDS = [make.BTC, Scale("0.0000001", "100"), Scale("0.05", "1"), Scale("25", "0.5")]


class Books:
    """Four books of one symbol: two compiled, the plain one, the second opinion. Every frame goes to all of them."""

    def __init__(self, kernel: Any, scale: Scale) -> None:
        kinds = (kernel, fast.BookKernel, PlainKernel)
        self._tables = [make.table(depth=DEPTH, symbols_max=1) for _ in kinds]
        self._rings = [make.ring() for _ in kinds]
        self._kernels = []
        for kind, table, ring in zip(kinds, self._tables, self._rings, strict=True):
            self._kernels.append(kind(table.writer(table.add(make.SYMBOL, scale)), ring, DEPTH))
        self._slow = SlowBook(make.SYMBOL, DEPTH, scale.tick, scale.lot)
        self._reader = self._tables[0].reader(0)
        self._frames = 0

    def apply(self, frame: bytes) -> Outcome:
        self._frames += 1
        slow = self._slow.apply(frame)
        outcomes = [Outcome(kernel.apply(frame, self._frames, self._frames)) for kernel in self._kernels]
        assert outcomes == [slow] * 3, f"{outcomes}, slowly {slow!r}: {frame!r}"
        assert _all_same(self._tables), f"books differ after {frame!r}"
        if self._frames % 64 == 0:
            assert _all_same(self._rings), f"rings differ before {frame!r}"
        if slow in (Outcome.APPLIED, Outcome.SNAPSHOT):
            view = self._reader.read()
            assert view is not None
            sides = ((view.bid_ticks, view.bid_lots, self._slow.bids), (view.ask_ticks, view.ask_lots, self._slow.asks))
            for ticks, lots, held in sides:
                assert dict(zip(ticks.tolist(), lots.tolist(), strict=True)) == held, f"books differ: {frame!r}"
        return slow


def _all_same(holders: list[Any]) -> bool:
    return all(holder.buffer == holders[0].buffer for holder in holders[1:])


def seeds(scale: Scale) -> list[bytes]:
    """Return good frames on a grid, in several spellings."""
    found = []
    for number, frame in enumerate(make.random_walk(7, 12, depth=DEPTH)):
        root = orjson.loads(frame)
        for side in ("b", "a"):
            rows = [(make.BTC.price_ticks(price), make.BTC.qty_lots(size)) for price, size in root["data"][side]]
            root["data"][side] = [[scale.price_text(ticks), scale.qty_text(lots)] for ticks, lots in rows]
        if number % 4 == 3:
            root = dict(reversed(root.items())) | {"data": dict(reversed(root["data"].items()))}
        found.append(orjson.dumps(root))
    return found


def fuzz(kernel: Any, scale: Scale, fuzzer: Fuzzer, count: int) -> None:
    """Feed ``count`` mutated frames. A good frame now and then repairs the book."""
    good, books = seeds(scale), Books(kernel, scale)
    fuzzer.kept += good
    for number in range(count):
        if number % 8 == 0:
            books.apply(good[0 if number % 64 == 0 else 1 + number // 8 % (len(good) - 1)])
        frame = fuzzer.next()
        books.apply(frame)
        fuzzer.judge(frame)


@pytest.mark.parametrize("scale", GRIDS, ids=repr)
def test_all_books_agree_whatever_comes(scale: Scale) -> None:
    fuzz(fast.BookKernel, scale, Fuzzer(1), 1_500)


def instrumented(folder: Path) -> tuple[Any, Callable[[], int]]:
    path = build(folder, "-fsanitize-coverage=trace-pc")
    if path is None:
        pytest.skip("no compiler that counts edges")
    kernel = load(path).BookKernel
    found = ctypes.CDLL(str(path)).pg_edges
    found.restype = ctypes.POINTER(ctypes.c_ubyte * EDGES)
    edges = np.ctypeslib.as_array(found().contents)
    return kernel, lambda: int(np.count_nonzero(edges))


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_all_books_agree_on_two_million_frames_that_reach_everywhere(tmp_path: Path) -> None:
    kernel, edges = instrumented(tmp_path)
    fuzzer = Fuzzer(2, edges)
    for _ in range(4):
        for scale in GRIDS:
            fuzz(kernel, scale, fuzzer, 125_000)
    print(f"{edges()} edges reached, {fuzzer.found} frames reached new ones")
    assert fuzzer.found > 50, "the kernel's edges are not counted"
