"""Two lines with the same stream: each update is let through once, whichever line is ahead."""

from __future__ import annotations

import random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.arbiter import AHEAD_MAX, Arbiter, TickerArbiter, TradeArbiter, update_id
from tests.market_data import book_frame


def frame(u: int, kind: str = "delta") -> bytes:
    return book_frame(kind, u, [("100.0", "1")], [("100.1", "1")])


def heard(arbiter: Arbiter, line: int, u: int, kind: str = "delta") -> bool:
    first = arbiter.is_first(line, frame(u, kind))
    if first:
        arbiter.took()
    return first


def joined() -> Arbiter:
    arbiter = Arbiter()
    for line in (0, 1):
        arbiter.join(line)
    return arbiter


def test_the_second_copy_is_not_heard_whichever_line_it_comes_on() -> None:
    arbiter = joined()
    assert [heard(arbiter, 0, 5, "snapshot"), heard(arbiter, 1, 5, "snapshot")] == [True, False]
    assert [heard(arbiter, 1, 6), heard(arbiter, 0, 6), heard(arbiter, 0, 7), heard(arbiter, 1, 7)] == [
        True,
        False,
        True,
        False,
    ]


def test_a_restart_of_the_push_service_behind_one_line_begins_a_new_era() -> None:
    arbiter = joined()
    heard(arbiter, 0, 900, "snapshot")
    heard(arbiter, 1, 900, "snapshot")
    assert heard(arbiter, 0, 1, "snapshot")
    assert not heard(arbiter, 1, 901)  # Of the era before.
    assert not heard(arbiter, 1, 1, "snapshot")
    assert [heard(arbiter, 1, 2), heard(arbiter, 0, 2)] == [True, False]


def test_a_line_that_comes_back_takes_part_in_the_present_era() -> None:
    arbiter = joined()
    heard(arbiter, 0, 900, "snapshot")
    heard(arbiter, 1, 900, "snapshot")
    heard(arbiter, 0, 1, "snapshot")
    heard(arbiter, 0, 2)
    arbiter.join(1)
    assert [heard(arbiter, 1, 2, "snapshot"), heard(arbiter, 1, 3)] == [False, True]


def test_after_the_book_was_void_any_snapshot_is_welcome() -> None:
    arbiter = joined()
    heard(arbiter, 0, 900, "snapshot")
    arbiter.reset()
    arbiter.join(0)
    assert heard(arbiter, 0, 900, "snapshot")


def test_frames_that_did_not_get_into_the_book_hold_no_later_snapshot_back() -> None:
    arbiter = joined()
    assert arbiter.is_first(1, frame(950))  # A delta without a book to put it on.
    assert heard(arbiter, 0, 940, "snapshot")


@given(st.integers(0, 2**32))
def test_the_book_hears_every_update_once_and_in_order_however_the_lines_mix(seed: int) -> None:
    rng, arbiter, at = random.Random(seed), joined(), [1, 1]
    got: list[int] = []
    while min(at) <= 60:
        line = rng.choice([number for number in (0, 1) if at[number] <= 60])
        if heard(arbiter, line, at[line], "snapshot" if at[line] == 1 else "delta"):
            got.append(at[line])
        at[line] += 1
    assert got == list(range(1, 61))


@pytest.mark.parametrize(
    ("data", "u"),
    [
        (frame(7), 7),
        (b"", -1),
        (b'{"u":}', -1),
        (b'{"u":12', 12),
        (b'{"u":1234567890123456789}', -1),
        (b"\xff" * 9, -1),
    ],
)
def test_update_ids_are_found_and_rubbish_is_left_to_the_kernel(data: bytes, u: int) -> None:
    assert update_id(data) == u
    assert u >= 0 or Arbiter().is_first(0, data)


# --- trades: one by one, as the lines may cut them into frames in their own ways ------------------------------------


def trades(*numbers: int) -> bytes:
    rows = [
        {"T": 5, "s": "BTCUSDT", "S": "Buy", "v": "0.5", "p": "100.1", "L": "PlusTick", "i": f"id-{number}", "seq": 8}
        for number in numbers
    ]
    return orjson.dumps({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 9, "data": rows})


def taken(arbiter: TradeArbiter, line: int, *numbers: int) -> list[int]:
    """Say a good frame; return the trades that were let through."""
    fresh = arbiter.fresh(line, trades(*numbers))
    if not fresh:
        return []
    arbiter.took()
    return [int(row["i"].removeprefix("id-")) for row in orjson.loads(fresh)["data"]]


def test_a_trade_is_heard_once_whichever_line_brings_it_first() -> None:
    arbiter = TradeArbiter()
    assert [taken(arbiter, 0, 1, 2), taken(arbiter, 1, 1, 2)] == [[1, 2], []]
    assert [taken(arbiter, 1, 3), taken(arbiter, 1, 4), taken(arbiter, 0, 3, 4)] == [[3], [4], []]


