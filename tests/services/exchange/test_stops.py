"""Brackets: born with the position, dead with it, and triggered by the price they were told to watch."""

from __future__ import annotations

from typing import Any

import pytest

from services.exchange.stops import COMPLETION, FIRST_FILL, Timing
from tests.engine_rig import EngineRig
from tests.exchange_rig import MID_TICKS, MS, SYMBOL, Rig, naked_after

MID = MID_TICKS[SYMBOL]
BRACKET = {"stopLoss": "59900", "takeProfit": "60100"}


def legs(rig: Rig) -> dict[str, dict[str, Any]]:
    rows = rig.rows("/v5/order/realtime", symbol=SYMBOL, orderFilter="StopOrder")
    return {row["stopOrderType"]: row for row in rows}


def resting_entry(rig: Rig, **params: Any) -> str:
    """Rest a buy of 10 lots inside the spread, with a stop; nothing has filled yet."""
    rig.market.clear(SYMBOL)
    rig.market.quote(SYMBOL, 1, MID - 100, 1_000)
    rig.market.quote(SYMBOL, -1, MID + 100, 1_000)
    answer = rig.order(price="60000", qty="0.010", stopLoss="59900", **params)
    assert answer["retCode"] == 0, answer
    assert legs(rig) == {}
    link: str = answer["result"]["orderId"]
    return link


def test_the_stop_exists_the_moment_the_first_fill_happens() -> None:
    rig = Rig()
    resting_entry(rig)
    rig.market.hit(SYMBOL, -1, MID, 1)
    rig.tick()
    assert rig.position()["size"] == "0.001"
    assert rig.position()["stopLoss"] == "59900.00"
    assert legs(rig)["StopLoss"]["qty"] == "0.001"
    rig.market.hit(SYMBOL, -1, MID, 4)
    rig.tick(100)
    assert legs(rig)["StopLoss"]["qty"] == "0.005"
    assert rig.ledger()["naked"]["naked_ns_max"] == 0


def test_a_stop_that_waits_for_completion_leaves_the_position_naked_until_then() -> None:
    rig = Rig(naked_after(Timing(COMPLETION)))
    resting_entry(rig)
    rig.market.hit(SYMBOL, -1, MID, 1)
    rig.tick()
    assert legs(rig) == {}
    assert rig.ledger()["naked"]["now"] == [SYMBOL]
    rig.tick(10)
    rig.market.hit(SYMBOL, -1, MID, 9)
    rig.tick()
    assert legs(rig)["StopLoss"]["qty"] == "0.010"
    assert rig.ledger()["naked"]["naked_ms_max"] >= 10


def test_an_entry_cancelled_halfway_is_complete_too() -> None:
    rig = Rig(naked_after(Timing(COMPLETION)))
    order_id = resting_entry(rig)
    rig.market.hit(SYMBOL, -1, MID, 1)
    rig.tick()
    assert rig.post("/v5/order/cancel", category="linear", symbol=SYMBOL, orderId=order_id)["retCode"] == 0
    assert legs(rig)["StopLoss"]["triggerPrice"] == "59900.00"


@pytest.mark.parametrize("at", [FIRST_FILL, COMPLETION])
def test_a_stop_delayed_on_purpose_is_seen_as_naked_time(at: str) -> None:
    rig = Rig(naked_after(Timing(at, 25 * MS)))
    assert rig.order(**BRACKET)["retCode"] == 0
    assert legs(rig) == {}
    assert rig.core.next_due_ns() is not None
    rig.tick(60)
    assert set(legs(rig)) == {"StopLoss", "TakeProfit"}
    naked = rig.ledger()["naked"]
    assert (naked["naked_ms_max"], naked["naked_ns_max"], naked["episodes"], naked["now"]) == (25, 25 * MS, 1, [])


def test_an_entry_without_a_stop_is_naked_from_its_fill_on() -> None:
    rig = Rig()
    rig.order()
    rig.tick(10)
    assert rig.core.naked_ms_max(rig.now) >= 10


