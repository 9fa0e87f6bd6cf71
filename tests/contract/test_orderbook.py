"""orderbook.{depth}.{symbol}: frames, ids and times."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from services.exchange.depth_stream import DepthStream
from services.exchange.matching import AGENTS, MatchingBook
from shared.scale import Scale
from tests.contract.client import SYMBOL, Json, Lines, Rest

DEPTHS = (1, 50, 200, 1000)
INTERVAL_MS = {1: 10, 50: 20, 200: 100, 1000: 200}
Levels = dict[str, str]


def topic_of(depth: int) -> str:
    return f"orderbook.{depth}.{SYMBOL}"


def collect(lines: Lines, depth: int, how_many: int) -> list[Json]:
    line = lines.open()
    line.subscribe(topic_of(depth))
    return line.frames(how_many)


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_first_frame_after_the_ack_is_a_snapshot(lines: Lines, depth: int) -> None:
    """v5/websocket/public/orderbook: snapshot first, with all of the depth."""
    (frame,) = collect(lines, depth, 1)
    assert set(frame) == {"topic", "type", "ts", "data", "cts"}
    assert (frame["topic"], frame["type"]) == (topic_of(depth), "snapshot")
    data = frame["data"]
    assert set(data) == {"s", "b", "a", "u", "seq"}
    assert data["s"] == SYMBOL
    assert 1 <= len(data["b"]) <= depth
    assert 1 <= len(data["a"]) <= depth
    assert len(data["b"]) == len(data["a"]) == depth or depth > 50


@pytest.mark.parametrize("depth", DEPTHS)
def test_types_of_the_fields(lines: Lines, depth: int) -> None:
    """v5/websocket/public/orderbook: ts, cts, u, seq numbers; prices and sizes decimal text."""
    for frame in collect(lines, depth, 5):
        data = frame["data"]
        assert all(type(value) is int for value in (frame["ts"], frame["cts"], data["u"], data["seq"]))
        for level in data["b"] + data["a"]:
            price, size = level
            assert isinstance(price, str)
            assert isinstance(size, str)
            assert float(price) > 0 <= float(size)


@pytest.mark.parametrize("depth", DEPTHS)
def test_bids_fall_and_asks_rise(lines: Lines, depth: int) -> None:
    """v5/websocket/public/orderbook: best first, deltas too."""
    for frame in collect(lines, depth, 8):
        bids = [float(price) for price, _ in frame["data"]["b"]]
        asks = [float(price) for price, _ in frame["data"]["a"]]
        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))


def test_level_1_is_snapshots_only(lines: Lines) -> None:
    """v5/changelog 2025-03-20: depth 1 has no deltas."""
    assert {frame["type"] for frame in collect(lines, 1, 30)} == {"snapshot"}


@pytest.mark.parametrize("depth", DEPTHS[1:])
def test_deltas_follow_the_snapshot(lines: Lines, depth: int) -> None:
    """v5/websocket/public/orderbook: snapshot, then deltas."""
    assert [frame["type"] for frame in collect(lines, depth, 12)] == ["snapshot"] + ["delta"] * 11


@pytest.mark.parametrize("depth", DEPTHS[1:])
def test_u_rises_by_one(lines: Lines, depth: int) -> None:
    """v5/websocket/public/orderbook: update id, contiguous in every stream recorded so far."""
    ids = [frame["data"]["u"] for frame in collect(lines, depth, 15)]
    assert ids == list(range(ids[0], ids[0] + 15))


def test_level_1_repeats_u_only_with_the_same_book(lines: Lines) -> None:
    """v5/websocket/public/orderbook: an equal u is the repeat of an unchanged snapshot."""
    for old, new in pairwise(collect(lines, 1, 60)):
        assert new["data"]["u"] >= old["data"]["u"]
        if new["data"]["u"] == old["data"]["u"]:
            assert (new["data"]["b"], new["data"]["a"]) == (old["data"]["b"], old["data"]["a"])


def test_level_1_says_an_unchanged_book_again_after_3_s() -> None:
    """v5/websocket/public/orderbook: the same snapshot with the same u. No market here is quiet for so long, so this
    is the stream alone, on a clock set by hand."""
    start, ms = 1_790_000_000_000 * 1_000_000, 1_000_000
    book = MatchingBook()
    book.submit(-1, AGENTS, 1, 600_000, 5, "GTC")
    book.submit(-2, AGENTS, -1, 600_010, 7, "GTC")
    stream = DepthStream(SYMBOL, 1, Scale("0.10", "0.001"), book, 41)
    first = json.loads(stream.snapshot(start, 9, start // ms, live=False))
    said = [(at, frame) for at in range(10, 9_500, 10) if (frame := stream.advance(start + at * ms, 9, start // ms))]
    assert [at for at, _ in said] == [3_000, 6_000, 9_000]
    for at, data in said:
        frame = json.loads(data)
        assert (frame["type"], frame["data"], frame["cts"]) == ("snapshot", first["data"], first["cts"])
        assert frame["ts"] == start // ms + at


@pytest.mark.parametrize("depth", DEPTHS)
def test_seq_and_times_never_fall_and_cts_is_not_after_ts(lines: Lines, depth: int) -> None:
    """v5/websocket/public/orderbook: cts is when the engine made the book, ts when it was sent."""
    frames = collect(lines, depth, 20 if depth < 1000 else 8)
    for frame in frames:
        assert 0 <= frame["ts"] - frame["cts"] < 10_000
    for old, new in pairwise(frames):
        assert new["data"]["seq"] >= old["data"]["seq"]
        assert new["ts"] >= old["ts"]
        assert new["cts"] >= old["cts"]


@pytest.mark.parametrize("depth", DEPTHS[1:])
def test_no_delta_is_empty(lines: Lines, depth: int) -> None:
    """v5/websocket/public/orderbook: a frame never has both sides empty."""
    assert all(frame["data"]["b"] or frame["data"]["a"] for frame in collect(lines, depth, 15))


@pytest.mark.parametrize("depth", DEPTHS)
def test_frames_come_no_faster_than_the_topics_interval(lines: Lines, depth: int) -> None:
    """v5/websocket/public/orderbook: 10, 20, 100, 200 ms."""
    frames = collect(lines, depth, 12)[1:]
    spent = frames[-1]["ts"] - frames[0]["ts"]
    assert spent >= (len(frames) - 1) * INTERVAL_MS[depth] * 0.8


def apply(book: tuple[Levels, Levels], frame: Json) -> None:
    for side, changes in zip(book, (frame["data"]["b"], frame["data"]["a"]), strict=True):
        if frame["type"] == "snapshot":
            side.clear()
        for price, size in changes:
            if size == "0":
                side.pop(price, None)
            else:
                side[price] = size


@pytest.mark.parametrize(("depth", "how_many"), [(50, 150), (200, 30), (1000, 15)])
def test_a_book_that_only_applies_deltas_stays_right(lines: Lines, depth: int, how_many: int) -> None:
    """v5/websocket/public/orderbook: size 0 deletes, anything else sets; the depth is never exceeded, nothing crosses,
    and a second subscriber's snapshot is the same book."""
    book: tuple[Levels, Levels] = {}, {}
    first, second = lines.open(), lines.open()
    first.subscribe(topic_of(depth))
    for _ in range(how_many):
        apply(book, first.hear())
        assert max(map(len, book)) <= depth
        assert max(map(float, book[0])) < min(map(float, book[1]))
    second.subscribe(topic_of(depth))
    other: tuple[Levels, Levels] = {}, {}
    snapshot = second.hear()
    apply(other, snapshot)
    while (frame := first.hear())["data"]["u"] <= snapshot["data"]["u"]:
        apply(book, frame)
    assert book == other


