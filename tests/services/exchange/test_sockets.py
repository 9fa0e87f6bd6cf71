"""What WebSocket clients may say, and the shapes of the answers on both sockets."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.auth import signature
from services.exchange.limits import Limits
from services.exchange.sockets import _idle_ms
from services.exchange.wire import SocketClose, SocketOpened, SocketText
from shared.messages import Tick
from tests.exchange_rig import KEY, MS, SECRET, SETTINGS, SYMBOL, Rig

BOOK, TRADES = f"orderbook.50.{SYMBOL}", f"publicTrade.{SYMBOL}"


def login(rig: Rig, ahead_ms: int = 1_000, as_text: bool = False) -> list[Any]:
    expires = rig.now // MS + ahead_ms
    return [KEY, str(expires) if as_text else expires, signature(SECRET, f"GET/realtime{expires}".encode())]


def test_a_subscription_is_acknowledged_and_then_comes_the_snapshot() -> None:
    rig = Rig()
    client = rig.connect()
    rig.say(client, {"req_id": "a1", "op": "subscribe", "args": [BOOK, TRADES]})
    ack, snapshot = rig.sent[client]
    assert list(ack) == ["success", "ret_msg", "conn_id", "req_id", "op"]
    assert (ack["success"], ack["ret_msg"], ack["req_id"], ack["op"]) == (True, "", "a1", "subscribe")
    assert snapshot["topic"] == BOOK
    assert rig.market.watched == {BOOK: 1, TRADES: 1}


@pytest.mark.parametrize("req_id", ["a1", 7, 1.5, None, ["x"], {"a": 1}, True])
def test_a_request_id_comes_back_whatever_it_is(req_id: object) -> None:
    rig = Rig()
    client = rig.connect()
    assert rig.say(client, {"req_id": req_id, "op": "subscribe", "args": [BOOK]})["req_id"] == req_id
    assert rig.say(client, {"req_id": req_id, "op": "ping"})["req_id"] == req_id


def test_without_a_request_id_the_public_socket_answers_with_an_empty_one() -> None:
    rig = Rig()
    assert rig.say(rig.connect(), {"op": "subscribe", "args": [BOOK]})["req_id"] == ""


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ({"op": "subscribe", "args": ["orderbook.500.BTCUSDT"]}, "error:handler not found,topic:orderbook.500.BTCUSDT"),
        ({"op": "subscribe", "args": ["orderbook.50.btcusdt"]}, "error:handler not found,topic:orderbook.50.btcusdt"),
        ({"op": "subscribe", "args": [BOOK, "order"]}, "error:handler not found,topic:order"),
        ({"op": "subscribe", "args": [7]}, "error:handler not found,topic:7"),
        ({"op": "unsubscribe", "args": ["nothing"]}, "error:handler not found,topic:nothing"),
        ({"op": "subscribe", "args": [TRADES, TRADES]}, f"error:already subscribed,topic:{TRADES}"),
        ({"op": "subscribe"}, "error:request args is empty"),
        ({"op": "subscribe", "args": BOOK}, "error:request args is empty"),
        ({"op": "auth", "args": []}, "error:invalid op"),
        ({"op": "dance"}, "error:invalid op"),
        ({"op": ["subscribe"]}, "error:invalid op"),
        ({}, "error:invalid op"),
    ],
)
def test_a_bad_request_is_refused_whole_with_the_first_reason(frame: dict[str, Any], text: str) -> None:
    rig = Rig()
    client = rig.connect()
    ack = rig.say(client, frame)
    assert (ack["success"], ack["ret_msg"]) == (False, text)
    rig.tick(5)
    assert len(rig.sent[client]) == 1
    assert not any(rig.market.watched.values())


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xfe", b"{", b"[1]", b"7", b"null", b'"ping"', b"[" * 5_000])
def test_bytes_that_make_no_sense_are_answered_and_the_socket_stays(data: bytes) -> None:
    rig = Rig()
    for client in (rig.connect(), rig.connect(private=True)):
        ack = rig.say(client, data)
        assert not ack["success"]
        assert ack["ret_msg"].startswith("Failed to decode incoming data")
        assert "pong" in orjson.dumps(rig.say(client, {"op": "ping"})).decode()


def test_subscribing_twice_is_refused_until_one_has_unsubscribed() -> None:
    rig = Rig()
    client = rig.connect()
    rig.say(client, {"op": "subscribe", "args": [BOOK]})
    assert rig.say(client, {"op": "subscribe", "args": [BOOK]})["ret_msg"] == f"error:already subscribed,topic:{BOOK}"
    rig.sent[client].clear()
    assert rig.say(client, {"req_id": "1", "op": "unsubscribe", "args": [BOOK]})["success"]
    assert rig.market.watched == {BOOK: 0}
    assert rig.say(client, {"op": "unsubscribe", "args": [BOOK]})["success"]
    assert rig.say(client, {"req_id": "1", "op": "subscribe", "args": [BOOK]})["success"]


def test_a_connection_that_closes_takes_its_subscriptions_along() -> None:
    rig = Rig()
    one, two = rig.connect(), rig.connect()
    for client in (one, two):
        rig.say(client, {"op": "subscribe", "args": [BOOK]})
        rig.sent[client].clear()
    rig.close(one)
    rig.market.frames = [(BOOK, b'{"topic":"x"}')]
    rig.tick()
    assert (len(rig.sent[one]), len(rig.sent[two]), rig.market.watched) == (0, 1, {BOOK: 1})
    rig.close(one)


def test_pongs_differ_between_the_sockets() -> None:
    rig = Rig()
    public, private = rig.connect(), rig.connect(private=True)
    pong = rig.say(public, {"req_id": "p1", "op": "ping"})
    assert {**pong, "conn_id": ""} == {
        "success": True, "ret_msg": "pong", "conn_id": "", "req_id": "p1", "op": "ping",
    }  # fmt: skip
    pong = rig.say(private, {"req_id": "p1", "op": "ping"})
    assert list(pong) == ["req_id", "op", "args", "conn_id"]
    assert (pong["op"], pong["args"]) == ("pong", [str(rig.now // MS - 3)])
    assert list(rig.say(private, {"op": "ping"})) == ["op", "args", "conn_id"]


@pytest.mark.parametrize("as_text", [False, True])
def test_a_private_client_logs_in_and_subscribes(as_text: bool) -> None:
    rig = Rig()
    client = rig.connect(private=True)
    answer = rig.say(client, {"req_id": "x", "op": "auth", "args": login(rig, as_text=as_text)})
    assert list(answer) == ["req_id", "success", "ret_msg", "op", "conn_id"]
    assert answer["success"]
    answer = rig.say(client, {"op": "subscribe", "args": ["order", "wallet"]})
    assert list(answer) == ["success", "ret_msg", "op", "conn_id"]
    assert answer["success"]


def test_auth_and_subscribe_sent_in_one_breath_both_succeed() -> None:
    rig = Rig()
    client = rig.connect(private=True)
    answers = [
        rig.say(client, frame) for frame in ({"op": "auth", "args": login(rig)}, {"op": "subscribe", "args": ["order"]})
    ]
    assert [answer["success"] for answer in answers] == [True, True]


def test_nothing_private_without_logging_in() -> None:
    rig = Rig()
    client = rig.connect(private=True)
    assert rig.say(client, {"op": "subscribe", "args": ["order"]})["ret_msg"] == "Request not authorized"
    assert not rig.say(client, {"op": "auth", "args": login(rig, ahead_ms=-1)})["success"]
    assert not rig.say(client, {"op": "auth", "args": [KEY, rig.now // MS + 1_000, "0" * 64]})["success"]
    assert not rig.say(client, {"op": "subscribe", "args": ["order"]})["success"]


@pytest.mark.parametrize(
    ("topics", "fits"),
    [
        (["order", "execution", "position", "wallet"], True),
        (["order.linear", "execution.linear", "position.linear", "wallet"], True),
        (["order", "execution.linear"], False),
        (["order", BOOK], False),
        (["wallet.linear"], False),
    ],
)
def test_private_topics_are_all_in_one_or_by_category(topics: list[str], fits: bool) -> None:
    rig = Rig()
    client = rig.connect(private=True)
    rig.say(client, {"op": "auth", "args": login(rig)})
    assert rig.say(client, {"op": "subscribe", "args": topics})["success"] == fits


def test_a_silent_connection_is_cut_after_ten_minutes_or_what_it_asked_for() -> None:
    rig = Rig()
    usual, short = rig.connect(private=True), 900
    query = "x=1&max_active_time=30s"
    rig.take(rig.core.on_socket_opened(SocketOpened(short, "/v5/private", query), rig.now))
    cut: dict[int, int] = {}
    for second in range(0, 700, 10):
        rig.now += 10_000 * MS
        for output in rig.core.on_tick(Tick(), rig.now):
            if isinstance(output, SocketClose):
                cut[output.connection] = second
    assert 30 <= cut[short] <= 60
    assert 590 <= cut[usual] <= 640
    assert rig.core.on_socket_text(SocketText(short, b"{}"), rig.now) == []


def test_a_connection_that_pings_stays() -> None:
    rig = Rig()
    client = rig.connect(private=True)
    for _ in range(100):
        rig.now += 20_000 * MS
        rig.say(client, {"op": "ping"})
    assert rig.sent[client][-1]["op"] == "pong"


@pytest.mark.parametrize(("query", "idle_ms"), [
    ("", 600_000), ("max_active_time=45s", 45_000), ("max_active_time=2m", 120_000), ("max_active_time=29s", 600_000),
    ("max_active_time=11m", 600_000), ("max_active_time=x", 600_000), ("a&max_active_time=1m&b", 60_000),
])  # fmt: skip
def test_the_allowed_silence_is_asked_for_in_the_query(query: str, idle_ms: int) -> None:
    assert _idle_ms(query) == idle_ms


def test_one_new_connection_too_many_is_sent_away() -> None:
    rig = Rig(SETTINGS._replace(limits=Limits(connections=2, connections_open=1)))
    opened = [
        rig.core.on_socket_opened(SocketOpened(number, path), rig.now)
        for number, path in ((1, "/v5/public/linear"), (2, "/v5/public/linear"), (3, "/v5/private"))
    ]
    assert opened == [[], [SocketClose(2, 403)], [SocketClose(3, 403)]]
    rig.tick(1)
    rig.now += 300_000 * MS
    assert rig.core.on_socket_opened(SocketOpened(4, "/v5/private"), rig.now) == []


def test_private_topics_of_every_form_are_known_and_forms_do_not_mix() -> None:
    rig = Rig()
    client = rig.private("order", "execution.fast", "wallet", "dcp.future")
    ack = rig.say(client, {"op": "subscribe", "args": ["order.linear", "execution"]})
    assert not ack["success"]
    assert rig.say(client, {"op": "subscribe", "args": ["order.linear", "position.inverse", "dcp.option"]})["success"]
    assert rig.say(client, {"op": "unsubscribe", "args": ["order", "dcp.future"]})["success"]
    assert not rig.say(client, {"op": "subscribe", "args": ["order.bonds"]})["success"]


SAID = st.dictionaries(
    st.sampled_from(["op", "args", "req_id", "extra"]),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
        | st.sampled_from(["subscribe", "unsubscribe", "auth", "ping", BOOK, TRADES, "order", "order.linear"]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    ),
).map(orjson.dumps)  # fmt: skip
SHARED = Rig()
CLIENTS = (SHARED.connect(), SHARED.private("wallet"))


@given(data=st.binary(max_size=60) | SAID, client=st.sampled_from(CLIENTS))
def test_whatever_is_said_there_is_an_answer(data: bytes, client: int) -> None:
    answer = SHARED.say(client, data)
    assert "success" in answer or answer["op"] == "pong"
