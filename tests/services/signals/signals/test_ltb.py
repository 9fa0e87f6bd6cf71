"""Bursts of large orders of one side, and what only looks like one."""

from __future__ import annotations

from math import exp, isfinite
from statistics import median

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.signals.ltb import Ltb, build
from shared.config import Signals
from tests.services.scene import MS, Print, Scene

# One lot at 60,000 USDT is worth 60 USDT: 834 are large, and usual orders have 100.
BID, ASK, USUAL, LARGE = 600_000, 600_001, 100, 900
BIDS, ASKS = {BID: 10**6}, {ASK: 10**6}
Frames = list[tuple[int, Print]]


def scene(**changes: float) -> tuple[Scene, Ltb]:
    ltb = Ltb(msgspec.structs.replace(Signals(), **changes))
    one = Scene(BIDS, ASKS, ltb)
    for n in range(5):
        one.take(2_000 + n, 1 if n % 2 else -1, (ASK if n % 2 else BID, USUAL))
    return one, ltb


def take(one: Scene, at_ms: int, side: int, *lots: int) -> None:
    for n, each in enumerate(lots):
        one.take(at_ms + n, side, (ASK if side > 0 else BID, each))


def test_three_large_orders_of_one_side_are_a_burst_until_the_window_has_passed() -> None:
    one, ltb = scene()
    take(one, 3_000, 1, LARGE, LARGE)
    assert ltb.score == 0.0
    take(one, 3_500, 1, LARGE)
    assert ltb.score == 1.0
    assert ltb.fresh_until_ns == 5_500 * MS
    one.frame(5_000, {})
    assert ltb.score == 1.0
    one.frame(5_001, {})
    assert ltb.score == 0.0


def test_sellers_say_sell() -> None:
    one, ltb = scene()
    take(one, 3_000, -1, LARGE, LARGE, LARGE)
    assert ltb.score == -1.0


def test_score_is_share_times_how_large() -> None:
    one, ltb = scene(ltb_share=0.1, ltb_window_ms=60_000)
    take(one, 3_000, 1, LARGE, LARGE, LARGE)
    take(one, 4_000, -1, LARGE)
    floors = 4 * LARGE * 60 / 50_000
    assert ltb.score == pytest.approx(0.5 * 2 / (1 + exp(-0.1 * floors)), rel=1e-4)


def test_one_large_order_and_a_mix_of_sides_are_none() -> None:
    one, ltb = scene()
    take(one, 3_000, 1, 5 * LARGE)
    assert ltb.score == 0.0
    for n in range(6):
        take(one, 10_000 + 100 * n, 1 if n % 2 else -1, LARGE)
        assert ltb.score == 0.0


def test_orders_of_the_usual_size_are_none_however_much_they_are_worth() -> None:
    one = Scene(BIDS, ASKS, ltb := Ltb(Signals()))
    for n in range(20):
        take(one, 2_000 + 50 * n, 1, 2_000)
    assert ltb.score == 0.0


def test_many_medians_that_are_worth_little_are_none() -> None:
    one, ltb = scene()
    take(one, 3_000, 1, 800, 800, 800)
    assert ltb.score == 0.0


def test_on_a_small_coin_a_tenth_of_a_minutes_turnover_is_large_once_a_minute_was_seen() -> None:
    one, ltb = scene()
    for second in range(3, 70):
        take(one, second * 1_000, 1 if second % 2 else -1, 40)
    take(one, 61_500, 1, 240, 240, 240)
    assert ltb.score == 0.0  # Not yet.
    one, ltb = scene()
    for second in range(3, 70):
        take(one, second * 1_000, 1 if second % 2 else -1, 10)
    take(one, 70_000, 1, 80, 90, 110)
    assert ltb.score == 1.0
    one, ltb = scene(ltb_turnover_share=0.0)
    for second in range(3, 70):
        take(one, second * 1_000, 1 if second % 2 else -1, 10)
    take(one, 70_000, 1, 80, 90, 110)
    assert ltb.score == 0.0