def test_a_delete_has_size_0(lines: Lines) -> None:
    """v5/websocket/public/orderbook: the text is "0" exactly, and never in a snapshot."""
    frames = collect(lines, 50, 100)
    sizes = [size for frame in frames[1:] for _, size in frame["data"]["b"] + frame["data"]["a"]]
    assert "0" in sizes
    assert all(size == "0" or float(size) > 0 for size in sizes)
    assert all(float(size) for _, size in frames[0]["data"]["b"] + frames[0]["data"]["a"])


def test_depths_share_their_touch_and_their_seq(lines: Lines) -> None:
    """v5/websocket/public/orderbook: seq is comparable between depths."""
    line = lines.open()
    line.subscribe(topic_of(50), topic_of(200))
    by_seq: dict[int, set[tuple[str, int]]] = {}
    books: dict[str, tuple[Levels, Levels]] = {topic_of(50): ({}, {}), topic_of(200): ({}, {})}
    tops: dict[int, set[tuple[float, float]]] = {}
    for frame in line.frames(80):
        book = books[frame["topic"]]
        apply(book, frame)
        tops.setdefault(frame["data"]["seq"], set()).add((max(map(float, book[0])), min(map(float, book[1]))))
        by_seq.setdefault(frame["data"]["seq"], set()).add((frame["topic"], frame["cts"]))
    shared = [seq for seq, seen in by_seq.items() if len(seen) > 1]
    assert shared
    assert all(len(tops[seq]) == 1 for seq in shared)


@pytest.mark.parametrize("limit", [1, 25, 50, 200, 1000])
def test_the_rest_book(rest: Rest, limit: int) -> None:
    """v5/market/orderbook: s, b, a, ts, u, seq, cts."""
    book = rest.public("/v5/market/orderbook", category="linear", symbol=SYMBOL, limit=limit).result
    assert set(book) == {"s", "b", "a", "ts", "u", "seq", "cts"}
    assert len(book["b"]) <= limit
    assert float(book["b"][0][0]) < float(book["a"][0][0])
    assert all(type(book[name]) is int for name in ("ts", "u", "seq", "cts"))


def test_the_rest_book_has_25_levels_by_default(rest: Rest) -> None:
    """v5/market/orderbook: limit."""
    book = rest.public("/v5/market/orderbook", category="linear", symbol=SYMBOL).result
    assert len(book["b"]) == len(book["a"]) == 25


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1"])
def test_a_limit_out_of_range_is_refused_or_clipped(rest: Rest, limit: str) -> None:
    """v5/market/orderbook: limit is 1 to 1,000; an answer, whatever comes."""
    answer = rest.public("/v5/market/orderbook", category="linear", symbol=SYMBOL, limit=limit)
    assert answer.code in (0, 10001)


def test_the_rest_book_carries_u_of_the_1000_level_stream(lines: Lines, rest: Rest) -> None:
    """v5/market/orderbook: u belongs to orderbook.1000."""
    line = lines.open()
    line.subscribe(topic_of(1000))
    before = line.hear()["data"]["u"]
    here = rest.public("/v5/market/orderbook", category="linear", symbol=SYMBOL).result["u"]
    after = max(frame["data"]["u"] for frame in line.frames(3))
    assert before <= here <= after
