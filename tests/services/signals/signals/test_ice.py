"""Icebergs: levels that fill up after trades, and what only looks like it."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.signals.ice import Ice, build
from shared.config import Signals
from tests.services.scene import ASK, BID, MS, Scene

BIDS = {1000 - n: 100 for n in range(8)}
ASKS = {1001 + n: 100 for n in range(8)}


def scene(**changes: float) -> tuple[Scene, Ice]:
    ice = Ice(msgspec.structs.replace(Signals(), **changes))
    return Scene(BIDS, ASKS, ice), ice


def refill(
    one: Scene, at_ms: int, side: int = BID, *, after_ms: int = 100, share: float = 1.0, eaten: int = 40
) -> None:
    """Let the best level lose something to a trade and get it back."""
    ticks, lots = one.levels(side)[0]
    one.take(at_ms, -side, (ticks, eaten))
    one.frame(at_ms + after_ms, {(side, ticks): lots - eaten + round(share * eaten)})


def test_the_fourth_refill_of_a_bid_says_buy_for_as_long_as_the_refills_are_young() -> None:
    one, ice = scene()
    for n in range(4):
        assert ice.score == 0.0
        refill(one, 2_000 + 400 * n, share=0.9)
    assert ice.score == pytest.approx(0.9)
    assert ice.fresh_until_ns == (2_100 + 5_000) * MS
    one.frame(7_099, {(ASK, 1005): 99})
    assert ice.score == pytest.approx(0.9)
    one.frame(7_100, {(ASK, 1005): 98})
    assert ice.score == 0.0


def test_an_ask_that_fills_up_says_sell() -> None:
    one, ice = scene()
    for n in range(4):
        refill(one, 2_000 + 400 * n, ASK)
    assert ice.score == -1.0


def test_icebergs_on_both_sides_say_nothing() -> None:
    one, ice = scene()
    for n in range(4):
        refill(one, 2_000 + 400 * n, ASK)
        refill(one, 2_150 + 400 * n, BID)
    assert ice.score == 0.0


def test_a_refill_within_the_frame_of_the_trade_counts() -> None:
    one, ice = scene()
    for n in range(4):
        one.trades(2_000 + 100 * n, [(-1, 1000, 30)])
        one.frame(2_000 + 100 * n, {(BID, 999): 90 + n})
    assert ice.score == 1.0


@pytest.mark.parametrize(
    ("changes"),
    [
        {"after_ms": 301},  # Too late.
        {"share": 0.75},  # Too little.
    ],
)
def test_late_and_small_refills_are_none(changes: dict[str, float]) -> None:
    one, ice = scene()
    for n in range(8):
        refill(one, 2_000 + 400 * n, eaten=20, **changes)  # type: ignore[arg-type]
    assert ice.score == 0.0


def test_three_refills_are_too_few_and_old_ones_do_not_count() -> None:
    one, ice = scene()
    for n in range(3):
        refill(one, 2_000 + 400 * n)
    refill(one, 7_001)
    assert ice.score == 0.0


def test_a_level_that_shrinks_and_grows_without_trades_is_none() -> None:
    one, ice = scene()
    for n in range(8):
        one.frame(2_000 + 200 * n, {(BID, 1000): 40})
        one.frame(2_100 + 200 * n, {(BID, 1000): 100})
    assert ice.score == 0.0


def test_what_was_cancelled_after_the_trade_must_come_back_too() -> None:
    one, ice = scene()
    for n in range(8):
        one.take(2_000 + 400 * n, -1, (1000, 20), changes={(BID, 1000): 50})
        one.frame(2_100 + 400 * n, {(BID, 1000): 70})
        one.frame(2_350 + 400 * n, {(BID, 1000): 100})
    assert ice.score == 0.0


def test_one_refill_after_many_trades_is_one() -> None:
    one, ice = scene()
    for n in range(6):
        one.take(2_000 + 20 * n, -1, (1000, 10))
    one.frame(2_200, {(BID, 1000): 900})
    assert ice.score == 0.0


def test_another_best_price_ends_the_wait_and_the_iceberg() -> None:
    one, ice = scene()
    for n in range(4):
        refill(one, 2_000 + 400 * n)
    assert ice.score == 1.0
    one.take(4_000, -1, (1000, 100))
    assert ice.score == 0.0
    one.frame(4_100, {(BID, 1000): 100})
    assert ice.score == 0.0


def test_a_mid_that_moves_a_tick_ends_it() -> None:
    one, ice = scene()
    for n in range(4):
        refill(one, 2_000 + 400 * n)
    one.frame(4_000, {(ASK, 1001): 0})
    assert ice.score == 1.0
    one.frame(4_001, {(ASK, 1002): 0})
    assert ice.score == 0.0


def test_a_mid_that_has_moved_a_tick_since_the_first_refill_lets_none_begin() -> None:
    one, ice = scene()
    for n in range(4):
        if n == 2:
            one.frame(2_799, {(ASK, 1001): 0, (ASK, 1002): 0})
        refill(one, 2_000 + 400 * n)
    assert ice.score == 0.0


def test_trades_that_are_told_after_the_book_count_as_those_before() -> None:
    one, ice = scene()
    for n in range(4):
        one.frame(2_000 + 400 * n, {(BID, 1000): 60})
        one.trades(2_010 + 400 * n, [(-1, 1000, 25)], seq=one.seq)
        one.trades(2_020 + 400 * n, [(-1, 1000, 15)], seq=one.seq)
        one.frame(2_100 + 400 * n, {(BID, 1000): 100})
    assert ice.score == 1.0


def test_another_snapshot_ends_it() -> None:
    one, ice = scene()
    for n in range(4):
        refill(one, 2_000 + 400 * n)
    one.snapshot(4_000, BIDS, ASKS)
    one.frame(4_001, {(BID, 999): 3})
    assert ice.score == 0.0


def test_a_symbol_without_trades_an_empty_side_and_one_level_say_nothing() -> None:
    ice = build(Signals())
    one = Scene({1000: 1}, {1001: 1}, ice)
    one.frame(2_000, {(BID, 1000): 0})
    one.frame(2_001, {(BID, 1000): 7})
    one.take(2_002, -1, (1000, 7))
    one.frame(2_003, {(BID, 1000): 7})
    one.gap(2_004)
    assert (ice.score, ice.fresh_until_ns) == (0.0, 0)


def test_a_clock_that_goes_back_makes_no_refills() -> None:
    one, ice = scene()
    for n in range(8):
        refill(one, 100_000 - 1_000 * n, after_ms=-1)
    assert ice.score == 0.0


# --- against the definition -----------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """The best level of one side after one frame, and what became of each level that traded."""

    at_ms: int
    best: int
    lots: int
    mid2: int
    traded: dict[int, tuple[int, int]]  # ticks -> (before, traded)


def refills(frames: list[Seen]) -> list[tuple[int, int, int, int]]:
    """Return (frame, price, traded, refilled) of every refill; one makes up for all trades before it."""
    found: list[tuple[int, int, int, int]] = []
    for j, now in enumerate(frames):
        last = found[-1][0] if found else -1
        for i in range(last + 1, j + 1):
            begun = frames[i].traded.get(now.best)
            span = frames[i : j + 1]
            if begun is None or now.at_ms - frames[i].at_ms > 300 or any(one.best != now.best for one in span):
                continue
            traded = sum(one.traded[now.best][1] for one in span if now.best in one.traded)
            back = now.lots - (begun[0] - traded)
            if back >= 0.8 * traded:
                found.append((j, now.best, traded, back))
                break
    return found


def strength(frames: list[Seen]) -> float:
    """Return what the newest iceberg is worth, if it is still there."""
    found = refills(frames)
    for number in range(len(found) - 1, -1, -1):
        j, price, *_ = found[number]
        ours = [
            one for one in found[: number + 1] if one[1] == price and frames[j].at_ms - frames[one[0]].at_ms <= 5_000
        ]
        if len(ours) < 4:
            continue
        first = frames[ours[-4][0]]
        since = frames[j:]
        if abs(frames[j].mid2 - first.mid2) >= 2:
            continue
        stands = all(one.best == price and abs(one.mid2 - first.mid2) < 2 for one in since)
        if stands and frames[-1].at_ms < first.at_ms + 5_000:
            return min(1.0, sum(one[3] for one in ours) / sum(one[2] for one in ours))
        return 0.0
    return 0.0


steps = st.lists(
    st.tuples(
        st.integers(0, 250),
        st.sampled_from([BID, ASK]),
        st.sampled_from(["take", "take", "fill", "fill", "fill", "both", "move", "thin"]),
        st.integers(5, 60),
    ),
    max_size=60,
)


@settings(max_examples=40)
@given(steps)
def test_the_score_is_that_of_the_definition(given_steps: list[tuple[int, int, str, int]]) -> None:
    one, ice = scene()
    seen: dict[int, list[Seen]] = {BID: [], ASK: []}
    at_ms = one.at_ms
    for wait_ms, side, what, lots in given_steps:
        at_ms += wait_ms
        best, held = one.levels(side)[0]
        eaten = min(lots, held - 1) if what in ("take", "both") else 0
        if eaten:
            one.trades(at_ms, [(-side, best, eaten)])
        left = {"fill": 100, "both": held, "take": held - eaten, "thin": 1, "move": 0}[what]
        if what == "move" and len(one.held[side]) < 5:
            left = 1
        one.frame(at_ms, {(side, best): left, (side, best - 100 * side): lots})
        for each in (BID, ASK):
            traded = {best: (held, eaten)} if each == side and eaten else {}
            seen[each].append(Seen(at_ms, *one.levels(each)[0], one.market.mid2, traded))
        assert ice.score == pytest.approx(strength(seen[BID]) - strength(seen[ASK]), abs=1e-12)


@settings(max_examples=40)
@given(steps, st.integers(-400, 400))
def test_the_score_is_always_finite_and_in_range_whatever_the_clock_does(
    given_steps: list[tuple[int, int, str, int]], drift_ms: int
) -> None:
    one, ice = scene()
    at_ms = 1_000_000
    for wait_ms, side, what, lots in given_steps:
        at_ms += wait_ms + drift_ms
        if not one.held[side]:
            one.frame(at_ms, {(side, 1000 if side == BID else 1001): lots})
        refill(one, at_ms, side, after_ms=drift_ms, eaten=lots, share=1.2 if what == "fill" else 0.5)
        assert isfinite(ice.score)
        assert -1.0 <= ice.score <= 1.0
