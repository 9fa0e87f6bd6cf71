"""Who may ask what over REST: signatures over the bytes, clocks and windows, and the envelope of every answer."""

from __future__ import annotations

import json

import pytest

from tests.contract.client import LINEAR, SECRET, Rest, now_ms, query_of, sign

POSITION = "/v5/position/list"
QUERY = query_of(dict(LINEAR))


def test_the_envelope_of_an_answer(rest: Rest) -> None:
    """v5/guide: retCode, retMsg, result, retExtInfo, time."""
    for answer in (rest.signed("GET", POSITION, QUERY), rest.public("/v5/market/time")):
        assert list(answer.body) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
        assert (answer.status, answer.code, answer.body["retExtInfo"]) == (200, 0, {})
        assert abs(answer.body["time"] - now_ms()) < 1_000
        assert answer.headers["content-type"].startswith("application/json")


def test_a_business_error_comes_with_status_200(rest: Rest) -> None:
    """v5/guide: the code is in the body."""
    answer = rest.signed("GET", POSITION, "category=linear&symbol=NOSUCH")
    assert (answer.status, answer.code) == (200, 10001)
    assert answer.body["result"] == {}


@pytest.mark.parametrize(
    "query",
    [
        "category=linear&symbol=BTCUSDT",
        "symbol=BTCUSDT&category=linear",
        "symbol=BTCUSDT&category=linear&cursor=",
        "category=linear&symbol=BTCUSDT&cursor=a%2Cb%3D",
        "category=linear&symbol=BTCUSDT&x=%41%zz",
    ],
)
def test_a_get_is_signed_over_its_query_as_it_is_on_the_wire(rest: Rest, query: str) -> None:
    """v5/guide: the query string, in whatever order and encoding it came."""
    assert rest.signed("GET", POSITION, query).code != 10004


@pytest.mark.parametrize(
    "body",
    [
        b'{"category":"linear","symbol":"BTCUSDT"}',
        b'{"category": "linear", "symbol": "BTCUSDT"}',
        b' {\n"symbol":"BTCUSDT",\t"category":"linear"} \n',
        b'{"category":"linear","symbol":"BTCUSDT","note":"\xc3\xa9"}',
    ],
)
def test_a_post_is_signed_over_its_body_as_it_is_on_the_wire(rest: Rest, body: bytes) -> None:
    """v5/guide: the raw JSON, blanks included (pybit writes them, ccxt does not)."""
    assert rest.signed("POST", "/v5/order/cancel-all", body=body).code == 0


def test_a_get_may_end_in_a_bare_question_mark(rest: Rest) -> None:
    """ccxt 4.5 signs the empty string then."""
    stamp = str(now_ms())
    headers = {
        "X-BAPI-API-KEY": "local", "X-BAPI-TIMESTAMP": stamp, "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": sign(SECRET, f"{stamp}local5000".encode()),
    }  # fmt: skip
    assert rest.send("GET", "/v5/account/info?", headers=headers).code == 0


def test_recv_window_may_be_left_out(rest: Rest) -> None:
    """v5/guide: it is 5,000 ms then, and nothing takes its place in the signed text."""
    assert rest.signed("GET", POSITION, QUERY, window="").code == 0
    assert rest.signed("GET", POSITION, QUERY, window="", stamp=now_ms() - 5_500).code == 10002


def test_a_wrong_signature_shows_what_the_server_signed(rest: Rest) -> None:
    """v5/error 10004."""
    stamp = now_ms()
    answer = rest.signed("GET", POSITION, QUERY, secret="guess", stamp=stamp)
    assert (answer.status, answer.code) == (200, 10004)
    assert answer.text == f"error sign! origin_string[{stamp}local5000{QUERY}]"


def test_a_signature_in_upper_case_is_wrong(rest: Rest) -> None:
    """v5/guide: lower-case hex."""
    stamp = now_ms()
    good = sign(SECRET, f"{stamp}local5000{QUERY}".encode())
    assert rest.signed("GET", POSITION, QUERY, stamp=stamp, sign=good.upper()).code == 10004


def test_an_unknown_key_is_invalid(rest: Rest) -> None:
    """v5/error 10003."""
    answer = rest.signed("GET", POSITION, QUERY, key="stranger")
    assert answer.code == 10003
    assert answer.text.startswith("API key is invalid.")


