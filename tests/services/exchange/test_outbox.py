"""Order of leaving."""

from __future__ import annotations

from services.exchange.outbox import Outbox
from services.exchange.wire import HttpReply, SocketFrames, SocketSend


def reply(number: int) -> HttpReply:
    return HttpReply(number, 200, (), b"")


def test_things_leave_when_due_and_in_the_order_of_saying_when_due_together() -> None:
    outbox = Outbox()
    for number, due in ((1, 30), (2, 10), (3, 10), (4, 20)):
        outbox.put(reply(number), due)
    assert outbox.next_due_ns == 10
    assert outbox.take(9) == []
    assert outbox.take(10) == [reply(2), reply(3)]
    assert outbox.take(30) == [reply(4), reply(1)]
    assert outbox.next_due_ns is None


def test_nothing_overtakes_on_one_socket() -> None:
    outbox = Outbox()
    outbox.send(1, b"acknowledged", 20)
    outbox.send(1, b"delta", 10)
    outbox.send(2, b"elsewhere", 10)
    assert outbox.take(10) == [SocketSend(2, b"elsewhere")]
    assert outbox.take(20) == [SocketSend(1, b"acknowledged"), SocketSend(1, b"delta")]


def test_market_data_of_a_moment_leaves_together_unless_something_else_is_on_its_way() -> None:
    outbox = Outbox()
    outbox.pass_all_on(1, [b"one", b"two"], 10)
    assert outbox.take(10) == [SocketFrames(1, (b"one", b"two"))]
    outbox.send(1, b"acknowledged", 30)
    outbox.pass_all_on(1, [b"three", b"four"], 20)
    assert outbox.take(20) == []
    assert outbox.take(30) == [SocketSend(1, data) for data in (b"acknowledged", b"three", b"four")]


def test_what_is_due_to_a_closed_socket_goes_nowhere() -> None:
    outbox = Outbox()
    outbox.send(1, b"late", 20)
    outbox.put(reply(1), 20)
    outbox.forget(1)
    assert outbox.take(20) == [reply(1)]
