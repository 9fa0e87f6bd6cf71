"""The venue's own word on how many orders it will still take: what the headers of its answers say, and its 403.

The window slides over one second, so what an answer says is good for that long; requests that have no answer yet are
not in it. Only entries ask here, and leave a reserve for what reduces risk.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.execution.wire import OrderRequest, Reply
from shared.clock import NS_PER_S
from shared.messages import Message

WINDOW_NS = NS_PER_S
FORBIDDEN, TOO_MANY = 403, 10006
SHUT_OUT_NS = 600 * NS_PER_S
UNTOLD = 1 << 30  # The venue has said nothing about its limits.
UNANSWERED_MAX = 1_024


class Allowances:
    """What may still be created, as far as the venue has told us."""

    def __init__(self) -> None:
        self._limit, self._left, self._heard_ns = 0, 0, 0
        self._until_ns = 0  # Nothing before then.
        self._unanswered: dict[int, None] = {}

    def note(self, said: Iterable[Message]) -> None:
        """Take note of what leaves."""
        for message in said:
            if isinstance(message, OrderRequest) and len(self._unanswered) < UNANSWERED_MAX:
                self._unanswered[message.request_id] = None

    def hear(self, reply: Reply, now: int) -> None:
        """Take an answer to whatever was asked."""
        if reply.code == FORBIDDEN:
            self._until_ns = max(self._until_ns, now + SHUT_OUT_NS)
        if reply.kind != "OrderRequest":
            return
        self._unanswered.pop(reply.request_id, None)
        if reply.code == TOO_MANY:
            self._until_ns = max(self._until_ns, now + WINDOW_NS)
        if reply.limit > 0 and reply.left >= 0:
            self._limit, self._left, self._heard_ns = reply.limit, min(reply.left, reply.limit), now

    def left(self, now: int) -> int:
        """Return how many orders may leave now; below 1, none."""
        if now < self._until_ns:
            return 0
        if not self._limit:
            return UNTOLD
        left = self._left if now - self._heard_ns < WINDOW_NS else self._limit
        return left - len(self._unanswered)
