"""An order-book topic tells exactly what its window of the book does."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from services.exchange.depth_stream import DepthStream
from services.exchange.matching import MatchingBook
from shared.scale import Scale

MS = 1_000_000
SCALE = Scale("0.10", "0.001")


def stream_of(depth: int, *orders: tuple[int, int, int, int]) -> tuple[MatchingBook, DepthStream]:
    """Return a book with (order_id, side, price_ticks, lots) in it and its topic."""
    book = MatchingBook()
    for order_id, side, price, lots in orders:
        book.submit(order_id, 1, side, price, lots, "GTC")
    return book, DepthStream("BTCUSDT", depth, SCALE, book, update_id=7)


def advance(book: MatchingBook, stream: DepthStream, now: int, seq: int, cts_ms: int) -> list[bytes]:
    """Tell the stream what has changed, and return what it says."""
    stream.note(book.take_changed())
    frame = stream.advance(now, seq, cts_ms)
    return [] if frame is None else [frame]


def test_a_snapshot_has_the_venues_shape() -> None:
    _, stream = stream_of(50, (1, 1, 600_000, 1_250), (2, -1, 600_001, 310), (3, 1, 599_999, 4))
    assert stream.snapshot(1_790_000_000_123 * MS, 5461, 1_790_000_000_119, live=False) == (
        b'{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1790000000123,"data":{"s":"BTCUSDT",'
        b'"b":[["60000.00","1.250"],["59999.90","0.004"]],"a":[["60000.10","0.310"]],"u":8,"seq":5461},'
        b'"cts":1790000000119}'
    )


def test_a_delta_names_changed_gone_and_new_levels_best_first() -> None:
    book, stream = stream_of(50, (1, 1, 100, 5), (2, 1, 98, 5), (3, 1, 97, 5))
    stream.snapshot(0, 1, 0, live=False)
    book.reduce(2, 1)
    book.cancel(1)
    book.submit(4, 1, 1, 99, 1, "GTC")
    [frame] = advance(book, stream, 20 * MS, 2, 19)
    assert orjson.loads(frame)["data"] == {
        "s": "BTCUSDT",
        "b": [["10.00", "0"], ["9.90", "0.001"], ["9.80", "0.004"]],
        "a": [],
        "u": 9,
        "seq": 2,
    }


def test_a_level_that_leaves_the_window_is_deleted_and_comes_back_as_an_insert() -> None:
    book, stream = stream_of(50, *((price, 1, price, 2) for price in range(101, 151)))
    stream.snapshot(0, 1, 0, live=False)
    book.submit(1, 1, 1, 151, 2, "GTC")
    [frame] = advance(book, stream, 20 * MS, 2, 20)
    assert orjson.loads(frame)["data"]["b"] == [["15.10", "0.002"], ["10.10", "0"]]
    book.cancel(1)
    [frame] = advance(book, stream, 40 * MS, 3, 40)
    assert orjson.loads(frame)["data"]["b"] == [["15.10", "0"], ["10.10", "0.002"]]


def test_changes_below_the_window_and_changes_undone_say_nothing() -> None:
    book, stream = stream_of(50, *((price, 1, price, 2) for price in range(101, 151)))
    stream.snapshot(0, 1, 0, live=False)
    book.submit(1, 1, 1, 50, 2, "GTC")
    book.submit(2, 1, 1, 160, 2, "GTC")
    book.cancel(2)
    assert advance(book, stream, 20 * MS, 4, 20) == []


def test_frames_keep_their_interval() -> None:
    book, stream = stream_of(200, (1, 1, 100, 9))
    stream.snapshot(0, 1, 0, live=False)
    said = 0
    for ms in range(1, 1_001):
        if ms % 200 == 50:
            book.reduce(1, 1)
        said += len(advance(book, stream, ms * MS, 1 + ms, ms))
    assert said == 5


def test_depth_one_is_snapshots_only_and_repeats_itself_after_three_silent_seconds() -> None:
    book, stream = stream_of(1, (1, 1, 100, 9), (2, -1, 101, 9))
    first = orjson.loads(stream.snapshot(0, 1, 0, live=False))
    assert first["data"]["u"] == 8
    book.reduce(1, 1)
    [frame] = advance(book, stream, 10 * MS, 2, 10)
    changed = orjson.loads(frame)
    assert (changed["type"], changed["data"]["u"]) == ("snapshot", 9)
    assert changed["data"]["b"] == [["10.00", "0.008"]]
    assert advance(book, stream, 3_009 * MS, 2, 10) == []
    [frame] = advance(book, stream, 3_010 * MS, 2, 10)
    repeated = orjson.loads(frame)
    assert repeated["data"] == changed["data"]
    assert (repeated["ts"], repeated["cts"]) == (3_010, 10)


def test_someone_who_joins_others_gets_the_state_the_others_have() -> None:
    book, stream = stream_of(50, (1, 1, 100, 9))
    stream.snapshot(0, 1, 0, live=False)
    book.reduce(1, 1)
    joined = orjson.loads(stream.snapshot(1, 2, 0, live=True))
    assert (joined["data"]["u"], joined["data"]["b"]) == (8, [["10.00", "0.009"]])
    [frame] = advance(book, stream, 20 * MS, 2, 20)
    assert (orjson.loads(frame)["data"]["u"], orjson.loads(frame)["data"]["b"]) == (9, [["10.00", "0.008"]])


def follow(known: dict[str, dict[str, str]], frame: dict[str, Any]) -> None:
    """Apply a frame as any client would."""
    for side in ("b", "a"):
        if frame["type"] == "snapshot":
            known[side] = {}
        for price, size in frame["data"][side]:
            if size == "0":
                del known[side][price]
            else:
                known[side][price] = size


STEP = st.tuples(st.sampled_from([1, -1]), st.integers(20, 180), st.integers(1, 9), st.booleans())


@settings(max_examples=50, deadline=None)
@given(st.lists(STEP, max_size=200), st.integers(1, 7))
def test_whoever_follows_the_frames_has_the_book(steps: list[tuple[int, int, int, bool]], every: int) -> None:
    book, stream = stream_of(50)
    known: dict[str, dict[str, str]] = {}
    follow(known, orjson.loads(stream.snapshot(0, 0, 0, live=False)))
    update_id = 8
    for number, (side, price, lots, cancel) in enumerate(steps, start=1):
        if cancel:
            book.cancel(number // 2)
        else:
            book.submit(number, 1, side, price, lots, "GTC")
        if number % every:
            continue
        for frame in map(orjson.loads, advance(book, stream, number * 20 * MS, number, number)):
            follow(known, frame)
            update_id += 1
            assert frame["data"]["u"] == update_id
            assert frame["data"]["b"] or frame["data"]["a"]
        for key, sign in (("b", 1), ("a", -1)):
            window = book.depth(sign, 50)
            assert known[key] == {SCALE.price_text(ticks): SCALE.qty_text(lots) for ticks, lots in window}
