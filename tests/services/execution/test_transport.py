"""One way for each request, chosen when it is sent."""

from __future__ import annotations

from services.execution.calls import Call
from services.execution.transport import Transport
from services.execution.wire import CancelAllRequest, CancelRequest
from shared.messages import Message


class Way:
    """Takes requests, or does not."""

    def __init__(self, takes: bool) -> None:
        self.takes = takes
        self.taken: list[str] = []

    def send(self, request: Message, call: Call) -> bool:
        if self.takes:
            self.taken.append(call.method)
        return self.takes


CANCEL = CancelRequest(1, "BTCUSDT", "abc-e")


def test_an_order_goes_by_the_socket_and_by_it_alone() -> None:
    rest, line = Way(True), Way(True)
    transport = Transport(rest, line)
    assert transport.send(CANCEL)
    assert (line.taken, rest.taken) == (["cancel_order"], [])
    assert (transport.by_line, transport.by_rest) == (1, 0)


def test_rest_takes_what_the_socket_does_not() -> None:
    rest, line = Way(True), Way(False)
    transport = Transport(rest, line)
    assert transport.send(CANCEL)
    assert transport.send(CancelAllRequest(2))
    assert rest.taken == ["cancel_order", "cancel_all_orders"]
    assert (transport.by_line, transport.by_rest) == (0, 1)


def test_what_nobody_takes_was_not_sent() -> None:
    assert not Transport(Way(False), None).send(CANCEL)
