"""The offset of the venue's clock: bounded by round trips, never surer than it may be."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from shared.offset import ROUND_TRIP_NS_MAX, Age, Offset, OffsetEstimator, age_of

MS, S = 1_000_000, 1_000_000_000


def test_half_the_difference_of_both_ways_is_the_offset() -> None:
    estimator = OffsetEstimator()
    assert estimator.estimate(0) is None
    estimator.add(100 * MS, 140 * MS, 520 * MS)
    assert estimator.estimate(140 * MS) == Offset(400 * MS, 20 * MS, 140 * MS)


def test_the_shortest_round_trip_counts_until_it_is_too_old() -> None:
    estimator = OffsetEstimator()
    estimator.add(0, 2 * MS, 11 * MS)
    estimator.add(S, S + 40 * MS, S + 25 * MS)
    best = estimator.estimate(S + 40 * MS)
    assert best is not None
    assert (best.offset_ns, best.uncertainty_ns) == (10 * MS, MS + 51_900)
    later = estimator.estimate(10_000 * S)
    assert later is not None
    assert later.uncertainty_ns > 400 * MS  # 50 ppm of 10,000 s, and half of the shortest round trip.


def test_what_cannot_be_is_refused() -> None:
    estimator = OffsetEstimator()
    assert not estimator.add(10, 9, 10)
    assert not estimator.add(0, ROUND_TRIP_NS_MAX + 1, 10)
    assert estimator.estimate(10) is None


def test_a_clock_that_was_set_voids_what_was_known() -> None:
    estimator = OffsetEstimator()
    estimator.add(0, 2 * MS, MS)
    estimator.add(S, S + 10 * MS, 3 * S)
    best = estimator.estimate(S + 10 * MS)
    assert best is not None
    assert best.offset_ns == 2 * S - 5 * MS


def test_an_age_carries_its_uncertainty_and_a_gate_uses_what_is_sure() -> None:
    age = age_of(stamp_ns=1_000 * MS, now=900 * MS, offset=Offset(200 * MS, 20 * MS, 900 * MS))
    assert age == Age(100 * MS, 20 * MS)
    assert age.at_least_ns == 80 * MS


@given(st.integers(0, 2**32), st.integers(-(10**15), 10**15), st.integers(-20, 20))
def test_the_truth_always_lies_within_the_uncertainty(seed: int, offset_ns: int, drift_ppm: int) -> None:
    rng, estimator, now = random.Random(seed), OffsetEstimator(), 10**15
    begin = now

    def theirs(at_ns: int) -> int:
        return at_ns + offset_ns + (at_ns - begin) * drift_ppm // 1_000_000

    for _ in range(100):
        there, back = rng.randint(0, 50 * MS), rng.randint(0, 50 * MS)
        estimator.add(now, now + there + back, theirs(now + there))
        now += there + back + rng.randint(0, 60 * S)
        best = estimator.estimate(now)
        assert best is not None
        assert abs(best.offset_ns - (theirs(now) - now)) <= best.uncertainty_ns + 1
