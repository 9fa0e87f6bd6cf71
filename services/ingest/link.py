"""The life of one public connection: when to open it again, when to ask whether it lives, when to give it up."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from services.ingest.wire import CloseFeed, OpenFeed, PingFeed
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import Message

if TYPE_CHECKING:
    from random import Random

PING_NS = 15 * NS_PER_S
WAIT_NS_MIN, WAIT_NS_MAX = 250 * NS_PER_MS, 5 * NS_PER_S
STEADY_NS = 5 * NS_PER_S  # A connection that lasted this long starts its back-off anew.


class LinkState(Enum):
    """What is known about the socket."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"


class Link:
    """One connection. Opens at once the first time, then after 0.25 s doubling to 5 s, less a random part."""

    def __init__(self, number: int, silence_ns: int, rng: Random) -> None:
        self.number, self._silence_ns, self._rng = number, silence_ns, rng
        self.state = LinkState.CLOSED
        self._failures = 0
        self._open_at_ns = 0
        self._opened_ns = 0
        self._heard_ns = 0
        self._pinged_ns = 0

    @property
    def is_open(self) -> bool:
        """Whether something can be sent."""
        return self.state is LinkState.OPEN

    def connected(self, now: int) -> None:
        """The socket is up."""
        self.state = LinkState.OPEN
        self._opened_ns = self._heard_ns = self._pinged_ns = now

    def heard(self, now: int) -> None:
        """Anything at all has arrived."""
        self._heard_ns = now

    def disconnected(self, now: int) -> list[Message]:
        """The socket is gone: open it again, now or later."""
        if self.state is LinkState.OPEN and now - self._opened_ns >= STEADY_NS:
            self._failures = 0
        self.state = LinkState.CLOSED
        self._open_at_ns = now + self._wait_ns()
        self._failures += 1
        return self._open_if_due(now)

    def tick(self, now: int) -> list[Message]:
        """Let time pass."""
        if self.state is LinkState.CLOSED:
            return self._open_if_due(now)
        if self.state is not LinkState.OPEN:
            return []
        silent_ns = now - self._heard_ns
        if silent_ns >= self._silence_ns:
            self.state = LinkState.CLOSING
            return [CloseFeed(self.number, f"silent for {silent_ns // NS_PER_MS} ms")]
        wondering = silent_ns >= self._silence_ns // 2 and self._pinged_ns <= self._heard_ns
        if wondering or now - self._pinged_ns >= PING_NS:
            self._pinged_ns = now
            return [PingFeed(self.number)]
        return []

    def _wait_ns(self) -> int:
        if not self._failures:
            return 0
        wait_ns = min(WAIT_NS_MIN << min(self._failures - 1, 10), WAIT_NS_MAX)
        return int(wait_ns * (0.5 + 0.5 * self._rng.random()))

    def _open_if_due(self, now: int) -> list[Message]:
        if now < self._open_at_ns:
            return []
        self.state = LinkState.OPENING
        return [OpenFeed(self.number)]
