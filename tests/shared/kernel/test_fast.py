"""The compiled kernel against the plain one: the same outcome and the same bytes in memory, whatever comes in."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from shared.kernel import Outcome
from shared.kernel.flow import FlowKernel as PlainFlow
from shared.kernel.plain import BookKernel as PlainKernel
from shared.scale import Scale
from tests import market_data as make
from tests.fuzz.engine import mutated

fast = pytest.importorskip("shared.kernel.fast", reason="the compiled kernel is not built here")

GRIDS = [make.BTC, make.ETH, Scale("0.0000001", "100"), Scale("0.05", "1"), Scale("25", "0.5")]


class Pair:
    """Both kernels with memory of their own; every frame goes to both and must leave the same."""

    def __init__(self, depth: int = 50, scale: Scale = make.BTC, symbol: str = make.SYMBOL) -> None:
        self.tables = [make.table(depth=depth, symbols_max=2) for _ in range(2)]
        self.rings = [make.ring(max(4096, 1 << (16 * depth - 1).bit_length())) for _ in range(2)]
        self.kernels: list[Any] = []
        for kind, table, ring in zip((PlainKernel, fast.BookKernel), self.tables, self.rings, strict=True):
            self.kernels.append(kind(table.writer(table.add(symbol, scale)), ring, depth))
        self.now = 0

    def apply(self, frame: bytes) -> Outcome:
        self.now += 3
        ours, theirs = (kernel.apply(frame, self.now, self.now + 1) for kernel in self.kernels)
        assert ours == theirs, f"plain says {ours!r}, fast says {theirs!r} to {frame!r}"
        assert self.kernels[0].valid == self.kernels[1].valid
        self.compare(frame)
        return Outcome(ours)

    def void(self, reason: int) -> None:
        ours, theirs = (kernel.void(reason, self.now, self.now) for kernel in self.kernels)
        assert bool(ours) == bool(theirs)
        self.compare(b"")

    def compare(self, frame: bytes) -> None:
        assert self.tables[0].buffer == self.tables[1].buffer, f"books differ after {frame!r}"
        assert self.rings[0].buffer == self.rings[1].buffer, f"rings differ after {frame!r}"


@pytest.mark.parametrize("depth", [1, 50, 200, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_sound_books_are_the_same_books(depth: int, seed: int) -> None:
    pair = Pair(depth)
    outcomes = {pair.apply(frame) for frame in make.random_walk(seed, 150 if depth < 1000 else 20, depth=depth)}
    assert outcomes <= {Outcome.SNAPSHOT, Outcome.APPLIED, Outcome.EMPTY, Outcome.IGNORED, Outcome.MALFORMED}
    assert depth == 1 or outcomes == {Outcome.SNAPSHOT, Outcome.APPLIED}


def test_the_real_recording_gives_the_same_books() -> None:
    pairs = {
        f'"orderbook.200.{symbol}"'.encode(): Pair(200, scale, symbol)
        for symbol, scale in (("BTCUSDT", make.BTC), ("ETHUSDT", make.ETH))
    }
    for _, frame in make.recording():
        for topic, pair in pairs.items():
            if topic in frame[:60]:
                assert pair.apply(frame) in (Outcome.SNAPSHOT, Outcome.APPLIED)


@pytest.mark.parametrize("depth", [50, 1000])
def test_changes_far_from_the_touch_and_out_of_order_are_the_same_books(depth: int) -> None:
    pair, rng = Pair(depth), random.Random(depth)
    bids, asks = [(10_000 - 3 * n, 5) for n in range(depth)], [(10_001 + 3 * n, 5) for n in range(depth)]
    pair.apply(make.book_frame("snapshot", 1, make.levels(bids), make.levels(asks), depth=depth))
    for u in range(2, 40):
        changes = []
        for sign, best in ((-1, 10_000), (1, 10_001)):
            rows = [
                (best + sign * rng.randrange(3 * depth + 9), rng.choice((0, 0, 7, 9))) for _ in range(rng.randrange(9))
            ]
            changes.append(make.levels(rows if u % 3 == 0 else sorted(rows, key=lambda row, sign=sign: sign * row[0])))
        frame = make.book_frame("delta", u, changes[0], changes[1], depth=depth)
        assert pair.apply(frame) == Outcome.APPLIED


TICKS = st.integers(0, 40)
SIZES = st.integers(0, 4)


@st.composite
def any_frame(draw: st.DrawFn, scale: Scale) -> bytes:
    """Draw a frame near the narrow way: mostly well-formed, often unsound."""
    kind = draw(st.sampled_from(["snapshot", "delta", "delta", "delta"]))
    sides = []
    for sign in (-1, 1):
        side = draw(st.dictionaries(TICKS, SIZES, max_size=8))
        rows = sorted(side.items(), key=lambda row, sign=sign: sign * row[0])
        if draw(st.integers(0, 9)) == 0:
            rows = draw(st.permutations(rows))
        offset = 0 if draw(st.integers(0, 4)) == 0 else sign * 20
        sides.append([[scale.price_text(max(ticks + 30 + offset, 0)), scale.qty_text(lots)] for ticks, lots in rows])
    data: dict[str, Any] = {"s": make.SYMBOL, "b": sides[0], "a": sides[1], "u": draw(st.integers(1, 6)), "seq": 9}
    frame = {"topic": f"orderbook.50.{make.SYMBOL}", "type": kind, "ts": 5, "data": data, "cts": 4}
    if draw(st.booleans()):
        frame = dict(draw(st.permutations(list(frame.items()))))
    return orjson.dumps(frame)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(GRIDS))
def test_any_sequence_of_frames_leaves_the_same_memory(data: st.DataObject, scale: Scale) -> None:
    pair = Pair(scale=scale)
    for _ in range(data.draw(st.integers(1, 12))):
        if data.draw(st.integers(0, 11)) == 0:
            pair.void(data.draw(st.integers(1, 9)))
        pair.apply(data.draw(any_frame(scale)))


NUMBERS = st.one_of(
    st.from_regex(r"[0-9]{1,20}(\.[0-9]{0,20})?", fullmatch=True),
    st.from_regex(r"0*[1-9]{0,2}(\.[05]0*)?", fullmatch=True),
    st.sampled_from(
        ["", "-1", "+1", "1e5", "NaN", ".5", "5.", "0x10", "1_0", "Infinity", " 1", "0", "00.10", "\u0661"]
    ),
)


@settings(max_examples=400, deadline=None)
@given(NUMBERS, NUMBERS, st.sampled_from(GRIDS))
def test_any_text_is_the_same_number_or_the_same_refusal(price: str, size: str, scale: Scale) -> None:
    pair = Pair(scale=scale)
    good = scale.price_text(10**8), scale.qty_text(1)
    pair.apply(make.book_frame("snapshot", 1, [(scale.price_text(1), scale.qty_text(1))], [good]))
    pair.apply(make.book_frame("delta", 2, [(price, size)], []))


class FlowPair:
    """Both flow kernels with a ring each."""

    def __init__(self, scale: Scale = make.BTC, symbol: str = make.SYMBOL) -> None:
        self.rings = [make.ring(), make.ring()]
        self.kernels: list[Any] = []
        for kind, ring in zip((PlainFlow, fast.FlowKernel), self.rings, strict=True):
            table = make.table(symbols_max=1)
            self.kernels.append(kind(table.writer(table.add(symbol, scale)), ring))

    def take(self, method: str, frame: bytes) -> Outcome:
        ours, theirs = (getattr(kernel, method)(frame, 77) for kernel in self.kernels)
        assert ours == theirs, f"plain says {ours!r}, fast says {theirs!r} to {frame!r}"
        assert self.rings[0].buffer == self.rings[1].buffer, f"rings differ after {frame!r}"
        return Outcome(ours)


METHODS = {"publicTrade": "trades", "allLiquidation": "liquidations", "tickers": "ticker"}


def test_the_real_recording_gives_the_same_trades_and_tickers() -> None:
    pairs = {"BTCUSDT": FlowPair(), "ETHUSDT": FlowPair(make.ETH, "ETHUSDT")}
    taken = 0
    for _, frame in make.recording():
        topic, _, symbol = orjson.loads(frame)["topic"].partition(".")
        if topic in METHODS:
            assert pairs[symbol].take(METHODS[topic], frame) == Outcome.APPLIED
            taken += 1
    assert taken == 429


def flow_frames() -> list[tuple[str, bytes]]:
    """Return a good frame of every kind with all that it may hold."""
    trade = {"T": 5, "s": make.SYMBOL, "S": "Buy", "v": "0.015", "p": "100.10", "L": "PlusTick", "i": "6d1c"}
    flags = [{"BT": False, "RPI": True, "seq": 8}, {"BT": True, "RPI": False}, {}]
    trades = [trade | {"S": side} | more for side in ("Buy", "Sell") for more in flags]
    forced = [{"T": 5, "s": make.SYMBOL, "S": side, "v": "1.5", "p": "99.123456789"} for side in ("Sell", "Buy")]
    ticker = {
        "symbol": make.SYMBOL, "tickDirection": "ZeroPlusTick", "lastPrice": "100.10", "openInterest": "55.1239",
        "markPrice": "100.123", "indexPrice": "", "fundingRate": "-0.00012345678", "nextFundingTime": "1786320000000",
    }  # fmt: skip
    return [
        ("trades", orjson.dumps({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 9, "data": trades})),
        ("liquidations", orjson.dumps({"topic": "allLiquidation.BTCUSDT", "ts": 9, "data": forced})),
        ("ticker", orjson.dumps({"topic": "tickers.BTCUSDT", "type": "snapshot", "data": ticker, "cs": 1, "ts": 9})),
    ]


@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(st.integers(0, 2**32 - 1))
def test_damaged_trades_and_tickers_never_make_a_difference(seed: int) -> None:
    rng, pair = random.Random(seed), FlowPair()
    seen: dict[tuple[str, bool], int] = {}
    for number in range(2_000):
        method, frame = flow_frames()[number % 3]
        outcome = pair.take(method, frame if number % 7 == 0 else mutated(rng, frame, flow_frames()[number % 2][1]))
        key = method, outcome is Outcome.APPLIED
        seen[key] = seen.get(key, 0) + 1
    assert len(seen) == 6
    assert min(seen.values()) > 20, seen


def test_a_kernel_cannot_be_built_twice_over_itself() -> None:
    pair = Pair()
    with pytest.raises(AssertionError):
        pair.kernels[1].__init__(pair.tables[1].writer(0), pair.rings[1], 50)


def test_only_bytes_are_frames_in_whatever_holds_them() -> None:
    kernel = Pair().kernels[1]
    for other in (None, "text", 5):
        with pytest.raises(TypeError):
            kernel.apply(other, 1, 1)
    frame = make.book_frame("snapshot", 1, [("1.0", "1")], [("2.0", "1")])
    for holder in (bytearray, memoryview):
        assert kernel.apply(holder(frame), 1, 1) == Outcome.SNAPSHOT
        assert kernel.apply(holder(b" " + frame), 1, 1) == Outcome.SNAPSHOT
        assert kernel.apply(holder(b"{"), 1, 1) == Outcome.MALFORMED
