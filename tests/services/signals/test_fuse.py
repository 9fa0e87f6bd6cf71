from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.fuse import active, builders, confidence, fuse
from shared.config import Signals, Weights

anything = st.floats(allow_nan=True, allow_infinity=True)


def test_shares_keep_the_proportions_of_the_weights_and_sum_to_one() -> None:
    assert active(Weights(obi=0.30, umom=0.20)) == pytest.approx({"obi": 0.6, "umom": 0.4})


def test_a_weight_of_zero_switches_a_signal_off() -> None:
    assert active(Weights(obi=0, umom=0.2)) == {"umom": 1.0}
    assert active(Weights(obi=0, umom=0)) == {}


def test_the_entry_threshold_can_be_reached_with_two_signals() -> None:
    config = Signals()
    shares = tuple(active(config.weights).values())
    assert fuse((1.0, 0.0), shares, config.deadband).confidence >= config.enter_confidence
    assert fuse((0.55, 0.0), shares, config.deadband).confidence >= config.enter_confidence
    assert fuse((0.5, 0.0), shares, config.deadband).confidence < config.enter_confidence
    assert fuse((0.4, 0.2), shares, config.deadband).confidence >= config.enter_confidence


def test_a_stale_signal_takes_its_share_of_confidence_with_it() -> None:
    both, one = fuse((0.8, 0.8), (0.6, 0.4), 0.05), fuse((0.8, 0.0), (0.6, 0.4), 0.05)
    assert one.score == pytest.approx(0.6 * both.score)
    assert one.confidence < both.confidence


@pytest.mark.parametrize(
    ("score", "expected"), [(0.0, 0.0), (0.310, 0.65), (0.5025, 0.85), (-0.310, 0.65), (1.0, 0.9866)]
)
def test_confidence_of_a_score(score: float, expected: float) -> None:
    assert confidence(score) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("score", "direction"), [(0.05, 1), (0.0499, 0), (-0.05, -1), (-0.0499, 0), (0.0, 0)])
def test_the_deadband_is_open_at_its_edge(score: float, direction: int) -> None:
    assert fuse((score,), (1.0,), 0.05).direction == direction


def test_without_a_deadband_nothing_is_still_no_direction() -> None:
    assert fuse((0.0,), (1.0,), 0.0).direction == 0
    assert fuse((), (), 0.0) == (0.0, 0, 0.0)


@given(st.lists(anything, min_size=2, max_size=2))
def test_whatever_signals_say_the_result_is_finite_and_in_range(scores: list[float]) -> None:
    found = fuse(scores, (0.6, 0.4), 0.05)
    assert -1.0 <= found.score <= 1.0
    assert 0.0 <= found.confidence <= 1.0
    assert found.direction in (-1, 0, 1)


@pytest.mark.parametrize("bad", [nan, inf])
def test_a_score_that_is_no_number_counts_for_nothing_or_is_held(bad: float) -> None:
    assert fuse((nan, 0.5), (0.5, 0.5), 0.05).score == 0.25
    assert abs(fuse((bad, 0.0), (0.5, 0.5), 0.05).score) <= 0.5


def test_signals_are_found_by_name() -> None:
    made = [build(Signals()) for build in builders(("obi", "umom"))]
    assert [type(signal).__name__ for signal in made] == ["Obi", "Umom"]
