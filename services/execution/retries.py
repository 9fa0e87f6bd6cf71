"""Another try, 2, 4 and 8 seconds later, for readings and mass cancels that met a gateway's 502 or 504.

Only for what may be asked twice without harm, and what nobody else asks again: orders are never sent twice, a single
order's cancel and its questions follow the tracker's rounds, which look before they act, and readings of a comparison
follow the reconciler's own, quicker pace.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.execution.wire import CancelAllRequest, Query, Reply
from shared.clock import NS_PER_S
from shared.messages import Message

GATEWAY = frozenset((502, 504))
WAITS_NS = (2 * NS_PER_S, 4 * NS_PER_S, 8 * NS_PER_S)
KINDS = frozenset(("wallet", "fee_rate", "instrument", "key", "account", "mode"))
HELD_MAX = 64


@dataclass(slots=True)
class _Held:
    """A request that may be tried again."""

    request: Query | CancelAllRequest
    tries: int = 0
    due_ns: int = 0  # 0: it is under way.


class Retries:
    """Remembers what may be tried again until it is answered. Owners hear of the last answer only."""

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}

    def note(self, said: Iterable[Message]) -> None:
        """Take note of what leaves."""
        for message in said:
            again = isinstance(message, CancelAllRequest) or (isinstance(message, Query) and message.kind in KINDS)
            if again and len(self._held) < HELD_MAX:
                self._held.setdefault(message.request_id, _Held(message))  # type: ignore[attr-defined, arg-type]

    def takes(self, reply: Reply, now: int) -> bool:
        """Hear an answer; True when there will be another, and nobody need hear of this one."""
        held = self._held.get(reply.request_id)
        if held is None:
            return False
        if reply.code in GATEWAY and held.tries < len(WAITS_NS):
            held.due_ns = now + WAITS_NS[held.tries]
            held.tries += 1
            return True
        del self._held[reply.request_id]
        return False

    def due(self, now: int) -> list[Message]:
        """Return what has waited long enough."""
        found: list[Message] = []
        for held in self._held.values():
            if held.due_ns and now >= held.due_ns:
                held.due_ns = 0
                found.append(held.request)
        return found
