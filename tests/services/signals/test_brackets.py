from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.brackets import Levels, levels

percents = st.integers(1, 5_000).map(lambda hundredths: hundredths / 100)


@pytest.mark.parametrize(
    ("side", "entry", "stop_pct", "target_pct", "expected"),
    [
        (1, 10_000, 0.5, 1.0, Levels(9_950, 10_100)),
        (-1, 10_000, 0.5, 1.0, Levels(10_050, 9_900)),
        (1, 1_000, 0.3, 0.3, Levels(997, 1_003)),
        (1, 1_001, 0.5, 1.0, Levels(995, 1_012)),  # 5.005 and 10.01 ticks, rounded up.
        (-1, 1_001, 0.5, 1.0, Levels(1_007, 990)),
        (1, 3, 0.01, 0.01, Levels(2, 4)),  # Never on the entry itself.
        (1, 1, 0.5, 1.0, None),
        (-1, 1, 0.5, 1.0, None),
    ],
)
def test_bracket(side: int, entry: int, stop_pct: float, target_pct: float, expected: Levels | None) -> None:
    assert levels(side, entry, stop_pct, target_pct) == expected


@given(st.sampled_from([1, -1]), st.integers(100, 10**9), percents, percents)
def test_the_stop_is_never_tighter_nor_the_target_nearer_than_asked(
    side: int, entry: int, stop_pct: float, target_pct: float
) -> None:
    found = levels(side, entry, stop_pct, target_pct)
    if found is None:
        return
    stop_away, target_away = side * (entry - found.stop_ticks), side * (found.target_ticks - entry)
    for away, percent in ((stop_away, stop_pct), (target_away, target_pct)):
        exact = entry * Fraction(str(percent)) / 100
        assert exact <= away < exact + 1
