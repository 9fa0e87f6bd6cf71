"""Brackets by size, trailing stops, leverage and position mode, as a client asks for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine_rig import EngineRig
from tests.exchange_rig import SYMBOL


def long(lots: str = "0.030") -> EngineRig:
    rig = EngineRig()
    rig.create(qty=lots)
    return rig


def kinds(rig: EngineRig) -> list[tuple[str, int]]:
    return [(order.kind, order.qty_lots) for order in rig.stops.live(SYMBOL)]


def test_partial_stops_are_added_and_cover_their_size() -> None:
    rig = long()
    rig.stop(tpslMode="Partial", stopLoss="59900", slSize="0.010")
    assert rig.desk.oracle.naked_ns_max(rig.now) == 0
    rig.now += 5_000_000
    rig.stop(tpslMode="Partial", stopLoss="59800", slSize="0.020", takeProfit="60100", tpSize="0.020")
    assert kinds(rig) == [("PartialStopLoss", 10), ("PartialTakeProfit", 20), ("PartialStopLoss", 20)]
    assert rig.desk.oracle.naked_ns_max(rig.now) == 5_000_000
    assert [row["tpslMode"] for row in rig.rows[-2:]] == ["Partial", "Partial"]


def test_a_partial_stop_closes_its_size_and_takes_its_sibling_along() -> None:
    rig = long()
    rig.stop(tpslMode="Partial", stopLoss="59800", slSize="0.020", takeProfit="60100", tpSize="0.020")
    profit, loss = rig.stops.live(SYMBOL)
    rig.last(598_000)
    assert (loss.status.value, loss.filled_lots, rig.lots) == ("Filled", 20, 10)
    assert (profit.status.value, profit.cancel_type) == ("Deactivated", "CancelByOCOTpCanceledBySlTriggered")
    rig.check()


def test_a_limit_take_profit_rests_once_it_is_triggered() -> None:
    rig = long()
    rig.stop(tpslMode="Partial", takeProfit="60100", tpSize="0.020", tpOrderType="Limit", tpLimitPrice="60105")
    (profit,) = rig.stops.live(SYMBOL)
    assert (rig.rows[-1]["price"], rig.rows[-1]["orderType"]) == ("60105.00", "Limit")
    rig.last(601_000)
    assert (profit.status.value, rig.book.level_lots(-1, 601_050)) == ("New", 20)
    rig.create("Sell", "0.015")
    assert (profit.left_lots, rig.lots) == (15, 15)  # Reduce-only: cut to what is left.
    rig.check()


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"stopLoss": "59900"}, 10001),
        ({"stopLoss": "59900", "slSize": "0"}, 10001),
        ({"stopLoss": "59900", "slSize": "0.031"}, 10001),
        ({"stopLoss": "59900", "slSize": "0.010", "takeProfit": "60100", "tpSize": "0.011"}, 10001),
        ({"stopLoss": "60100", "slSize": "0.010"}, 10001),
        ({"stopLoss": "59900", "slSize": "0.010", "slOrderType": "Limit"}, 10001),
        ({"stopLoss": "0"}, 34040),
        ({}, 34040),
    ],
)
def test_a_senseless_partial_stop_is_refused(params: dict[str, Any], code: int) -> None:
    rig = long()
    assert rig.refusal(rig.stop, tpslMode="Partial", **params)[0] == code
    assert kinds(rig) == []


def test_the_twenty_first_partial_stop_is_refused() -> None:
    rig = long()
    for _ in range(20):
        rig.stop(tpslMode="Partial", stopLoss="59900", slSize="0.001")
    assert rig.refusal(rig.stop, tpslMode="Partial", stopLoss="59900", slSize="0.001")[0] == 110061


def test_a_trailing_stop_follows_the_price_and_tells_every_step() -> None:
    rig = long()
    rig.stop(trailingStop="50", activePrice="60020")
    (order,) = rig.stops.live(SYMBOL)
    assert rig.stops.protection(SYMBOL).trailing_stop == "50.00"
    rig.now += 1_000_000
    rig.last(600_100)
    assert rig.desk.oracle.naked_ns_max(rig.now) > 0  # It has not begun.
    for last in (600_200, 600_300, 600_250, 600_400):
        rig.last(last)
    told = [row["triggerPrice"] for row in rig.rows if row["orderId"] == order.order_id]
    assert told == ["", "59970.00", "59980.00", "59990.00"]
    rig.last(599_900)
    assert (order.status.value, order.create_type, rig.lots) == ("Filled", "CreateByTrailingStop", 0)
    assert rig.rows[-1]["price"] == "59400.00"
    rig.check()


def test_a_trailing_stop_is_changed_and_ended() -> None:
    rig = long()
    rig.stop(trailingStop="50")
    assert rig.refusal(rig.stop, trailingStop="50")[0] == 34040
    rig.stop(trailingStop="40")
    (order,) = rig.stops.live(SYMBOL)
    assert order.trigger_ticks == 599_600
    rig.stop(trailingStop="0")
    assert (order.status.value, order.cancel_type) == ("Deactivated", "CancelByUser")
    assert rig.refusal(rig.stop, trailingStop="0")[0] == 34040


def test_the_index_price_triggers_a_stop_that_watches_it() -> None:
    rig = long()
    rig.stop(stopLoss="59900", slTriggerBy="IndexPrice")
    rig.last(598_000)
    assert rig.lots == 30
    rig.market.marks_e8[SYMBOL] = 599_000 * 10_000_000
    rig.tick()
    assert rig.lots == 0


def leverage(rig: EngineRig, value: str) -> dict[str, Any]:
    params = {"category": "linear", "symbol": SYMBOL, "buyLeverage": value, "sellLeverage": value}
    return rig.trading.set_leverage(params, rig.now)


def test_leverage_is_bound_by_risk_and_by_margin() -> None:
    rig = EngineRig(deposit=1_000_000)
    assert rig.refusal(leverage, rig, "10") == (110043, "leverage not modified")
    rig.market.quote(SYMBOL, -1, 600_000, 50_000)
    rig.create(qty="40.000")  # 2,400,000 USDT: the second tier.
    assert rig.refusal(leverage, rig, "51") == (110013, "Cannot set leverage due to risk limit level.")
    assert rig.refusal(leverage, rig, "2") == (110007, "ab not enough for new order")
    leverage(rig, "50")
    assert rig.desk.account.position(SYMBOL).leverage_e2 == 5_000


def mode(rig: EngineRig, value: object, **params: Any) -> dict[str, Any]:
    return rig.trading.switch_mode({"category": "linear", "mode": value} | (params or {"symbol": SYMBOL}), rig.now)


def test_there_is_the_one_way_mode_only() -> None:
    rig = EngineRig()
    assert rig.refusal(mode, rig, 0)[0] == 110025
    assert rig.refusal(mode, rig, 3, coin="USDT")[0] == 110029
    assert rig.refusal(mode, rig, 1)[0] == 10001
    assert rig.refusal(mode, rig, 3, coin="BTC")[0] == 10001
    rig.create(price="59000")
    assert rig.refusal(mode, rig, 3)[0] == 110028
    rig.create()
    assert rig.refusal(mode, rig, 3)[0] == 110024
