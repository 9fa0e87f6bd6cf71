"""What every indicator in the folder keeps to, whatever its name; and the window that several share."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from math import isfinite
from pathlib import Path
from statistics import pvariance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals import indicators
from services.signals.candles import Bar
from services.signals.indicators.indicator import Indicator, Window, sign
from shared.config_candles import Indicators
from tests.services.signals.bars import series, values, votes

SHORT = Indicators(
    luxfvgtrend_length=3, tva_volume_ma_period=5, tva_leg_bars=4, cvd_length=5, vfi_period=6, vfi_stdev_bars=4,
    atr_period=4,
)  # fmt: skip
FOLDER = Path(indicators.__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__init__", "indicator"))
each_indicator = pytest.mark.parametrize("name", NAMES)


def builder(name: str) -> Callable[[Indicators], Indicator]:
    build: Callable[[Indicators], Indicator] = import_module(f"services.signals.indicators.{name}").build
    return build


def test_the_five_are_there() -> None:
    assert NAMES == ["atr", "cvd", "luxfvgtrend", "tva", "vfi"]


@each_indicator
@settings(max_examples=40)
@given(series(60), st.integers(0, 60))
def test_no_future_changes_what_was_said(name: str, bars: list[Bar], end: int) -> None:
    """Whatever comes after a bar, none of its values and votes was others with another future, or with none."""
    build = builder(name)
    cut, turned = bars[:end], bars[:end] + bars[end:][::-1]
    assert values(build(SHORT), cut) == values(build(SHORT), bars)[:end] == values(build(SHORT), turned)[:end]
    assert votes(build(SHORT), cut) == votes(build(SHORT), bars)[:end] == votes(build(SHORT), turned)[:end]


@each_indicator
@settings(max_examples=40)
@given(series(60))
def test_values_are_numbers_and_votes_are_directions(name: str, bars: list[Bar]) -> None:
    indicator = builder(name)(SHORT)
    for bar in bars:
        value = indicator.update(bar)
        assert value is None or isfinite(value)
        assert indicator.vote in (-1, 0, 1)
        assert value is not None or not indicator.vote


@each_indicator
def test_bars_that_never_move_and_never_trade_are_nothing_special(name: str) -> None:
    indicator = builder(name)(SHORT)
    said = [indicator.update(Bar(0, 5, 5, 5, 5, 0, 0)) for _ in range(50)]
    assert set(said) <= {None, 0.0}
    assert indicator.vote == 0


@each_indicator
def test_with_the_seed_constants_it_is_warm_long_before_the_lookback_ends(name: str) -> None:
    indicator = builder(name)(Indicators())
    bars = [Bar(0, 100 + n % 3, 105 + n % 5, 95 - n % 4, 100 + n % 2, 10 + n % 7, n % 5 - 2) for n in range(300)]
    assert [value for value in values(indicator, bars)[260:] if value is None] == []


@given(st.lists(st.floats(-1e6, 1e6), max_size=200), st.integers(1, 30))
def test_a_window_holds_the_last_numbers_however_long_it_runs(numbers: list[float], size: int) -> None:
    window = Window(size)
    for end, number in enumerate(numbers, 1):
        window.push(number)
        held = numbers[max(0, end - size) : end]
        assert window.full == (end >= size)
        assert window.mean == pytest.approx(sum(held) / len(held), rel=1e-9, abs=1e-7)
        assert window.variance == pytest.approx(pvariance(held), rel=1e-6, abs=1e-2)


def test_an_empty_window_has_no_spread_and_not_a_number_has_no_sign() -> None:
    assert (Window(3).mean, Window(3).variance) == (0.0, 0.0)
    assert (sign(2.5), sign(-1), sign(0.0), sign(float("nan"))) == (1, -1, 0, 0)
