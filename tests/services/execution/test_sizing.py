"""Sizes are exact: never above a cap, never below the least order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.execution.sizing import Prices, affordable_e8, lots_reaching, lots_within, size_lots
from shared.scale import E8, Scale
from tests.services.execution.rig import BTC

SCALE = Scale("0.10", "0.001")
AT = Prices(600_000, 600_000)  # One lot is worth 60 USDT.


@pytest.mark.parametrize(
    ("wish", "cap", "lots"),
    [
        (500, 1_000, 8),
        (480, 1_000, 8),
        (479, 1_000, 7),
        (5_000, 1_000, 16),
        (10, 1_000, 1),  # Raised to the least order ...
        (10, 60, 1),
        (10, 59, 0),  # ... but never over the cap.
        (0, 1_000, 1),
        (500, 0, 0),
        (500, -1, 0),
    ],
)
def test_a_size_is_the_wish_within_least_and_cap(wish: int, cap: int, lots: int) -> None:
    assert size_lots(wish * E8, cap * E8, AT, BTC, SCALE) == lots


def test_the_venue_s_least_value_counts_at_the_lowest_price_and_our_cap_at_the_highest() -> None:
    rules = replace(BTC, min_notional_e8=100 * E8)
    assert size_lots(1 * E8, 1_000 * E8, Prices(500_000, 600_000), rules, SCALE) == 2
    assert size_lots(1 * E8, 1_000 * E8, Prices(499_999, 600_000), rules, SCALE) == 3
    assert size_lots(1 * E8, 119 * E8, Prices(500_000, 600_000), rules, SCALE) == 0


def test_the_venue_s_largest_orders_are_respected() -> None:
    rules = replace(BTC, max_lots=6, max_market_lots=5)
    assert size_lots(500 * E8, 1_000 * E8, AT, rules, SCALE) == 5
    assert size_lots(500 * E8, 1_000 * E8, AT, replace(BTC, min_lots=9, max_lots=8), SCALE) == 0


def test_a_price_of_nothing_has_no_size() -> None:
    assert size_lots(500 * E8, 1_000 * E8, Prices(0, 600_000), BTC, SCALE) == 0


def test_the_free_balance_carries_margin_and_both_fees() -> None:
    assert affordable_e8(100 * E8, 5, 0) == 500 * E8
    value = affordable_e8(100 * E8, 5, 55_000)
    assert value // 5 + 2 * value * 55_000 // E8 <= 100 * E8
    assert affordable_e8(0, 5, 55_000) == affordable_e8(-1, 5, 55_000) == affordable_e8(E8, 0, 0) == 0


STEPS = st.sampled_from(["0.10", "0.0001", "0.5", "1", "0.00000001", "0.05"])


@given(st.integers(0, 10**18), st.integers(1, 10**9), STEPS, STEPS)
def test_lots_within_a_value_are_the_most_that_fit(value_e8: int, price_ticks: int, tick: str, lot: str) -> None:
    scale = Scale(tick, lot)
    lots = lots_within(value_e8, price_ticks, scale)
    assert scale.value_e8(price_ticks, lots) <= value_e8
    assert scale.value_e8(price_ticks, lots + 1) >= value_e8
    least = lots_reaching(value_e8, price_ticks, scale)
    assert scale.value_e8(price_ticks, least) >= value_e8
    assert least - lots in (0, 1)


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(1, 10**9), st.integers(0, 100), STEPS, STEPS)
def test_no_size_breaks_a_cap_or_the_least_order(
    wish_e8: int, cap_e8: int, low_ticks: int, spread: int, tick: str, lot: str
) -> None:
    rules, scale = replace(BTC, tick=tick, lot=lot), Scale(tick, lot)
    lots = size_lots(wish_e8, cap_e8, Prices(low_ticks, low_ticks + spread), rules, scale)
    assert lots == 0 or rules.min_lots <= lots <= rules.max_market_lots
    if lots:
        assert scale.value_e8(low_ticks + spread, lots) <= cap_e8
        assert scale.value_e8(low_ticks, lots) >= rules.min_notional_e8
