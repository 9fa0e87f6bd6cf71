import itertools
from fractions import Fraction
from math import exp, inf, isfinite, log, nan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.maths import (
    NS,
    Ema,
    Fading,
    RollingVwap,
    Touch,
    clamp,
    deviation_share,
    micro_pressure,
    momentum_bps,
    momentum_pct,
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
    assert momentum_bps(fast.value, slow.value) == pytest.approx(3.201692, abs=5e-7)  # So many digits are given.


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


def test_a_time_constant_is_not_a_half_life() -> None:
    """After one time constant 1/e of a step is left; half of it is left after ln 2 of one."""
    ema, half_life_ns = Ema(NS), round(log(2) * NS)
    ema.fold(0, 1.0)
    assert ema.fold(half_life_ns, 0.0) == pytest.approx(0.5, rel=1e-9)
    assert ema.fold(half_life_ns + NS, 0.0) == pytest.approx(0.5 * exp(-1), rel=1e-9)


def test_the_deviation_of_momentum_is_that_of_a_random_walk() -> None:
    """Fast minus slow weighs a step of age a by e^(-a/slow) - e^(-a/fast): the squares of that, summed."""
    slowly = sum((exp(-age / 5_000) - exp(-age / 1_000)) ** 2 for age in range(100_000)) / 1_000
    assert deviation_share(1.0, 5.0) == pytest.approx(sqrt(slowly), rel=1e-6)
    assert deviation_share(1.0, 5.0) == pytest.approx(sqrt(0.5 + 2.5 - 10 / 6), rel=1e-12)
    assert deviation_share(2.0, 2.0) == 0.0


def window(trades: list[tuple[int, int]], size: int = 500) -> RollingVwap:
    found = RollingVwap(size)
    for trade in trades:
        found.add(*trade)
    return found


def test_the_average_price_of_worked_trades() -> None:
    """1 at 100, 2 at 100.5, 1 at 99.5, 1 at 101, as ticks of 0.5."""
    worked = window([(200, 1), (201, 2), (199, 1), (202, 1)])
    assert worked.vwap * 0.5 == pytest.approx(100.3, rel=1e-12)
    assert worked.deviation * 0.5 == pytest.approx(0.5099019514, rel=1e-9)
    assert worked.z(202) == pytest.approx(1.372812946, rel=1e-9)


def test_momentum_against_the_average_price_of_twenty_trades() -> None:
    """Prices 100 + 0.01 i, sizes 1 + (i mod 3), i = 0..19, as ticks of 0.01."""
    twenty = window([(10_000 + at, 1 + at % 3) for at in range(20)], 20)
    exact = Fraction(sum((10_000 + at) * (1 + at % 3) for at in range(20)), sum(1 + at % 3 for at in range(20)))
    assert twenty.vwap / 100 == pytest.approx(100.09589744, rel=1e-9)
    assert momentum_pct(10_019, twenty.vwap) == pytest.approx(float((10_019 - exact) / exact * 100), rel=1e-12)
    assert momentum_pct(10_019, twenty.vwap) == pytest.approx(0.09401241, abs=5e-9)  # So many digits are given.


@given(st.lists(st.tuples(st.integers(-1, 10**8), st.integers(-1, 10**9)), max_size=60), st.integers(1, 20))
def test_the_average_price_is_what_the_last_trades_say(trades: list[tuple[int, int]], size: int) -> None:
    found = window(trades, size)
    last = [(ticks, lots) for ticks, lots in trades if ticks > 0 and lots > 0][-size:]
    assert found.trades == len(last)
    if not last:
        assert (found.vwap, found.deviation, found.z(5.0)) == (0.0, 0.0, 0.0)
        return
    total = sum(lots for _, lots in last)
    mean = Fraction(sum(ticks * lots for ticks, lots in last), total)
    variance = sum(lots * (ticks - mean) ** 2 for ticks, lots in last) / total
    assert found.vwap == float(mean)
    assert found.deviation == pytest.approx(sqrt(variance), rel=1e-12)
    assert found.z(float(mean)) == 0.0


def test_ever_so_many_trades_leave_the_same_sums_as_the_last_few() -> None:
    long, fresh = RollingVwap(50), RollingVwap(50)
    for at in range(100_000):
        ticks, lots = 10**8 + at * 7_919 % 10_007, 1 + at * 104_729 % 999_983
        long.add(ticks, lots)
        if at >= 100_000 - 50:
            fresh.add(ticks, lots)
    assert (long.vwap, long.deviation) == (fresh.vwap, fresh.deviation)
