"""order/create, amend, cancel, cancel-all and the batches: what is taken and what is refused, with which code."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.client import LINEAR, SYMBOL, Answer, Json, Rest, price_text

CREATE, AMEND, CANCEL, CANCEL_ALL = (f"/v5/order/{name}" for name in ("create", "amend", "cancel", "cancel-all"))


def resting(rest: Rest, **params: Any) -> Json:
    """Rest a buy a little below the market; return its names."""
    usual: Json = {"price": price_text(rest.last() * 0.995), "timeInForce": "PostOnly"}
    return rest.order(**usual | params).result


def test_an_accepted_order_has_its_two_names(flat: Rest) -> None:
    """v5/order/create-order: the answer is only the acceptance."""
    names = resting(flat, orderLinkId="names-1")
    assert list(names) == ["orderId", "orderLinkId"]
    assert names["orderLinkId"] == "names-1"
    row = flat.find(names["orderId"])
    assert (row["orderStatus"], row["orderLinkId"], row["createType"]) == ("New", "names-1", "CreateByUser")


BAD = [
    ({"side": "buy"}, 10001), ({"side": ""}, 10001), ({"orderType": "limit"}, 10001), ({"orderType": None}, 10001),
    ({"qty": "0"}, 10001), ({"qty": "-0.01"}, 10001), ({"qty": "1e-2"}, 10001), ({"qty": ""}, 10001),
    ({"qty": "0.0005"}, 10001), ({"qty": "NaN"}, 10001), ({"qty": "9" * 30}, 10001), ({"qty": "100000"}, 10001),
    ({"price": "0"}, 10001), ({"price": "-1"}, 10001), ({"price": ""}, 10001), ({"price": "abc"}, 10001),
    ({"symbol": "NOSUCHUSDT"}, 10001), ({"symbol": "btcusdt"}, 10001), ({"symbol": None}, 10001),
    ({"category": "futures"}, 10001), ({"category": None}, 10001), ({"timeInForce": "GTX"}, 10001),
    ({"orderLinkId": "x" * 37}, 10001), ({"orderLinkId": "a b"}, 10001), ({"orderLinkId": "a/b"}, 10001),
    ({"positionIdx": 1}, 10001), ({"positionIdx": 2}, 10001), ({"reduceOnly": "yes"}, 10001),
    ({"qty": "0.001", "price": "4000.00"}, 110094), ({"reduceOnly": True}, 110017),
    ({"triggerDirection": 3, "triggerPrice": "1"}, 10001), ({"triggerBy": "BestPrice", "triggerPrice": "1"}, 10001),
    ({"smpType": "CancelAll"}, 10001), ({"tpslMode": "Half", "takeProfit": "90000"}, 10001),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code"), BAD, ids=str)
def test_orders_that_are_refused(flat: Rest, change: Json, code: int) -> None:
    """v5/order/create-order, v5/error: nothing is left behind by a refusal."""
    order: Json = {"price": price_text(flat.last() * 0.995), "timeInForce": "PostOnly", **change}
    order = {name: value for name, value in order.items() if value is not None} | {
        name: None for name, value in change.items() if value is None
    }
    answer = flat.order(**order)
    assert answer.code == code
    assert answer.text
    assert flat.get("/v5/order/realtime", **LINEAR).rows == []


def test_texts_of_refusals(flat: Rest) -> None:
    """v5/error: texts seen in the wild."""
    price = price_text(flat.last() * 0.995)
    assert flat.order(price=price, qty="0.0001").text == "The number of contracts exceeds minimum limit allowed"
    assert flat.order(price=price, positionIdx=1).text == "position idx not match position mode"
    assert "minimum order value" in flat.order(price="4000.00", qty="0.001").text
    assert flat.order(qty="0.001", reduceOnly=True).text.startswith("current position is zero, cannot fix reduce-only")


def test_an_order_link_id_is_used_once_for_ever(flat: Rest) -> None:
    """v5/error 110072: OrderLinkedID is duplicate, after a cancel too."""
    names = resting(flat, orderLinkId="for-ever")
    again: Json = {"price": price_text(flat.last() * 0.995), "orderLinkId": "for-ever"}
    assert flat.order(**again).code == 110072
    flat.post(CANCEL, **LINEAR, orderId=names["orderId"])
    answer = flat.order(**again)
    assert (answer.code, answer.text) == (110072, "OrderLinkedID is duplicate")


def test_an_order_link_id_may_have_36_characters(flat: Rest) -> None:
    """v5/order/create-order: letters, digits, dash and underscore."""
    assert resting(flat, orderLinkId="Az09-_" * 6)["orderLinkId"] == "Az09-_" * 6


def test_an_order_without_margin_is_110007(flat: Rest) -> None:
    """v5/error 110007."""
    answer = flat.order(qty="1000", price=price_text(flat.last() * 0.995))
    assert answer.code == 110007
    assert answer.text == "ab not enough for new order"


def test_qty_0_closes_the_position(flat: Rest) -> None:
    """v5/order/create-order: with reduceOnly and closeOnTrigger."""
    flat.order(qty="0.030")
    names = flat.order("Sell", "0", reduceOnly=True, closeOnTrigger=True).result
    flat.settled(names["orderId"], "Filled")
    assert flat.position()["size"] == "0"


# --- amend ------------------------------------------------------------------------------------------------------


def test_an_amend_changes_price_and_qty_and_keeps_the_id(flat: Rest) -> None:
    """v5/order/amend-order."""
    names = resting(flat)
    price = price_text(flat.last() * 0.994)
    answer = flat.post(AMEND, **LINEAR, orderId=names["orderId"], qty="0.020", price=price)
    assert answer.result == {"orderId": names["orderId"], "orderLinkId": ""}
    row = flat.find(names["orderId"])
    assert (row["qty"], float(row["price"]), row["leavesQty"]) == ("0.020", float(price), "0.020")


def test_an_amend_by_link_id(flat: Rest) -> None:
    """v5/order/amend-order: orderId or orderLinkId."""
    names = resting(flat, orderLinkId="amend-me")
    assert flat.post(AMEND, **LINEAR, orderLinkId="amend-me", qty="0.011").result["orderId"] == names["orderId"]


def test_an_amend_of_an_order_that_is_gone(flat: Rest) -> None:
    """v5/error 110001: order not exists or too late to replace."""
    answer = flat.post(AMEND, **LINEAR, orderId="00000000-0000-0000-0000-000000000000", qty="0.02")
    assert (answer.code, answer.text) == (110001, "order not exists or too late to replace")


@pytest.mark.parametrize("change", [{"qty": "0.0001"}, {"qty": "-1"}, {"price": "0"}, {"price": "x"}, {}])
def test_amends_that_are_refused(flat: Rest, change: Json) -> None:
    """v5/error 10001: the order stays as it was."""
    names = resting(flat)
    before = flat.find(names["orderId"])
    assert flat.post(AMEND, **LINEAR, orderId=names["orderId"], **change).code == 10001
    assert flat.find(names["orderId"]) == before


def test_an_amended_order_may_fill(flat: Rest) -> None:
    """v5/order/amend-order: a price across the spread takes."""
    names = flat.order(price=price_text(flat.last() * 0.995)).result
    flat.post(AMEND, **LINEAR, orderId=names["orderId"], price=price_text(flat.last() * 1.002)).result  # noqa: B018
    assert flat.settled(names["orderId"], "Filled")["cumExecQty"] == "0.010"


def test_an_amend_sets_and_removes_the_bracket(flat: Rest) -> None:
    """v5/order/amend-order: takeProfit and stopLoss; "0" removes."""
    names = resting(flat)
    stop = price_text(flat.last() * 0.98)
    flat.post(AMEND, **LINEAR, orderId=names["orderId"], stopLoss=stop)
    assert float(flat.find(names["orderId"])["stopLoss"]) == float(stop)
    flat.post(AMEND, **LINEAR, orderId=names["orderId"], stopLoss="0")
    assert flat.find(names["orderId"])["stopLoss"] == ""


# --- cancel -----------------------------------------------------------------------------------------------------


def test_a_cancel_by_either_name(flat: Rest) -> None:
    """v5/order/cancel-order: orderId wins over orderLinkId."""
    first, second = resting(flat, orderLinkId="c-1"), resting(flat, orderLinkId="c-2")
    assert flat.post(CANCEL, **LINEAR, orderLinkId="c-1").result["orderId"] == first["orderId"]
    both = flat.post(CANCEL, **LINEAR, orderId=second["orderId"], orderLinkId="c-1")
    assert both.result["orderId"] == second["orderId"]


def test_a_cancel_that_comes_too_late(flat: Rest) -> None:
    """v5/error 110001."""
    names = resting(flat)
    flat.post(CANCEL, **LINEAR, orderId=names["orderId"])
    answer = flat.post(CANCEL, **LINEAR, orderId=names["orderId"])
    assert (answer.code, answer.text) == (110001, "order not exists or too late to cancel")


def test_cancel_all_names_what_it_has_cancelled(flat: Rest) -> None:
    """v5/order/cancel-all: list and success."""
    made = {resting(flat)["orderId"] for _ in range(3)}
    result = flat.post(CANCEL_ALL, **LINEAR).result
    assert {row["orderId"] for row in result["list"]} == made
    assert set(result["list"][0]) == {"orderId", "orderLinkId"}
    assert result["success"] == "1"
    assert flat.post(CANCEL_ALL, **LINEAR).result["list"] == []


@pytest.mark.parametrize("scope", [{"settleCoin": "USDT"}, {"baseCoin": "BTC"}, {"symbol": SYMBOL}])
def test_scopes_of_cancel_all(flat: Rest, scope: Json) -> None:
    """v5/order/cancel-all: symbol, baseCoin or settleCoin."""
    resting(flat)
    assert len(flat.post(CANCEL_ALL, category="linear", **scope).rows) == 1


def test_cancel_all_needs_a_scope(flat: Rest) -> None:
    """v5/order/cancel-all: linear needs one of them."""
    assert flat.post(CANCEL_ALL, category="linear").code == 10001


def test_the_order_filter_of_cancel_all(flat: Rest) -> None:
    """v5/order/cancel-all: Order leaves the bracket alone, the default takes everything."""
    last = flat.last()
    flat.order(qty="0.010", stopLoss=price_text(last * 0.98), takeProfit=price_text(last * 1.02))
    resting(flat)
    assert len(flat.post(CANCEL_ALL, **LINEAR, orderFilter="Order").rows) == 1
    assert len(flat.get("/v5/order/realtime", **LINEAR).rows) == 2
    assert len(flat.post(CANCEL_ALL, **LINEAR).rows) >= 1
    assert flat.get("/v5/order/realtime", **LINEAR).rows == []


# --- batches ----------------------------------------------------------------------------------------------------


def batch(rest: Rest, kind: str, request: list[Json]) -> Answer:
    return rest.post(f"/v5/order/{kind}-batch", category="linear", request=request)


def codes(answer: Answer) -> list[int]:
    return [row["code"] for row in answer.body["retExtInfo"]["list"]]


def test_batches(flat: Rest) -> None:
    """v5/order/batch-place, batch-amend, batch-cancel: rows and their codes in the order of the request."""
    price = price_text(flat.last() * 0.995)
    order: Json = {"symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": price}
    made = batch(flat, "create", [{**order, "orderLinkId": "rb-1"}, {**order, "qty": "0.0001"}, order])
    assert made.code == 0
    assert codes(made) == [0, 10001, 0]
    assert made.body["retExtInfo"]["list"][0] == {"code": 0, "msg": "OK"}
    first, failed, third = made.result["list"]
    assert set(first) == {"category", "symbol", "orderId", "orderLinkId", "createAt"}
    assert first["orderLinkId"] == "rb-1"
    assert failed["orderId"] == failed["createAt"] == ""
    amended = batch(flat, "amend", [{"symbol": SYMBOL, "orderId": row["orderId"], "qty": "0.012"} for row in made.rows])
    assert [code == 0 for code in codes(amended)] == [True, False, True]
    assert all("createAt" not in row for row in amended.rows)
    gone = batch(flat, "cancel", [{"symbol": SYMBOL, "orderId": third["orderId"]}] * 2)
    assert codes(gone) == [0, 110001]


def test_a_batch_has_one_order_at_least_and_20_at_most(flat: Rest) -> None:
    """v5/order/batch-place: 20 for linear."""
    assert batch(flat, "create", []).code == 10001
    assert batch(flat, "cancel", [{"symbol": SYMBOL, "orderId": "x"}] * 21).code == 10001


# --- queries ----------------------------------------------------------------------------------------------------

STREAM_ONLY = {"category", "feeCurrency", "closedPnl", "slippageTolerance", "slippageToleranceType"}


def test_open_orders_are_newest_first_and_paged(flat: Rest) -> None:
    """v5/order/open-order: limit and nextPageCursor."""
    made = [resting(flat)["orderId"] for _ in range(5)]
    seen, cursor = list[str](), ""
    while True:
        result = flat.get("/v5/order/realtime", **LINEAR, limit=2, cursor=cursor).result
        assert set(result) == {"category", "list", "nextPageCursor"}
        seen += [row["orderId"] for row in result["list"]]
        cursor = result["nextPageCursor"]
        if not cursor or not result["list"]:
            break
    assert seen == made[::-1]


def test_a_closed_order_is_found_by_its_name(flat: Rest) -> None:
    """v5/order/open-order: openOnly is ignored then."""
    names = resting(flat, orderLinkId="find-me")
    flat.post(CANCEL, **LINEAR, orderId=names["orderId"])
    for query in ({"orderId": names["orderId"]}, {"orderLinkId": "find-me"}):
        (row,) = flat.get("/v5/order/realtime", **LINEAR, **query).rows
        assert row["orderStatus"] == "Cancelled"
    closed = flat.get("/v5/order/realtime", **LINEAR, openOnly=1).rows
    assert names["orderId"] in {row["orderId"] for row in closed}


def test_blanks_of_an_order_over_rest(flat: Rest) -> None:
    """v5/order/open-order: the topic's keys without a few, and other blanks."""
    row = flat.find(resting(flat)["orderId"])
    assert not STREAM_ONLY & set(row)
    assert row["stopOrderType"] == "UNKNOWN"
    assert float(row["triggerPrice"]) == 0
    assert row["avgPrice"] in ("0", "")


