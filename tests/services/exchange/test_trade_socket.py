"""The order-entry socket: logins, envelopes, budgets shared with REST, and nonsense."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange import trade_socket
from services.exchange.auth import Refusal, signature
from services.exchange.limits import Limits
from services.exchange.wire import SocketOpened
from tests.exchange_rig import KEY, MS, SECRET, SETTINGS, SYMBOL, Rig
from tests.venue_codes import DOCUMENTED

ORDER = {
    "category": "linear", "symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "59990.0",
    "timeInForce": "PostOnly",
}  # fmt: skip
ANSWER = ["retCode", "retMsg", "op", "data", "retExtInfo", "header", "connId"]


def connect(rig: Rig) -> int:
    number = 1_000 + len(rig.sent)
    rig.take(rig.core.on_socket_opened(SocketOpened(number, "/v5/trade"), rig.now))
    rig.sent[number] = []
    return number


def login(rig: Rig, secret: str = SECRET, ahead_ms: int = 1_000) -> dict[str, Any]:
    expires = rig.now // MS + ahead_ms
    return {
        "op": "auth",
        "reqId": "login",
        "args": [KEY, expires, signature(secret, f"GET/realtime{expires}".encode())],
    }


def ready(rig: Rig) -> int:
    client = connect(rig)
    assert rig.say(client, login(rig))["retCode"] == 0
    return client


def request(rig: Rig, op: str, *args: Any, **changes: Any) -> dict[str, Any]:
    return {"header": {"X-BAPI-TIMESTAMP": str(rig.now // MS)}, "op": op, "args": list(args), **changes}


def test_a_login_is_answered_once_and_a_second_is_refused() -> None:
    rig = Rig()
    client = connect(rig)
    answer = rig.say(client, login(rig))
    assert list(answer) == ["reqId", "retCode", "retMsg", "op", "connId"]
    assert (answer["reqId"], answer["retCode"], answer["retMsg"], answer["op"]) == ("login", 0, "OK", "auth")
    assert rig.say(client, login(rig))["retCode"] == 20001


def test_bad_logins_have_codes_of_their_own() -> None:
    rig = Rig()
    client = connect(rig)
    assert rig.say(client, login(rig, secret="guess"))["retCode"] == 10004
    assert rig.say(client, {"op": "auth", "args": [1]})["retCode"] == 10001
    assert rig.say(client, login(rig, ahead_ms=-1))["retCode"] == 10004
    assert rig.say(client, request(rig, "order.create", ORDER))["retCode"] == 10005


def test_a_pong_has_the_sockets_own_shape() -> None:
    rig = Rig()
    answer = rig.say(connect(rig), {"op": "ping", "req_id": "7"})
    assert list(answer) == ["retCode", "retMsg", "op", "data", "connId"]
    assert (answer["op"], answer["retMsg"], len(answer["data"])) == ("pong", "OK", 1)


def test_an_order_is_created_amended_and_cancelled() -> None:
    rig = Rig()
    client = ready(rig)
    made = rig.say(client, request(rig, "order.create", ORDER | {"orderLinkId": "mm-1"}, reqId="r-1"))
    assert list(made) == ["reqId", *ANSWER]
    assert (made["reqId"], made["retCode"], made["retMsg"]) == ("r-1", 0, "OK")
    assert made["data"] == {"orderId": made["data"]["orderId"], "orderLinkId": "mm-1"}
    header = made["header"]
    assert list(header) == [
        "X-Bapi-Limit", "X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp", "Traceid", "Timenow",
    ]  # fmt: skip
    assert all(isinstance(value, str) for value in header.values())
    name = {"category": "linear", "symbol": SYMBOL, "orderId": made["data"]["orderId"]}
    assert rig.say(client, request(rig, "order.amend", name | {"price": "59980.0"}))["retCode"] == 0
    assert rig.find(name["orderId"])["price"] == "59980.00"
    assert rig.say(client, request(rig, "order.cancel", name))["data"]["orderLinkId"] == "mm-1"
    late = rig.say(client, request(rig, "order.cancel", name))
    assert (late["retCode"], late["data"]) == (110001, {})
    assert list(late) == ANSWER


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"op": "order.dance"}, 10404),
        ({"op": None}, 10404),
        ({"op": ["order.create"]}, 10404),
        ({"args": [ORDER | {"category": "spot"}]}, 10404),
        ({"args": []}, 10001),
        ({"args": [ORDER, ORDER]}, 10001),
        ({"args": ORDER}, 10001),
        ({"args": ["order"]}, 10001),
        ({"reqId": "x" * 37}, 10001),
        ({"reqId": 7}, 10001),
        ({"header": None}, 10001),
        ({"header": {}}, 10001),
        ({"header": {"X-BAPI-TIMESTAMP": True}}, 10001),
        ({"header": {"X-BAPI-TIMESTAMP": "1"}}, 10002),
        ({"header": {"X-BAPI-TIMESTAMP": "soon"}}, 10002),
    ],
)
def test_a_bad_envelope_is_refused_with_its_code(changes: dict[str, Any], code: int) -> None:
    rig = Rig()
    client = ready(rig)
    answer = rig.say(client, request(rig, "order.create", ORDER) | changes)
    assert (answer["retCode"], answer.get("data", {})) == (code, {})
    assert rig.rows("/v5/order/realtime", symbol=SYMBOL) == []


def test_the_stamp_may_be_a_second_ahead_and_a_window_behind() -> None:
    rig = Rig()
    client, now_ms = ready(rig), rig.now // MS
    codes = []
    for stamp, window in ((now_ms + 999, 5_000), (now_ms + 1_100, 5_000), (now_ms - 4_900, "5000"), (now_ms - 20, 10)):
        header = {"X-BAPI-TIMESTAMP": stamp, "X-BAPI-RECV-WINDOW": window}
        codes.append(rig.say(client, request(rig, "order.create", ORDER, header=header))["retCode"])
    assert codes == [0, 10002, 0, 10002]


def test_a_name_is_good_for_one_request_of_a_session() -> None:
    rig = Rig()
    client, other = ready(rig), ready(rig)
    frames = [request(rig, "order.create", ORDER, reqId="once") for _ in range(2)]
    assert [rig.say(client, frame)["retCode"] for frame in frames] == [0, 20006]
    assert rig.say(other, frames[0])["retCode"] == 0


def test_the_budget_is_shared_with_rest() -> None:
    rig = Rig()
    client = ready(rig)
    for _ in range(6):
        assert rig.say(client, request(rig, "order.create", ORDER))["retCode"] == 0
    for _ in range(4):
        assert rig.post("/v5/order/create", **ORDER)["retCode"] == 0
    answer = rig.say(client, request(rig, "order.create", ORDER))
    assert (answer["retCode"], answer["header"]["X-Bapi-Limit-Status"]) == (10006, "0")
    assert int(answer["header"]["X-Bapi-Limit-Reset-Timestamp"]) > rig.now // MS
    assert rig.say(client, request(rig, "order.cancel", ORDER | {"orderId": "none"}))["retCode"] == 110001


def test_a_batch_answers_for_each_order() -> None:
    rig = Rig()
    client = ready(rig)
    batch = {"category": "linear", "request": [ORDER, ORDER | {"qty": "x"}]}
    answer = rig.say(client, request(rig, "order.create-batch", batch))
    assert answer["retCode"] == 0
    good, bad = answer["data"]["list"]
    assert list(good) == ["category", "symbol", "orderId", "orderLinkId", "createAt"]
    assert (bool(good["orderId"]), bad["orderId"], bad["createAt"]) == (True, "", "")
    assert [row["code"] for row in answer["retExtInfo"]["list"]] == [0, 10001]


def test_an_address_that_asks_too_much_is_told_so() -> None:
    rig = Rig(SETTINGS._replace(limits=Limits(trade_requests_per_s=2)))
    client = ready(rig)
    codes = [rig.say(client, request(rig, "order.create", ORDER))["retCode"] for _ in range(3)]
    assert codes == [0, 0, 10403]


def test_a_gateway_that_protects_itself_carries_nothing_out() -> None:
    rig = Rig()
    client = ready(rig)
    rig.core._sockets._trade.protection = Refusal(10429, "System level frequency protection")
    assert rig.say(client, request(rig, "order.create", ORDER))["retCode"] == 10429
    assert rig.rows("/v5/order/realtime", symbol=SYMBOL) == []


def test_names_of_requests_are_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trade_socket, "REQ_IDS_KEPT", 2)
    session = trade_socket.TradeSession("c", "127.0.0.1")
    assert [session.is_new(name) for name in ("a", "b", "a", "c", "a")] == [True, True, False, True, True]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=6)
    | st.sampled_from([*trade_socket.OPS, "auth", "ping", "linear", SYMBOL]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["category", "symbol", "request", "X-BAPI-TIMESTAMP", "qty"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
FRAMES = st.dictionaries(st.sampled_from(["op", "args", "reqId", "header"]), VALUES, max_size=4).map(orjson.dumps)
SHARED = Rig()
CLIENT = ready(SHARED)


@given(st.binary(max_size=60) | FRAMES)
def test_whatever_is_said_there_is_one_answer_with_a_code(data: bytes) -> None:
    SHARED.tick(50)
    before = len(SHARED.sent[CLIENT])
    assert SHARED.say(CLIENT, data)["retCode"] in DOCUMENTED
    assert len(SHARED.sent[CLIENT]) == before + 1


@given(args=VALUES, op=st.sampled_from(sorted(trade_socket.OPS)))
def test_whatever_is_ordered_there_is_one_answer_with_a_code(op: str, args: Any) -> None:
    SHARED.tick(120)
    answer = SHARED.say(CLIENT, request(SHARED, op, {"category": "linear", "symbol": SYMBOL, "request": args}))
    assert answer["retCode"] in DOCUMENTED
    assert {row["code"] for row in answer["retExtInfo"].get("list", ())} <= DOCUMENTED
    assert list(answer) == ANSWER
