"""What a client may say on a stream socket and what it hears: acks, pongs and refusals."""

from __future__ import annotations

import json

import pytest

from tests.contract.client import SECRET, SYMBOL, Json, Lines, now_ms, sign

BOOK, TRADES = f"orderbook.50.{SYMBOL}", f"publicTrade.{SYMBOL}"
ACK = ["success", "ret_msg", "conn_id", "req_id", "op"]
ANY_JSON = ["a1", "", 7, 1.5, True, None, ["a", 1], {"k": "v"}]


@pytest.mark.parametrize("req_id", ANY_JSON, ids=json.dumps)
def test_an_ack_echoes_req_id_of_any_json_type(lines: Lines, req_id: object) -> None:
    """v5/ws/connect: req_id is optional and free-form; it comes back as it was."""
    ack = lines.open().ask({"req_id": req_id, "op": "subscribe", "args": [TRADES]})
    assert ack == {"success": True, "ret_msg": "", "conn_id": ack["conn_id"], "req_id": req_id, "op": "subscribe"}
    assert isinstance(ack["conn_id"], str)
    assert ack["conn_id"]


def test_an_ack_without_req_id_says_it_is_empty(lines: Lines) -> None:
    """v5/ws/connect: linear answers with an empty req_id."""
    line = lines.open()
    line.say({"op": "subscribe", "args": [TRADES]})
    text = line.hear_text()
    ack = json.loads(text)
    assert list(ack) == ACK
    assert ack["req_id"] == ""


def test_one_ack_answers_one_request_whatever_the_number_of_topics(lines: Lines) -> None:
    """v5/ws/connect: exactly one ack, then the first snapshots."""
    line = lines.open()
    line.subscribe(BOOK, f"tickers.{SYMBOL}", TRADES)
    assert all("topic" in frame for frame in line.frames(20))


def test_unsubscribing_is_acked_and_ends_the_topic(lines: Lines) -> None:
    """v5/ws/connect: unsubscribe."""
    line = lines.open()
    line.subscribe(BOOK, TRADES)
    ack = line.ask({"req_id": "u", "op": "unsubscribe", "args": [BOOK]})
    assert (ack["success"], ack["op"], ack["req_id"]) == (True, "unsubscribe", "u")
    assert {frame["topic"] for frame in line.during(0.5)} <= {TRADES}


def test_a_topic_can_be_subscribed_again_after_it_was_left(lines: Lines) -> None:
    """v5/websocket/public/orderbook: unsubscribe and subscribe is how a client gets a new snapshot."""
    line = lines.open()
    for _ in range(3):
        line.subscribe(BOOK)
        assert line.topic(BOOK)["type"] == "snapshot"
        assert line.ask({"op": "unsubscribe", "args": [BOOK]})["success"]


def test_a_req_id_may_be_used_twice(lines: Lines) -> None:
    """pybit 5.17 unsubscribes with the req_id of its subscription."""
    line = lines.open()
    assert line.ask({"req_id": "same", "op": "subscribe", "args": [TRADES]})["success"]
    assert line.ask({"req_id": "same", "op": "unsubscribe", "args": [TRADES]})["success"]


BAD_TOPICS = [
    "orderbook.50.NOSUCHUSDT", "orderbook.500.BTCUSDT", "orderbook.25.BTCUSDT", "orderbook.50.btcusdt", "order",
    "wallet", "publicTrade.", "kline.2.BTCUSDT", "nonsense", "", "tickers.BTCUSDT.x",
]  # fmt: skip


@pytest.mark.parametrize("topic", BAD_TOPICS)
def test_an_unknown_topic_has_no_handler(lines: Lines, topic: str) -> None:
    """v5/websocket/public/orderbook, changelog 2025-09-11: level 500 is gone; symbols are upper case."""
    line = lines.open()
    ack = line.ask({"req_id": 1, "op": "subscribe", "args": [topic]})
    assert ack["success"] is False
    assert ack["ret_msg"] == f"error:handler not found,topic:{topic}"
    assert ack["req_id"] == 1
    line.subscribe(BOOK)  # The socket stays open.