def test_of_a_frame_that_is_half_known_the_other_half_is_heard() -> None:
    arbiter = TradeArbiter()
    assert taken(arbiter, 0, 1, 2) == [1, 2]
    assert taken(arbiter, 1, 1, 2, 3) == [3]
    assert taken(arbiter, 0, 3, 4) == [4]


def test_the_copy_of_a_damaged_frame_is_welcome() -> None:
    arbiter = TradeArbiter()
    assert arbiter.fresh(0, trades(1))  # The kernel finds it bad: nobody says that it was taken.
    assert taken(arbiter, 1, 1) == [1]


def test_frames_without_trade_ids_are_for_the_kernel() -> None:
    arbiter = TradeArbiter()
    for data in (b"", b"\xff", b'{"topic":"publicTrade.BTCUSDT","data":[]}', trades(1).replace(b'"i":', b'"x":')):
        assert arbiter.fresh(0, data) == data
        arbiter.took()


def test_half_known_frames_that_cannot_be_read_are_for_the_kernel() -> None:
    arbiter = TradeArbiter()
    taken(arbiter, 0, 1)
    for data in (
        trades(1, 2)[:-1],
        trades(1, 2).replace(b"data", b"rows"),
        trades(1, 2).replace(b'"L"', b'"i":"z","L"'),
    ):
        assert arbiter.fresh(1, data) == data
        taken(arbiter, 0, 1)


def test_what_one_line_is_ahead_of_the_other_is_bounded() -> None:
    arbiter = TradeArbiter()
    for number in range(AHEAD_MAX + 100):
        taken(arbiter, 0, number)
    assert len(arbiter._ahead) == AHEAD_MAX
    assert taken(arbiter, 1, AHEAD_MAX + 99) == []


@given(st.integers(0, 2**32))
def test_every_trade_is_heard_once_and_in_order_however_the_lines_cut_and_mix_them(seed: int) -> None:
    rng, arbiter, at, got = random.Random(seed), TradeArbiter(), [0, 0], list[int]()
    while min(at) < 80:
        line = rng.choice([number for number in (0, 1) if at[number] < 80])
        upto = min(80, at[line] + rng.randint(1, 6))
        got += taken(arbiter, line, *range(at[line], upto))
        at[line] = upto
    assert got == list(range(80))
    assert not arbiter._ahead


# --- tickers --------------------------------------------------------------------------------------------------------


def ticker(ts_ms: int) -> bytes:
    data = {"symbol": "BTCUSDT", "lastPrice": "100.1"}
    return orjson.dumps({"topic": "tickers.BTCUSDT", "type": "delta", "data": data, "cs": 7, "ts": ts_ms})


def test_a_ticker_that_the_other_line_has_overtaken_is_not_heard() -> None:
    arbiter = TickerArbiter()
    got = []
    for line, ts_ms in ((0, 5), (1, 5), (1, 6), (0, 6), (0, 6), (1, 7), (1, 7), (0, 5), (0, 8)):
        fresh = arbiter.fresh(line, ticker(ts_ms))
        if fresh:
            arbiter.took()
            got.append((line, ts_ms))
    assert got == [(0, 5), (1, 6), (1, 7), (1, 7), (0, 8)]


def test_the_copy_of_a_damaged_ticker_is_welcome_and_rubbish_is_for_the_kernel() -> None:
    arbiter = TickerArbiter()
    assert arbiter.fresh(0, ticker(5))
    assert arbiter.fresh(1, ticker(5))
    assert arbiter.fresh(1, b"rubbish") == b"rubbish"


@given(st.integers(0, 2**32))
def test_after_every_ticker_heard_the_state_is_that_of_its_time(seed: int) -> None:
    """Two lines sample the same ever-changing values at times of their own and say what changed since they last did."""
    rng = random.Random(seed)
    history = [[0, 0, 0]]
    for _ in range(60):
        history.append([value + (rng.random() < 0.3) for value in history[-1]])
    samples = sorted({(rng.randrange(1, 61), line) for line in (0, 1) for _ in range(25)} | {(0, 0), (0, 1)})
    queues: list[list[tuple[int, dict[int, int]]]] = [[], []]
    for at, line in samples:
        before = history[queues[line][-1][0]] if queues[line] else [-1, -1, -1]
        queues[line].append((at, {key: value for key, value in enumerate(history[at]) if value != before[key]}))
    arbiter, state = TickerArbiter(), dict[int, int]()
    while any(queues):
        line = rng.choice([number for number in (0, 1) if queues[number]])
        at, changes = queues[line].pop(0)
        if arbiter.fresh(line, ticker(at)):
            arbiter.took()
            state |= changes
            assert state == dict(enumerate(history[at]))