def test_linear_queries_need_a_scope(flat: Rest) -> None:
    """v5/order/open-order: symbol, baseCoin or settleCoin."""
    assert flat.get("/v5/order/realtime", category="linear").code == 10001
    assert flat.get("/v5/order/realtime", category="linear", settleCoin="USDT").code == 0
    assert flat.get("/v5/order/realtime", category="linear", baseCoin="BTC").code == 0


def test_history_and_its_filters(flat: Rest) -> None:
    """v5/order/order-list: closed orders; orderStatus, orderId, paging."""
    names = resting(flat)
    flat.post(CANCEL, **LINEAR, orderId=names["orderId"])
    rows = flat.get("/v5/order/history", **LINEAR, orderStatus="Cancelled", limit=50).rows
    assert {row["orderStatus"] for row in rows} == {"Cancelled"}
    assert names["orderId"] in {row["orderId"] for row in rows}
    assert len(flat.get("/v5/order/history", **LINEAR, orderId=names["orderId"]).rows) == 1
    assert len(flat.get("/v5/order/history", **LINEAR, limit=1).rows) == 1


def test_executions_and_their_paging(flat: Rest) -> None:
    """v5/order/execution: newest first; no execPnl; execType filter."""
    names = flat.order(qty="3.000").result
    flat.settled(names["orderId"], "Filled")
    rows = flat.get("/v5/execution/list", **LINEAR, orderId=names["orderId"], limit=100).rows
    assert "execPnl" not in rows[0]
    assert rows[0]["feeCurrency"] == "USDT"
    assert sum(float(row["execQty"]) for row in rows) == pytest.approx(3)
    seen, cursor = list[str](), ""
    while True:
        query: Json = {"orderId": names["orderId"], "limit": 1, "cursor": cursor, "execType": "Trade"}
        result = flat.get("/v5/execution/list", **LINEAR, **query).result
        seen += [row["execId"] for row in result["list"]]
        cursor = result["nextPageCursor"]
        if not cursor or not result["list"]:
            break
    assert seen == [row["execId"] for row in rows]
