"""The hard ends of positions: no debt is left, no order survives, and money still adds up."""

from __future__ import annotations

import pytest

from shared.messages import BUY, SELL
from tests.engine_rig import EngineRig
from tests.exchange_rig import SYMBOL


@pytest.mark.parametrize(("side", "sign"), [("Buy", 1), ("Sell", -1)])
def test_an_account_below_its_maintenance_margin_loses_everything_and_no_more(side: str, sign: int) -> None:
    rig = EngineRig(deposit=100)
    order = rig.create(side, "0.015", stopLoss="59900" if sign > 0 else "60100", slTriggerBy="IndexPrice")
    rig.market.index_e8 = lambda symbol: 60_000 * 100_000_000  # type: ignore[method-assign]
    resting = rig.create(side, "0.001", price="58000" if sign > 0 else "62000")
    rig.market.marks_e8[SYMBOL] -= sign * 6_000 * 100_000_000
    rig.tick()
    assert rig.lots == sign * 15
    rig.market.marks_e8[SYMBOL] -= sign * 400 * 100_000_000
    rig.tick()
    assert rig.lots == 0
    assert (resting.status.value, resting.cancel_type) == ("Cancelled", "CancelAllBeforeLiq")
    assert 0 <= rig.desk.account.wallet_e8 < 15 * 100_000  # A tick of 0.1 on 0.015, and the rounding of its fee.
    done = rig.desk.oracle.executions[-1]
    assert (done.exec_type, done.create_type, done.side) == ("BustTrade", "CreateByTakeOver_PassThrough", -sign)
    (told,) = rig.trading.take_liquidated()
    assert (told.symbol, told.side, told.lots, told.price_ticks) == (SYMBOL, sign, 15, done.price_ticks)
    assert rig.trading.take_liquidated() == []
    assert order.status.value == "Filled"
    rig.check()


def test_a_price_that_jumps_over_the_bankruptcy_leaves_no_debt() -> None:
    rig = EngineRig(deposit=100)
    rig.create(qty="0.015")
    rig.market.marks_e8[SYMBOL] = 40_000 * 100_000_000
    rig.tick()
    assert rig.lots == 0
    assert rig.desk.account.wallet_e8 >= 0
    rig.check()


def test_a_healthy_account_liquidated_on_command_loses_its_initial_margin() -> None:
    rig = EngineRig()
    assert not rig.trading.liquidate(rig.now)
    rig.create()
    margin, wallet = rig.desk.margin().position_im_e8, rig.desk.account.wallet_e8
    assert rig.trading.liquidate(rig.now)
    lost = wallet - rig.desk.account.wallet_e8
    assert 0 <= margin - lost < 10 * 1_000_000
    rig.close()
    rig.check()


@pytest.mark.parametrize("side", ["Buy", "Sell"])
def test_auto_deleveraging_closes_a_part_at_the_mark(side: str) -> None:
    rig = EngineRig()
    assert not rig.trading.deleverage(SYMBOL, 5, rig.now)
    rig.create(side, "0.030")
    resting = rig.create(side, price="59000" if side == "Buy" else "61000")
    rig.trading.deleverage(SYMBOL, 10, rig.now)
    rig.close()
    done = rig.desk.oracle.executions[-1]
    assert (done.exec_type, done.create_type, done.qty_lots) == ("AdlTrade", "CreateByAdl_PassThrough", 10)
    assert (abs(rig.lots), resting.cancel_type) == (20, "CancelAllBeforeAdl")
    rig.check()


def test_the_end_of_a_contract_settles_its_position_for_free() -> None:
    rig = EngineRig()
    rig.create(qty="0.030", stopLoss="59000")
    resting = rig.create(price="59000")
    rig.trading.set_status(SYMBOL, "Delivering", rig.now)
    assert (rig.lots, resting.status.value) == (30, "New")
    fees, orders = rig.desk.account.fees_e8, len(list(rig.desk.orders.oldest_first()))
    rig.trading.set_status(SYMBOL, "Closed", rig.now)
    rig.close()
    assert (rig.lots, resting.cancel_type, rig.desk.account.fees_e8) == (0, "CancelBySettle", fees)
    done = rig.desk.oracle.executions[-1]
    assert (done.exec_type, done.create_type, done.price_ticks) == ("Settle", "CreateBySettle", 600_000)
    assert len(list(rig.desk.orders.oldest_first())) == orders  # An execution, not an order.
    assert rig.refusal(rig.create)[0] == 110074
    rig.check()
    assert (BUY, SELL) == (1, -1)
