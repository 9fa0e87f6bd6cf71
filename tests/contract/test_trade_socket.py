"""Order entry by WebSocket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.client import LINEAR, SYMBOL, Json, Line, Lines, Rest, now_ms, price_text, sign

HEADER = ["X-Bapi-Limit", "X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp", "Traceid", "Timenow"]
LIMIT: Json = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.010", "timeInForce": "PostOnly"}


def frame(op: str, *args: Json, stamp: object = None, **more: Any) -> Json:
    return {"op": op, "header": {"X-BAPI-TIMESTAMP": stamp or now_ms()}, "args": list(args), **more}


def create(rest: Rest, **changes: Any) -> Json:
    return {**LIMIT, "price": price_text(rest.last() * 0.995), **changes}


@pytest.fixture
def trade(lines: Lines, flat: Rest) -> Line:
    flat.room("/v5/order/create", 6)
    return lines.trade()


def test_the_answer_to_auth(lines: Lines) -> None:
    """v5/websocket/trade/guideline: retCode, retMsg, op, connId."""
    answer = lines.open("/v5/trade").login()
    assert answer == {"retCode": 0, "retMsg": "OK", "op": "auth", "connId": answer["connId"]}


@pytest.mark.parametrize(("key", "secret", "code"), [("local", "guess", 10004), ("stranger", "local-secret", 10004)])
def test_a_bad_login(lines: Lines, key: str, secret: str, code: int) -> None:
    """v5/websocket/trade/guideline: 10004 for a bad signature."""
    answer = lines.open("/v5/trade").login(key, secret)
    assert answer["op"] == "auth"
    assert answer["retCode"] in (code, 10003)


def test_a_second_login_is_refused(trade: Line) -> None:
    """v5/websocket/trade/guideline: 20001 repeated auth."""
    assert trade.login()["retCode"] == 20001


def test_a_login_without_arguments(lines: Lines) -> None:
    """v5/websocket/trade/guideline: 10001 bad parameters."""
    assert lines.open("/v5/trade").ask({"op": "auth", "args": []})["retCode"] == 10001


def test_an_order_before_the_login_is_refused(lines: Lines, rest: Rest) -> None:
    """v5/websocket/trade/guideline: log in first."""
    answer = lines.open("/v5/trade").ask(frame("order.create", create(rest), reqId="x"))
    assert answer["retCode"] != 0


def test_an_accepted_order(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline: keys, header of text values, the order's two names."""
    answer = trade.ask(frame("order.create", create(flat, orderLinkId="ws-1"), reqId="r-1"))
    assert list(answer) == ["reqId", "retCode", "retMsg", "op", "data", "retExtInfo", "header", "connId"]
    assert (answer["reqId"], answer["retCode"], answer["retMsg"], answer["op"]) == ("r-1", 0, "OK", "order.create")
    assert list(answer["data"]) == ["orderId", "orderLinkId"]
    assert answer["data"]["orderLinkId"] == "ws-1"
    assert answer["retExtInfo"] == {}
    assert list(answer["header"]) == HEADER
    assert all(isinstance(value, str) for value in answer["header"].values())
    assert abs(int(answer["header"]["Timenow"]) - now_ms()) < 1_000
    assert flat.find(answer["data"]["orderId"])["orderStatus"] == "New"


@pytest.mark.parametrize("kind", [int, str])
def test_the_timestamp_may_be_a_number_or_text(trade: Line, flat: Rest, kind: type) -> None:
    """v5/websocket/trade/guideline; pybit sends a number, ccxt text."""
    assert trade.ask(frame("order.create", create(flat), stamp=kind(now_ms())))["retCode"] == 0