def test_an_order_in_many_prints_is_one_large_order() -> None:
    one, ltb = scene()
    for n in range(3):
        one.trades(3_000 + n, [(1, ASK, 90)] * 5)
        one.trades(3_000 + n, [(1, ASK, 90)] * 5)
        assert ltb.score == (1.0 if n == 2 else 0.0)
        one.frame(3_000 + n, {})


def test_a_symbol_without_trades_or_with_an_empty_side_says_nothing() -> None:
    ltb = build(Signals())
    one = Scene({1000: 1}, {1001: 1}, ltb)
    one.frame(2_000, {(1, 1000): 0})
    one.frame(2_001, {(1, 1000): 7})
    one.gap(2_002)
    assert (ltb.score, ltb.fresh_until_ns) == (0.0, 0)


def test_a_clock_that_goes_back_ends_a_burst() -> None:
    one, ltb = scene()
    take(one, 3_000, 1, LARGE, LARGE, LARGE)
    one.frame(2_500, {})
    assert ltb.score == 0.0


def test_rounding_leaves_nothing_behind() -> None:
    one, ltb = scene(ltb_turnover_share=0.0)
    for n in range(400):
        take(one, 3_000 + 1_700 * n, 1 if n % 3 else -1, 1_111 + n)
    one.frame(10**6, {})
    assert (ltb._bought_usdt, ltb._sold_usdt, ltb._buys, len(ltb._large)) == (0.0, 0.0, 0, 0)


steps = st.lists(
    st.tuples(
        st.integers(0, 2_500),
        st.sampled_from([1, 1, 1, -1]),
        st.sampled_from([50, 100, 150, 800, 900, 1_500, 9_000]),
    ),
    max_size=40,
)


def by_definition(frames: Frames, now: int) -> float:
    """Return the score from all orders so far, of the first minute (so the floor is that of the configuration)."""
    large: list[tuple[int, float]] = []
    for number, (at_ms, (side, ticks, lots)) in enumerate(frames):
        usual = [each for at, (_, _, each) in frames[:number] if at_ms - at <= 60_000]
        usdt = ticks * lots * 1e-4
        if now - at_ms <= 2_000 and usual and lots >= 5 * median(usual) and usdt >= 50_000:
            large.append((side, usdt))
    if not large:
        return 0.0
    total = sum(usdt for _, usdt in large)
    share = sum(side * usdt for side, usdt in large) / total
    count = sum(1 for side, _ in large if side * share > 0)
    if count < 3 or abs(share) < 0.8:
        return 0.0
    return max(-1.0, min(1.0, share * 2 / (1 + exp(-0.1 * total / 50_000))))


@settings(max_examples=40)
@given(steps)
def test_the_score_is_that_of_the_definition(given_steps: list[tuple[int, int, int]]) -> None:
    ltb = Ltb(msgspec.structs.replace(Signals(), ltb_turnover_share=0.0))
    one, at_ms, frames = Scene(BIDS, ASKS, ltb), 2_000, Frames()
    for wait_ms, side, lots in given_steps:
        at_ms += wait_ms
        frames.append((at_ms, (side, ASK if side > 0 else BID, lots)))
        one.take(at_ms, side, (ASK if side > 0 else BID, lots))
        assert ltb.score == pytest.approx(by_definition(frames, at_ms), abs=1e-9)


@settings(max_examples=40)
@given(steps, st.integers(-5_000, 5_000))
def test_the_score_is_always_finite_and_in_range_whatever_the_clock_does(
    given_steps: list[tuple[int, int, int]], drift_ms: int
) -> None:
    one, ltb = scene()
    at_ms = 1_000_000
    for wait_ms, side, lots in given_steps:
        at_ms += wait_ms + drift_ms
        take(one, at_ms, side, lots)
        assert isfinite(ltb.score)
        assert -1.0 <= ltb.score <= 1.0
