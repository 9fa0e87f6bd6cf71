import itertools
from math import log, sqrt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.signals.market import Market
from services.signals.signals.umom import Umom
from services.signals.weather import (
    EXTREME,
    HIGH,
    LOW,
    NORMAL,
    REGIMES,
    Weather,
    annualised,
    bps_per_root_s,
    realised_variance,
)
from shared.book import Book
from shared.config import Signals
from shared.scale import Scale
from tests.services.feed import MS, S

YEAR_S = 365 * 86_400
FEW = Signals(regime_returns_min=3)
# Worked prices at 1 s.
PRICES = [100, 100.1, 100.05, 100.2]


def of(mids: list[int], config: Signals = FEW, every_ns: int = S) -> Weather:
    """Return the weather after one frame in the middle of each second, and one that lets the last one count."""
    weather = Weather(config)
    for step, mid2 in enumerate([*mids, mids[-1]]):
        weather.fold(S // 2 + step * every_ns, mid2)
    return weather


def zigzag(volatility: float, seconds: int, start: int = 10**12) -> list[int]:
    """Return mids whose every return is one second's worth of ``volatility`` a year, up and down."""
    step = volatility / sqrt(YEAR_S)
    return [round(start * (1 + step * (at % 2))) for at in range(seconds + 1)]


def follow(weather: Weather, volatility: float, seconds: int, since_s: int) -> list[str]:
    """Go on for some time at a volatility; return the regimes seen, each once."""
    seen = [weather.regime]
    for step, mid2 in enumerate(zigzag(volatility, seconds)):
        weather.fold((since_s + step) * S + S // 2, mid2)
        if weather.regime != seen[-1]:
            seen.append(weather.regime)
    return seen


def test_a_worked_window() -> None:
    returns = [log(two / one) for one, two in itertools.pairwise(PRICES)]
    variance = realised_variance(returns)
    assert sqrt(variance) == pytest.approx(0.00186896033, rel=1e-9)
    assert bps_per_root_s(variance, 3) == pytest.approx(10.7904475, rel=1e-8)  # Nine digits are given.
    assert annualised(variance, 3) == pytest.approx(6.05958329, rel=1e-9)
    weather = of([round(price * 2_000) for price in PRICES])
    assert weather.annualised == pytest.approx(6.05958329, rel=1e-9)
    assert weather.bps_per_root_s == pytest.approx(1e4 * sqrt(sum(each * each for each in returns) / 3), rel=1e-12)
    assert weather.trend == pytest.approx(log(100.2 / 100) / 0.00186896033, rel=1e-8)


def test_there_are_no_figures_before_enough_returns_and_then_there_are() -> None:
    weather = Weather(Signals())
    for second in range(11):
        assert (weather.annualised, weather.regime) == (0.0, "")
        weather.fold(second * S, 10_000 + 2 * (second % 2))
    weather.fold(11 * S, 10_000)
    assert weather.annualised > 0
    assert weather.regime == NORMAL  # Two basis points a second are 112 % a year.


frames = st.lists(
    st.tuples(st.one_of(st.integers(0, 3 * S), st.integers(0, 90 * S)), st.integers(10**5, 10**5 + 400)),
    min_size=1,
    max_size=60,
)


def slowly(path: list[tuple[int, int]], window: int) -> tuple[float, float]:
    """Return (annualised, trend) by looking at the whole past."""
    first, now = path[0][0] // S + 1, path[-1][0] // S
    samples = [next(mid2 for at_ns, mid2 in reversed(path) if at_ns < mark * S) for mark in range(first, now + 1)]
    returns = [log(two / one) for one, two in itertools.pairwise(samples)][-window:]
    if len(returns) < 3:
        return 0.0, 0.0
    squares = sum(each**2 for each in returns)
    return sqrt(squares / len(returns) * YEAR_S), sum(returns) / sqrt(squares) if squares else 0.0


@given(frames, st.integers(3, 60))
def test_the_figures_are_what_the_whole_past_says(steps: list[tuple[int, int]], window: int) -> None:
    waits = itertools.accumulate(wait_ns for wait_ns, _ in steps)
    path = [(at_ns, mid2) for at_ns, (_, mid2) in zip(waits, steps, strict=True)]
    weather = Weather(Signals(regime_returns_min=3, regime_window_s=window))
    for number, (at_ns, mid2) in enumerate(path, 1):
        weather.fold(at_ns, mid2)
        figures = slowly(path[:number], window)
        assert (weather.annualised, weather.trend) == pytest.approx(figures, rel=1e-9, abs=1e-12)
        assert weather.bps_per_root_s == pytest.approx(figures[0] * 1e4 / sqrt(YEAR_S), rel=1e-9)
        assert weather.regime in ("", *REGIMES)


@given(frames)
@example([(0, 100_134), (S, 100_000), (S, 100_037), (62 * S, 100_000)])  # A pause longer than the window.
def test_more_frames_of_the_same_market_change_nothing(steps: list[tuple[int, int]]) -> None:
    rare, often, at_ns, before = Weather(FEW), Weather(FEW), 0, 0
    for wait_ns, mid2 in steps:
        if before:
            for part in range(1, 10):
                often.fold(at_ns + wait_ns * part // 10, before)
        at_ns, before = at_ns + wait_ns, mid2
        rare.fold(at_ns, mid2)
        often.fold(at_ns, mid2)
        assert (rare.annualised, rare.trend) == pytest.approx((often.annualised, often.trend), rel=1e-12)
        assert rare.regime == often.regime


@pytest.mark.parametrize(
    ("volatility", "regime"),
    [(0.0, LOW), (0.29, LOW), (0.31, NORMAL), (1.19, NORMAL), (1.21, HIGH), (2.99, HIGH), (3.01, EXTREME)],
)
def test_the_regime_is_a_band_of_the_annualised_volatility(volatility: float, regime: str) -> None:
    assert of(zigzag(volatility, 30)).regime == regime


@pytest.mark.parametrize(
    ("before", "after", "regime"),
    [
        (0.2, 0.32, LOW),
        (0.2, 0.34, NORMAL),
        (0.6, 0.28, NORMAL),
        (0.6, 0.26, LOW),
        (0.6, 1.30, NORMAL),
        (0.6, 1.33, HIGH),
        (2.0, 1.10, HIGH),
        (2.0, 1.07, NORMAL),
        (2.0, 3.20, HIGH),
        (2.0, 3.40, EXTREME),
        (4.0, 2.80, EXTREME),
        (4.0, 2.60, HIGH),
        (0.1, 9.00, EXTREME),
        (9.0, 0.10, LOW),
    ],
)
def test_a_bound_has_to_be_passed_by_a_tenth(before: float, after: float, regime: str) -> None:
    weather = Weather(Signals())
    follow(weather, before, 70, 0)
    follow(weather, after, 140, 71)
    assert weather.annualised == pytest.approx(after, rel=1e-3)
    assert weather.regime == regime


def test_at_a_bound_the_regime_does_not_flap() -> None:
    weather = Weather(Signals(regime_window_s=10, regime_dwell_s=0))
    follow(weather, 1.19, 30, 0)
    seen = [regime for turn in range(20) for regime in follow(weather, 1.21 if turn % 2 else 1.19, 14, 31 + 15 * turn)]
    assert set(seen) == {NORMAL}


def test_a_regime_lasts_a_while_and_extreme_comes_at_once() -> None:
    def seconds(dwell: int, volatility: float) -> int:
        weather = Weather(Signals(regime_window_s=3, regime_returns_min=3, regime_dwell_s=dwell))
        weather.fold(0, 10**12)
        for second in range(1, 5):
            weather.fold(second * S, 10**12)
        assert weather.regime == LOW
        step, mid = volatility / sqrt(YEAR_S), 1e12
        for second in range(5, 60):
            mid *= 1 + step
            weather.fold(second * S, round(mid))
            if weather.regime != LOW:
                return second
        return 60

    assert (seconds(0, 0.8), seconds(20, 0.8)) == (6, 4 + 20)
    assert seconds(20, 50.0) == seconds(0, 50.0) == 6


def test_a_time_without_a_book_is_no_return() -> None:
    weather = of([20_000, 20_002, 20_000, 20_002])
    before = weather.annualised
    weather.interrupt()
    weather.fold(60 * S, 30_000)
    weather.fold(61 * S, 30_000)
    assert weather.annualised == before
    weather.fold(62 * S, 30_000)
    assert weather.annualised == pytest.approx(before * sqrt(3 / 4))


def test_a_clock_that_runs_back_and_a_mid_that_is_none_are_passed_over() -> None:
    weather, same = of([20_000, 20_002, 20_000]), of([20_000, 20_002, 20_000])
    for at_ns, mid2 in ((S, 20_004), (0, 0), (3 * S, -5)):
        weather.fold(at_ns, mid2)
    assert weather.marks == same.marks
    weather.fold(10 * S, 20_002)
    assert weather.annualised > 0


def test_a_pause_of_years_costs_nothing_and_leaves_no_volatility() -> None:
    weather = of([20_000, 20_002, 20_000])
    weather.fold(10**18, 20_002)
    assert (weather.annualised, weather.trend, weather.regime) == (0.0, 0.0, LOW)
    assert weather.marks < 100


def test_annualised_volatility_opens_the_momentum_gate_and_moves_the_regime() -> None:
    """A raw window's deviation (1e-4 or so) would never reach 0.05, and every market would be of low volatility."""
    market, signal, regimes, scores = Market(Book(), Scale("0.01", "0.1")), Umom(Signals()), set(), set()
    for step in range(2_400):
        calm = step // 800 == 1
        mid = 1_000_000 + (2 if calm else 60) * ((step // 10) % 7)
        market.book.bids.replace([(mid - 1, 5)])
        market.book.asks.replace([(mid + 1, 5)])
        market.complete(step * 100 * MS)
        signal.update(market)
        regimes.add(market.weather.regime)
        scores.add(signal.score)
    assert {LOW, NORMAL} <= regimes
    assert min(scores) < -0.1 < 0.1 < max(scores)
