"""A score that fades."""

from __future__ import annotations

import pytest

from services.signals.strike import Strike


def test_it_fades_evenly_to_nothing() -> None:
    strike = Strike(100)
    assert strike.at(0) == 0.0
    strike.hit(1_000, 0.8)
    assert [strike.at(now) for now in (1_000, 1_050, 1_099)] == pytest.approx([0.8, 0.4, 0.008])
    assert strike.ends_ns == 1_100
    assert (strike.at(1_100), strike.at(1_050)) == (0.0, 0.0)


def test_a_new_one_takes_the_place_of_what_is_left() -> None:
    strike = Strike(100)
    strike.hit(0, 0.8)
    strike.hit(50, -0.2)
    assert strike.at(50) == -0.2


def test_it_is_held_to_one_and_what_is_not_a_number_is_nothing() -> None:
    strike = Strike(100)
    for given, expected in ((7.0, 1.0), (float("-inf"), -1.0), (float("nan"), 0.0)):
        strike.hit(0, given)
        assert strike.at(0) == expected


def test_a_clock_that_goes_back_ends_it() -> None:
    strike = Strike(100)
    strike.hit(1_000, 1.0)
    assert strike.at(999) == 0.0
