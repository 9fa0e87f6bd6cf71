"""Orders leave by the socket at once; each is answered once, and none leaves twice."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from services.execution.calls import call_of
from services.execution.trade_line import WAITING_MAX, TradeLine
from services.execution.wire import AmendRequest, CancelAllRequest, CancelRequest, OrderRequest, Query, Reply
from shared.fleet import Histogram
from tests.services.execution.line_rig import KEYS, NOW, STAMP_MS, FakeSocket, Wires, play

MS = 1_000_000
TIMEOUT_NS = 500 * MS
LOGGED_IN = b'{"retCode":0,"retMsg":"OK","op":"auth","connId":"c"}'
PONG = b'{"retCode":0,"retMsg":"OK","op":"pong","data":["1"],"connId":"c"}'
ENTER = OrderRequest(
    1, "abc-e", "BTCUSDT", "0.10", "0.001", 1, 8, 600_004, 597_000, 606_000, False, NOW - 80_000, NOW + MS
)
CANCEL = CancelRequest(2, "BTCUSDT", "abc-e")


class Trade(TradeLine):
    """A trade line that keeps its replies."""

    def __init__(self, wires: Wires) -> None:
        self.replies: list[Reply] = []
        self.histogram = Histogram()
        connect: Any = wires.connect
        super().__init__(
            lambda: "ws://x/v5/trade", KEYS, wires.clock, Random(1), lambda: STAMP_MS, self.replies.append,
            self.histogram, timeout_ns=TIMEOUT_NS, recv_window_ms=2_500, connect=connect,
        )  # fmt: skip

    def put(self, request: Any) -> bool:
        return self.send(request, call_of(request))


def answer(req_id: str, code: int = 0, **more: Any) -> bytes:
    """Return the venue's answer to an order request."""
    header = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "7", "X-Bapi-Limit-Reset-Timestamp": "5", "Timenow": "9"}
    data = {} if code else {"orderId": "id-1", "orderLinkId": "abc-e"}
    return orjson.dumps(
        {"reqId": req_id, "retCode": code, "retMsg": "text", "op": "order.create", "data": data, "header": header}
        | more
    )


async def up(wires: Wires, count: int = 1) -> FakeSocket:
    socket = await wires.opened(count)
    socket.say(LOGGED_IN)
    return socket


