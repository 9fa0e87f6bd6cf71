"""Amending: what keeps an order's place in the queue, what loses it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from services.exchange.orders import Order
from tests.engine_rig import MID, EngineRig
from tests.exchange_rig import SYMBOL


def resting() -> tuple[EngineRig, Order]:
    """Rest a buy of 20 lots at 59,990.0, 12 agents' lots before it and 7 behind."""
    rig = EngineRig()
    rig.market.quote(SYMBOL, 1, 599_900, 12)
    order = rig.create(qty="0.020", price="59990")
    rig.market.quote(SYMBOL, 1, 599_900, 7)
    return rig, order


def place(rig: EngineRig, order: Order) -> int:
    """Return how many lots would be filled before the order, at any price."""
    ahead = 0
    for one in rig.book.queue(order.side):
        if one.order_id == order.book_id:
            return ahead
        ahead += one.left_lots
    raise AssertionError("it does not rest")


def test_less_size_keeps_the_place_and_more_loses_it() -> None:
    rig, order = resting()
    before = place(rig, order)
    rig.amend(order, qty="0.015")
    assert (place(rig, order), order.qty_lots, order.left_lots) == (before, 15, 15)
    rig.amend(order, qty="0.016")
    assert (place(rig, order), order.qty_lots, order.left_lots) == (before + 7, 16, 16)
    rig.check()


def test_another_price_loses_the_place_and_keeps_the_id() -> None:
    rig, order = resting()
    before = place(rig, order)
    rig.amend(order, price="59989.9")
    rig.amend(order, price="59990")
    assert place(rig, order) == before + 7
    assert rig.desk.orders.find(order.order_id, "") is order
    assert rig.statuses(order) == ["New", "New", "New"]


def test_qty_is_the_new_total_with_what_is_filled() -> None:
    rig = EngineRig()
    order = rig.create(qty="0.050", price="60000")
    assert (order.filled_lots, order.left_lots) == (40, 10)
    assert rig.refusal(rig.amend, order, qty="0.040")[0] == 110064
    rig.amend(order, qty="0.045")
    assert (order.filled_lots, order.left_lots, order.qty_lots) == (40, 5, 45)
    rig.amend(order, qty="0.060")
    assert (order.status.value, order.left_lots) == ("PartiallyFilled", 20)
    rig.check()


def test_an_amended_price_may_match_at_once() -> None:
    rig, order = resting()
    rig.amend(order, price="60000")
    assert order.status.value == "Filled"
    assert not rig.desk.oracle.executions[-1].is_maker
    rig.check()


def test_a_post_only_order_amended_into_the_book_is_cancelled() -> None:
    rig = EngineRig()
    order = rig.create(price="59990", timeInForce="PostOnly")
    rig.amend(order, price="60000")
    assert (order.status.value, order.reject_reason) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")
    rig.check()


def test_beyond_the_band_it_is_moved_or_refused() -> None:
    rig, order = resting()
    rig.clear()
    rig.amend(order, price="61000")
    assert order.price_ticks == 606_000
    rig.desk.reprice = False
    assert rig.refusal(rig.amend, order, price="61000")[0] == 110121


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({}, 10001, "The order remains unchanged as the parameters entered match the existing ones."),
        ({"price": "59990", "qty": "0.020"}, 10001, "The order remains unchanged"),
        ({"price": "59990.05"}, 10001, "params error: price invalid"),
        ({"qty": "0"}, 10001, "The number of contracts exceeds minimum limit allowed"),
        ({"qty": "1500.001"}, 10001, "The number of contracts exceeds maximum limit allowed"),
        ({"qty": "9.000"}, 110007, "ab not enough for new order"),
        ({"price": "0.1"}, 110094, "Order does not meet minimum order value 5USDT"),
        ({"stopLoss": "59991"}, 10001, "StopLoss:599910000 set for Buy position should lower than base_price"),
        ({"symbol": "ETHUSDT"}, 110001, "order not exists or too late to replace"),
        ({"orderId": "nobody"}, 110001, "order not exists or too late to replace"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(params: dict[str, Any], code: int, text: str) -> None:
    rig, order = resting()
    before = place(rig, order)
    names = {"category": "linear", "symbol": SYMBOL, "orderId": order.order_id}
    found = rig.refusal(rig.trading.amend, names | params, 0)
    assert found[0] == code
    assert found[1].startswith(text)
    assert (place(rig, order), order.price_ticks, order.qty_lots) == (before, 599_900, 20)


def test_a_closed_order_is_too_late_to_replace() -> None:
    rig, order = resting()
    rig.trading.cancel(order, rig.now)
    assert rig.refusal(rig.amend, order, price="59000")[0] == 110001


def test_a_bracket_is_added_changed_and_removed_before_the_fill() -> None:
    rig, order = resting()
    rig.amend(order, stopLoss="59900", takeProfit="60100")
    rig.amend(order, takeProfit="0", stopLoss="59950")
    rig.hit(-1, 599_900, 1_000)
    assert order.status.value == "Filled"
    protection = rig.stops.protection(SYMBOL)
    assert (protection.take_profit, protection.stop_loss) == ("", "59950.00")
    rig.check()


def test_the_bracket_of_a_partly_filled_order_is_amended_elsewhere() -> None:
    rig = EngineRig()
    rig.clear()
    order = rig.create(qty="0.020", price="59990", stopLoss="59900")
    rig.hit(-1, 599_900, 5)
    refused = (110059, "Cannot modify the TP/SL of a partially filled open order")
    assert rig.refusal(rig.amend, order, stopLoss="59890") == refused
    rig.amend(order, price="59980")
    rig.hit(-1, 599_800, 5)
    assert rig.stops.protection(SYMBOL).stop_loss == "59900.00"
    assert rig.desk.oracle.naked_ns_max(rig.now) == 0


def test_a_conditional_order_gets_another_trigger_size_and_price() -> None:
    rig = EngineRig()
    order = rig.create(triggerPrice="60100", triggerDirection=1, price="60105")
    rig.amend(order, triggerPrice="60050", qty="0.012", price="60060")
    assert (order.trigger_ticks, order.qty_lots, order.price_ticks) == (600_500, 12, 600_600)
    assert rig.refusal(rig.amend, order, triggerPrice="59000")[0] == 110092
    assert rig.refusal(rig.amend, order, triggerPrice="60050")[0] == 10001
    rig.last(600_500)
    assert rig.statuses(order)[-2:] == ["Triggered", "Filled"]


def test_a_brackets_leg_is_moved_by_amending_it() -> None:
    rig = EngineRig()
    rig.create(stopLoss="59900")
    leg = rig.stops.leg(SYMBOL, "StopLoss")
    assert leg is not None
    rig.amend(leg, triggerPrice="59950", triggerBy="MarkPrice")
    assert rig.stops.protection(SYMBOL).stop_loss == "59950.00"
    assert leg.trigger_by == "MarkPrice"
    assert rig.refusal(rig.amend, leg, triggerPrice="60050")[0] == 110093
    assert MID == 600_000


def test_a_reduce_only_order_amended_into_the_book_never_turns_the_position_around() -> None:
    rig = EngineRig()
    rig.create(qty="0.003")
    order = rig.create("Sell", "0.001", price="60000", reduceOnly=True)
    rig.amend(order, price="59999.9", qty="0.004")
    assert (order.status.value, order.qty_lots, rig.lots) == ("Filled", 3, 0)
    rig.check()
