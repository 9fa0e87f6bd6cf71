"""Which way a request goes: the order-entry socket while it is up, REST otherwise. The core never knows.

The choice is made once, at the moment of sending. A request that has left is answered by the way it took, whatever
happens to that way: it is not sent again by the other.
"""

from __future__ import annotations

from typing import Protocol

from services.execution.answers import OPS
from services.execution.calls import Call, call_of
from shared.messages import Message


class Way(Protocol):
    """Something that carries requests and answers each of them."""

    def send(self, request: Message, call: Call) -> bool:
        """Return False when the request was certainly not sent."""


class Transport:
    """``line`` is None where there is no such socket, or nobody wants it."""

    def __init__(self, rest: Way, line: Way | None) -> None:
        self._rest, self._line = rest, line
        self.by_line = self.by_rest = 0  # Orders, amendments and cancels.

    def send(self, request: Message) -> bool:
        """Send a request; False when there was no room for it anywhere."""
        call = call_of(request)
        if self._line is not None and self._line.send(request, call):
            self.by_line += 1
            return True
        sent = self._rest.send(request, call)
        self.by_rest += int(sent and call.method in OPS)
        return sent
