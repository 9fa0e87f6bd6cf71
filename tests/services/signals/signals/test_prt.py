"""Walls that are pulled and put back further out, and what only looks like it."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.signals.prt import Prt, build
from shared.config import Signals
from tests.services.scene import ASK, BID, MS, Changes, Scene

BIDS = {1000 - n: 50 for n in range(30)}
ASKS = {1001 + n: 50 for n in range(30)}
WALL = 1_000
Side = dict[int, int]


def scene(**changes: float) -> tuple[Scene, Prt]:
    prt = Prt(msgspec.structs.replace(Signals(), **changes))
    return Scene(BIDS, ASKS, prt), prt


def build_wall(one: Scene, side: int = ASK, at_ms: int = 2_000) -> int:
    """Put a wall two ticks from the touch and return its price."""
    price = 1003 if side == ASK else 998
    one.frame(at_ms, {(side, price): 50 + WALL})
    return price


def test_pulled_asks_that_come_back_further_out_say_buy_and_fade_in_two_seconds() -> None:
    one, prt = scene()
    price = build_wall(one)
    one.frame(3_000, {(ASK, price): 50})
    assert prt.score == 0.0
    one.frame(3_200, {(ASK, 1012): 50 + 900})
    rate = (WALL / (WALL + 250) - 0.6) / 0.4
    assert prt.score == pytest.approx(rate * 0.9)
    assert prt.fresh_until_ns == 5_200 * MS
    one.trades(4_200, [(1, 1001, 1)])
    assert prt.score == pytest.approx(rate * 0.9 / 2)
    one.trades(5_200, [(1, 1001, 1)])
    assert prt.score == 0.0


def test_pulled_bids_say_sell() -> None:
    one, prt = scene()
    price = build_wall(one, BID)
    one.frame(3_000, {(BID, price): 50, (BID, 990): 50 + WALL})
    assert prt.score == pytest.approx(-(WALL / (WALL + 250) - 0.6) / 0.4)


def test_a_wall_that_comes_back_nowhere_is_no_trap() -> None:
    one, prt = scene()
    price = build_wall(one)
    one.frame(3_000, {(ASK, price): 50})
    one.frame(3_200, {(ASK, 1012): 50 + WALL // 3})
    assert prt.score == 0.0


def test_what_was_put_there_before_replaces_nothing() -> None:
    one, prt = scene()
    price = build_wall(one)
    one.frame(2_900, {(ASK, 1012): 50 + WALL})
    one.frame(3_000, {(ASK, price): 50})
    assert prt.score == 0.0


def test_a_wall_that_comes_back_too_late_is_no_trap() -> None:
    one, prt = scene()
    price = build_wall(one)
    one.frame(3_000, {(ASK, price): 50})
    one.frame(3_501, {(ASK, 1012): 50 + WALL})
    assert prt.score == 0.0


def test_a_level_that_is_traded_out_is_not_cancelled() -> None:
    one, prt = scene()
    price = build_wall(one)
    one.take(3_000, 1, (1001, 50), (1002, 50), (price, 50 + WALL), changes={(ASK, 1012): 50 + WALL})
    one.frame(3_100, {(ASK, 1013): 50 + WALL})
    assert prt.score == 0.0


def test_nor_when_the_trades_are_told_after_the_book() -> None:
    one, prt = scene()
    price = build_wall(one)
    one.frame(3_000, {(ASK, price): 50})
    one.trades(3_010, [(1, price, WALL)], seq=one.seq)
    one.frame(3_200, {(ASK, 1012): 50 + WALL})
    assert prt.score == 0.0


def test_makers_who_follow_the_market_are_no_trap_even_when_it_comes_back() -> None:
    one, prt = scene()
    price = build_wall(one)
    away = {(ASK, 1001 + n): 0 for n in range(5)}
    one.frame(3_000, {**away, (ASK, price): 0, (ASK, 1012): 50 + WALL})
    assert prt.score == 0.0
    one.frame(3_100, {**dict.fromkeys(away, 50), (ASK, 1013): 50 + WALL})
    assert prt.score == 0.0


def test_what_vanishes_beyond_the_near_levels_is_no_wall() -> None:
    one, prt = scene()
    one.frame(2_000, {(ASK, 1010): 50 + WALL})
    one.frame(3_000, {(ASK, 1010): 50, (ASK, 1015): 50 + WALL})
    assert prt.score == 0.0


def test_levels_that_the_window_of_the_topic_uncovers_replace_nothing() -> None:
    one, prt = scene()
    price = build_wall(one)
    one.frame(3_000, {(ASK, price): 50, (ASK, 1031): WALL})
    assert prt.score == 0.0


def test_another_snapshot_pulls_nothing() -> None:
    one, prt = scene()
    build_wall(one)
    one.snapshot(3_000, BIDS, ASKS)
    one.frame(3_100, {(ASK, 1012): 50 + WALL})
    assert prt.score == 0.0


def test_an_empty_side_one_level_and_a_gap_say_nothing() -> None:
    prt = build(Signals())
    one = Scene({1000: 10}, {1001: 10}, prt)
    for at_ms, lots in ((2_000, 0), (2_001, 7), (2_002, 0), (2_003, 900)):
        one.frame(at_ms, {(BID, 1000): lots})
        one.frame(at_ms, {(ASK, 1001): 1 + lots})
    one.gap(2_004)
    assert (prt.score, prt.fresh_until_ns) == (0.0, 0)


def test_a_clock_that_goes_back_ends_a_trap() -> None:
    one, prt = scene()
    price = build_wall(one)
    one.frame(3_000, {(ASK, price): 50, (ASK, 1012): 50 + WALL})
    assert prt.score > 0
    one.frame(2_500, {(BID, 1000): 51})
    assert prt.score == 0.0


# --- against the definition -----------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """One side in one frame."""

    at_ms: int
    before: Side
    after: Side
    mid2_before: int
    mid2: int
    traded: Side


def edge(side: Side, sign: int, rank: int) -> int:
    return sign * sorted(sign * ticks for ticks in side)[:rank][-1]


def judged(frame: Seen, sign: int) -> tuple[int, int, int, int]:
    """Return lots pulled, traded, added further out, added near. ``sign`` x ticks rises away from the touch."""
    near = max(sign * edge(frame.before, sign, 5), sign * edge(frame.after, sign, 5))
    pulled = traded = behind = added = 0
    for ticks in {*frame.before, *frame.after, *frame.traded}:
        was, now, taken = frame.before.get(ticks, 0), frame.after.get(ticks, 0), frame.traded.get(ticks, 0)
        if sign * ticks <= near:
            pulled += max(0, was - taken - now)
            traded += taken
            added += max(0, now - (was - taken))
        else:
            behind += max(0, now - was)
    return pulled, traded, behind, added


def strength(frames: list[Seen], sign: int) -> float:
    """Return the trap in the window that ends with the last frame."""
    window = [frame for frame in frames if frames[-1].at_ms - frame.at_ms <= 500]
    shown = sum(
        lots for ticks, lots in window[0].before.items() if sign * ticks <= sign * edge(window[0].before, sign, 5)
    )
    pulled = traded = replaced = 0
    for frame in window:
        one = judged(frame, sign)
        pulled, traded = pulled + one[0], traded + one[1]
        replaced = min(replaced + one[2], pulled)
    mids = [frame.mid2_before for frame in window] + [window[-1].mid2]
    if pulled <= 0.6 * shown or traded >= 0.1 * (pulled + traded) or replaced < 0.5 * pulled:
        return 0.0
    if any(abs(mid - mids[0]) >= 4 for mid in mids):
        return 0.0
    return min(1.0, (pulled / shown - 0.6) / 0.4 * replaced / pulled)


class Slow:
    """Keeps everything and judges it anew each time."""

    def __init__(self, one: Scene) -> None:
        self.one = one
        self.frames: dict[int, list[Seen]] = {BID: [], ASK: []}
        self.struck: dict[int, tuple[int, float]] = {}

    def frame(self, at_ms: int, changes: Changes, prints: list[tuple[int, int, int]]) -> float:
        before = {side: dict(self.one.held[side]) for side in (BID, ASK)}
        mid2 = self.one.market.mid2
        if prints:
            self.one.trades(at_ms, prints)
        self.one.frame(at_ms, changes)
        for side in (BID, ASK):
            traded = dict[int, int]()
            for taker, ticks, lots in prints:
                if taker == -side:
                    traded[ticks] = traded.get(ticks, 0) + lots
            seen = Seen(at_ms, before[side], dict(self.one.held[side]), mid2, self.one.market.mid2, traded)
            if any(judged(seen, -side)):
                self.frames[side].append(seen)
                found = strength(self.frames[side], -side)
                if found:
                    self.struck[side] = at_ms, found
        return self.fading(ASK, at_ms) - self.fading(BID, at_ms)

    def fading(self, side: int, at_ms: int) -> float:
        struck_ms, score = self.struck.get(side, (0, 0.0))
        return score * max(0.0, 1 - (at_ms - struck_ms) / 2_000)


levels = st.tuples(st.sampled_from([BID, ASK]), st.integers(0, 14))
changes = st.dictionaries(levels, st.sampled_from([0, 5, 50, 50, 300, 900]), max_size=5)
takes = st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(0, 3), st.integers(1, 60)), max_size=1)
steps = st.lists(st.tuples(st.integers(0, 300), changes, takes), max_size=25)


@settings(max_examples=40)
@given(steps)
def test_the_score_is_that_of_the_definition(
    given_steps: list[tuple[int, dict[tuple[int, int], int], list[tuple[int, int, int]]]],
) -> None:
    one, prt = scene()
    slow, at_ms = Slow(one), one.at_ms
    for wait_ms, changed, prints in given_steps:
        at_ms += wait_ms
        new = {(side, 1000 - away if side == BID else 1001 + away): lots for (side, away), lots in changed.items()}
        taken = [(taker, one.levels(-taker)[rank][0], lots) for taker, rank, lots in prints]
        score = slow.frame(at_ms, new, taken)
        assert prt.score == pytest.approx(score, abs=1e-12)


@settings(max_examples=40)
@given(steps, st.integers(-400, 400))
def test_the_score_is_always_finite_and_in_range_whatever_the_clock_does(
    given_steps: list[tuple[int, dict[tuple[int, int], int], list[tuple[int, int, int]]]], drift_ms: int
) -> None:
    prt = Prt(Signals())
    one, at_ms = Scene({1000: 5}, {1001: 5}, prt), 100_000
    for wait_ms, changed, _ in given_steps:
        at_ms += wait_ms + drift_ms
        one.frame(
            at_ms, {(side, 1000 - away if side == BID else 1001 + away): lots for (side, away), lots in changed.items()}
        )
        assert isfinite(prt.score)
        assert -1.0 <= prt.score <= 1.0