def test_one_bad_topic_rejects_the_whole_request(lines: Lines) -> None:
    """v5/ws/connect: the ack names the first offender and nothing is subscribed."""
    line = lines.open()
    ack = line.ask({"op": "subscribe", "args": [BOOK, "orderbook.500.BTCUSDT", "order", TRADES]})
    assert ack["success"] is False
    assert ack["ret_msg"] == "error:handler not found,topic:orderbook.500.BTCUSDT"
    assert list(line.during(0.4)) == []
    line.subscribe(BOOK, TRADES)


def test_a_topic_that_is_subscribed_is_refused(lines: Lines) -> None:
    """v5/ws/connect: once a topic for each connection."""
    line = lines.open()
    line.subscribe(TRADES)
    ack = line.ask({"op": "subscribe", "args": [TRADES]})
    assert (ack["success"], ack["ret_msg"]) == (False, f"error:already subscribed,topic:{TRADES}")


@pytest.mark.parametrize("op", ["order.create", "login", "", None, 5])
def test_an_unknown_op_is_refused(lines: Lines, op: object) -> None:
    """v5/ws/connect: the socket stays open."""
    line = lines.open()
    ack = line.ask({"op": op, "args": []})
    assert (ack["success"], ack["ret_msg"]) == (False, "error:invalid op")
    assert line.ask({"op": "ping"})["success"]


@pytest.mark.parametrize("text", ["{", "hello", '{"op":"subscribe"', "\x00", "[1,2", "{'op':'ping'}"])
def test_text_that_is_not_json_is_refused(lines: Lines, text: str) -> None:
    """v5/ws/connect: the socket stays open."""
    line = lines.open()
    ack = line.ask(text)
    assert ack["success"] is False
    assert ack["ret_msg"].startswith("Failed to decode incoming data")
    assert line.ask({"op": "ping"})["success"]


def test_too_many_characters_of_topics_are_refused(lines: Lines) -> None:
    """v5/ws/connect: the topics of one public connection are 21,000 characters at most."""
    line = lines.open()
    ack = line.ask({"op": "subscribe", "args": [f"orderbook.50.{'A' * 60}{number}USDT" for number in range(300)]})
    assert ack["success"] is False
    assert line.ask({"op": "ping"})["success"]


# --- pongs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("req_id", ANY_JSON, ids=json.dumps)
def test_pong_of_the_public_socket(lines: Lines, req_id: object) -> None:
    """v5/ws/connect: op is ping and ret_msg is pong."""
    pong = lines.open().ask({"req_id": req_id, "op": "ping"})
    assert pong == {"success": True, "ret_msg": "pong", "conn_id": pong["conn_id"], "req_id": req_id, "op": "ping"}
    assert list(pong) == ACK


def test_pong_of_the_private_socket(lines: Lines) -> None:
    """v5/ws/connect: op is pong and the time is in args; req_id only when one was sent."""
    line = lines.open("/v5/private")
    pong = line.ask({"req_id": "p1", "op": "ping"})
    assert list(pong) == ["req_id", "op", "args", "conn_id"]
    assert (pong["req_id"], pong["op"]) == ("p1", "pong")
    assert abs(int(pong["args"][0]) - now_ms()) < 1_000
    assert list(line.ask({"op": "ping"})) == ["op", "args", "conn_id"]


def test_pong_of_the_trade_socket(lines: Lines) -> None:
    """v5/ws/connect: retCode, and the time in data."""
    pong = lines.trade().ask({"op": "ping"})
    assert list(pong) == ["retCode", "retMsg", "op", "data", "connId"]
    assert (pong["retCode"], pong["retMsg"], pong["op"]) == (0, "OK", "pong")
    assert abs(int(pong["data"][0]) - now_ms()) < 1_000


@pytest.mark.parametrize("path", ["/v5/public/linear", "/v5/private", "/v5/trade"])
def test_pings_of_the_websocket_protocol_are_answered(lines: Lines, path: str) -> None:
    """RFC 6455 5.5.3: a pong carries the ping's bytes. websocket-client hangs up without it."""
    assert lines.open(path).pong_of(b"?") == b"?"


