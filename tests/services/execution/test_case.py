"""The order that would come of a case, before any gate is asked."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from services.execution.case import NOTHING, entry_ticks, mid_ticks, reach_ticks, spread_ticks
from services.execution.sizing import loss_e8, risk_e8, scale_of
from shared.messages import SELL
from shared.scale import E8
from tests.services.execution.gates_rig import case, limits, standing
from tests.services.execution.rig import ASK, BID, BTC, intent, quote


def test_the_plan_is_worked_out_once_and_says_what_is_at_risk() -> None:
    one = case()
    plan = one.plan
    assert one.plan is plan
    unit = loss_e8(600_004, 597_000, 55_000)
    assert (plan.price_ticks, plan.lots, plan.budget_e8) == (600_004, 8, 50 * E8)
    assert plan.risk_e8 == risk_e8(8, unit, scale_of(BTC.tick, BTC.lot))
    assert plan.value_e8 == 48_000_320_000  # 480.0032 USDT, at the far end of what it may reach.


def test_a_case_without_a_book_has_no_figures() -> None:
    blind = case(quote=None)
    assert (spread_ticks(blind), mid_ticks(blind), entry_ticks(blind)) == (0, 0.0, 0)
    assert blind.plan == NOTHING


@pytest.mark.parametrize(
    "changes",
    [
        {"rules": None},
        {"taker_e8": -1},
        {"available_e8": -1},
        {"available_e8": math.nan},
        {"intent": intent(side=0)},
        {"post": math.nan},
        standing(equity_e8=-1),
        standing(equity_e8=math.nan),
        limits(leverage=0),
        limits(position_size_e8=math.nan),
        limits(collar_bps=math.nan),
        limits(tolerance_ticks=-1),
        {"rules": replace(BTC, max_market_lots=math.nan)},
        {"rules": replace(BTC, min_notional_e8=math.nan)},
        {"quote": quote(best_bid_ticks=ASK)},
    ],
)
def test_where_a_figure_cannot_be_true_there_is_no_size(changes: dict[str, object]) -> None:
    assert case(**changes).plan.lots == 0


def test_the_size_of_a_new_order_follows_the_fresh_equity() -> None:
    assert case(**standing(equity_e8=400 * E8)).plan.lots == 5  # Two USDT lose no more than that,
    assert case(**standing(equity_e8=200 * E8)).plan.lots == 2  # one no more than this.


def test_leverage_caps_the_value_of_an_order() -> None:
    tight = {**standing(equity_e8=70 * E8), **limits(leverage=1), "available_e8": 10**6 * E8}
    assert case(**tight).plan.lots <= 1


@pytest.mark.parametrize(("drawdown_e6", "lots"), [(0, 8), (19_999, 8), (20_000, 4), (50_000, 2), (100_000, 0)])
def test_drawdown_shrinks_the_order(drawdown_e6: int, lots: int) -> None:
    assert case(**standing(drawdown_e6=drawdown_e6)).plan.lots == lots


def test_a_later_leg_buys_what_the_first_left() -> None:
    assert case(left_lots=3).plan.lots == 3
    assert case(left_lots=3, rules=replace(BTC, min_lots=4)).plan.lots == 0


def test_what_rests_may_cost_as_much_as_the_collar_allows() -> None:
    resting = case(post=True)
    assert resting.plan.price_ticks == BID
    assert resting.plan.value_e8 > case().plan.value_e8
    assert case(post=True, intent=intent(side=SELL, entry_ticks=BID, stop_ticks=603_000)).plan.price_ticks == ASK


def test_the_reach_ends_at_the_collar() -> None:
    assert reach_ticks(case()) == 3
    assert reach_ticks(case(**limits(collar_bps=0.0))) == 0