def test_a_take_profit_alone_does_not_cover_a_position() -> None:
    rig = Rig()
    rig.order(takeProfit="60100")
    rig.tick(10)
    assert rig.core.naked_ms_max(rig.now) >= 10


def test_the_last_price_triggers_the_stop_and_the_other_leg_goes_with_the_position() -> None:
    rig = Rig()
    rig.order(**BRACKET)
    profit, loss = legs(rig)["TakeProfit"], legs(rig)["StopLoss"]
    rig.market.clear(SYMBOL)
    rig.market.quote(SYMBOL, 1, 599_000, 1)
    rig.market.quote(SYMBOL, 1, 598_990, 100)
    rig.market.hit(SYMBOL, -1, 599_000, 1)
    rig.tick(5)
    assert rig.position()["size"] == "0"
    stop, other = rig.find(loss["orderId"]), rig.find(profit["orderId"])
    assert (stop["orderStatus"], stop["avgPrice"], stop["cumExecQty"]) == ("Filled", "59899", "0.010")
    assert stop["price"] == "59400.00"  # The edge of the band, not the fill.
    assert (other["orderStatus"], other["cancelType"]) == ("Deactivated", "CancelByTpSlTsClear")
    assert legs(rig) == {}
    assert rig.ledger()["naked"]["naked_ns_max"] == 0


def test_the_mark_price_triggers_a_stop_that_watches_it_and_the_last_price_does_not() -> None:
    rig = Rig()
    rig.order(**BRACKET, slTriggerBy="MarkPrice")
    rig.market.lasts[SYMBOL] = 590_000
    rig.tick(5)
    assert rig.position()["size"] == "0.010"
    rig.market.marks_e8[SYMBOL] = 599_000 * 10_000_000
    rig.tick(5)
    assert rig.position()["size"] == "0"


def test_a_price_that_was_there_only_for_one_match_triggers_all_the_same() -> None:
    rig = Rig()
    rig.order(**BRACKET)
    rig.market.quote(SYMBOL, -1, 601_000, 1)
    for _ in range(10):
        rig.market.hit(SYMBOL, 1, 601_000, 1_000)
    rig.market.hit(SYMBOL, -1, MID - 1, 1)
    rig.tick(5)
    assert rig.market.lasts[SYMBOL] < 601_000
    assert rig.position()["size"] == "0"


def test_a_thin_book_leaves_the_rest_naked_and_everybody_can_see_it() -> None:
    rig = Rig()
    rig.order(**BRACKET)
    rig.market.clear(SYMBOL)
    rig.market.quote(SYMBOL, 1, 598_000, 4)
    rig.market.lasts[SYMBOL] = 599_000
    rig.tick()
    assert (rig.position()["size"], rig.position()["stopLoss"]) == ("0.006", "")
    history = rig.rows("/v5/order/history", symbol=SYMBOL, orderFilter="StopOrder")
    stop = next(row for row in history if row["stopOrderType"] == "StopLoss")
    assert (stop["orderStatus"], stop["cumExecQty"], stop["leavesQty"]) == ("Cancelled", "0.004", "0")
    rig.tick(30)
    assert rig.ledger()["naked"]["naked_ms_max"] >= 30


def test_a_second_entry_moves_the_first_ones_stop() -> None:
    rig = Rig()
    rig.order(stopLoss="59900", orderLinkId="one")
    first = legs(rig)["StopLoss"]
    rig.order(stopLoss="59950", orderLinkId="two")
    second = legs(rig)["StopLoss"]
    assert second["orderId"] == first["orderId"]
    assert (second["triggerPrice"], second["qty"], second["parentOrderLinkId"]) == ("59950.00", "0.020", "two")


