from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.signals.regime import STALE_NS, Regime, build
from services.signals.weather import EXTREME, HIGH, LOW, NORMAL
from shared.config import Signals
from tests.services.feed import S
from tests.services.stage import Stage

FEW = Signals(regime_returns_min=3)


def drift(each_ticks: int, seconds: int = 40, jitter: int = 0) -> Regime:
    """Return the signal after a walk up or down."""
    signal = Regime(2.0)
    stage = Stage(signal, config=FEW)
    for second in range(seconds):
        stage.at(1_000_000 + each_ticks * second + jitter * (second % 2), second * S)
    return signal


def test_in_low_volatility_it_leans_against_the_move() -> None:
    assert drift(10).score == -1.0
    assert drift(-10).score == 1.0


def test_in_high_volatility_it_goes_with_the_move() -> None:
    assert drift(300).score == 1.0
    assert drift(-300).score == -1.0


@pytest.mark.parametrize("each_ticks", [100, -100, 1_000, -1_000])
def test_in_normal_and_in_extreme_volatility_it_says_nothing(each_ticks: int) -> None:
    assert drift(each_ticks).score == 0.0


def test_a_move_within_the_noise_is_little() -> None:
    assert -0.5 < drift(1, jitter=30).score < 0.0


@pytest.mark.parametrize(("regime", "expected"), [("", 0.0), (LOW, -0.6), (NORMAL, 0.0), (HIGH, 0.6), (EXTREME, 0.0)])
def test_two_deviations_score_one(regime: str, expected: float) -> None:
    signal = Regime(2.0)
    stage = Stage(signal)
    stage.market.weather.regime, stage.market.weather.trend = regime, 1.2
    stage.at(1_000, S)
    assert signal.score == pytest.approx(expected)


def test_without_a_mid_it_says_nothing_and_after_that_the_same_again() -> None:
    signal = Regime(2.0)
    stage = Stage(signal)
    stage.market.weather.regime, stage.market.weather.trend = HIGH, 5.0
    stage.at(1_000, S)
    assert signal.score == 1.0
    stage.at(0, S)
    assert signal.score == 0.0
    stage.at(1_000, S)
    assert signal.score == 1.0


def test_it_is_stale_two_seconds_after_the_book() -> None:
    signal = build(Signals())
    Stage(signal).at(1_000, 7 * S)
    assert signal.fresh_until_ns == 7 * S + STALE_NS


steps = st.lists(st.tuples(st.integers(0, 10**7), st.integers(-S, 5 * S)), min_size=1, max_size=40)


@given(steps)
def test_the_score_is_the_answer_of_the_regime_to_the_trend_finite_and_in_range(path: list[tuple[int, int]]) -> None:
    signal, at_ns = build(FEW), 100 * S
    stage = Stage(signal, config=FEW)
    for mid, wait_ns in path:
        at_ns += wait_ns
        stage.at(mid + 2 if mid else 0, at_ns)
        weather = stage.market.weather
        answer = {LOW: -1, HIGH: 1}.get(weather.regime, 0) if mid else 0
        assert isfinite(signal.score)
        assert signal.score == pytest.approx(answer * max(-1.0, min(1.0, weather.trend / 2)), abs=1e-12)
