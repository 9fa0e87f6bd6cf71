"""Reads positions again and again while there are any, or an entry rests that may make one: what the stream did not
tell of a fill or of a stop is seen within this time.

A reading is older than whatever was heard since it was asked for, and is not believed against that.
"""

from __future__ import annotations

from services.execution.desk import Desk, Pending
from services.execution.orders import ENTRY, Order
from services.execution.outcomes import ACCEPTED
from services.execution.parse import Parsed, PositionUpdate
from services.execution.reconcile import Reconciler
from services.execution.wire import Query, Reply
from shared.clock import NS_PER_S

OWNER = "watch"
LOST_NS = 5 * NS_PER_S  # Every request is answered; should one not be, the next follows after this.


class Watch:
    """One reading at a time."""

    def __init__(self, desk: Desk, reconciler: Reconciler) -> None:
        self._desk, self._reconciler = desk, reconciler
        self._asked_ns, self._request_id = 0, 0  # Of the reading under way; its number is 0 when there is none.

    def tick(self, now: int) -> None:
        """Let time pass."""
        every_ns, desk = self._desk.limits.watch_ns, self._desk
        if not every_ns or now - self._asked_ns < (LOST_NS if self._request_id else every_ns):
            return
        if not desk.ledger.open() and not self._resting(now - every_ns):
            return
        self._asked_ns, self._request_id = now, desk.request_id(OWNER, "")
        desk.say(Query(self._request_id, OWNER, "", "", "", 0))

    def _resting(self, since_ns: int) -> list[Order]:
        """Return the entries that have been at the venue since then, as far as is known."""
        return [one for one in self._desk.orders.open() if one.role == ENTRY and 0 < one.sent_ns <= since_ns]

    def replied(self, _: Pending, reply: Reply, parsed: Parsed | None, now: int) -> None:
        """Take the venue's word on every position that is held."""
        if reply.request_id != self._request_id:
            return
        self._request_id = 0
        if reply.outcome != ACCEPTED or parsed is None:
            return
        if parsed.unscaled:
            self._reconciler.meet(parsed.unscaled, now)
        theirs = {update.symbol: update for update in parsed.positions if not parsed.broken}
        self._wonder(theirs, now)
        for held in self._desk.ledger.open():
            update = theirs.get(held.symbol)
            if held.changed_ns >= self._asked_ns or parsed.broken or held.symbol in parsed.unscaled:
                continue
            same_side = update is not None and update.position_lots * held.position_lots > 0
            if update is None or update.position_lots != held.position_lots:
                self._reconciler.soon(now)  # Something happened that we were not told.
            if update is not None and same_side:
                self._desk.see(update, now, self._asked_ns)

    def _wonder(self, theirs: dict[str, PositionUpdate], now: int) -> None:
        """Ask what became of entries that have filled in silence, and take the venue's word on what they made."""
        for order in self._resting(self._asked_ns):
            update = theirs.get(order.symbol)
            silent = order.heard_ns < self._asked_ns
            if update is not None and silent and update.position_lots != self._desk.ledger.lots(order.symbol):
                self._desk.see(update, now, self._asked_ns)
                order.query_due_ns = now
