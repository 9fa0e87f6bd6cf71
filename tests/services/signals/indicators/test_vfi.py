"""VFI: Katsanos' volume flow, not another indicator of that name."""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import log
from statistics import fmean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.candles import Bar
from services.signals.indicators.vfi import Vfi, build
from shared.config_candles import Indicators
from tests.services.signals.bars import hlcv, same, series, values, votes

GOLDEN = [
    (10.2, 9.8, 10, 100), (10.4, 10, 10.3, 120), (10.6, 10.2, 10.5, 90), (10.5, 10.1, 10.2, 400), (10.3, 9.9, 10, 110),
    (10.5, 10, 10.4, 130), (10.9, 10.4, 10.8, 150), (11, 10.7, 10.8, 80), (10.9, 10.5, 10.6, 100),
    (11.2, 10.6, 11.1, 500), (11.3, 11, 11.2, 120), (11.2, 10.9, 11, 90),
]  # fmt: skip
FLOWS = [-110, 130, 150, 80, -100, 287.5, 120, -90]
RAW = [250 / 197.5, 260 / 117.5, 417.5 / 115, 387.5 / 207.5, 217.5 / 200]
SMOOTH = list(accumulate(RAW, lambda before, now: (before + now) / 2))


def slow(bars: list[Bar], period: int, coef: float, cap: float, stdev_bars: int, ema_bars: int) -> list[float | None]:
    """The definition, read aloud over whole lists."""
    typical = [(bar.high_ticks + bar.low_ticks + bar.close_ticks) / 3 for bar in bars]
    inter = [0.0] + [log(now / before) for before, now in pairwise(typical)]
    flows: list[float] = []
    found: list[float | None] = []
    smooth: float | None = None
    for number, bar in enumerate(bars):
        found.append(None)
        if number < max(period, stdev_bars):
            continue
        average = fmean(each.lots for each in bars[number - period : number])
        cutoff = coef * pstdev(inter[number - stdev_bars + 1 : number + 1]) * bar.close_ticks
        moved = typical[number] - typical[number - 1]
        volume = min(float(bar.lots), cap * average)
        flows.append(volume if moved > cutoff else -volume if moved < -cutoff else 0.0)
        if len(flows) >= period and average > 0:
            raw = sum(flows[-period:]) / average
            smooth = raw if smooth is None else smooth + 2 / (ema_bars + 1) * (raw - smooth)
            found[-1] = smooth
    return found


def test_the_golden_numbers() -> None:
    indicator = Vfi(4, 0.2, 2.5, 3, 3)
    found = [(indicator.update(bar), indicator.raw, indicator.flow_lots) for bar in hlcv(GOLDEN)]
    assert [flow for _, _, flow in found[4:]] == FLOWS
    assert [flow for _, _, flow in found[:4]] == [None] * 4
    assert [value for value, _, _ in found[:7]] == [None] * 7
    assert [raw for _, raw, _ in found[7:]] == pytest.approx(RAW, rel=1e-12)
    told = [1.26582278, 1.73929437, 2.68486458, 2.27616723, 1.68183361]
    assert [value for value, _, _ in found[7:]] == pytest.approx(SMOOTH, rel=1e-9)
    assert pytest.approx(told, abs=5.1e-9) == SMOOTH  # As written down, to eight places.


def test_the_cap_is_two_and_a_half_mean_volumes() -> None:
    indicator = Vfi(4, 0.2, 2.5, 3, 3)
    values(indicator, hlcv(GOLDEN[:10]))
    assert indicator.flow_lots == 2.5 * (150 + 80 + 100 + 130) / 4


def test_it_is_not_the_imbalance_of_up_and_down_volume() -> None:
    bars = hlcv(GOLDEN)
    up = sum(new.lots for old, new in pairwise(bars) if new.close_ticks > old.close_ticks)
    down = sum(new.lots for old, new in pairwise(bars) if new.close_ticks < old.close_ticks)
    assert values(Vfi(4, 0.2, 2.5, 3, 3), bars)[-1] != pytest.approx((up - down) / (up + down), abs=0.1)


@settings(max_examples=40)
@given(series(), st.integers(1, 12), st.integers(2, 12), st.sampled_from([(0.2, 2.5), (0.1, 3.5), (0.0, 2.5)]))
def test_it_is_the_definition(bars: list[Bar], period: int, stdev_bars: int, pair: tuple[float, float]) -> None:
    coef, cap = pair
    expected = slow(bars, period, coef, cap, stdev_bars, 3)
    assert same(values(Vfi(period, coef, cap, stdev_bars, 3), bars), expected)


def test_without_volume_there_is_no_value_and_no_vote() -> None:
    indicator = Vfi(2, 0.2, 2.5, 2, 3)
    rising = hlcv([(price, price - 1, price, 5 if price < 16 else 0) for price in range(11, 21)])
    assert votes(indicator, rising[:5])[-1] == 1
    assert values(indicator, rising[5:])[2:] == [None] * 3
    assert indicator.vote == 0


def test_it_is_built_over_130_bars_with_the_daily_constants() -> None:
    rows = [(11 + number % 7, 10, 10.5 + number % 5, 100 + number % 3) for number in range(300)]
    found = values(build(Indicators()), hlcv(rows))
    assert same(found, slow(hlcv(rows), 130, 0.2, 2.5, 30, 3))
    assert next(number for number, value in enumerate(found) if value is not None) == 130 + 129
