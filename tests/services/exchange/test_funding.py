"""Funding moves money and nothing else, at the instrument's interval and on command."""

from __future__ import annotations

import pytest

from services.exchange.rows import execution_row
from shared.scale import E8
from tests.engine_rig import EngineRig
from tests.exchange_rig import NOW, SYMBOL, HandMarket

HOUR_NS = 3_600_000_000_000


@pytest.mark.parametrize(
    ("side", "rate_e8", "paid_e8"),
    [
        ("Buy", 10_000, 6_000_000),
        ("Sell", 10_000, -6_000_000),
        ("Buy", -10_000, -6_000_000),
        ("Sell", -10_000, 6_000_000),
    ],
)
def test_longs_pay_a_positive_rate_and_shorts_receive_it(side: str, rate_e8: int, paid_e8: int) -> None:
    rig = EngineRig()
    rig.create(side)  # 0.010 at a mark of 60,000: 600 USDT, 0.01 %.
    wallet, cur = rig.desk.account.wallet_e8, rig.desk.account.position(SYMBOL).cur_e8
    assert rig.trading.fund(SYMBOL, rig.now, rate_e8)
    assert wallet - rig.desk.account.wallet_e8 == rig.desk.account.funding_e8 == paid_e8
    assert cur - rig.desk.account.position(SYMBOL).cur_e8 == paid_e8
    assert abs(rig.lots) == 10
    rig.check()


def test_it_is_told_as_an_execution() -> None:
    rig = EngineRig()
    rig.create("Sell")
    rig.trading.fund(SYMBOL, rig.now, 12_500)
    done = rig.desk.oracle.executions[-1]
    row = execution_row(done, rig.desk.money[SYMBOL])
    expected = {
        "execType": "Funding",
        "orderType": "UNKNOWN",
        "orderQty": "0",
        "execQty": "0.010",
        "feeRate": "0.000125",
        "execFee": "-0.075",
        "execPrice": "60000",
        "closedSize": "0",
        "leavesQty": "0",
    }
    assert {name: row[name] for name in expected} == expected
    assert done.wallet_e8 == rig.desk.account.wallet_e8


def test_a_flat_symbol_pays_nothing() -> None:
    rig = EngineRig()
    assert not rig.trading.fund(SYMBOL, rig.now, 10_000)
    assert not rig.desk.oracle.executions


def test_it_is_due_at_the_end_of_every_interval_at_the_tickers_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HandMarket, "ticker_row", lambda self, symbol: {"fundingRate": "0.0001"})
    rig = EngineRig()
    rig.create()
    rig.tick()
    due_ns = (NOW // (8 * HOUR_NS) + 1) * 8 * HOUR_NS
    rig.now = due_ns - 20_000_000
    rig.tick()
    assert rig.desk.account.funding_e8 == 0
    for count in (1, 1, 1):
        rig.tick()
        assert rig.desk.account.funding_e8 == count * 6 * E8 // 100
    rig.now += 16 * HOUR_NS  # A pause does not make up for what nobody lived through.
    rig.tick()
    assert rig.desk.account.funding_e8 == 12 * E8 // 100