@pytest.mark.parametrize("missing", ["key", "stamp", "sign"])
def test_missing_headers_are_status_401(rest: Rest, missing: str) -> None:
    """v5/guide: 401 where the auth headers are missing."""
    assert rest.signed("GET", POSITION, QUERY, **{missing: ""}).status == 401


@pytest.mark.parametrize(("behind_ms", "window"), [(0, 5_000), (4_700, 5_000), (900, 1_000), (9_000, 10_000)])
def test_a_stamp_within_the_window_passes(rest: Rest, behind_ms: int, window: int) -> None:
    """v5/guide: server - recvWindow <= timestamp."""
    assert rest.signed("GET", POSITION, QUERY, stamp=now_ms() - behind_ms, window=window).code == 0


@pytest.mark.parametrize(("behind_ms", "window"), [(5_001, 5_000), (1_001, 1_000), (101, 100), (3_600_000, 5_000)])
def test_a_stamp_before_the_window_is_late(rest: Rest, behind_ms: int, window: int) -> None:
    """v5/error 10002, with both clocks and the window in its text."""
    stamp = now_ms() - behind_ms
    answer = rest.signed("GET", POSITION, QUERY, stamp=stamp, window=window)
    assert answer.code == 10002
    head = "invalid request, please check your server timestamp or recv_window param."
    assert answer.text.startswith(f"{head} req_timestamp[{stamp}],server_timestamp[")
    assert answer.text.endswith(f"],recv_window[{window}]")


@pytest.mark.parametrize("window", [5_000, 50_000])
def test_a_clock_a_second_ahead_fails_whatever_the_window(rest: Rest, window: int) -> None:
    """v5/guide: timestamp < server + 1,000 ms."""
    assert rest.signed("GET", POSITION, QUERY, stamp=now_ms() + 800, window=window).code == 0
    assert rest.signed("GET", POSITION, QUERY, stamp=now_ms() + 1_500, window=window).code == 10002


@pytest.mark.parametrize("stamp", ["0", "now", "-5", "1e12", "179000000000000000000000000", "1790000000.5", "\u0661"])
def test_a_stamp_that_is_no_time_is_refused(rest: Rest, stamp: str) -> None:
    """v5/error 10002 or 10001: an answer, whatever comes."""
    if stamp.isascii():
        assert rest.signed("GET", POSITION, QUERY, stamp=stamp).code in (10001, 10002)


def test_public_endpoints_need_no_signature(rest: Rest) -> None:
    """v5/market/time."""
    assert rest.public("/v5/market/time").code == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'"x"', b"\xff\xfe", b"[" * 5_000, b'{"a":1e999}'])
def test_a_body_that_is_no_object_is_a_parameter_error(rest: Rest, body: bytes) -> None:
    """v5/error 10001."""
    assert rest.signed("POST", "/v5/order/cancel", body=body).code in (10001, 10006)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_status_400(rest: Rest, method: str) -> None:
    """v5/guide: bad method."""
    assert rest.send(method, "/v5/market/time", b"{}").status == 400


@pytest.mark.parametrize("path", ["/v5/nothing", "/v5/order/creat", "/", "/v3/public/time", "/v5/market/time/"])
def test_an_unknown_path_is_status_404(rest: Rest, path: str) -> None:
    """v5/guide: wrong path."""
    assert rest.send("GET", path).status == 404


def test_names_of_headers_have_no_case(rest: Rest) -> None:
    """RFC 9110 5.1."""
    stamp = str(now_ms())
    headers = {
        "x-bapi-api-key": "local", "X-Bapi-Timestamp": stamp, "x-BAPI-recv-WINDOW": "5000", "X-BAPI-SIGN-TYPE": "2",
        "x-bapi-sign": sign(SECRET, f"{stamp}local5000{QUERY}".encode()), "Referer": "CCXT", "cdn-request-id": "x",
    }  # fmt: skip
    assert rest.send("GET", f"{POSITION}?{QUERY}", headers=headers).code == 0


def test_numbers_where_text_belongs_are_refused(rest: Rest) -> None:
    """v5/order/create-order: qty is a string."""
    body = {**LINEAR, "side": "Buy", "orderType": "Market", "qty": 0.01}
    assert rest.signed("POST", "/v5/order/create", body=json.dumps(body).encode()).code == 10001
