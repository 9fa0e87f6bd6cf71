"""Signatures over raw bytes, and the rule about clocks."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from services.exchange.auth import Door, refuse_clock, signature, whole
from services.exchange.wire import HttpRequest

NOW_MS = 1_790_000_000_000
DOOR = Door("key", "secret")


def signed(text: bytes, secret: bytes = b"secret") -> str:
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


def request(method: str, query: str, body: bytes, sign: str, key: str = "key", stamp: str = str(NOW_MS)) -> HttpRequest:
    headers = (
        ("x-bapi-api-key", key),
        ("x-bapi-timestamp", stamp),
        ("x-bapi-recv-window", "5000"),
        ("x-bapi-sign", sign),
    )
    return HttpRequest(1, method, "/v5/order/create", query, headers, body, "127.0.0.1")


def test_the_signature_is_bybits() -> None:
    assert signature("secret", b"GET/realtime1790000000000") == signed(b"GET/realtime1790000000000")


@pytest.mark.parametrize("body", [b'{"a": 1, "b": "x"}', b'{"a":1,"b":"x"}', b"", "\u00e9".encode(), b"\xff\xfe"])
def test_a_post_is_signed_over_the_bytes_of_its_body(body: bytes) -> None:
    good = signed(f"{NOW_MS}key5000".encode() + body)
    assert DOOR.refuse(request("POST", "", body, good), NOW_MS) is None
    refusal = DOOR.refuse(request("POST", "", body + b" ", good), NOW_MS)
    assert refusal is not None
    assert (refusal.code, refusal.status) == (10004, 200)
    assert refusal.text.startswith(f"error sign! origin_string[{NOW_MS}key5000")


@pytest.mark.parametrize(
    "query", ["symbol=BTCUSDT&category=linear", "category=linear&symbol=BTCUSDT", "", "a=%20b&c=+"]
)
def test_a_get_is_signed_over_its_query_in_the_order_of_the_wire(query: str) -> None:
    good = signed(f"{NOW_MS}key5000{query}".encode())
    assert DOOR.refuse(request("GET", query, b"", good), NOW_MS) is None
    assert DOOR.refuse(request("GET", query + "&", b"", good), NOW_MS) is not None


def test_a_wrong_secret_and_a_wrong_key_have_their_own_codes() -> None:
    text = f"{NOW_MS}key5000".encode()
    refusals = [
        DOOR.refuse(request("GET", "", b"", signed(text, b"other")), NOW_MS),
        DOOR.refuse(request("GET", "", b"", signed(text), key="other"), NOW_MS),
    ]
    assert [refusal.code for refusal in refusals if refusal] == [10004, 10003]


@pytest.mark.parametrize("missing", ["x-bapi-api-key", "x-bapi-timestamp", "x-bapi-sign"])
def test_a_missing_header_is_unauthorised(missing: str) -> None:
    whole_one = request("GET", "", b"", signed(f"{NOW_MS}key5000".encode()))
    headers = tuple(pair for pair in whole_one.headers if pair[0] != missing)
    refusal = DOOR.refuse(HttpRequest(1, "GET", "/", "", headers, b"", "127.0.0.1"), NOW_MS)
    assert refusal is not None
    assert (refusal.code, refusal.status) == (10003, 401)


@pytest.mark.parametrize(
    ("ahead_ms", "window", "fits"),
    [
        (0, "5000", True),
        (-5_000, "5000", True),
        (-5_001, "5000", False),
        (999, "5000", True),
        (1_000, "5000", False),
        (1_000, "60000", False),
        (-20_000, "20000", True),
        (-5_000, "", True),
        (-5_001, "", False),
        (0, "60001", False),
        (0, "-1", False),
        (0, "x", False),
    ],
)
def test_the_clock_rule_holds_at_both_edges(ahead_ms: int, window: str, fits: bool) -> None:
    refusal = refuse_clock(str(NOW_MS + ahead_ms), window, NOW_MS)
    assert (refusal is None) == fits
    if refusal:
        assert refusal.code == 10002
        assert f"server_timestamp[{NOW_MS}]" in refusal.text


@pytest.mark.parametrize("text", ["", "-1", "1.0", " 1", "nan", "٣", "9" * 19, "²"])
def test_only_plain_digits_are_a_whole_number(text: str) -> None:
    assert whole(text) is None


def test_a_socket_logs_in_with_a_number_or_a_text_as_expiry() -> None:
    for expires in (NOW_MS + 1, str(NOW_MS + 1)):
        assert DOOR.refuse_socket(["key", expires, signed(f"GET/realtime{expires}".encode())], NOW_MS) == ""


@pytest.mark.parametrize(
    "args",
    [
        None,
        [],
        ["key", NOW_MS + 1],
        ["key", NOW_MS, signed(f"GET/realtime{NOW_MS}".encode())],
        ["key", NOW_MS + 1, "00"],
        ["other", NOW_MS + 1, signed(f"GET/realtime{NOW_MS + 1}".encode())],
        ["key", True, "00"],
        ["key", 1.5, "00"],
        ["key", "soon", "00"],
        [1, NOW_MS + 1, "00"],
        ["key", NOW_MS + 1, None],
    ],
)
def test_a_bad_login_has_a_reason(args: object) -> None:
    assert DOOR.refuse_socket(args, NOW_MS)
