"""Gates on money, one question each. Their edges stand in `test_gates.py`."""

from __future__ import annotations

import pytest

from services.execution.gates_money import (
    bracket_pays_fees,
    daily_loss_pct,
    daily_loss_r,
    daily_loss_usdt,
    drawdown,
    exposure,
    position_value,
    risk_of_equity,
    slippage,
)
from shared.messages import SELL
from shared.scale import E8
from tests.services.execution.gates_rig import case, limits, risk, standing
from tests.services.execution.rig import intent


@pytest.mark.parametrize(("lost", "gate"), [(100, daily_loss_usdt), (10, daily_loss_r), (300, daily_loss_pct)])
def test_each_daily_limit_refuses_by_itself(lost: int, gate: object) -> None:
    figures = {"result_r_e6": -lost * 1_000_000} if gate is daily_loss_r else {"result_e8": -lost * E8}
    wide = limits(max_daily_loss_e8=10**6 * E8) if gate is daily_loss_pct else {}
    assert not gate(case(**standing(**figures), **wide)).passed  # type: ignore[operator]
    figures = {name: value + 1 for name, value in figures.items()}
    assert gate(case(**standing(**figures), **wide)).passed  # type: ignore[operator]


def test_what_is_open_counts_as_lost_at_its_stop() -> None:
    check = daily_loss_usdt(case(**standing(result_e8=-95 * E8, open_loss_e8=5 * E8)))
    assert (check.passed, check.value, check.limit) == (False, 100.0, 100.0)


def test_a_target_nearer_than_both_fees_and_a_tick_is_refused_long_and_short() -> None:
    """4.5 ticks of target on BTCUSDT never paid 660 ticks of fees."""
    check = bracket_pays_fees(case(intent=intent(target_ticks=600_008)))
    assert not check.passed
    assert (check.value, round(check.limit)) == (4.0, 661)
    assert bracket_pays_fees(case(intent=intent(target_ticks=600_666))).passed
    short = intent(side=SELL, entry_ticks=600_000, stop_ticks=603_000, target_ticks=599_336)
    assert bracket_pays_fees(case(intent=short)).passed
    assert not bracket_pays_fees(case(intent=intent(side=SELL, entry_ticks=600_000, target_ticks=599_337))).passed


def test_orders_that_nobody_has_answered_count_as_exposure() -> None:
    assert exposure(case(**standing(exposure_e8=2_519 * E8))).passed
    check = exposure(case(**standing(exposure_e8=2_520 * E8)))
    assert (check.passed, check.limit) == (False, 3_000.0)
    assert not exposure(case(**standing(exposure_e8=0, own_e8=2_600 * E8))).passed


def test_a_later_leg_and_what_is_held_are_one_position() -> None:
    assert position_value(case(left_lots=4, **standing(own_e8=240 * E8))).passed
    assert not position_value(case(left_lots=4, **standing(own_e8=240 * E8), **limits(max_position_e8=400 * E8))).passed


def test_an_order_risks_no_more_than_its_share_of_the_equity() -> None:
    check = risk_of_equity(case())
    assert check.passed
    assert (round(check.value, 2), check.limit) == (2.93, 50.0)
    assert not risk_of_equity(case(left_lots=8, **standing(equity_e8=500 * E8))).passed
    assert risk_of_equity(case(left_lots=8, **standing(equity_e8=500 * E8), **risk(risk_e6=10_000))).passed


def test_drawdown_and_breaches_refuse_at_their_limits() -> None:
    assert drawdown(case(**standing(drawdown_e6=99_999))).passed
    assert not drawdown(case(**standing(drawdown_e6=100_000))).passed
    assert slippage(case(**standing(breaches=2))).passed
    assert not slippage(case(**standing(breaches=3))).passed
