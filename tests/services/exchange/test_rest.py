"""The REST door: envelope, status, limits, and clients that make no sense."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from services.exchange.limits import Limits
from services.exchange.wire import HEADERS, HttpRequest
from tests.exchange_rig import MS, SETTINGS, SYMBOL, Rig
from tests.venue_codes import DOCUMENTED, STATUSES


def test_an_answer_has_bybits_envelope() -> None:
    rig = Rig()
    reply = rig.ask(rig.request("GET", "/v5/account/info"))
    assert list(orjson.loads(reply.body)) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
    assert dict(reply.headers)["content-type"].startswith("application/json")


def test_the_answer_to_a_signed_request_takes_a_millisecond_and_a_public_one_none() -> None:
    rig = Rig()
    asked = rig.now
    rig.ask(rig.request("GET", "/v5/account/info"))
    assert rig.now - asked == MS
    asked = rig.now
    rig.ask(rig.request("GET", "/v5/market/time"))
    assert rig.now == asked


def test_limit_headers_count_down_and_one_too_many_waits_for_the_second() -> None:
    rig = Rig()
    replies = [rig.ask(rig.request("GET", "/v5/account/fee-rate", "category=linear")) for _ in range(6)]
    headers = [dict(reply.headers) for reply in replies]
    assert [one["X-Bapi-Limit-Status"] for one in headers] == ["4", "3", "2", "1", "0", "0"]
    assert {one["X-Bapi-Limit"] for one in headers} == {"5"}
    codes = [orjson.loads(reply.body)["retCode"] for reply in replies]
    assert codes == [0, 0, 0, 0, 0, 10006]
    reset_ms = int(headers[-1]["X-Bapi-Limit-Reset-Timestamp"])
    assert 0 < reset_ms - rig.now // MS <= 1_000
    rig.tick(reset_ms - rig.now // MS)
    assert rig.get("/v5/account/fee-rate", category="linear")["retCode"] == 0


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({}, 200, 0),
        ({"secret": "wrong"}, 200, 10004),
        ({"key": "wrong"}, 200, 10003),
        ({"stamp": 1}, 200, 10002),
        ({"sign": ""}, 401, 10003),
    ],
)
def test_signed_endpoints_are_signed(changes: dict[str, Any], status: int, code: int) -> None:
    rig = Rig()
    reply = rig.ask(rig.request("GET", "/v5/account/info", **changes))
    assert (reply.status, orjson.loads(reply.body)["retCode"]) == (status, code)


def test_a_refused_signature_does_nothing_and_counts_towards_no_limit() -> None:
    rig = Rig()
    body = orjson.dumps({"category": "linear", "symbol": SYMBOL, "side": "Buy", "orderType": "Market", "qty": "0.01"})
    for _ in range(20):
        rig.ask(rig.request("POST", "/v5/order/create", body=body, secret="wrong"))
    assert rig.ledger()["orders"] == []
    assert rig.order()["retCode"] == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v5/order/nothing", 404),
        ("GET", "/v5/order/create/", 404),
        ("GET", "/V5/MARKET/TIME", 404),
        ("GET", "/v5/order/create", 400),
        ("POST", "/v5/market/time", 400),
        ("DELETE", "/admin/ledger", 404),
    ],
)
def test_nobody_at_home_is_said_in_json(method: str, path: str, status: int) -> None:
    reply = Rig().ask(HttpRequest(1, method, path, "", (), b"", "127.0.0.1"))
    assert reply.status == status
    assert orjson.loads(reply.body)["retCode"] == status


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"null", b"\xff", b'{"a":1}x', b"[" * 5_000])
def test_a_body_that_is_no_object_is_a_parameter_error(body: bytes) -> None:
    rig = Rig()
    reply = rig.ask(rig.request("POST", "/v5/order/create", body=body))
    assert (reply.status, orjson.loads(reply.body)["retCode"]) == (200, 10001)


def test_too_many_parameters_are_a_parameter_error() -> None:
    rig = Rig()
    assert rig.get("/v5/order/history", **{f"p{number}": "" for number in range(60)})["retCode"] == 10001


def test_the_ledger_is_for_this_machine_only() -> None:
    rig = Rig()
    request = HttpRequest(1, "GET", "/admin/ledger", "", (), b"", "192.0.2.7")
    assert rig.ask(request).status == 403
    assert rig.ask(msgspec.structs.replace(request, request_id=2, remote="127.0.0.1")).status == 200


def test_an_address_that_breaks_its_limit_is_shut_out_for_ten_minutes() -> None:
    rig = Rig(SETTINGS._replace(limits=Limits(ip_requests=3)))
    statuses = [rig.ask(rig.request("GET", "/v5/market/time")).status for _ in range(4)]
    assert statuses == [200, 200, 200, 403]
    assert rig.get("/v5/market/time")["retMsg"] == "access too frequent"
    assert rig.get("/admin/ledger")["retCode"] == 0
    rig.now += 599_000 * MS
    assert rig.ask(rig.request("GET", "/v5/market/time")).status == 403
    rig.now += 1_000 * MS
    assert rig.ask(rig.request("GET", "/v5/market/time")).status == 200


def test_a_get_with_a_body_is_forbidden() -> None:
    rig = Rig()
    assert rig.ask(HttpRequest(1, "GET", "/v5/market/time", "", (), b"{}", "127.0.0.1")).status == 403


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.text(max_size=8),
        st.sampled_from(["linear", SYMBOL, "Buy", "Market", "Limit", "0.010", "60000", "0", "-1", "1e999", "\u0663"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "category", "symbol", "side", "orderType", "qty", "price", "timeInForce", "reduceOnly", "closeOnTrigger",
        "orderLinkId", "orderId", "stopLoss", "takeProfit", "slTriggerBy", "tpslMode", "positionIdx", "trailingStop",
        "settleCoin", "baseCoin", "orderFilter", "buyLeverage", "sellLeverage", "modifyEnable", "triggerPrice",
        "triggerDirection", "smpType", "slippageTolerance", "slippageToleranceType", "tpLimitPrice", "slLimitPrice",
        "tpOrderType", "slOrderType", "activePrice", "request", "mode", "coin", "product", "timeWindow",
        "setMarginMode",
    ]
)  # fmt: skip
ROUTES = sorted(Rig().core._rest._routes)
POSTS = [path for method, path in ROUTES if method == "POST"]
GETS = [path for method, path in ROUTES if method == "GET"]


@dataclasses.dataclass
class _Shared:
    rig: Rig


SHARED = _Shared(Rig())


@given(path=st.sampled_from(POSTS), body=st.dictionaries(NAMES, VALUES, max_size=10))
def test_whatever_the_body_holds_there_is_an_answer(path: str, body: dict[str, Any]) -> None:
    rig = SHARED.rig
    rig.tick(200)
    usual = {
        "category": "linear",
        "symbol": SYMBOL,
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.010",
        "price": "60000",
    }
    reply = rig.ask(rig.request("POST", path, body=orjson.dumps(usual | body)))
    assert reply.status == 200
    answer = orjson.loads(reply.body)
    assert list(answer) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
    assert answer["retCode"] in DOCUMENTED, answer
    assert (answer["retMsg"] == "OK") == (not answer["retCode"])


@given(
    path=st.sampled_from(GETS),
    query=st.text(st.characters(max_codepoint=255), max_size=40)
    | st.dictionaries(st.sampled_from(["symbol", "limit", "cursor", "startTime", "openOnly"]), st.text(max_size=6)).map(
        lambda found: "category=linear&" + "&".join(f"{key}={value}" for key, value in found.items())
    ),
)
def test_whatever_the_query_holds_there_is_an_answer(path: str, query: str) -> None:
    rig = SHARED.rig
    rig.tick(250)
    query = query.encode("utf-8", "replace").decode("latin-1")
    reply = rig.ask(rig.request("GET", path, query))
    assert reply.status == 200
    answer = orjson.loads(reply.body)
    assert list(answer) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
    assert answer["retCode"] in DOCUMENTED, answer
    assert (answer["retMsg"] == "OK") == (not answer["retCode"])


@seed(1)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "get"]),
    path=st.sampled_from([path for _, path in ROUTES]) | st.text(st.characters(max_codepoint=127), max_size=30),
    headers=st.dictionaries(st.sampled_from(sorted(HEADERS)), st.text(max_size=20), max_size=5),
    body=st.binary(max_size=40),
)
def test_whatever_a_stranger_sends_there_is_an_answer_with_a_documented_status(
    method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    rig = SHARED.rig
    rig.tick(250)
    reply = rig.ask(HttpRequest(0, method, f"/{path.lstrip('/')}", "", tuple(headers.items()), body, "10.0.0.9"))
    answer = orjson.loads(reply.body)
    assert reply.status in {200, *STATUSES}
    assert answer["retCode"] in DOCUMENTED | STATUSES, answer
    assert (reply.status == 200) or answer["retCode"] in {reply.status, *DOCUMENTED}
