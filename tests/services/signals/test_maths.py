import itertools
from math import exp, inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.maths import (
    NS,
    Ema,
    Fading,
    Touch,
    clamp,
    micro_pressure,
    momentum_bps,
    order_flow,
    queue_imbalance,
    share,
    sigmoid,
    weighted_mid,
)

# Worked numbers: best bid 30 at 100, best ask 10 at 101, tick 0.5.
TOUCH = Touch(100.0, 30.0, 101.0, 10.0)
# Mid 100, 100.1, 100.2, 100, 100.3 at 0, 0.2, 0.5, 1.5, 1.6 s.
PATH = [(0, 100.0), (200, 100.1), (500, 100.2), (1500, 100.0), (1600, 100.3)]
FAST = [100.0, 100.0181269247, 100.065265112, 100.0240096929, 100.0502736431]
SLOW = [100.0, 100.0039210561, 100.0153398048, 100.01255917, 100.0182508797]

sizes = st.integers(0, 1_000)
prices = st.integers(1, 50)
touches = st.builds(Touch, prices, sizes, prices, sizes)


def test_the_micro_price_of_a_worked_book() -> None:
    assert queue_imbalance(TOUCH) == 0.75
    assert weighted_mid(TOUCH) == 100.75
    assert micro_pressure(TOUCH, 0.5) == 0.5
    assert share(30, 10) == 0.5


def test_order_flow_of_a_worked_sequence() -> None:
    states = [(100, 30, 101, 10), (100, 35, 101, 10), (100, 35, 101, 4), (100.5, 7, 101, 4), (100, 20, 101, 9)]
    pairs = itertools.pairwise(states)
    assert [order_flow(Touch(*one), Touch(*two)) for one, two in pairs] == [5, 6, 7, -12]


@pytest.mark.parametrize(("tau_s", "expected"), [(1, FAST), (5, SLOW)])
def test_the_average_over_irregular_time_of_a_worked_path(tau_s: int, expected: list[float]) -> None:
    ema = Ema(tau_s * NS)
    found = [ema.fold(ms * 1_000_000, value) for ms, value in PATH]
    assert found == pytest.approx(expected, rel=1e-12, abs=6e-11)  # The worked numbers have ten decimals.


def test_momentum_of_a_worked_path() -> None:
    fast, slow = Ema(1 * NS), Ema(5 * NS)
    for ms, value in PATH:
        fast.fold(ms * 1_000_000, value)
        slow.fold(ms * 1_000_000, value)
    assert momentum_bps(fast.value, slow.value) == pytest.approx(3.201692, abs=5e-7)


@given(touches, touches)
def test_order_flow_is_the_opposite_for_the_mirrored_book(one: Touch, two: Touch) -> None:
    def mirrored(touch: Touch) -> Touch:
        return Touch(-touch.ask_price, touch.ask_size, -touch.bid_price, touch.bid_size)

    assert order_flow(mirrored(one), mirrored(two)) == -order_flow(one, two)


@given(touches, touches)
def test_order_flow_says_what_the_definition_says(one: Touch, two: Touch) -> None:
    said = (
        (two.bid_price >= one.bid_price) * two.bid_size
        - (two.bid_price <= one.bid_price) * one.bid_size
        - (two.ask_price <= one.ask_price) * two.ask_size
        + (two.ask_price >= one.ask_price) * one.ask_size
    )
    assert order_flow(one, two) == said


@given(st.lists(st.tuples(st.integers(0, 5_000), st.floats(-1e6, 1e6)), max_size=30), st.integers(1, 10_000))
def test_the_average_is_what_the_slow_sum_says(steps: list[tuple[int, float]], tau_ms: int) -> None:
    ema, slow, at_ms = Ema(tau_ms * 1_000_000), None, 0
    for wait_ms, value in steps:
        at_ms += wait_ms
        keep = exp(-wait_ms / tau_ms)
        slow = value if slow is None else keep * slow + (1 - keep) * value
        assert ema.fold(at_ms * 1_000_000, value) == pytest.approx(slow, rel=1e-9, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 5_000), st.floats(-1e6, 1e6)), min_size=1, max_size=30))
def test_a_fading_sum_is_what_the_slow_sum_says_and_asking_changes_nothing(steps: list[tuple[int, float]]) -> None:
    plain, asked, terms, at_ms = Fading(NS), Fading(NS), [], 0
    for wait_ms, value in steps:
        asked.add((at_ms + wait_ms // 2) * 1_000_000, 0.0)
        at_ms += wait_ms
        terms.append((at_ms, value))
        found = plain.add(at_ms * 1_000_000, value)
        slow = sum(term * exp(-(at_ms - then) / 1_000) for then, term in terms)
        assert found == pytest.approx(slow, rel=1e-9, abs=1e-6)
        assert asked.add(at_ms * 1_000_000, value) == pytest.approx(slow, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_what_is_not_a_number_goes_no_further(bad: float) -> None:
    ema, fading = Ema(NS), Fading(NS)
    assert ema.fold(0, bad) == 0.0
    assert ema.fold(0, 3.0) == 3.0
    assert ema.fold(NS, bad) == 3.0
    assert fading.add(0, bad) == 0.0
    assert isfinite(clamp(bad))


def test_time_that_runs_back_counts_as_no_time() -> None:
    ema = Ema(NS)
    ema.fold(10 * NS, 1.0)
    assert ema.fold(5 * NS, 2.0) == 1.0
    assert ema.fold(11 * NS, 2.0) == pytest.approx(2 - exp(-1))


@given(st.floats())
def test_clamp_and_sigmoid_stay_in_their_ranges(value: float) -> None:
    assert -1.0 <= clamp(value) <= 1.0
    if value == value:
        assert 0.0 <= sigmoid(value) <= 1.0
        assert sigmoid(value) + sigmoid(-value) == pytest.approx(1.0)


def test_nothing_divided_by_nothing_is_neutral() -> None:
    empty = Touch(100, 0, 101, 0)
    assert (share(0, 0), queue_imbalance(empty), micro_pressure(empty), momentum_bps(1, 0)) == (0, 0.5, 0, 0)