def test_an_entry_that_goes_on_filling_after_its_stop_brings_it_again() -> None:
    rig = Rig()
    resting_entry(rig)
    rig.market.hit(SYMBOL, -1, MID, 1)
    rig.tick()
    rig.market.quote(SYMBOL, 1, MID + 50, 1)  # Better than our own bid.
    rig.order("Sell", "0.001", reduceOnly=True)
    assert legs(rig) == {}
    rig.market.hit(SYMBOL, -1, MID, 1)
    rig.tick()
    assert legs(rig)["StopLoss"]["qty"] == "0.001"
    assert rig.ledger()["naked"]["naked_ns_max"] == 0


def test_turning_a_position_around_ends_the_old_bracket_and_starts_the_new() -> None:
    rig = Rig()
    rig.order(**BRACKET)
    rig.order("Sell", "0.030", stopLoss="60200")
    assert rig.position()["side"] == "Sell"
    assert {kind: row["side"] for kind, row in legs(rig).items()} == {"StopLoss": "Buy"}
    assert rig.position()["takeProfit"] == ""
    assert rig.ledger()["naked"]["naked_ns_max"] == 0


def test_a_partial_bracket_grows_with_its_entrys_fills() -> None:
    rig = EngineRig()
    rig.clear()
    entry = rig.create(qty="0.020", price="60000", tpslMode="Partial", stopLoss="59900", takeProfit="60100")
    for lots in (3, 4):
        rig.hit(-1, MID, lots)
    assert [(order.kind, order.qty_lots) for order in rig.stops.live(SYMBOL)] == [
        ("PartialTakeProfit", 7),
        ("PartialStopLoss", 7),
    ]
    assert rig.desk.oracle.naked_ns_max(rig.now) == 0
    assert entry.left_lots == 13
    other = rig.create("Sell", "0.007", reduceOnly=True, smpType="CancelMaker")
    assert other.status.value == "Cancelled"  # It met the entry, and nobody else.
    assert (entry.cancel_type, entry.smp_order_id) == ("CancelBySmp", other.order_id)
    rig.check()


def test_partial_legs_die_with_the_position() -> None:
    rig = EngineRig()
    rig.create(tpslMode="Partial", stopLoss="59900", orderLinkId="mine")
    (leg,) = rig.stops.live(SYMBOL)
    assert (leg.parent_link_id, leg.create_type) == ("mine", "CreateByPartialStopLoss")
    rig.create("Sell", reduceOnly=True)
    assert (leg.status.value, leg.cancel_type) == ("Deactivated", "CancelByTpSlTsClear")


def test_a_conditional_order_goes_through_its_states() -> None:
    rig = EngineRig()
    order = rig.create(triggerPrice="60010", triggerDirection=1, price="59990")
    assert (order.kind, order.create_type) == ("Stop", "CreateByStopOrder")
    rig.last(600_100)
    assert rig.statuses(order) == ["Untriggered", "Triggered", "New"]
    gone = rig.create(triggerPrice="60020", triggerDirection=1)
    rig.trading.cancel(gone, rig.now)
    rig.close()
    assert rig.statuses(gone) == ["Untriggered", "Deactivated"]
    assert (gone.cancel_type, gone.reject_reason) == ("CancelByUser", "EC_PerCancelRequest")


def test_a_price_from_before_it_was_set_triggers_nothing() -> None:
    rig = EngineRig()
    rig.clear()
    rig.create(qty="0.020", price="59990", stopLoss="59985")
    rig.market.quote(SYMBOL, 1, 599_950, 1)
    rig.market.hit(SYMBOL, -1, 599_950, 1)
    rig.market.quote(SYMBOL, 1, 599_800, 1)
    rig.tick()
    entry = rig.create(qty="0.001", price="59999")
    rig.market.hit(SYMBOL, -1, 599_990, 1)  # The entry fills; what is bid at 59,980 was there before its stop.
    rig.tick()
    assert entry.status.value == "Filled"
    assert rig.lots == 1
    rig.hit(-1, 599_850, 21)
    assert rig.stops.leg(SYMBOL, "StopLoss") is not None
    rig.check()
