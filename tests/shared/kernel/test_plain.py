"""The rules of a book, one by one, for every kernel there is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import pytest

from shared.kernel import KERNEL, BookKernel, Outcome
from shared.kernel.plain import BookKernel as PlainKernel
from shared.layout import AUX1, LAST, META, PRICE_TICKS, SIZE_LOTS, Kind, Reason, Row, meta_flags, meta_kind
from shared.mirror import BookTable, BookView
from shared.ring import Record, RingReader, records
from shared.scale import Scale
from tests import market_data as make
from tests.market_data import book_frame

KERNELS = [PlainKernel] if KERNEL == "plain" else [PlainKernel, BookKernel]


@dataclass
class Bench:
    """One kernel with its memory and a reader of each kind."""

    kernel: Any
    table: BookTable
    ring: RingReader
    symbol_id: int

    def apply(self, frame: bytes, recv_ns: int = 10) -> Outcome:
        return Outcome(self.kernel.apply(frame, recv_ns, recv_ns + 1))

    def events(self) -> list[Record]:
        return list(records(self.ring.take() or b""))

    def view(self) -> BookView:
        view = self.table.reader(self.symbol_id).read()
        assert view is not None
        return view


@pytest.fixture(params=KERNELS, ids=lambda kernel: kernel.__module__.rsplit(".", 1)[-1])
def bench(request: pytest.FixtureRequest) -> Bench:
    table, ring = make.table(depth=50), make.ring()
    symbol_id = table.add(make.SYMBOL, make.BTC)
    return Bench(request.param(table.writer(symbol_id), ring, 50), table, make.reader(ring), symbol_id)


def started(bench: Bench) -> Bench:
    """Two levels a side: bids 100.0 x 1.000, 99.9 x 2.000; asks 100.1 x 3.000, 100.2 x 4.000; u = 5."""
    bids, asks = [("100.0", "1"), ("99.9", "2")], [("100.1", "3"), ("100.2", "4")]
    assert bench.apply(book_frame("snapshot", 5, bids, asks)) == Outcome.SNAPSHOT
    bench.events()
    return bench


def levels(view: BookView) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    bids = list(zip(view.bid_ticks.tolist(), view.bid_lots.tolist(), strict=True))
    return bids, list(zip(view.ask_ticks.tolist(), view.ask_lots.tolist(), strict=True))


STARTED = [(1000, 1000), (999, 2000)], [(1001, 3000), (1002, 4000)]


def test_a_snapshot_fills_mirror_and_ring(bench: Bench) -> None:
    assert bench.apply(book_frame("snapshot", 5, [("100.0", "1")], [("100.1", "3")]), 77) == Outcome.SNAPSHOT
    view = bench.view()
    assert levels(view) == ([(1000, 1000)], [(1001, 3000)])
    assert (view.valid, view.updates, view.ring_seq, view.recv_ns, view.write_ns) == (True, 1, 3, 77, 78)
    assert (view.word(Row.U), view.word(Row.SEQ)) == (5, 1005)
    assert (view.cts_ns, view.word(Row.TS_NS)) == (1_790_000_000_000_000_000, 1_790_000_000_004_000_000)
    snapshot, bid, ask = bench.events()
    assert snapshot[1:] == (snapshot[META], 1_790_000_000_000_000_000, 77, 0, 0, 5, 1005)
    assert [meta_kind(item[META]) for item in (snapshot, bid, ask)] == [Kind.SNAPSHOT, Kind.BID, Kind.ASK]
    assert [meta_flags(item[META]) & LAST for item in (snapshot, bid, ask)] == [0, 0, LAST]
    assert bid[2:] == (1_790_000_000_000_000_000, 77, 1000, 1000, 0, 1005)


def test_a_delta_overwrites_inserts_and_deletes_and_says_what_was_there_before(bench: Bench) -> None:
    started(bench)
    bids, asks = [("100.0", "0"), ("99.8", "7")], [("100.1", "2.5")]
    assert bench.apply(book_frame("delta", 6, bids, asks)) == Outcome.APPLIED
    assert levels(bench.view()) == ([(999, 2000), (998, 7000)], [(1001, 2500), (1002, 4000)])
    got = [(meta_kind(item[META]), item[PRICE_TICKS], item[SIZE_LOTS], item[AUX1]) for item in bench.events()]
    assert got == [(Kind.BID, 1000, 0, 1000), (Kind.BID, 998, 7000, 0), (Kind.ASK, 1001, 2500, 3000)]


def test_what_changes_nothing_leaves_no_record_but_moves_the_book_on(bench: Bench) -> None:
    started(bench)
    assert bench.apply(book_frame("delta", 6, [("98.0", "0")], [("100.1", "3")])) == Outcome.APPLIED
    assert bench.events() == []
    assert (bench.view().word(Row.U), bench.view().updates) == (6, 2)


def test_a_delta_before_any_snapshot_is_ignored(bench: Bench) -> None:
    assert bench.apply(book_frame("delta", 6, [("100.0", "1")], [])) == Outcome.IGNORED
    assert bench.table.reader(bench.symbol_id).read() is None


def test_the_same_delta_again_is_a_duplicate(bench: Bench) -> None:
    started(bench)
    delta = book_frame("delta", 6, [("100.0", "9")], [])
    assert bench.apply(delta) == Outcome.APPLIED
    version = bench.view().version
    assert bench.apply(delta) == Outcome.DUPLICATE
    assert bench.view().version == version


@pytest.mark.parametrize("u", [7, 4, 1, 10**17])
def test_a_jump_of_the_update_id_voids_the_book(bench: Bench, u: int) -> None:
    started(bench)
    assert bench.apply(book_frame("delta", u, [("100.0", "9")], []), 99) == Outcome.GAP
    view = bench.view()
    assert (view.valid, view.reason, view.recv_ns) == (False, Reason.SEQUENCE, 99)
    assert levels(view) == STARTED
    (gap,) = bench.events()
    assert (meta_kind(gap[META]), gap[AUX1], gap[7], view.ring_seq) == (Kind.GAP, Reason.SEQUENCE, 5, gap[0] + 1)
    assert bench.apply(book_frame("delta", u + 1, [("100.0", "9")], [])) == Outcome.IGNORED


def test_any_later_snapshot_replaces_the_book_whatever_its_number(bench: Bench) -> None:
    started(bench)
    assert bench.apply(book_frame("snapshot", 1, [("50.0", "1")], [("50.1", "1")])) == Outcome.SNAPSHOT
    assert levels(bench.view()) == ([(500, 1000)], [(501, 1000)])
    assert bench.apply(book_frame("delta", 2, [("50.0", "2")], [])) == Outcome.APPLIED


@pytest.mark.parametrize("kind", ["delta", "snapshot"])
def test_a_crossed_book_is_void_and_its_levels_are_never_shown(bench: Bench, kind: str) -> None:
    started(bench)
    frame = book_frame(kind, 6, [("100.1", "1")], [("100.1", "3")])
    assert bench.apply(frame) == Outcome.CROSSED
    assert (bench.view().valid, bench.view().reason, levels(bench.view())) == (False, Reason.CROSSED, STARTED)
    assert [meta_kind(item[META]) for item in bench.events()] == [Kind.GAP]


def test_a_side_without_levels_voids_the_book(bench: Bench) -> None:
    started(bench)
    frame = book_frame("delta", 6, [("100.0", "0"), ("99.9", "0")], [])
    assert bench.apply(frame) == Outcome.EMPTY
    assert (bench.view().valid, bench.view().reason) == (False, Reason.EMPTY)


def test_a_price_off_the_grid_voids_the_book(bench: Bench) -> None:
    started(bench)
    assert bench.apply(book_frame("delta", 6, [("100.05", "1")], [])) == Outcome.OFF_GRID
    assert (bench.view().valid, bench.view().reason) == (False, Reason.OFF_GRID)


@pytest.mark.parametrize(
    ("frame", "outcome"),
    [
        (b"{", Outcome.MALFORMED),
        (book_frame("delta", 6, [("100.0", "-1")], []), Outcome.MALFORMED),
        (book_frame("delta", 6, [("NaN", "1")], []), Outcome.MALFORMED),
        (book_frame("delta", 6, [("1e2", "1")], []), Outcome.MALFORMED),
        (book_frame("delta", 6, [("100.0", "1")] * 101, []), Outcome.MALFORMED),
        (book_frame("delta", 6, [("100.0", "9")], [])[:-20], Outcome.MALFORMED),
        (book_frame("delta", 6, [("100.0", "9")], [], symbol="ETHUSDT"), Outcome.WRONG_SYMBOL),
    ],
)
def test_a_frame_that_is_not_one_touches_nothing(bench: Bench, frame: bytes, outcome: Outcome) -> None:
    started(bench)
    books, ring = bytes(bench.table.buffer), bytes(bench.ring.buffer)
    assert bench.apply(frame) == outcome
    assert (bytes(bench.table.buffer), bytes(bench.ring.buffer)) == (books, ring)
    assert bench.apply(book_frame("delta", 6, [("100.0", "9")], [])) == Outcome.APPLIED


def test_levels_beyond_the_depth_fall_off_and_the_ring_says_so(bench: Bench) -> None:
    bids = make.levels([(1000 - n, 1) for n in range(50)])
    bench.apply(book_frame("snapshot", 1, bids, [("100.5", "1")]))
    bench.events()
    assert bench.apply(book_frame("delta", 2, [("100.1", "1"), ("100.2", "1")], [])) == Outcome.APPLIED
    view = bench.view()
    assert (len(view.bid_ticks), view.best_bid, int(view.bid_ticks[-1])) == (50, 1002, 953)
    got = [(item[PRICE_TICKS], item[SIZE_LOTS], item[AUX1]) for item in bench.events()]
    assert got == [(1001, 1000, 0), (1002, 1000, 0), (951, 0, 1), (952, 0, 1)]


def test_keys_may_come_in_any_order(bench: Bench) -> None:
    started(bench)
    frame = orjson.loads(book_frame("delta", 6, [("100.0", "9")], []))
    frame["data"] = dict(reversed(frame["data"].items()))
    assert bench.apply(orjson.dumps(dict(reversed(frame.items())))) == Outcome.APPLIED
    assert levels(bench.view())[0][0] == (1000, 9000)


def test_a_book_is_voided_from_outside_once(bench: Bench) -> None:
    started(bench)
    assert bench.kernel.void(Reason.STALE, 50, 51)
    assert not bench.kernel.void(Reason.DISCONNECTED, 60, 61)
    assert not bench.kernel.valid
    assert (bench.view().reason, len(bench.events())) == (Reason.STALE, 1)


def test_updates_count_on_when_a_kernel_is_replaced(bench: Bench) -> None:
    started(bench)
    bench.kernel.void(Reason.RESCALED, 1, 1)
    bench.table.add(make.SYMBOL, Scale("0.01", "0.001"))
    ring = make.ring()
    again = type(bench.kernel)(bench.table.writer(bench.symbol_id), ring, 50)
    assert again.apply(book_frame("snapshot", 9, [("100.05", "1")], [("100.06", "1")]), 1, 2) == Outcome.SNAPSHOT
    view = bench.view()
    assert (view.updates, view.best_bid, view.scale) == (2, 10005, Scale("0.01", "0.001"))


def test_a_kernel_refuses_memory_that_is_too_small() -> None:
    table, ring = make.table(depth=50), make.ring()
    writer = table.writer(table.add(make.SYMBOL, make.BTC))
    for kernel in KERNELS:
        with pytest.raises(AssertionError, match="room for 50"):
            kernel(writer, ring, 200)
    deep = make.table(depth=1000)
    for kernel in KERNELS:
        with pytest.raises(AssertionError, match="too small"):
            kernel(deep.writer(deep.add(make.SYMBOL, make.BTC)), ring, 1000)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.__module__.rsplit(".", 1)[-1])
@pytest.mark.parametrize(("symbol", "scale"), [("BTCUSDT", make.BTC), ("ETHUSDT", make.ETH)])
def test_the_real_recording_ends_in_the_book_that_decimals_give(kernel: Any, symbol: str, scale: Scale) -> None:
    table, ring = make.table(depth=200), make.ring(1 << 16)
    symbol_id = table.add(symbol, scale)
    one = kernel(table.writer(symbol_id), ring, 200)
    book: dict[str, dict[Decimal, Decimal]] = {"b": {}, "a": {}}
    applied = 0
    for at_ns, frame in make.recording():
        decoded = orjson.loads(frame)
        if decoded["topic"] != f"orderbook.200.{symbol}":
            continue
        assert one.apply(frame, at_ns, at_ns) in (Outcome.SNAPSHOT, Outcome.APPLIED)
        applied += 1
        for side, held in book.items():
            if decoded["type"] == "snapshot":
                held.clear()
            held |= {Decimal(price): Decimal(size) for price, size in decoded["data"][side]}
            book[side] = {price: size for price, size in held.items() if size}
    view = table.reader(symbol_id).read()
    assert view is not None
    assert (view.valid, view.updates) == (True, applied)
    for side, found, sign in (("b", levels(view)[0], -1), ("a", levels(view)[1], 1)):
        texts = [(Decimal(scale.price_text(ticks)), Decimal(scale.qty_text(lots))) for ticks, lots in found]
        assert texts == sorted(book[side].items(), key=lambda level, sign=sign: sign * level[0])
