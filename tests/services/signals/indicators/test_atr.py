"""ATR: Wilder's numbers, and not those of a plain mean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.candles import Bar
from services.signals.indicators.atr import Atr, build
from shared.config_candles import Indicators
from tests.services.signals.bars import hlcv, same, series, values

GOLDEN = [(10, 8, 9), (11, 9, 10.5), (12, 10, 11), (11.5, 9.5, 10), (10.5, 8.5, 9), (12, 9, 11.5), (12, 11, 11.2)]


def slow(bars: list[Bar], period: int) -> list[float | None]:
    """The definition, read aloud: each value worked out from the first bar on."""
    ranges = [
        bar.high_ticks - bar.low_ticks
        if not number
        else max(
            bar.high_ticks - bar.low_ticks,
            abs(bar.high_ticks - bars[number - 1].close_ticks),
            abs(bar.low_ticks - bars[number - 1].close_ticks),
        )
        for number, bar in enumerate(bars)
    ]
    found: list[float | None] = []
    for end in range(1, len(ranges) + 1):
        if end < period:
            found.append(None)
            continue
        value = sum(ranges[:period]) / period
        for reach in ranges[period:end]:
            value = value * (period - 1) / period + reach / period
        found.append(value)
    return found


def test_the_golden_numbers() -> None:
    found = values(Atr(3), hlcv([(*row, 1) for row in GOLDEN]))
    assert found[:2] == [None, None]
    assert [value / 10 for value in found[2:] if value is not None] == pytest.approx(
        [2, 2, 2, 7 / 3, 17 / 9], rel=1e-12
    )


def test_it_is_not_a_mean_of_the_last_ranges() -> None:
    assert values(Atr(3), hlcv([(*row, 1) for row in GOLDEN]))[-1] != pytest.approx(20.0, rel=1e-3)


@settings(max_examples=40)
@given(series(), st.integers(1, 20))
def test_it_is_the_definition(bars: list[Bar], period: int) -> None:
    assert same(values(Atr(period), bars), slow(bars, period))


def test_it_is_built_with_wilders_period_and_has_no_direction() -> None:
    indicator = build(Indicators())
    bars = hlcv([(11, 9, 10, 1)] * 14)
    assert values(indicator, bars)[12:] == [None, 20.0]
    assert indicator.vote == 0
