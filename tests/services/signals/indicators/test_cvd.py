"""CVD: the taker's side, summed over a rolling window."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.candles import Bar
from services.signals.indicators.cvd import Cvd, build
from shared.config_candles import Indicators
from tests.services.signals.bars import series, values, votes


@settings(max_examples=40)
@given(series(), st.integers(1, 30))
def test_it_is_the_sum_of_the_last_deltas(bars: list[Bar], length: int) -> None:
    deltas = [bar.delta_lots for bar in bars]
    expected = [None if end < length else float(sum(deltas[end - length : end])) for end in range(1, len(deltas) + 1)]
    assert values(Cvd(length), bars) == expected
    assert votes(Cvd(length), bars) == [0 if value is None else (value > 0) - (value < 0) for value in expected]


def test_it_is_built_over_twenty_bars() -> None:
    bars = [Bar(0, 5, 5, 5, 5, 3, -2)] * 21
    assert values(build(Indicators()), bars)[18:] == [None, -40.0, -40.0]
