"""TVA: legs by regression, volume that grows or shrinks with them, and how much of it there is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.candles import Bar
from services.signals.indicators.tva import Tva, build
from shared.config_candles import Indicators
from tests.services.signals.bars import hlcv, same, series, values, votes


def slope(closes: list[int]) -> float:
    """The least-squares slope, by the book."""
    count = len(closes)
    middle, mean = (count - 1) / 2, sum(closes) / count
    above = sum((at - middle) * (close - mean) for at, close in enumerate(closes))
    return above / sum((at - middle) ** 2 for at in range(count))


def slow(bars: list[Bar], volume_bars: int, leg_bars: int, smooth_bars: int) -> tuple[list[float | None], list[int]]:
    """The definition, read aloud: values and votes."""
    lots = [bar.lots for bar in bars]
    grown = [0] * smooth_bars + [now if now > old else 0 for old, now in pairwise(lots)]
    fallen = [0] * smooth_bars + [now if now < old else 0 for old, now in pairwise(lots)]
    found: list[float | None] = []
    said: list[int] = []
    leg, rising, declining = 0, 0.0, 0.0
    for number, bar in enumerate(bars):
        found.append(None)
        said.append(0)
        if number + 1 < leg_bars:
            continue
        tilt = slope([each.close_ticks for each in bars[number + 1 - leg_bars : number + 1]])
        turned = 0 if abs(tilt) < 1e-12 else 1 if tilt > 0 else -1
        if turned and turned != leg:
            leg, rising, declining = turned, 0.0, 0.0
        if leg:
            rising += sum(grown[number : number + smooth_bars]) / smooth_bars
            declining += sum(fallen[number : number + smooth_bars]) / smooth_bars
        if number + 1 < volume_bars:
            continue
        said[-1] = leg if rising > declining else 0
        mean = sum(lots[number + 1 - volume_bars : number + 1]) / volume_bars
        strength = rising / (rising + declining) * min(1.0, bar.lots / mean / 2) if rising + declining and mean else 0.0
        found[-1] = leg * strength
    return found, said


@settings(max_examples=40)
@given(series(), st.integers(1, 20), st.integers(2, 16), st.integers(1, 4))
def test_it_is_the_definition(bars: list[Bar], volume_bars: int, leg_bars: int, smooth_bars: int) -> None:
    expected, _ = slow(bars, volume_bars, leg_bars, smooth_bars)
    assert same(values(Tva(volume_bars, leg_bars, smooth_bars), bars), expected)


@settings(max_examples=40)
@given(series(), st.integers(2, 16))
def test_it_votes_as_defined(bars: list[Bar], leg_bars: int) -> None:
    # One bar of smoothing: whole numbers, so that what is equal is equal.
    assert votes(Tva(5, leg_bars, 1), bars) == slow(bars, 5, leg_bars, 1)[1]


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=30))
def test_weighted_less_plain_mean_is_the_slope_times_a_sixth_of_the_length_less_one(closes: list[int]) -> None:
    count = len(closes)
    weighted = sum((at + 1) * close for at, close in enumerate(closes)) / (count * (count + 1) / 2)
    assert weighted - sum(closes) / count == pytest.approx(slope(closes) * (count - 1) / 6, rel=1e-9, abs=1e-8)


def test_volume_that_grows_with_a_leg_votes_for_it_and_a_turn_begins_at_nothing() -> None:
    indicator = Tva(4, 3, 1)
    up = hlcv([(price, price, price, 10 * price) for price in range(1, 7)])
    assert votes(indicator, up)[-1] == 1
    assert indicator.rising_lots == 30 + 40 + 50 + 60
    down = hlcv([(price, price, price, 10) for price in (3, 2)])
    assert votes(indicator, down)[-1] == 0
    assert (indicator.leg, indicator.rising_lots, indicator.declining_lots) == (-1, 0, 10)


def test_it_is_built_over_twenty_bars_of_volume() -> None:
    bars = hlcv([(number + 1, number + 1, number + 1, 7) for number in range(20)])
    assert values(build(Indicators()), bars) == [None] * 19 + [0.0]