@pytest.mark.parametrize("path", ["/v5/private?max_active_time=1m", "/v5/trade?max_active_time=30s"])
def test_the_query_string_of_a_socket_is_taken(lines: Lines, path: str) -> None:
    """v5/ws/connect: max_active_time is for private and trade sockets."""
    assert lines.open(path).ask({"op": "ping"})["op"] == "pong"


# --- logging in -------------------------------------------------------------------------------------------------


def auth(expires: object, text: str | None = None, key: str = "local") -> Json:
    signed = sign(SECRET, f"GET/realtime{expires}".encode()) if text is None else text
    return {"op": "auth", "args": [key, expires, signed]}


@pytest.mark.parametrize("kind", [int, str])
def test_expiry_may_be_a_number_or_text(lines: Lines, kind: type) -> None:
    """v5/ws/connect; pybit sends a number, ccxt text."""
    ack = lines.open("/v5/private").ask(auth(kind(now_ms() + 2_000)))
    assert ack == {"success": True, "ret_msg": "", "op": "auth", "conn_id": ack["conn_id"]}


def test_req_id_comes_first_in_the_answer_to_auth(lines: Lines) -> None:
    """v5/ws/connect: when one was sent."""
    ack = lines.open("/v5/private").ask({**auth(now_ms() + 2_000), "req_id": "x"})
    assert list(ack) == ["req_id", "success", "ret_msg", "op", "conn_id"]
    assert ack["req_id"] == "x"


def refusals() -> list[Json]:
    soon = now_ms() + 60_000
    good = sign(SECRET, f"GET/realtime{soon}".encode())
    return [
        auth(now_ms() - 1_000),
        auth(soon, good.upper()),
        auth(soon, sign("guess", f"GET/realtime{soon}".encode())),
        auth(soon, good, key="stranger"),
        auth(soon, sign(SECRET, f"GET/realtime/{soon}".encode())),
        {"op": "auth", "args": ["local", soon]},
        {"op": "auth"},
    ]


@pytest.mark.parametrize("number", range(7))
def test_a_bad_login_is_refused_with_a_reason(lines: Lines, number: int) -> None:
    """v5/ws/connect: same shape, success false."""
    line = lines.open("/v5/private")
    ack = line.ask(refusals()[number])
    assert ack["success"] is False
    assert ack["ret_msg"]
    assert ack["op"] == "auth"
    assert line.ask({"op": "subscribe", "args": ["order"]})["success"] is False


def test_a_subscription_right_behind_the_login_is_taken(lines: Lines) -> None:
    """pybit 5.17 subscribes again without waiting for the answer to its login."""
    line = lines.open("/v5/private")
    line.say(auth(now_ms() + 2_000))
    line.say({"req_id": "r", "op": "subscribe", "args": ["order", "wallet"]})
    assert [line.answer()["op"] for _ in range(2)] == ["auth", "subscribe"]


@pytest.mark.parametrize(
    "topics",
    [
        ["order", "execution", "execution.fast", "position", "wallet"],
        ["order.linear", "execution.linear", "execution.fast.linear", "position.linear", "wallet"],
        ["dcp.future"],
    ],
)
def test_private_topics(lines: Lines, topics: list[str]) -> None:
    """v5/websocket/private/*: all in one, or categorised."""
    ack = lines.private().ask({"req_id": "r", "op": "subscribe", "args": topics})
    assert (ack["success"], ack["req_id"]) == (True, "r")


def test_the_ack_of_the_private_socket_has_a_req_id_only_when_one_was_sent(lines: Lines) -> None:
    """v5/ws/connect."""
    assert "req_id" not in lines.private().ask({"op": "subscribe", "args": ["order"]})


@pytest.mark.parametrize("topics", [["order", "order.linear"], ["wallet.linear"], [BOOK], ["order.spotty"]])
def test_private_topics_that_are_refused(lines: Lines, topics: list[str]) -> None:
    """v5/websocket/private/order: all-in-one and categorised topics are not mixed in one request."""
    assert lines.private().ask({"op": "subscribe", "args": topics})["success"] is False


def test_every_connection_has_an_id_of_its_own(lines: Lines) -> None:
    """v5/ws/connect: conn_id."""
    ids = {lines.open().ask({"op": "ping"})["conn_id"] for _ in range(5)}
    assert len(ids) == 5
