"""The private stream: what is told, in which order, and when."""

from __future__ import annotations

from typing import Any

from tests.exchange_rig import MS, SYMBOL, Rig


def topics(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["topic"] for frame in frames]


def test_one_taker_fill_tells_order_and_execution_first_then_position_and_wallet() -> None:
    rig = Rig()
    client = rig.private("wallet", "position", "execution", "order")
    rig.tick(110)
    rig.times_ns.clear()
    rig.order(stopLoss="59900")
    created = rig.now - MS  # The acknowledgement takes one.
    rig.tick(5)
    assert topics(rig.sent[client]) == ["order", "execution", "position", "wallet"]
    assert [(at - created) // MS for at, _ in rig.times_ns] == [1, 1, 2, 2]
    order = rig.sent[client][0]
    assert [row["orderStatus"] for row in order["data"]] == ["Filled", "Untriggered"]
    assert list(order) == ["topic", "id", "creationTime", "data"]
    assert order["id"].startswith(f"1000001_{SYMBOL}_")
    assert order["creationTime"] == created // MS + 1


def test_a_fill_of_several_levels_is_several_executions_in_one_message() -> None:
    rig = Rig()
    client = rig.private("execution")
    rig.order(qty="1.500")
    rig.tick(5)
    (frame,) = rig.sent[client]
    assert [(row["execQty"], row["leavesQty"]) for row in frame["data"]] == [("1.000", "0.500"), ("0.500", "0")]
    assert len({row["seq"] for row in frame["data"]}) == 1  # Of one taker order.


def test_closing_by_a_stop_tells_the_other_leg_before_the_one_that_closed() -> None:
    rig = Rig()
    rig.order(stopLoss="59900", takeProfit="60100")
    client = rig.private("order")
    rig.market.lasts[SYMBOL] = 599_000
    rig.tick(5)
    (frame,) = rig.sent[client]
    told = [(row["stopOrderType"], row["orderStatus"], row["cancelType"]) for row in frame["data"]]
    assert told == [("TakeProfit", "Deactivated", "CancelByTpSlTsClear"), ("StopLoss", "Filled", "UNKNOWN")]


def test_a_frame_carries_the_name_under_which_it_was_subscribed() -> None:
    rig = Rig()
    one, two = rig.private("order.linear", "position.linear"), rig.private("order")
    rig.order(price="59000")
    rig.tick(5)
    assert topics(rig.sent[one]) == ["order.linear", "position.linear"]
    assert topics(rig.sent[two]) == ["order"]


def test_a_cancel_and_a_new_leverage_are_told_too() -> None:
    rig = Rig()
    client = rig.private("order", "position")
    order_id = rig.order(price="59000")["result"]["orderId"]
    rig.post("/v5/order/cancel", category="linear", symbol=SYMBOL, orderId=order_id)
    rig.post("/v5/position/set-leverage", category="linear", symbol=SYMBOL, buyLeverage="5", sellLeverage="5")
    rig.tick(5)
    assert topics(rig.sent[client]) == ["order", "position", "order", "position", "position"]
    assert rig.sent[client][-1]["data"][0]["leverage"] == "5"


def test_the_mark_price_alone_tells_nothing() -> None:
    rig = Rig()
    rig.order(stopLoss="59000")
    client = rig.private("order", "execution", "position", "wallet")
    rig.market.marks_e8[SYMBOL] += 10**9
    rig.tick(20)
    assert rig.sent[client] == []


def test_the_ledger_of_frames_adds_up_to_the_position() -> None:
    rig = Rig()
    client = rig.private("execution", "position")
    rig.order(qty="0.010")
    rig.order(qty="0.005")
    rig.order("Sell", "0.012", reduceOnly=True)
    rig.tick(5)
    executions = [row for frame in rig.sent[client] if frame["topic"] == "execution" for row in frame["data"]]
    held = sum((1 if row["side"] == "Buy" else -1) * round(float(row["execQty"]) * 1000) for row in executions)
    assert held == 3
    assert rig.sent[client][-1]["data"][0]["size"] == "0.003"


def test_the_fast_topic_tells_fills_and_not_the_names_of_makers() -> None:
    rig = Rig()
    client = rig.private("execution.fast", "execution")
    rig.order(orderLinkId="taker")
    rig.tick(5)
    fast = rig.sent[client][0]
    assert (fast["topic"], "id" in fast) == ("execution.fast", False)
    assert list(fast["data"][0]) == [
        "category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker", "orderLinkId", "side",
        "execTime", "seq",
    ]  # fmt: skip
    assert fast["data"][0]["orderLinkId"] == "taker"
    rig.order(price="59999.00", orderLinkId="maker")
    rig.sent[client].clear()
    rig.market.clear(SYMBOL)
    rig.market.hit(SYMBOL, -1, 599_990, 10)
    rig.tick(5)
    fast, full = rig.sent[client]
    assert (fast["data"][0]["isMaker"], fast["data"][0]["orderLinkId"]) == (True, "")
    assert full["data"][0]["orderLinkId"] == "maker"
    assert fast["data"][0]["execId"] == full["data"][0]["execId"]


def test_a_categorised_listener_gets_its_own_name_back() -> None:
    rig = Rig()
    client = rig.private("order.linear", "execution.fast.linear")
    rig.order()
    rig.tick(5)
    assert topics(rig.sent[client]) == ["execution.fast.linear", "order.linear"]
