"""Batches and amendments over REST: rows and codes for each order, one unit of the budget each."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.exchange_rig import SYMBOL, Rig

ORDER = {"symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "59990.0"}


def batch(rig: Rig, name: str, *rows: Any, **changes: Any) -> dict[str, Any]:
    return rig.post(f"/v5/order/{name}-batch", **{"category": "linear", "request": list(rows), **changes})


def codes(answer: dict[str, Any]) -> list[int]:
    assert answer["retCode"] == 0
    return [row["code"] for row in answer["retExtInfo"]["list"]]


def test_a_batch_creates_amends_and_cancels_in_order() -> None:
    rig = Rig()
    made = batch(rig, "create", ORDER, ORDER | {"symbol": "NONE", "orderLinkId": "b"}, ORDER | {"orderLinkId": "c"})
    assert codes(made) == [0, 10001, 0]
    rows = made["result"]["list"]
    assert [row["orderLinkId"] for row in rows] == ["", "b", "c"]
    assert [bool(row["orderId"]) for row in rows] == [bool(row["createAt"]) for row in rows] == [True, False, True]
    assert made["retExtInfo"]["list"][0] == {"code": 0, "msg": "OK"}
    first = {"symbol": SYMBOL, "orderId": rows[0]["orderId"]}
    amended = batch(rig, "amend", first | {"price": "59980.0"}, {"symbol": SYMBOL, "orderId": "none", "qty": "1"})
    assert codes(amended) == [0, 110001]
    assert [list(row) for row in amended["result"]["list"]] == [["category", "symbol", "orderId", "orderLinkId"]] * 2
    gone = batch(rig, "cancel", first, {"symbol": SYMBOL, "orderLinkId": "c"}, first)
    assert codes(gone) == [0, 0, 110001]
    assert rig.rows("/v5/order/realtime", symbol=SYMBOL) == []


def test_a_batch_costs_a_unit_for_each_order_and_the_rest_fails() -> None:
    rig = Rig()
    assert codes(batch(rig, "create", *[ORDER] * 8)) == [0] * 8
    assert codes(batch(rig, "create", *[ORDER] * 4)) == [0, 0, 10006, 10006]
    assert batch(rig, "create", ORDER)["retCode"] == 10006
    assert len(rig.rows("/v5/order/realtime", symbol=SYMBOL)) == 10
    assert rig.post("/v5/order/create", category="linear", **ORDER)["retCode"] == 0  # A budget of its own.


@pytest.mark.parametrize("rows", [None, [], {}, "x", [1], [ORDER] * 21])
def test_a_batch_that_makes_no_sense_is_refused_whole(rows: Any) -> None:
    rig = Rig()
    reply = rig.ask(
        rig.request("POST", "/v5/order/create-batch", body=orjson.dumps({"category": "linear", "request": rows}))
    )
    assert orjson.loads(reply.body)["retMsg"] == "params error: request invalid"
    assert dict(reply.headers)["X-Bapi-Limit-Status"] == "9"
    assert batch(rig, "create", ORDER, category="spot")["retCode"] == 10001


def test_an_order_is_amended() -> None:
    rig = Rig()
    order = rig.order(price="59990.0")["result"]
    answer = rig.post("/v5/order/amend", category="linear", symbol=SYMBOL, orderId=order["orderId"], qty="0.020")
    assert (answer["retCode"], answer["result"]) == (0, order)
    assert rig.find(order["orderId"])["qty"] == "0.020"


def test_cancel_all_takes_what_the_filter_says() -> None:
    rig = Rig()
    rig.order(price="59990.0")
    rig.order(stopLoss="59000")
    gone = rig.post("/v5/order/cancel-all", category="linear", symbol=SYMBOL, orderFilter="Order")
    assert (len(gone["result"]["list"]), gone["result"]["success"]) == (1, "1")
    assert [row["stopOrderType"] for row in rig.rows("/v5/order/realtime", symbol=SYMBOL)] == ["StopLoss"]
    assert rig.post("/v5/order/cancel-all", category="linear")["retCode"] == 10001