def test_req_id_is_optional(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline: absent in the answer then."""
    assert "reqId" not in trade.ask(frame("order.create", create(flat)))


def test_a_req_id_is_used_once_in_a_session(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline: 20006."""
    assert trade.ask(frame("order.create", create(flat), reqId="once"))["retCode"] == 0
    answer = trade.ask(frame("order.create", create(flat), reqId="once"))
    assert (answer["retCode"], answer["reqId"]) == (20006, "once")


def test_a_req_id_is_36_characters_at_most(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline."""
    assert trade.ask(frame("order.create", create(flat), reqId="r" * 36))["retCode"] == 0
    assert trade.ask(frame("order.create", create(flat), reqId="r" * 37))["retCode"] == 10001


@pytest.mark.parametrize("shift", [-5_200, 1_500])
def test_a_stamp_out_of_the_window_is_refused(trade: Line, flat: Rest, shift: int) -> None:
    """v5/websocket/trade/guideline: server - recvWindow <= timestamp < server + 1,000."""
    answer = trade.ask(frame("order.create", create(flat), stamp=now_ms() + shift, reqId="late"))
    assert (answer["retCode"], answer["reqId"], answer["data"]) == (10002, "late", {})


def test_the_window_is_the_headers(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline: X-BAPI-RECV-WINDOW."""
    late = frame("order.create", create(flat), stamp=now_ms() - 7_000)
    late["header"]["X-BAPI-RECV-WINDOW"] = "10000"
    assert trade.ask(late)["retCode"] == 0


def test_a_stamp_is_required(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline: X-BAPI-TIMESTAMP."""
    answer = trade.ask({"reqId": "no", "op": "order.create", "args": [create(flat)]})
    assert answer["retCode"] in (10001, 10002)


@pytest.mark.parametrize("op", ["order.make", "order", "order.create-all", ""])
def test_an_unknown_op_is_10404(trade: Line, flat: Rest, op: str) -> None:
    """v5/websocket/trade/guideline: unknown op."""
    assert trade.ask(frame(op, create(flat), reqId="op"))["retCode"] == 10404


def test_an_unknown_category_is_10404(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline: unknown category."""
    answer = trade.ask(frame("order.create", create(flat, category="futures"), reqId="cat"))
    assert answer["retCode"] in (10404, 10001)


@pytest.mark.parametrize("args", [[], [1], "x", None, [{}, {}]])
def test_args_hold_exactly_one_object(trade: Line, args: object) -> None:
    """v5/websocket/trade/guideline: one request in a frame."""
    said = {"reqId": "a", "op": "order.create", "header": {"X-BAPI-TIMESTAMP": now_ms()}, "args": args}
    assert trade.ask(said)["retCode"] == 10001


@pytest.mark.parametrize("text", ["{", "x", "[]", "null", "5"])
def test_what_is_no_request_gets_an_answer_and_the_socket_lives(trade: Line, text: str) -> None:
    """v5/websocket/trade/guideline."""
    assert trade.ask(text)
    assert trade.ask({"op": "ping"})["op"] == "pong"


def test_a_refused_order_has_empty_data(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline: same shape, retCode of the REST endpoint."""
    answer = trade.ask(frame("order.create", create(flat, qty="0.0001"), reqId="small"))
    assert (answer["reqId"], answer["retCode"], answer["data"]) == ("small", 10001, {})
    assert list(answer["header"]) == HEADER


def test_amend_and_cancel(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline: order.amend, order.cancel."""
    made = trade.ask(frame("order.create", create(flat, orderLinkId="ws-amend")))["data"]["orderId"]
    names = {**LINEAR, "orderId": made}
    answer = trade.ask(frame("order.amend", {**names, "qty": "0.020"}, reqId="amend"))
    assert (answer["retCode"], answer["op"], answer["data"]["orderId"]) == (0, "order.amend", made)
    assert flat.find(made)["qty"] == "0.020"
    answer = trade.ask(frame("order.cancel", {**LINEAR, "orderLinkId": "ws-amend"}, reqId="cancel"))
    assert (answer["retCode"], answer["op"], answer["data"]["orderId"]) == (0, "order.cancel", made)
    flat.settled(made, "Cancelled")
    answer = trade.ask(frame("order.cancel", names, reqId="again"))
    assert (answer["retCode"], answer["data"]) == (110001, {})


def test_a_batch(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline: data.list and retExtInfo.list in the order of the request; retCode stays 0."""
    request = [create(flat, orderLinkId="b-1"), create(flat, qty="0.0001"), create(flat, orderLinkId="b-3")]
    for one in request:
        del one["category"]
    answer = trade.ask(frame("order.create-batch", {"category": "linear", "request": request}, reqId="batch"))
    assert (answer["retCode"], answer["op"]) == (0, "order.create-batch")
    rows, codes = answer["data"]["list"], answer["retExtInfo"]["list"]
    assert [set(row) for row in rows] == [{"category", "symbol", "orderId", "orderLinkId", "createAt"}] * 3
    assert [row["code"] for row in codes] == [0, 10001, 0]
    assert rows[1]["orderId"] == rows[1]["createAt"] == ""
    assert all(int(row["createAt"]) > 0 for row in (rows[0], rows[2]))
    changes = [{"symbol": SYMBOL, "orderId": rows[number]["orderId"], "qty": "0.020"} for number in (0, 2)]
    amended = trade.ask(frame("order.amend-batch", {"category": "linear", "request": changes}))
    assert [row["code"] for row in amended["retExtInfo"]["list"]] == [0, 0]
    names = [{"symbol": SYMBOL, "orderId": row["orderId"]} for row in rows if row["orderId"]]
    gone = trade.ask(frame("order.cancel-batch", {"category": "linear", "request": [*names, {"symbol": SYMBOL}]}))
    assert gone["retCode"] == 0
    assert [row["code"] == 0 for row in gone["retExtInfo"]["list"]] == [True, True, False]


def test_the_limit_is_shared_with_rest(trade: Line, flat: Rest) -> None:
    """v5/rate-limit: order entry by HTTP and WebSocket counts together; the header says what is left."""
    first = trade.ask(frame("order.create", create(flat)))["header"]
    assert first["X-Bapi-Limit"] == "10"
    over = flat.signed("POST", "/v5/order/create", body=json.dumps(create(flat)).encode())
    second = trade.ask(frame("order.create", create(flat)))["header"]
    spent = int(first["X-Bapi-Limit-Status"]) - int(second["X-Bapi-Limit-Status"])
    assert over.code == 0
    assert spent == 2


def test_too_many_orders_are_10006(trade: Line, flat: Rest) -> None:
    """v5/rate-limit: 10 a second for each of create, amend and cancel."""
    order = create(flat)
    for number in range(25):
        trade.say(frame("order.create", order, reqId=f"many-{number}"))
    codes = [trade.answer()["retCode"] for _ in range(25)]
    assert codes.count(10006) >= 5
    assert set(codes) == {0, 10006}


def test_answers_come_in_the_order_of_the_requests(trade: Line, flat: Rest) -> None:
    """v5/websocket/trade/guideline: matched by reqId."""
    order = create(flat)
    for number in range(5):
        trade.say(frame("order.create", order, reqId=f"n{number}"))
    assert [trade.answer()["reqId"] for _ in range(5)] == [f"n{number}" for number in range(5)]


def test_auth_takes_the_expiry_as_text(lines: Lines) -> None:
    """v5/ws/connect; ccxt sends it so."""
    expires = str(now_ms() + 5_000)
    good = sign("local-secret", f"GET/realtime{expires}".encode())
    answer = lines.open("/v5/trade").ask({"reqId": "1", "op": "auth", "args": ["local", expires, good]})
    assert answer["retCode"] == 0
    assert answer["reqId"] == "1"
