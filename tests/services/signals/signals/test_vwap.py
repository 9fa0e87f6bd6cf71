from fractions import Fraction
from math import isfinite, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.signals.vwap import STALE_NS, Vwap, build
from services.signals.weather import EXTREME, HIGH, LOW, NORMAL, REGIMES
from shared.config import Signals
from tests.services.feed import S
from tests.services.stage import Stage, Trade

FEW = Signals(vwap_trades_min=1)


def stage_in(regime: str, config: Signals = FEW) -> tuple[Stage, Vwap]:
    signal = Vwap(config)
    stage = Stage(signal, config=config)
    stage.market.weather.regime = regime
    return stage, signal


@pytest.mark.parametrize(("regime", "strength"), [("", 0), (LOW, 1.0), (NORMAL, 0.5), (HIGH, -0.3), (EXTREME, 0)])
def test_it_expects_the_way_back_as_far_as_the_regime_allows(regime: str, strength: float) -> None:
    for above_ticks, answer in ((0, 0.0), (1, -0.2), (-1, 0.2), (4, -0.8), (5, -1.0), (500, -1.0), (-500, 1.0)):
        stage, signal = stage_in(regime)
        stage.at(1_000 + above_ticks, S, trades=[(1_000, 7, True)])
        assert signal.score == pytest.approx(strength * answer)


def test_worked_trades_in_deviations() -> None:
    """1 at 100, 2 at 100.5, 1 at 99.5, 1 at 101, as ticks of 0.5: 101 lies 1.372812946 deviations above."""
    stage, signal = stage_in(LOW, Signals(vwap_trades_min=1, vwap_measure="deviations", vwap_full=2.0))
    stage.at(202, S, trades=[(200, 1, True), (201, 2, False), (199, 1, True), (202, 1, True)])
    assert signal.score == pytest.approx(-1.372812946 / 2, rel=1e-9)


def test_only_the_last_500_trades_count() -> None:
    stage, signal = stage_in(LOW)
    stage.at(1_004, S, trades=[(9_999, 10**9, True), *[(1_000, 1, True)] * 499])
    assert signal.score == 1.0
    stage.at(1_004, S, trades=[(1_000, 1, True)])
    assert signal.score == pytest.approx(-0.8)


def test_there_is_no_score_before_twenty_trades() -> None:
    stage, signal = stage_in(LOW, Signals())
    for number in range(1, 21):
        stage.at(1_004, S, trades=[(1_000, 1, True)])
        assert (signal.score == 0.0) == (number < 20)


def test_nothing_is_said_without_a_mid() -> None:
    stage, signal = stage_in(LOW)
    stage.at(1_004, S, trades=[(1_000, 1, True)])
    stage.at(0, S)
    assert signal.score == 0.0


def test_it_is_stale_two_seconds_after_the_book_and_a_minute_after_the_last_trade() -> None:
    signal = build(FEW)
    stage = Stage(signal, config=FEW)
    stage.market.weather.regime = LOW
    stage.at(1_004, 10 * S, trades=[(1_000, 1, True)])
    assert signal.fresh_until_ns == 10 * S + STALE_NS
    stage.at(1_003, 69 * S)
    assert signal.fresh_until_ns == 70 * S
    stage.market.weather.regime = LOW
    stage.at(1_002, 80 * S)
    assert signal.fresh_until_ns == 70 * S


trades = st.lists(st.tuples(st.integers(900, 1_100), st.integers(0, 10**6), st.booleans()), max_size=5)
frames = st.lists(
    st.tuples(st.one_of(st.just(0), st.integers(950, 1_050)), st.sampled_from(["", *REGIMES]), trades), max_size=12
)


@given(frames, st.sampled_from(["ticks", "deviations"]))
def test_the_score_is_what_the_definition_says_finite_and_in_range(
    path: list[tuple[int, str, list[Trade]]], measure: str
) -> None:
    stage, signal = stage_in("", Signals(vwap_trades=10, vwap_trades_min=3, vwap_measure=measure))  # type: ignore[arg-type]
    past: list[tuple[int, int]] = []
    for mid, regime, given_trades in path:
        stage.market.weather.regime = regime
        stage.at(mid, S, trades=given_trades)
        past += [(ticks, lots) for ticks, lots, _ in given_trades if lots]
        last = past[-10:]
        assert isfinite(signal.score)
        if not mid or len(last) < 3:
            assert signal.score == 0.0
            continue
        total = sum(lots for _, lots in last)
        mean = Fraction(sum(ticks * lots for ticks, lots in last), total)
        deviation = sqrt(sum(lots * (ticks - mean) ** 2 for ticks, lots in last) / total)
        unit = 1.0 if measure == "ticks" else deviation
        distance = float(mid - mean) / unit if unit else 0.0
        strength = {LOW: 1.0, NORMAL: 0.5, HIGH: -0.3}.get(regime, 0.0)
        assert signal.score == pytest.approx(-strength * max(-1.0, min(1.0, distance / 5)), rel=1e-9, abs=1e-9)
