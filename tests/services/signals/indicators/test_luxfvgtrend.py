"""LuxFVGtrend: gaps, the counter they move, and that a gap is known at its close and not a bar before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.candles import Bar
from services.signals.indicators.luxfvgtrend import LuxFvgTrend, build
from shared.config_candles import Indicators
from tests.services.signals.bars import ohlc, series, values, votes

GOLDEN = [
    (10, 10.2, 9.9, 10.1), (10.1, 10.4, 10, 10.35), (10.35, 11, 10.3, 10.95), (10.95, 11.3, 10.9, 11.2),
    (11.2, 11.25, 10.6, 10.65), (10.65, 10.7, 9.8, 9.85), (9.85, 9.9, 9.3, 9.4), (9.4, 9.6, 9.2, 9.5),
]  # fmt: skip
GAPS = [0, 0, 1, 1, 0, -1, -1, -1]
COUNTER = [None, None, 1, 2, 2, -1, -2, -3]
MIDPOINTS = [None, None, 1025, 1065, None, 1080, 1025, 970]


def slow(bars: list[Bar], length: int, mult: float) -> list[float | None]:
    """The definition, read aloud over whole lists."""
    bodies = [abs(bar.close_ticks - bar.open_ticks) for bar in bars]
    found: list[float | None] = []
    counter = 0
    for number, bar in enumerate(bars):
        found.append(None)
        if number < length + 1:
            continue
        before, between = bars[number - 2], bars[number - 1]
        usual = sum(bodies[number - 1 - length : number - 1])
        if bodies[number - 1] * length >= mult * usual:
            if bar.low_ticks > before.high_ticks and between.close_ticks > before.high_ticks:
                counter = 1 if counter < 0 else counter + 1
            elif bar.high_ticks < before.low_ticks and between.close_ticks < before.low_ticks:
                counter = -1 if counter > 0 else counter - 1
        found[-1] = float(counter)
    return found


def test_the_golden_numbers() -> None:
    indicator = LuxFvgTrend(1, 0.0)
    found = [(indicator.update(bar), indicator.gap, indicator.midpoint) for bar in ohlc(GOLDEN)]
    assert [value for value, _, _ in found] == COUNTER
    assert [gap for _, gap, _ in found] == GAPS
    assert [midpoint for _, _, midpoint in found] == MIDPOINTS


def test_a_gap_is_known_at_the_close_of_the_third_bar_and_not_before() -> None:
    bars = ohlc(GOLDEN)
    assert votes(LuxFvgTrend(1, 0.0), bars[:2]) == [0, 0]
    assert votes(LuxFvgTrend(1, 0.0), bars[:3]) == [0, 0, 1]
    assert votes(LuxFvgTrend(1, 0.0), bars)[:3] == [0, 0, 1]


@settings(max_examples=40)
@given(series(), st.integers(1, 20), st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_it_is_the_definition(bars: list[Bar], length: int, mult: float) -> None:
    expected = slow(bars, length, mult)
    assert values(LuxFvgTrend(length, mult), bars) == expected
    assert votes(LuxFvgTrend(length, mult), bars) == [(value or 0) and (1 if value > 0 else -1) for value in expected]


def test_a_weak_displacement_makes_no_gap() -> None:
    calm = [(10, 10.3, 9.7, 10.2 if number % 2 else 9.9) for number in range(15)]
    weak = [*calm, (10.2, 10.5, 10.2, 10.4), (10.4, 10.6, 10.35, 10.5)]
    strong = [*calm, (10.2, 11.2, 10.2, 11.1), (11.1, 11.3, 11.0, 11.2)]
    assert values(build(Indicators()), ohlc(weak))[-1] == 0
    assert values(build(Indicators()), ohlc(strong))[-1] == 1
    assert values(LuxFvgTrend(14, 0.0), ohlc(weak))[-1] == 1


def test_it_is_built_with_fourteen_bars() -> None:
    found = values(build(Indicators()), ohlc([(10, 10, 10, 10)] * 17))
    assert found == [None] * 15 + [0.0, 0.0]
