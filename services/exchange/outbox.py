"""What the exchange has said but not yet sent: every answer takes a moment, as it does on a real network.

In order of time, then of saying; and what goes to one socket never overtakes what was said to it before.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from services.exchange.wire import SocketFrames, SocketSend
from shared.messages import Message


class Outbox:
    """Messages and when they are due."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Message]] = []
        self._ready: list[Message] = []  # Due at once, after what has become due before.
        self._said = 0
        self.told_ns: dict[int, int] = {}  # connection -> when the last thing said to it is or was due

    def put(self, message: Message, due_ns: int) -> None:
        """Say something that is to leave at ``due_ns``."""
        self._said += 1
        heapq.heappush(self._waiting, (due_ns, self._said, message))

    def send(self, connection: int, data: bytes, due_ns: int) -> None:
        """Say something to a socket, not before what it was told last."""
        due_ns = max(due_ns, self.told_ns.get(connection, 0))
        self.told_ns[connection] = due_ns
        self.put(SocketSend(connection, data), due_ns)

    def pass_on(self, connection: int, data: bytes, now: int) -> None:
        """Say market data to a socket at once, unless something else is still on its way there."""
        if self.told_ns.get(connection, 0) > now:
            self.send(connection, data, now)
            return
        self.told_ns[connection] = now
        self._ready.append(SocketSend(connection, data))

    def pass_all_on(self, connection: int, frames: Sequence[bytes], now: int) -> None:
        """Say all market data of a moment to a socket at once, unless something else is still on its way there."""
        if self.told_ns.get(connection, 0) > now:
            for data in frames:
                self.send(connection, data, now)
            return
        self.told_ns[connection] = now
        self._ready.append(SocketFrames(connection, tuple(frames)))

    def forget(self, connection: int) -> None:
        """A socket is gone: what is still due to it goes nowhere."""
        self.told_ns.pop(connection, None)

    def take(self, now: int) -> list[Message]:
        """Return what is due, in order."""
        due = []
        while self._waiting and self._waiting[0][0] <= now:
            message = heapq.heappop(self._waiting)[2]
            if not isinstance(message, SocketSend) or message.connection in self.told_ns:
                due.append(message)
        if self._ready:
            due += self._ready
            self._ready = []
        return due

    @property
    def next_due_ns(self) -> int | None:
        """When the next message is due."""
        return self._waiting[0][0] if self._waiting else None
