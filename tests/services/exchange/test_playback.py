"""A recording is played whole, in its own timing, with nothing but its clock changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.core import ExchangeCore
from services.exchange.faults import Faults
from services.exchange.playback import PlaybackMarket, shifted
from services.exchange.venue import Venue
from shared.bybit import recordings
from shared.messages import Instrument, Started
from shared.scale import E8
from tests.exchange_rig import SETTINGS, Rig

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data" / "bybit-linear-20260809-btc-eth.ndjson.gz"
real = pytest.mark.skipif(not DATA.exists(), reason=f"needs the recording {DATA.name} beside the repository")

MS = 1_000_000
S = 1_000_000_000
RECORDED = 1_700_000_000 * S
NOW = 1_790_000_000 * S
RULES = Instrument("BTCUSDT", "0.10", "0.001", 1, 10**6, 10**6, 5 * E8, 480, 10_000, "Trading")
BOOK = "orderbook.50.BTCUSDT"


def book_frame(kind: str, bids: list[list[str]], asks: list[list[str]], u: int, ts: int = 1_700_000_000_005) -> bytes:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": 10 * u}
    return orjson.dumps({"topic": BOOK, "type": kind, "ts": ts, "data": data, "cts": ts - 3})


def ticker_frame(kind: str, **data: str) -> bytes:
    return orjson.dumps(
        {
            "topic": "tickers.BTCUSDT",
            "type": kind,
            "data": {"symbol": "BTCUSDT", **data},
            "cs": 1,
            "ts": 1_700_000_000_000,
        }
    )


FRAMES = [
    (RECORDED, book_frame("snapshot", [["100.00", "1.000"], ["99.90", "2.000"]], [["100.10", "1.000"]], 1)),
    (RECORDED + 5 * MS, ticker_frame("snapshot", lastPrice="100.00", markPrice="100.04", bid1Price="100.00")),
    (RECORDED + 20 * MS, book_frame("delta", [["99.90", "0"], ["99.80", "3.000"]], [["100.10", "0.500"]], 2)),
    (RECORDED + 30 * MS, ticker_frame("delta", lastPrice="100.10")),
]


def test_nothing_is_played_before_the_start() -> None:
    market = PlaybackMarket(lambda: FRAMES, [RULES])
    assert market.advance(NOW) == []
    assert not market.ended(NOW)
    assert market.subscribe(BOOK, NOW) is None


def test_the_first_ticker_is_known_before_the_start() -> None:
    market = PlaybackMarket(lambda: FRAMES, [RULES])
    assert market.ticker_row("BTCUSDT")["lastPrice"] == "100.00"
    assert (market.last_ticks("BTCUSDT"), market.mark_e8("BTCUSDT"), market.index_e8("BTCUSDT")) == (
        1_000,
        10_004_000_000,
        10_004_000_000,  # Where the recording has none, the mark stands for it.
    )
    assert market.orderbook_result("BTCUSDT", 5)["b"] == []


def test_frames_come_in_their_own_timing() -> None:
    market = PlaybackMarket(lambda: FRAMES, [RULES])
    market.start(NOW)
    market.start(NOW + S)
    assert [len(market.advance(NOW + ms * MS)) for ms in (0, 4, 5, 19, 20, 29)] == [1, 0, 1, 0, 1, 0]
    assert not market.ended(NOW + 29 * MS)
    assert len(market.advance(NOW + 30 * MS)) == 1
    assert market.ended(NOW + 30 * MS)
    assert market.advance(NOW + S) == []


def test_a_late_subscriber_gets_the_state_and_can_go_on_from_it() -> None:
    market = PlaybackMarket(lambda: FRAMES, [RULES])
    market.start(NOW)
    market.advance(NOW)
    first = market.subscribe(BOOK, NOW)
    assert first is not None
    assert orjson.loads(first)["data"]["u"] == 1
    assert market.subscribe("tickers.BTCUSDT", NOW) is None  # Its own snapshot is still to come.
    market.advance(NOW + 30 * MS)
    joined, ticker = market.subscribe(BOOK, NOW + 31 * MS), market.subscribe("tickers.BTCUSDT", NOW + 31 * MS)
    assert joined is not None
    assert ticker is not None
    assert orjson.loads(joined) == {
        "topic": BOOK,
        "type": "snapshot",
        "ts": NOW // MS + 31,
        "data": {
            "s": "BTCUSDT",
            "b": [["100.00", "1.000"], ["99.80", "3.000"]],
            "a": [["100.10", "0.500"]],
            "u": 2,
            "seq": 20,
        },
        "cts": NOW // MS + 2,
    }
    assert orjson.loads(ticker)["data"] == {
        "symbol": "BTCUSDT",
        "lastPrice": "100.10",
        "markPrice": "100.04",
        "bid1Price": "100.00",
    }


def test_rest_shows_the_book_and_the_ticker_as_they_are_now() -> None:
    market = PlaybackMarket(lambda: FRAMES, [RULES])
    market.start(NOW)
    market.advance(NOW + S)
    result = market.orderbook_result("BTCUSDT", 1)
    assert (result["b"], result["a"], result["u"]) == ([["100.00", "1.000"]], [["100.10", "0.500"]], 2)
    assert market.touch_ticks("BTCUSDT") == (1_000, 1_001)
    assert market.ticker_row("BTCUSDT")["lastPrice"] == "100.10"


def test_what_belongs_to_no_topic_or_cannot_be_read_is_left_out_and_counted() -> None:
    odd = [
        b'{"success":true,"op":"subscribe"}',
        b"[1]",
        b'{"topic":5}',
        b'{"topic":"x"}',
        b"{",
        b'{"topic":"orderbook.50.XRPUSDT"}',
    ]
    market = PlaybackMarket(lambda: [*((RECORDED, frame) for frame in odd), *FRAMES], [RULES])
    assert (market.skipped, market.frames) == (6, 4)


def test_a_frame_off_the_grid_is_played_but_not_believed() -> None:
    bad = book_frame("delta", [["99.95", "1.000"]], [], 3)
    market = PlaybackMarket(lambda: [*FRAMES, (RECORDED + 40 * MS, bad)], [RULES])
    market.start(NOW)
    assert len(market.advance(NOW + S)) == 5
    assert market.skipped == 1


def test_a_receive_time_that_runs_back_does_not_change_the_order() -> None:
    market = PlaybackMarket(lambda: [FRAMES[0], FRAMES[2], (RECORDED + MS, FRAMES[1][1])], [RULES])
    market.start(NOW)
    assert [len(market.advance(NOW + ms * MS)) for ms in (0, 19, 20)] == [1, 0, 2]


@given(st.integers(0, 2**40), st.integers(-(2**30), 2**40))
def test_only_the_three_stamps_are_shifted(stamp: int, shift_ms: int) -> None:
    frame = b'{"topic":"t","ts": %d,"data":[{"T":%d,"timestamp":%d,"i":"\\"T\\":5","seq":%d}],"cts":%d}'
    moved = max(0, stamp) + shift_ms
    assert shifted(frame % (stamp, stamp, stamp, stamp, stamp), shift_ms) == frame % (moved, moved, stamp, stamp, moved)


def rebuilt(frames: list[bytes]) -> dict[str, dict[str, dict[str, str]]]:
    """Rebuild every book by the text alone."""
    books: dict[str, dict[str, dict[str, str]]] = {}
    for frame in map(orjson.loads, frames):
        if not frame["topic"].startswith("orderbook."):
            continue
        if frame["type"] == "snapshot":
            books[frame["topic"]] = {"b": {}, "a": {}}
        for side in ("b", "a"):
            for price, size in frame["data"][side]:
                books[frame["topic"]][side][price] = size
    return {
        topic: {side: {p: s for p, s in levels.items() if s != "0"} for side, levels in book.items()}
        for topic, book in books.items()
    }


def stamps(frame: Any) -> list[int]:
    """Return every ``ts``, ``cts`` and ``T`` of a decoded frame, in order."""
    if isinstance(frame, dict):
        own = [value for key, value in frame.items() if key in ("ts", "cts", "T") and isinstance(value, int)]
        return own + [stamp for value in frame.values() for stamp in stamps(value)]
    return [stamp for value in frame for stamp in stamps(value)] if isinstance(frame, list) else []


@real
def test_the_real_recording_is_played_whole_with_one_constant_and_its_books_are_right() -> None:
    described = recordings.describe(DATA)
    original = list(recordings.read(DATA))
    market = PlaybackMarket(lambda: original, described.instruments)
    market.start(NOW)
    played, sent_ns = list[bytes](), list[int]()
    for now in range(NOW, NOW + described.duration_ns + 10 * MS, 10 * MS):
        frames = [frame for _, frame in market.advance(now)]
        played += frames
        sent_ns += [now] * len(frames)
    assert market.ended(NOW + described.duration_ns)
    assert market.skipped == 0
    assert len(played) == len(original) == 1_298
    digits = re.compile(rb"\d+")
    shifts = set[int]()
    for (recv_ns, before), after, at in zip(original, played, sent_ns, strict=True):
        assert digits.sub(b"", before) == digits.sub(b"", after)
        assert 0 <= at - NOW - (recv_ns - original[0][0]) <= 10 * MS
        pairs = zip(stamps(orjson.loads(before)), stamps(orjson.loads(after)), strict=True)
        shifts |= {new - old for old, new in pairs}
    assert shifts == {market.shift_ms} == {(NOW - original[0][0]) // MS}
    expected = rebuilt([frame for _, frame in original])
    assert sorted(expected) == ["orderbook.200.BTCUSDT", "orderbook.200.ETHUSDT"]
    for topic, book in expected.items():
        result = market.orderbook_result(topic.split(".")[2], 1_000)
        assert result["b"] == [[p, book["b"][p]] for p in sorted(book["b"], key=float, reverse=True)]
        assert result["a"] == [[p, book["a"][p]] for p in sorted(book["a"], key=float)]
        assert len(result["b"]) == len(result["a"]) == 200


# --- orders --------------------------------------------------------------------------------------------------------


def trade_frame(side: str, price: str, size: str, at: int, **more: Any) -> bytes:
    row = {"T": at, "s": "BTCUSDT", "S": side, "v": size, "p": price, "i": f"t{at}{price}", "BT": False, "seq": 7}
    return orjson.dumps({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": at, "data": [row | more]})


TS = RECORDED // MS
TRADED = [
    (RECORDED, book_frame("snapshot", [["60000.00", "1.000"], ["59999.90", "2.000"]], [["60000.10", "1.000"]], 1)),
    (RECORDED + 5 * MS, ticker_frame("snapshot", lastPrice="60000.00", markPrice="60000.05", indexPrice="60000.00")),
    (RECORDED + 900 * MS, trade_frame("Sell", "60000.00", "0.700", TS + 900)),
    (RECORDED + 920 * MS, book_frame("delta", [["60000.00", "0.300"]], [["60000.20", "4.000"]], 2, ts=TS + 920)),
    (RECORDED + 940 * MS, trade_frame("Sell", "60000.00", "5.000", TS + 940, BT=True)),
    (RECORDED + 950 * MS, trade_frame("Sell", "60000.00", "0.310", TS + 950)),
    (RECORDED + 990 * MS, trade_frame("Sell", "59999.90", "1.000", TS + 990)),
]


class Played(Rig):
    """The real core over a recording, with somebody who listens to all of it."""

    def __init__(self) -> None:
        super().__init__()
        market = PlaybackMarket(lambda: TRADED, [RULES])
        self.core = ExchangeCore(lambda now: Venue(market, market.books, market.play), SETTINGS, Faults(Random(1)))
        self.take(self.core.on_started(Started("exchange", "run", 0), self.now))
        self.listener = self.connect()

    def listen(self) -> None:
        topics = [BOOK, "publicTrade.BTCUSDT", "tickers.BTCUSDT"]
        assert self.say(self.listener, {"op": "subscribe", "args": topics})["success"]
        self.tick(10)

    def heard(self) -> list[dict[str, Any]]:
        return [frame for frame in self.sent[self.listener] if "topic" in frame]


def test_before_there_is_a_book_no_order_is_taken() -> None:
    rig = Played()
    assert rig.order(price="59990")["retCode"] == 110074
    rig.listen()
    assert rig.order(price="59990")["retCode"] == 0


def test_orders_meet_the_recorded_book_and_the_public_hears_the_recording() -> None:
    silent, rig = Played(), Played()
    for one in (silent, rig):
        one.listen()
    begin = rig.now
    bid = rig.order(qty="0.020", price="60000.00", timeInForce="PostOnly")["result"]["orderId"]
    lower = rig.order(qty="0.030", price="59999.90")["result"]["orderId"]
    assert rig.find(bid)["orderStatus"] == "New"
    assert rig.order(qty="0.600")["retCode"] == 0
    assert float(rig.position()["avgPrice"]) == 60000.1
    rig.order(qty="0.600")  # Only 0.4 of it is left, and it is not shown again.
    assert float(rig.position()["size"]) == 1.0
    rig.tick(950 - (rig.now - begin) // MS)
    row = rig.find(bid)
    assert (row["orderStatus"], row["cumExecQty"]) == ("PartiallyFilled", "0.010")  # 0.7 + 0.3 stood ahead.
    rig.tick(100)
    assert rig.find(bid)["orderStatus"] == "Filled"  # The price went through it.
    assert rig.find(lower)["orderStatus"] == "New"
    assert rig.ledger()["violations"] == []
    silent.tick((rig.now - silent.now) // MS)
    assert rig.heard() == silent.heard()
    assert len(rig.heard()) >= len(TRADED)


def test_a_stop_goes_off_at_a_recorded_trade() -> None:
    rig = Played()
    rig.listen()
    rig.order(qty="0.100", stopLoss="59999.90")
    rig.tick(1_000)
    assert float(rig.position()["size"]) == 0
    assert rig.ledger()["violations"] == []


def test_no_more_of_a_recording_is_held_than_the_next_frame() -> None:
    read = 0

    def source() -> Iterator[tuple[int, bytes]]:
        nonlocal read
        read = 0
        for one in TRADED:
            read += 1
            yield one

    market = PlaybackMarket(source, [RULES])
    assert (market.frames, read) == (len(TRADED), 1)
    market.start(NOW)
    market.advance(NOW + 910 * MS)
    assert read == 4
    market.advance(NOW + S)
    assert market.ended(NOW + S)


VALUE = re.compile(rb'(?<=[:[,])("[^"]*"|-?[0-9]+(?:[.][0-9]+)?)(?=[],}])')
WRONG = (
    b"null", b"[]", b"{}", b'"x"', b"-1", b'"-5"', b"1e999", b'"1e5"', b"true", b'"\xff"', b"0", b'"0"', b'""',
    b"1" * 30, b'"9999999"',
)  # fmt: skip


def spoilt(dice: Random) -> list[bytes]:
    """Return the lines of a recording in which one or two things are not what they should be."""
    trade = {"T": 1_700_000_000_020, "s": "BTCUSDT", "S": "Buy", "v": "0.100", "p": "100.10", "i": "x", "BT": False}
    trades = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1_700_000_000_021, "data": [trade]}
    frames = [*FRAMES, (RECORDED + 40 * MS, orjson.dumps(trades)), (RECORDED + 50 * MS, FRAMES[0][1])]
    lines = [b"%d %b" % pair for pair in frames]
    for _ in range(dice.randint(1, 2)):
        number = dice.randrange(len(lines))
        spot = dice.choice(list(VALUE.finditer(lines[number])))
        new = dice.choice(WRONG) if dice.random() < 0.9 else spot.group()[:-1]
        lines[number] = lines[number][: spot.start()] + new + lines[number][spot.end() :]
    return lines


def check_spoilt(folder: Path, seeds: range) -> tuple[int, int]:
    """Return how many spoilt recordings were refused, with one line and its place, and how many were played."""
    path, refused = folder / "spoilt.ndjson", 0
    for seed in seeds:
        path.write_bytes(b"\n".join(spoilt(Random(seed))) + b"\n")
        try:
            found = recordings.describe(path)
        except recordings.RecordingError as error:
            refused += 1
            assert re.fullmatch(rf"{re.escape(str(path))}(:[1-6])?: [^\n]+", str(error)), error
            continue
        market = PlaybackMarket(lambda: recordings.read(path), found.instruments)
        rig = Rig()
        rig.core = ExchangeCore(lambda now, market=market: Venue(market, market.books, market.play), SETTINGS)  # type: ignore[misc]
        rig.take(rig.core.on_started(Started("exchange", "run", 0), rig.now))
        line = rig.connect()
        for topic in (BOOK, "publicTrade.BTCUSDT", "tickers.BTCUSDT"):
            rig.say(line, {"op": "subscribe", "args": [topic]})
        rig.tick(60)
        for name in ("tickers", "orderbook", "recent-trade", "kline"):
            answer = rig.get(f"/v5/market/{name}", category="linear", symbol="BTCUSDT", interval="1")
            assert answer["retCode"] in (0, 10001), (seed, answer)
        rig.order(qty="1")
        rig.tick(20)
        assert rig.ledger()["conserved"], seed
    return refused, len(seeds) - refused


def test_a_recording_with_nonsense_in_it_is_refused_with_its_line_or_played(tmp_path: Path) -> None:
    refused, played = check_spoilt(tmp_path, range(60))
    assert min(refused, played) > 10


@pytest.mark.full
def test_twelve_hundred_recordings_with_nonsense_in_them(tmp_path: Path) -> None:
    check_spoilt(tmp_path, range(100, 1_300))
