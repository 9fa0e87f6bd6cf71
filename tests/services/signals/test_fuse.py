from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.fuse import active, builders, confidence, fuse
from services.signals.maths import sigmoid
from shared.config import Signals, Weights

anything = st.floats(allow_nan=True, allow_infinity=True)


STEEP = Signals().steepness


def weights(**given: float) -> Weights:
    """Return the weights of these signals alone."""
    return Weights(**dict.fromkeys(Weights.__struct_fields__, 0.0) | given)


def test_the_eight_shares_are_those_of_the_strategy() -> None:
    names = ("obi", "umom", "prt", "ltb", "sweep", "ice", "vwap", "regime")
    shares = active(Weights())
    assert tuple(shares) == names
    assert tuple(shares.values()) == pytest.approx((0.30, 0.20, 0.15, 0.12, 0.08, 0.05, 0.07, 0.03))


def test_shares_keep_the_proportions_of_the_weights_and_sum_to_one() -> None:
    assert active(weights(obi=0.30, umom=0.20)) == pytest.approx({"obi": 0.6, "umom": 0.4})


def test_a_weight_of_zero_switches_a_signal_off() -> None:
    assert active(weights(umom=0.2)) == {"umom": 1.0}
    assert active(weights()) == {}


def test_the_entry_threshold_can_be_reached_with_two_signals() -> None:
    config = Signals()
    shares = tuple(active(weights(obi=0.30, umom=0.20)).values())
    for scores, enough in (((1.0, 0.0), True), ((0.55, 0.0), True), ((0.5, 0.0), False), ((0.4, 0.2), True)):
        found = fuse(scores, shares, config.deadband, STEEP).confidence
        assert (found >= config.enter_confidence) is enough


def test_every_threshold_is_reached_by_eight_signals_and_left_again() -> None:
    config, shares = Signals(), tuple(active(Weights()).values())

    def of(*scores: float) -> float:
        return fuse((*scores, *[0.0] * (8 - len(scores))), shares, config.deadband, STEEP).confidence

    assert of(0.7, 0.6) >= config.enter_confidence > of(0.6, 0.6)
    assert of(1.0, 1.0, 0.05, STEEP) >= config.trail_confidence > of(1.0, 0.9)
    assert of(0.5) < config.exit_confidence <= of(0.6)
    assert of() == 0.0  # A plain sigmoid would be stuck at a half, above the exit.


def test_the_origin_s_own_confidence_could_not_fall_below_a_half() -> None:
    assert sigmoid(5 * 0.13) == pytest.approx(0.6570104626734988, rel=1e-9)
    assert sigmoid(0.0) == 0.5 > Signals().exit_confidence
    for threshold, raw in ((0.65, 0.12380784168124473), (0.85, 0.3469202110776213)):
        assert sigmoid(5 * raw) == pytest.approx(threshold, rel=1e-9)


def test_a_stale_signal_takes_its_share_of_confidence_with_it() -> None:
    both, one = fuse((0.8, 0.8), (0.6, 0.4), 0.05, STEEP), fuse((0.8, 0.0), (0.6, 0.4), 0.05, STEEP)
    assert one.score == pytest.approx(0.6 * both.score)
    assert one.confidence < both.confidence


@pytest.mark.parametrize(
    ("score", "expected"), [(0.0, 0.0), (0.310, 0.65), (0.5025, 0.85), (-0.310, 0.65), (1.0, 0.9866)]
)
def test_confidence_of_a_score(score: float, expected: float) -> None:
    assert confidence(score, STEEP) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("score", "direction"), [(0.05, 1), (0.0499, 0), (-0.05, -1), (-0.0499, 0), (0.0, 0)])
def test_the_deadband_is_open_at_its_edge(score: float, direction: int) -> None:
    assert fuse((score,), (1.0,), 0.05, STEEP).direction == direction


def test_without_a_deadband_nothing_is_still_no_direction() -> None:
    assert fuse((0.0,), (1.0,), 0.0, STEEP).direction == 0
    assert fuse((), (), 0.0, STEEP) == (0.0, 0, 0.0)


@given(st.lists(anything, min_size=2, max_size=2))
def test_whatever_signals_say_the_result_is_finite_and_in_range(scores: list[float]) -> None:
    found = fuse(scores, (0.6, 0.4), 0.05, STEEP)
    assert -1.0 <= found.score <= 1.0
    assert 0.0 <= found.confidence <= 1.0
    assert found.direction in (-1, 0, 1)


@pytest.mark.parametrize("bad", [nan, inf])
def test_a_score_that_is_no_number_counts_for_nothing_or_is_held(bad: float) -> None:
    assert fuse((nan, 0.5), (0.5, 0.5), 0.05, STEEP).score == 0.25
    assert abs(fuse((bad, 0.0), (0.5, 0.5), 0.05, STEEP).score) <= 0.5


def test_signals_are_found_by_name() -> None:
    made = [build(Signals()) for build in builders(("obi", "umom"))]
    assert [type(signal).__name__ for signal in made] == ["Obi", "Umom"]
