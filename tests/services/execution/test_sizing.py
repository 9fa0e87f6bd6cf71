"""Sizes are exact: never above a cap, never below the least order, and never more at risk than was meant."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.execution.sizing import (
    Prices,
    Wish,
    affordable_e8,
    least_lots,
    loss_e8,
    lots_reaching,
    lots_risking,
    lots_within,
    risk_e8,
    scale_of,
    size_lots,
    tier_percent,
)
from shared.scale import E8, Scale
from tests.services.execution.rig import BTC

SCALE = Scale("0.10", "0.001")
AT = Prices(600_000, 600_000)  # One lot is worth 60 USDT.
LOSS = loss_e8(600_000, 597_000, 55_000)  # 3,000 ticks of way and 658.35 of fees: 0.365835 USDT a lot.
TAKER_E8 = 55_000


def sized(risk: float, value: float = 1e6, cap: float = 1e6, percent: int = 100, rules: object = BTC) -> int:
    wish = Wish(round(risk * E8), round(value * E8), round(cap * E8), percent)
    return size_lots(wish, LOSS, AT, rules, SCALE)  # type: ignore[arg-type]


# --- what a lot loses ---------------------------------------------------------------------------------------------


def test_the_unit_of_risk_is_the_way_to_the_stop_and_both_fees() -> None:
    assert LOSS == (3_000 * E8) + 55_000 * (600_000 + 597_000)
    assert loss_e8(597_000, 600_000, 55_000) == LOSS  # A short one loses as much.
    assert risk_e8(8, LOSS, SCALE) == 292_668_000


def test_sizing_by_risk_gives_the_known_numbers_of_the_origin() -> None:
    """5 USDT over a stop 3 ticks away on BTCUSDT is 16.67 BTC; ten times 1,000 USDT buys 0.1667, which risks 0.05."""
    by_risk = lots_risking(5 * E8, loss_e8(600_000, 599_997, 0), SCALE)
    assert by_risk == 16_666
    by_leverage = lots_within(10 * 1_000 * E8, 600_000, SCALE)
    assert by_leverage == 166
    wish = Wish(5 * E8, 10**6 * E8, 10 * 1_000 * E8, 100)
    rules = replace(BTC, max_lots=10**9, max_market_lots=10**9)
    assert size_lots(wish, loss_e8(600_000, 599_997, 0), AT, rules, SCALE) == 166
    assert risk_e8(166, loss_e8(600_000, 599_997, 0), SCALE) == 4_980_000  # 0.0498 USDT.


def test_half_a_percent_of_ten_thousand_is_capped_by_the_value_of_an_entry() -> None:
    assert lots_risking(50 * E8, LOSS, SCALE) == 136
    assert sized(50, 500, 1_000) == 8


# --- caps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("risk", "value", "cap", "lots"),
    [
        (50, 500, 1_000, 8),
        (50, 480, 1_000, 8),
        (50, 479, 1_000, 7),
        (50, 5_000, 1_000, 16),
        (2.926680, 500, 1_000, 8),  # Eight lots lose 2.92668 USDT,
        (2.926679, 500, 1_000, 7),  # and a millionth less is too little for them.
        (0.365835, 500, 1_000, 1),
        (0.365834, 500, 1_000, 0),
        (50, 10, 1_000, 1),  # Raised to the venue's least order,
        (50, 10, 60, 1),
        (50, 10, 59, 0),  # but never over a cap,
        (0.365835, 10, 1_000, 1),
        (0.365834, 10, 1_000, 0),  # nor beyond the risk.
        (50, 500, 59, 0),
        (0, 500, 1_000, 0),
        (-1, 500, 1_000, 0),
        (50, 500, -1, 0),
    ],
)
def test_a_size_is_the_least_of_what_risk_value_and_caps_allow(
    risk: float, value: float, cap: float, lots: int
) -> None:
    assert sized(risk, value, cap) == lots


@pytest.mark.parametrize(("percent", "lots"), [(100, 8), (50, 4), (25, 2), (0, 0), (101, 0), (-1, 0)])
def test_drawdown_shrinks_the_size_that_the_caps_allow(percent: int, lots: int) -> None:
    assert sized(50, 500, 1_000, percent) == lots


def test_in_a_drawdown_nothing_is_raised_to_the_venue_s_least_order() -> None:
    assert sized(50, 10, 1_000, 100) == 1
    assert sized(50, 100, 1_000, 50) == 0


def test_the_venue_s_least_value_counts_at_the_lowest_price_and_our_cap_at_the_highest() -> None:
    rules = replace(BTC, min_notional_e8=100 * E8)
    wish = Wish(10**6 * E8, 120 * E8, 10**6 * E8, 100)
    assert size_lots(wish, LOSS, Prices(500_000, 600_000), rules, SCALE) == 2
    assert size_lots(wish, LOSS, Prices(499_999, 600_000), rules, SCALE) == 3
    assert size_lots(wish._replace(cap_e8=120 * E8), LOSS, Prices(499_999, 600_000), rules, SCALE) == 0
    assert size_lots(wish._replace(cap_e8=120 * E8), LOSS, Prices(500_000, 600_001), rules, SCALE) == 0


def test_the_venue_s_largest_orders_are_respected() -> None:
    rules = replace(BTC, max_lots=6, max_market_lots=5)
    assert sized(50, 500, 1_000, rules=rules) == 5
    assert sized(50, 500, 1_000, rules=replace(BTC, min_lots=9, max_lots=8)) == 0


def test_a_price_of_nothing_has_no_size() -> None:
    assert size_lots(Wish(E8, E8, E8, 100), LOSS, Prices(0, 600_000), BTC, SCALE) == 0


def test_a_stop_at_no_distance_and_without_fees_has_no_size() -> None:
    assert lots_risking(50 * E8, 0, SCALE) == lots_risking(50 * E8, -1, SCALE) == 0


def test_the_free_balance_carries_margin_and_both_fees() -> None:
    assert affordable_e8(100 * E8, 5, 0) == 500 * E8
    value = affordable_e8(100 * E8, 5, 55_000)
    assert value // 5 + 2 * value * 55_000 // E8 <= 100 * E8
    assert affordable_e8(0, 5, 55_000) == affordable_e8(-1, 5, 55_000) == affordable_e8(E8, 0, 0) == 0


# --- tiers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawdown_e6", "percent"),
    [
        (0, 100), (19_999, 100), (20_000, 50), (49_999, 50), (50_000, 25), (99_999, 25), (100_000, 0), (10**6, 0),
        (10**9, 0),
    ],
)  # fmt: skip
def test_a_drawdown_tier_begins_at_its_boundary_and_is_not_off_by_one(drawdown_e6: int, percent: int) -> None:
    assert tier_percent(drawdown_e6) == percent


@pytest.mark.parametrize("nonsense", [math.nan, math.inf, -1, -math.inf])
def test_a_drawdown_that_cannot_be_leaves_nothing(nonsense: float) -> None:
    assert tier_percent(nonsense) == 0


# --- properties ------------------------------------------------------------------------------------------------------

STEPS = st.sampled_from(["0.10", "0.0001", "0.5", "1", "0.00000001", "0.05"])
MONEY = st.integers(0, 10**15)


@given(st.integers(0, 10**18), st.integers(1, 10**9), STEPS, STEPS)
def test_lots_within_a_value_are_the_most_that_fit(value_e8: int, price_ticks: int, tick: str, lot: str) -> None:
    scale = Scale(tick, lot)
    lots = lots_within(value_e8, price_ticks, scale)
    assert scale.value_e8(price_ticks, lots) <= value_e8
    assert scale.value_e8(price_ticks, lots + 1) >= value_e8
    least = lots_reaching(value_e8, price_ticks, scale)
    assert scale.value_e8(price_ticks, least) >= value_e8
    assert least - lots in (0, 1)


@given(MONEY, st.integers(1, 10**9), st.integers(1, 10**9), st.integers(0, 10**6), STEPS, STEPS)
def test_lots_at_risk_are_the_most_that_lose_no_more(
    budget_e8: int, price: int, stop: int, taker_e8: int, tick: str, lot: str
) -> None:
    scale, unit = scale_of(tick, lot), loss_e8(price, stop, taker_e8)
    lots = lots_risking(budget_e8, unit, scale)
    assert risk_e8(lots, unit, scale) <= budget_e8 or lots == 0
    if unit > 0:
        assert risk_e8(lots + 1, unit, scale) > budget_e8 or scale.value_e8(1, 1) == 0


@given(
    risk=MONEY, value=MONEY, cap=MONEY, percent=st.sampled_from([0, 25, 50, 100]), low=st.integers(1, 10**9),
    spread=st.integers(0, 100), away=st.integers(1, 10**6), tick=STEPS, lot=STEPS,
)  # fmt: skip
def test_no_size_breaks_a_cap_the_risk_or_the_least_order(
    risk: int, value: int, cap: int, percent: int, low: int, spread: int, away: int, tick: str, lot: str
) -> None:
    rules, scale = replace(BTC, tick=tick, lot=lot), Scale(tick, lot)
    unit = loss_e8(low + spread, low + spread + away, TAKER_E8)
    lots = size_lots(Wish(risk, value, cap, percent), unit, Prices(low, low + spread), rules, scale)
    assert lots == 0 or rules.min_lots <= lots <= rules.max_market_lots
    if lots:
        worth_e8 = scale.value_e8(low + spread, lots)
        least = least_lots(Prices(low, low + spread), rules, scale)
        assert worth_e8 <= cap
        assert worth_e8 * 100 <= value * percent + 100 or (lots == least and percent == 100)
        assert risk_e8(lots, unit, scale) * 100 <= risk * percent + 100
        assert scale.value_e8(low, lots) >= rules.min_notional_e8


@given(MONEY, st.integers(1, 10**9), STEPS, STEPS)
def test_size_times_price_is_within_one_lot_of_the_value_wished_for(
    value: int, price: int, tick: str, lot: str
) -> None:
    """Dividing by the price twice, and rounding every order to nothing, has happened to others."""
    rules = replace(BTC, tick=tick, lot=lot, max_lots=10**30, max_market_lots=10**30, min_notional_e8=0)
    scale = Scale(tick, lot)
    lots = size_lots(Wish(10**40, value, 10**40, 100), E8, Prices(price, price), rules, scale)
    assert scale.value_e8(price, lots) <= value or lots == 1
    assert value <= scale.value_e8(price, lots + 1) + 1