def test_an_order_leaves_at_once_with_the_venues_time_and_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        assert not wires.line.put(ENTER)  # Not logged in yet: it has to go another way.
        socket = await up(wires)
        assert wires.line.put(ENTER)
        assert len(socket.heard) == 2  # Before anything else could happen on the loop.
        socket.say(answer("1"))
        socket.say(answer("1"))

    wires = play(Trade, scenario, monkeypatch)
    auth, order = map(orjson.loads, wires.sockets[0].heard[:2])
    assert (auth["reqId"], auth["op"]) == ("auth", "auth")
    assert (order["reqId"], order["op"]) == ("1", "order.create")
    assert order["header"] == {"X-BAPI-TIMESTAMP": str(STAMP_MS), "X-BAPI-RECV-WINDOW": "2500"}
    (params,) = order["args"]
    assert (params["orderLinkId"], params["stopLoss"]) == ("abc-e", "59700.00")
    (reply,) = wires.line.replies
    assert (reply.request_id, reply.kind, reply.outcome) == (1, "OrderRequest", "accepted")
    assert (reply.limit, reply.left, reply.reset_ms) == (10, 7, 5)
    assert orjson.loads(reply.data) == {
        "retCode": 0, "result": {"orderId": "id-1", "orderLinkId": "abc-e"}, "time": 9,
    }  # fmt: skip
    assert wires.line.histogram.count == 1


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (110007, "rejected"),
        (110072, "accepted"),
        (110001, "already_done"),
        (10000, "unknown"),
        (10016, "unknown"),
        (10403, "rejected"),
    ],
)
def test_a_code_means_what_it_means_by_rest(code: int, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await up(wires)
        wires.line.put(ENTER)
        socket.say(answer("1", code))

    (reply,) = play(Trade, scenario, monkeypatch).line.replies
    assert (reply.outcome, reply.code, reply.data) == (outcome, code, b"")


def test_an_order_without_an_answer_is_unknown_and_never_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await up(wires)
        wires.line.put(ENTER)
        wires.line.expire(NOW + TIMEOUT_NS - 1)
        assert wires.line.replies == []
        wires.line.expire(NOW + TIMEOUT_NS)
        socket.say(answer("1"))  # Too late: by now the order is being looked for.

    wires = play(Trade, scenario, monkeypatch)
    assert [(reply.outcome, reply.text) for reply in wires.line.replies] == [("unknown", "no answer in time")]
    assert sum(b"order.create" in text for text in wires.sockets[0].heard) == 1


def test_a_line_that_left_an_order_unanswered_is_not_used_before_it_speaks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await up(wires)
        wires.line.put(ENTER)
        wires.line.expire(NOW + TIMEOUT_NS)
        assert socket.heard[-1] == b'{"op":"ping"}'
        assert not wires.line.put(CANCEL)
        socket.say(PONG)
        assert wires.line.put(CANCEL)

    play(Trade, scenario, monkeypatch)


def test_what_was_under_way_when_the_line_broke_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await up(wires)
        wires.line.put(ENTER)
        wires.line.put(CANCEL)
        socket.closed = True
        assert not wires.line.put(CANCEL)  # Nobody has told us yet, but the socket knows.
        socket.drop("reset by peer")
        await up(wires, 2)

    wires = play(Trade, scenario, monkeypatch)
    assert [(reply.request_id, reply.outcome) for reply in wires.line.replies] == [(1, "unknown"), (2, "unknown")]
    assert "reset by peer" in wires.line.replies[0].text
    assert not any(b"order." in text for text in wires.sockets[1].heard)


def test_an_entry_that_is_late_already_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await up(wires)
        wires.clock.now_ns = ENTER.expires_ns + 1
        assert wires.line.put(ENTER)
        leave = replace(ENTER, request_id=3, reduce_only=True, decided_ns=0, expires_ns=0)
        assert wires.line.put(leave)
        assert len(socket.heard) == 2

    (reply,) = play(Trade, scenario, monkeypatch).line.replies
    assert (reply.request_id, reply.outcome) == (1, "rejected")


def test_only_orders_amendments_and_cancels_go_this_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        await up(wires)
        assert wires.line.put(ENTER)
        assert wires.line.put(AmendRequest(4, "abc-e", "BTCUSDT", "0.10", 600_003, 597_000, 606_000))
        assert wires.line.put(CANCEL)
        assert not wires.line.put(CancelAllRequest(5))
        assert not wires.line.put(Query(6, "wallet", "", "", "", 0))

    play(Trade, scenario, monkeypatch)


def test_a_gateway_that_restarts_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await up(wires)
        wires.line.put(ENTER)
        socket.say(answer("1", 10019))
        await wires.opened(2)

    (reply,) = play(Trade, scenario, monkeypatch).line.replies
    assert reply.outcome == "unknown"


def test_a_refused_log_in_carries_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        (await wires.opened()).say(b'{"retCode":10004,"retMsg":"sign","op":"auth","connId":"c"}')
        assert not wires.line.put(ENTER)
        await wires.opened(2)

    wires = play(Trade, scenario, monkeypatch)
    assert wires.line.fault == "auth refused: 10004 sign"


@pytest.mark.parametrize("data", [b"", b"[]", b'{"retCode":10005,"retMsg":"no","op":"order.create"}', b'{"reqId":"9"}'])
def test_what_nobody_asked_for_does_no_harm(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await up(wires)
        wires.line.put(ENTER)
        socket.say(data)
        socket.say(answer("1"))

    (reply,) = play(Trade, scenario, monkeypatch).line.replies
    assert reply.outcome == "accepted"


def test_an_answer_that_is_there_before_the_sending_has_ended_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await up(wires)
        usual = socket.send_text
        socket.send_text = lambda text: (usual(text), socket.say(answer("1")))[0]  # type: ignore[method-assign, func-returns-value]
        wires.line.put(ENTER)

    (reply,) = play(Trade, scenario, monkeypatch).line.replies
    assert reply.outcome == "accepted"


def test_only_so_many_requests_wait_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        await up(wires)
        sent = [wires.line.put(CancelRequest(number, "BTCUSDT", "abc-e")) for number in range(WAITING_MAX + 1)]
        assert sent == [True] * WAITING_MAX + [False]

    play(Trade, scenario, monkeypatch)
