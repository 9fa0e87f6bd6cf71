"""The strategy's book: questions with answers worked out by hand, and the same book whichever way it was fed."""

from __future__ import annotations

import math

import pytest

from shared.book import Book
from shared.kernel import BookKernel
from shared.layout import Kind, Reason, meta
from shared.ring import Record, RingReader, records
from tests import market_data as make


def small() -> Book:
    book = Book()
    book.bids.replace([(100, 3), (99, 5), (97, 2)])
    book.asks.replace([(101, 1), (103, 4)])
    book.valid = True
    return book


def record(seq: int, kind: Kind, ticks: int = 0, lots: int = 0, *, flags: int = 0) -> Record:
    return (seq, meta(kind, flags, 0, 7), 0, 55, ticks, lots, 0, 0)


def test_questions_have_these_answers() -> None:
    book = small()
    assert (book.best_bid, book.best_ask, book.mid2, book.spread_ticks) == (100, 101, 201, 1)
    assert book.imbalance(1) == pytest.approx((3 - 1) / 4)
    assert book.imbalance(2) == pytest.approx((8 - 5) / 13)
    assert book.imbalance(50) == pytest.approx((10 - 5) / 15)
    assert book.microprice() == pytest.approx((100 * 1 + 101 * 3) / 4)
    assert not book.crossed


def test_an_empty_book_answers_nothing_instead_of_failing() -> None:
    book = Book()
    assert (book.best_bid, book.best_ask, book.mid2, book.spread_ticks, book.imbalance(5)) == (0, 0, 0, 0, 0.0)
    assert math.isnan(book.microprice())
    assert not book.valid


def test_a_snapshot_counts_only_when_its_last_record_has_come() -> None:
    book = Book()
    assert not book.on_record(record(0, Kind.SNAPSHOT))
    assert not book.on_record(record(1, Kind.BID, 100, 1))
    assert not book.valid
    assert book.on_record(record(2, Kind.ASK, 101, 1, flags=1))
    assert (book.valid, book.mid2, book.recv_ns, book.scale_id, book.updates) == (True, 201, 55, 7, 1)


def test_a_gap_voids_the_book_until_the_next_snapshot() -> None:
    book = small()
    assert book.on_record(record(5, Kind.GAP, flags=1))
    assert (book.valid, book.mid2) == (False, 0)
    assert book.on_record(record(6, Kind.BID, 100, 1, flags=1))
    assert not book.valid


def test_records_that_the_copy_already_holds_are_skipped() -> None:
    book = small()
    book.ring_seq = 10
    assert not book.on_record(record(9, Kind.BID, 100, 99, flags=1))
    assert book.bids.lots_at(100) == 3
    assert book.on_record(record(10, Kind.BID, 100, 99, flags=1))
    assert book.bids.lots_at(100) == 99


def test_trades_do_not_touch_the_book() -> None:
    book = small()
    assert not book.on_record(record(1, Kind.TRADE, 100, 9, flags=1))
    assert book.bids.levels() == [(100, 3), (99, 5), (97, 2)]


@pytest.mark.parametrize("joined_at", [0, 1, 17, 60])
def test_a_reader_that_joins_anywhere_ends_with_the_writers_book(joined_at: int) -> None:
    table, ring = make.table(), make.ring()
    symbol_id = table.add(make.SYMBOL, make.BTC)
    kernel = BookKernel(table.writer(symbol_id), ring, 50)
    frames = list(make.random_walk(seed=5, count=60))
    for frame in frames[:joined_at]:
        kernel.apply(frame, 1, 2)
    book, events = Book(), RingReader(ring.buffer)
    view = table.reader(symbol_id).read()
    if view is not None:
        book.load(view)
    for frame in frames[joined_at:]:
        kernel.apply(frame, 1, 2)
    for item in records(events.take() or b""):
        book.on_record(item)
    newest = table.reader(symbol_id).read()
    assert newest is not None
    assert book.valid
    assert (book.bids.ticks, book.bids.lots) == (newest.bid_ticks.tolist(), newest.bid_lots.tolist())
    assert (book.asks.ticks, book.asks.lots) == (newest.ask_ticks.tolist(), newest.ask_lots.tolist())


def test_a_copy_of_a_void_mirror_is_no_book() -> None:
    table, ring = make.table(), make.ring()
    symbol_id = table.add(make.SYMBOL, make.BTC)
    kernel = BookKernel(table.writer(symbol_id), ring, 50)
    for frame in make.random_walk(seed=1, count=2):
        kernel.apply(frame, 1, 2)
    kernel.void(Reason.STALE, 3, 3)
    view = table.reader(symbol_id).read()
    assert view is not None
    assert (view.valid, view.reason, len(view.bid_ticks)) == (False, Reason.STALE, 50)
    book = Book()
    book.load(view)
    assert (book.valid, book.mid2) == (False, 0)
