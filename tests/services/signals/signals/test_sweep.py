"""Sweeps: one order over several levels, and nothing else."""

from __future__ import annotations

from math import isfinite
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.signals.sweep import Sweep, build
from shared.config import Signals
from tests.services.scene import BLOCK, MS, Print, Scene

BIDS = {1000 - n: 50 for n in range(10)}
ASKS = {1001 + n: 50 for n in range(10)}


def scene() -> tuple[Scene, Sweep]:
    sweep = Sweep(Signals())
    return Scene(BIDS, ASKS, sweep), sweep


def test_one_order_over_three_levels_is_a_sweep_and_fades_in_two_seconds() -> None:
    one, sweep = scene()
    one.take(2_000, 1, (1001, 50), (1002, 50), (1003, 1))
    assert sweep.score == 1.0
    assert sweep.fresh_until_ns == 4_000 * MS
    one.frame(3_000, {})
    assert sweep.score == pytest.approx(0.5)
    one.frame(4_000, {})
    assert sweep.score == 0.0


def test_selling_through_the_bids_says_sell() -> None:
    one, sweep = scene()
    one.take(2_000, -1, (1000, 50), (999, 50), (998, 50), (997, 3))
    assert sweep.score == -1.0


def test_two_levels_are_none() -> None:
    one, sweep = scene()
    one.take(2_000, 1, (1001, 50), (1002, 50))
    assert sweep.score == 0.0


def test_small_orders_that_come_close_together_are_none() -> None:
    one, sweep = scene()
    for n in range(4):
        one.take(2_000 + n, 1, (1001 + n, 50))
    assert sweep.score == 0.0


def test_an_order_whose_prints_come_in_two_messages_is_one() -> None:
    one, sweep = scene()
    one.trades(2_000, [(1, 1001, 50), (1, 1002, 50)])
    assert sweep.score == 0.0
    one.trades(2_001, [(1, 1003, 50)])
    assert sweep.score == 1.0


def test_strength_is_levels_times_value_beside_the_usual_order() -> None:
    one, sweep = scene()
    for n, lots in enumerate((10, 20, 60)):
        one.take(2_000 + 100 * n, -1, (1000, lots))
        one.frame(2_050 + 100 * n, {(1, 1000): 50})
    one.take(2_500, 1, (1001, 1), (1002, 1), (1003, 1), (1004, 1))
    assert sweep.score == pytest.approx(4 / 3 * 4 / 20)


def test_a_block_trade_sweeps_nothing() -> None:
    one, sweep = scene()
    one.trades(2_000, [(1, 1001, 50), (1, 1002, 50), (1, 1003, 50)], flags=BLOCK)
    one.frame(2_000, {})
    assert sweep.score == 0.0


def test_a_symbol_without_trades_says_nothing() -> None:
    sweep = build(Signals())
    one = Scene({1000: 1}, {1001: 1}, sweep)
    one.frame(2_000, {(1, 1000): 0})
    one.frame(2_001, {(1, 1000): 7})
    one.gap(2_002)
    assert (sweep.score, sweep.fresh_until_ns) == (0.0, 0)


def test_a_clock_that_goes_back_ends_a_sweep() -> None:
    one, sweep = scene()
    one.take(2_000, 1, (1001, 50), (1002, 50), (1003, 1))
    one.frame(1_500, {})
    assert sweep.score == 0.0


steps = st.lists(
    st.tuples(
        st.integers(-50, 30_000),
        st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(990, 1010), st.integers(1, 90)), max_size=6),
    ),
    max_size=25,
)


def by_definition(frames: list[tuple[int, list[Print]]], now: int) -> float:
    """Return the score at the last frame's time, from all prints so far; each frame's prints share a sequence."""
    orders: list[tuple[int, int, list[Print]]] = []
    for at_ms, prints in frames:
        begun: list[tuple[int, int, list[Print]]] = []
        for one in prints:
            if not begun or begun[-1][1] != one[0]:
                begun.append((at_ms, one[0], []))
            begun[-1][2].append(one)
        orders += begun
    struck = None
    for number, (at_ms, side, prints) in enumerate(orders):
        levels, lots = len({ticks for _, ticks, _ in prints}), sum(lots for *_, lots in prints)
        if levels >= 3:
            usual = [sum(lots for *_, lots in each) for at, _, each in orders[:number] if at_ms - at <= 60_000]
            strength = levels / 3 * (lots / median(usual) if usual else 1.0)
            struck = at_ms, side * min(1.0, strength)
    if struck is None or now - struck[0] >= 2_000:
        return 0.0
    return struck[1] * (1 - (now - struck[0]) / 2_000)


@settings(max_examples=40)
@given(steps)
def test_the_score_is_that_of_the_definition(given_steps: list[tuple[int, list[Print]]]) -> None:
    one, sweep = scene()
    at_ms, frames = one.at_ms, list[tuple[int, list[Print]]]()
    for wait_ms, prints in given_steps:
        at_ms += abs(wait_ms)
        if prints:
            frames.append((at_ms, prints))
            one.trades(at_ms, prints)
        one.frame(at_ms, {})
        assert sweep.score == pytest.approx(by_definition(frames, at_ms), abs=1e-12)


@settings(max_examples=40)
@given(steps)
def test_the_score_is_always_finite_and_in_range_whatever_the_clock_does(
    given_steps: list[tuple[int, list[Print]]],
) -> None:
    one, sweep = scene()
    at_ms = 100_000
    for wait_ms, prints in given_steps:
        at_ms += wait_ms if wait_ms % 3 else -wait_ms
        one.trades(at_ms, prints) if prints else one.frame(at_ms, {})
        assert isfinite(sweep.score)
        assert -1.0 <= sweep.score <= 1.0
