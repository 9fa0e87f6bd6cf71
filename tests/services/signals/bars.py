"""Bars for tests of indicators, made by hand or drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isclose

from hypothesis import strategies as st

from services.signals.candles import Bar
from services.signals.indicators.indicator import Indicator

MINUTE_MS = 60_000


def hlcv(rows: Iterable[tuple[float, float, float, int]], ticks_a_unit: int = 10) -> list[Bar]:
    """Return bars of (high, low, close, volume); what they open at is the close before."""
    bars: list[Bar] = []
    for number, (*prices, lots) in enumerate(rows):
        high, low, close = (round(price * ticks_a_unit) for price in prices)
        opens = bars[-1].close_ticks if bars else close
        bars.append(Bar(number * MINUTE_MS, opens, high, low, close, lots, 0))
    return bars


def ohlc(rows: Iterable[tuple[float, float, float, float]], ticks_a_unit: int = 100) -> list[Bar]:
    """Return bars of (open, high, low, close)."""
    return [
        Bar(number * MINUTE_MS, *(round(price * ticks_a_unit) for price in row), 1, 0)
        for number, row in enumerate(rows)
    ]


@st.composite
def series(draw: st.DrawFn, size_max: int = 80, size_min: int = 0) -> list[Bar]:
    """Draw bars that open where the one before closed, some of them flat, some without volume."""
    price, bars = draw(st.integers(50, 5_000)), []
    step = st.integers(-40, 40) | st.just(0)
    rows = st.tuples(step, st.integers(0, 20), st.integers(0, 20), st.integers(0, 1_000) | st.just(0), st.floats(-1, 1))
    for number, (moved, up, down, lots, lean) in enumerate(draw(st.lists(rows, min_size=size_min, max_size=size_max))):
        close = max(1, price + moved)
        high, low = max(price, close) + up, max(1, min(price, close) - down)
        bars.append(Bar(number * MINUTE_MS, price, high, low, close, lots, round(lots * lean)))
        price = close
    return bars


def values(indicator: Indicator, bars: Sequence[Bar]) -> list[float | None]:
    """Return the indicator's value at each close."""
    return [indicator.update(bar) for bar in bars]


def votes(indicator: Indicator, bars: Sequence[Bar]) -> list[int]:
    """Return the indicator's vote at each close."""
    said = []
    for bar in bars:
        indicator.update(bar)
        said.append(indicator.vote)
    return said


def same(found: Sequence[float | None], expected: Sequence[float | None]) -> bool:
    """Return whether two series of values agree to 1e-9, relative, and lack the same ones."""
    return len(found) == len(expected) and all(
        one is other if one is None or other is None else isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
        for one, other in zip(found, expected, strict=True)
    )
