from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.brackets import REACH_TICKS, Away, Levels, distances, levels, paying_ticks
from shared.config import Brackets
from shared.scale import E8

FREE = 0
TAKER_E8 = 55_000
percents = st.integers(1, 5_000).map(lambda hundredths: hundredths / 100)
sides = st.sampled_from([1, -1])


def percent(stop: float, target: float) -> Brackets:
    return Brackets(stop_pct=stop, target_pct=target)


@pytest.mark.parametrize(
    ("side", "entry", "stop_pct", "target_pct", "expected"),
    [
        (1, 10_000, 0.5, 1.0, Levels(9_950, 10_100)),
        (-1, 10_000, 0.5, 1.0, Levels(10_050, 9_900)),
        (1, 1_000, 0.3, 0.6, Levels(997, 1_006)),
        (1, 1_001, 0.5, 1.0, Levels(995, 1_012)),  # 5.005 and 10.01 ticks, rounded up.
        (-1, 1_001, 0.5, 1.0, Levels(1_007, 990)),
        (1, 3, 0.01, 0.01, Levels(2, 8)),  # Never on the entry itself, and the target beyond what it may fill at.
        (1, 1, 0.5, 1.0, None),
        (-1, 1, 0.5, 1.0, None),
    ],
)
def test_bracket(side: int, entry: int, stop_pct: float, target_pct: float, expected: Levels | None) -> None:
    assert levels(side, entry, percent(stop_pct, target_pct), FREE) == expected


@given(sides, st.integers(100, 10**9), percents, percents)
def test_the_stop_is_never_tighter_nor_the_target_nearer_than_asked(
    side: int, entry: int, stop_pct: float, target_pct: float
) -> None:
    found = levels(side, entry, percent(stop_pct, target_pct), FREE)
    if found is None:
        return
    stop_away, target_away = side * (entry - found.stop_ticks), side * (found.target_ticks - entry)
    exact_stop, exact_target = (entry * Fraction(str(share)) / 100 for share in (stop_pct, target_pct))
    assert stop_away == max(1, ceil(exact_stop))
    assert target_away >= max(1, ceil(exact_target))


@pytest.mark.parametrize(
    ("changes", "atr_ticks", "expected"),
    [
        ({"policy": "ticks"}, 0.0, Away(3, 5)),  # 4.5 ticks, rounded up.
        ({"policy": "ticks", "base_stop_ticks": 10, "tp_ticks_multiplier": 2.0}, 0.0, Away(10, 20)),
        ({"policy": "atr", "atr_min_pct": 0.01}, 30.0, Away(60, 120)),
        ({"policy": "atr", "atr_min_pct": 0.01}, 30.3, Away(61, 122)),
        ({"policy": "atr"}, 5.0, Away(50, 100)),  # 10 ticks are too near: half a percent, and the target with it.
        ({"policy": "atr"}, 900.0, Away(500, 1000)),  # 1800 are too far.
        ({"policy": "atr"}, 0.0, None),  # Not known yet.
        ({"policy": "atr"}, float("nan"), None),
        ({"policy": "atr"}, float("inf"), None),
        ({"policy": "atr"}, -3.0, None),
    ],
)
def test_policies(changes: dict[str, Any], atr_ticks: float, expected: Away | None) -> None:
    assert distances(10_000, Brackets(**changes), atr_ticks) == expected


def test_without_a_range_the_atr_policy_opens_nothing() -> None:
    assert levels(1, 10_000, Brackets(policy="atr"), TAKER_E8, 0.0) is None
    assert levels(1, 10_000, Brackets(policy="atr"), TAKER_E8, 30.0) is not None


def test_a_target_of_a_few_ticks_that_could_not_pay_its_fees_is_moved_out_to_break_even_and_one_tick() -> None:
    found = levels(1, 600_000, Brackets(policy="ticks"), TAKER_E8)
    assert found is not None
    assert found.stop_ticks == 599_997
    assert found.target_ticks == 600_000 + 660 + 1 + 1 + REACH_TICKS  # Two fees of 0.055 % of 600,003 ticks.


@given(sides, st.integers(10, 10**9), st.integers(0, 10**7))
def test_the_shortest_target_pays_both_fees_at_the_worst_entry_and_two_ticks_less_would_not(
    side: int, entry: int, taker_e8: int
) -> None:
    target = entry + side * paying_ticks(side, entry, taker_e8)
    worst = entry + side * REACH_TICKS

    def gain(to: int) -> int:
        return (to - worst) * side * E8 - taker_e8 * (worst + to)

    if target > 0:
        assert gain(target - side) > 0  # One tick to spare.
        assert gain(target - 2 * side) <= 0


@given(
    sides, st.integers(1, 10**9), st.sampled_from(["pct", "ticks", "atr"]),
    st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 10**6),
)  # fmt: skip
def test_whatever_the_policy_both_legs_are_prices_on_their_own_sides(
    side: int, entry: int, policy: Any, atr_ticks: float, taker_e8: int
) -> None:
    found = levels(side, entry, Brackets(policy=policy), taker_e8, atr_ticks)
    if found is not None:
        assert min(found) > 0
        assert (entry - found.stop_ticks) * side > 0
        assert (found.target_ticks - entry) * side > REACH_TICKS
