"""Requests that are lost, late, refused, or carried out and never answered; by HTTP and on the order-entry socket."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from services.exchange.sockets import TRADE_PATH
from services.exchange.wire import HttpReply, SocketOpened, SocketText
from tests.exchange_rig import KEY, MS, SECRET, SYMBOL, Rig, signature

CREATE = "/v5/order/create"
ORDER: dict[str, Any] = {
    "category": "linear", "symbol": SYMBOL, "side": "Buy", "orderType": "Market", "qty": "0.010", "orderLinkId": "one",
}  # fmt: skip


def send(rig: Rig, ms: int = 10, **params: Any) -> HttpReply | None:
    """Send an order and return what comes back within ``ms``."""
    rig.tick(110)
    request = rig.request("POST", CREATE, body=orjson.dumps(ORDER | params))
    rig.take(rig.core.on_http_request(request, rig.now))
    rig.tick(ms)
    return rig.replies.pop(request.request_id, None)


def executed(rig: Rig) -> int:
    """Return how many executions there were."""
    count: int = rig.ledger()["executed"]
    return count


def code(reply: HttpReply | None) -> int:
    assert reply is not None
    found: int = orjson.loads(reply.body)["retCode"]
    return found


@pytest.mark.parametrize(("accepted", "count"), [("no", 0), ("yes", 1)])
def test_http_errors_whether_or_not_the_request_was_carried_out(accepted: str, count: int) -> None:
    rig = Rig()
    rig.fault(f"http status=502 path={CREATE} accepted={accepted} count=1")
    reply = send(rig)
    assert reply is not None
    assert reply.status == 502
    assert reply.headers == (("content-type", "text/html"),)
    assert reply.body.startswith(b"<html>")
    assert executed(rig) == count
    assert code(send(rig, orderLinkId="two")) == 0


def test_an_error_may_come_without_a_body() -> None:
    rig = Rig()
    rig.fault(f"http status=403 body=empty path={CREATE}")
    reply = send(rig)
    assert reply is not None
    assert (reply.status, reply.headers, reply.body) == (403, (), b"")


@pytest.mark.parametrize(("accepted", "count"), [("no", 0), ("yes", 1)])
def test_any_code_may_be_answered_although_the_order_was_accepted(accepted: str, count: int) -> None:
    rig = Rig()
    rig.fault(f"code code=10016 path={CREATE} accepted={accepted} count=1")
    assert code(send(rig)) == 10016
    assert executed(rig) == count


def test_a_lost_request_is_never_carried_out_and_its_line_is_cut_in_the_end() -> None:
    rig = Rig()
    rig.fault(f"lose path={CREATE} ms=5s count=1")
    rig.tick(110)
    request = rig.request("POST", CREATE, body=orjson.dumps(ORDER))
    rig.take(rig.core.on_http_request(request, rig.now))
    rig.now += 5_000 * MS - 2 * MS
    rig.tick()
    assert request.request_id not in rig.replies
    rig.tick()
    assert rig.replies.pop(request.request_id).status == 0
    assert executed(rig) == 0


def test_an_answer_may_be_lost_after_the_order_was_accepted() -> None:
    rig = Rig()
    rig.fault(f"mute path={CREATE} count=1")
    assert send(rig, ms=100) is None
    assert executed(rig) == 1
    assert code(send(rig)) == 110072  # The first one exists.


def test_a_late_answer_comes_after_the_news_of_the_fill() -> None:
    rig = Rig()
    client = rig.private("order", "execution")
    rig.fault(f"late ms=50ms path={CREATE} count=1")
    rig.tick(110)
    request = rig.request("POST", CREATE, body=orjson.dumps(ORDER))
    rig.take(rig.core.on_http_request(request, rig.now))
    rig.tick(20)
    assert {frame["topic"] for frame in rig.sent[client]} == {"order", "execution"}
    assert request.request_id not in rig.replies
    rig.tick(35)
    assert code(rig.replies.pop(request.request_id)) == 0


def test_a_request_held_up_is_judged_when_it_arrives() -> None:
    rig = Rig()
    rig.fault(f"hold ms=3s path={CREATE} count=2")
    rig.tick(110)
    stamps = (rig.now // MS, rig.now // MS - 2_500)
    requests = [
        rig.request("POST", CREATE, body=orjson.dumps(ORDER | {"orderLinkId": str(stamp)}), stamp=stamp)
        for stamp in stamps
    ]
    for request in requests:
        rig.take(rig.core.on_http_request(request, rig.now))
    rig.tick(2_900)
    assert executed(rig) == 0
    assert rig.core.next_due_ns() is not None
    rig.tick(150)
    codes = [code(rig.replies.pop(request.request_id)) for request in requests]
    assert codes == [0, 10002]  # The second was too old by then.
    assert executed(rig) == 1


def test_a_ghost_is_acknowledged_and_never_heard_of_again() -> None:
    rig = Rig()
    rig.fault("ghost count=1")
    reply = send(rig)
    assert code(reply) == 0
    assert reply is not None
    result = orjson.loads(reply.body)["result"]
    assert result["orderLinkId"] == "one"
    assert rig.rows("/v5/order/realtime", symbol=SYMBOL, orderId=result["orderId"]) == []
    assert executed(rig) == 0


def test_stale_answers_are_those_of_a_while_ago() -> None:
    rig = Rig()
    assert rig.position()["size"] == "0"
    rig.fault("stale path=/v5/position/list ms=1s")
    rig.tick(60)
    send(rig)
    assert rig.position()["size"] == "0"
    assert rig.ledger()["positions"][0]["position_lots"] == 10
    rig.tick(1_100)
    assert rig.position()["size"] == "0.010"


def test_faults_for_other_paths_do_not_matter() -> None:
    rig = Rig()
    rig.fault("http status=500 path=/v5/position/*")
    assert code(send(rig)) == 0


class Entry(Rig):
    """A rig with a socket for order entry that is logged in."""

    def __init__(self) -> None:
        super().__init__()
        self.line = 900
        self.take(self.core.on_socket_opened(SocketOpened(self.line, TRADE_PATH), self.now))
        self.sent[self.line] = []
        expires = self.now // MS + 5_000
        sign = signature(SECRET, f"GET/realtime{expires}".encode())
        assert self.say(self.line, {"op": "auth", "args": [KEY, expires, sign]})["retCode"] == 0
        self.sent[self.line].clear()

    def enter(self, ms: int = 10, **params: Any) -> list[dict[str, Any]]:
        """Send an order and return what the socket says within ``ms``."""
        self.sent[self.line].clear()
        frame = {
            "reqId": f"r{self.now}", "op": "order.create", "args": [ORDER | params],
            "header": {"X-BAPI-TIMESTAMP": str(self.now // MS)},
        }  # fmt: skip
        self.take(self.core.on_socket_text(SocketText(self.line, orjson.dumps(frame)), self.now))
        self.tick(ms)
        return self.sent[self.line]


@pytest.mark.parametrize(
    ("fault", "codes", "count"),
    [
        ("lose path=order.*", [], 0),
        ("mute path=order.*", [], 1),
        ("code path=order.create code=10016 accepted=yes", [10016], 1),
        ("code path=order.create code=10016", [10016], 0),
        ("late path=order.create ms=30ms", [], 1),
        ("ghost path=order.*", [0], 0),
        ("lose path=/v5/*", [0], 1),
    ],
)
def test_order_entry_by_socket_meets_the_same_faults(fault: str, codes: list[int], count: int) -> None:
    entry = Entry()
    entry.fault(f"{fault} count=1")
    assert [frame["retCode"] for frame in entry.enter()] == codes
    assert executed(entry) == count
    entry.tick(1_000)
    assert [frame["retCode"] for frame in entry.enter(orderLinkId="two") if "retCode" in frame][-1] == 0


def test_a_request_on_the_socket_may_be_held_up() -> None:
    entry = Entry()
    entry.fault("hold path=order.create ms=1s count=1")
    assert entry.enter() == []
    entry.tick(1_010)
    assert [frame["retCode"] for frame in entry.sent[entry.line]] == [0]
    assert executed(entry) == 1
