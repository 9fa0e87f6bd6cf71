"""Getting out, and never being without a stop: time exits, signals, flattening, and repairing a naked position.

Take profit and stop belong to the venue. What is left to us is closed with reduce-only market orders, one at a time
for each symbol, sized from executions. An order that has nothing to reduce means that somebody was faster: we ask the
venue what is left before we send another.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from services.execution import gates
from services.execution.desk import Desk, Pending
from services.execution.limits import E6
from services.execution.orders import ENTRY, EXIT, FOREIGN, NAKED, PARTIAL, Order, State, exit_link
from services.execution.outcomes import NOTHING_TO_REDUCE, REJECTED, UNKNOWN
from services.execution.positions import Holding
from services.execution.reconcile import Reconciler
from services.execution.stops import StopEdits
from services.execution.tracker import OWNER as TRACKER
from services.execution.tracker import Tracker
from services.execution.windows import close_due
from services.execution.wire import Reply
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import BUY, SELL, Leave

OWNER = "exits"
NAKED_NS = 50 * NS_PER_MS  # One fill is told in several frames: this long they may take to come together.
NAKED_NS_MAX = 400 * NS_PER_MS  # Known to have no stop for this long: out. It takes a while to be known.
DOUBT_NS = 100 * NS_PER_MS  # The venue has said nothing about a position's stop: set it, which does no harm,
UNTOLD_NS = NS_PER_S  # and ask.
SLOW_NS = 500 * NS_PER_MS  # A market order is over before this, or it never was.
RETRY_NS = 250 * NS_PER_MS
RETRY_NS_MAX = 2 * NS_PER_S
STOP_TRIES = 2
TIME, FLATTEN, SIGNAL, SWITCH = "time", "flatten", "signal", "switch"
URGENT = (FLATTEN, NAKED)
ADOPT, CLOSE, IGNORE = "adopt", "close", "ignore"


class _Tries:
    """The exits sent for one position."""

    __slots__ = ("lots", "sent", "vain")

    def __init__(self) -> None:
        self.sent = 0
        self.vain = 0  # Of these, the last ones in a row that came to nothing.
        self.lots = 0  # The position that the last one was to close.

    def count(self, lots: int) -> None:
        """Count one more."""
        self.vain = self.vain + 1 if lots == self.lots else 0
        self.sent, self.lots = self.sent + 1, lots


class Exits:
    """Decides what has to be closed, and sees to it until it is flat."""

    def __init__(self, desk: Desk, tracker: Tracker, reconciler: Reconciler) -> None:
        self._desk, self._tracker, self._reconciler = desk, tracker, reconciler
        self.flatten_all = False
        self._unwanted: set[str] = set()  # Symbols of this turn's positions that are to be closed.
        self._doomed: dict[str, str] = {}  # Symbols that must be closed, and why.
        self._leaving: frozenset[str] = frozenset()  # Symbols that the scanner lets go of.
        self._left: dict[str, str] = {}  # Symbols that the signal engine gave up, and why.
        self._tries: dict[str, _Tries] = {}
        self._due_ns: dict[str, int] = {}  # No exit before this.
        self._asking: dict[str, int] = {}  # Nothing to reduce, said the venue then: compare before trying again.
        self._naked_ns: dict[str, int] = {}  # Since when the venue says that there is no stop.
        self._stop_tries: dict[str, int] = {}
        self._doubts_ns: dict[str, int] = {}  # When a stop was set because the venue had said nothing.
        self._begun_ns = 0
        self.edits = StopEdits(desk)
        self._number = 0

    @property
    def wanted(self) -> bool:
        """Whether everything is to be closed and is not yet."""
        return self.flatten_all and bool(self._desk.open_symbols())

    def run(self, now: int) -> None:
        """Close what has to be closed, and guard the stops of the rest. Call after every change and on every tick."""
        self._begun_ns = self._begun_ns or now
        self._take_refusals(now)
        held_symbols = set()
        self._unwanted.clear()
        for held in self._desk.ledger.open():
            held_symbols.add(held.symbol)
            if self._why(held, now):
                self._unwanted.add(held.symbol)
                self._close(held, now)
            if held.symbol in self._unwanted or not self._ignored(held):
                self._guard(held, now)  # Also on its way out: that way may turn out not to be one.
        self.edits.forget(held_symbols)
        for memory in self._memories():
            if memory:
                for symbol in [symbol for symbol in memory if symbol not in held_symbols]:
                    del memory[symbol]

    def _memories(self) -> tuple[dict[str, Any], ...]:
        return (
            self._doomed, self._left, self._tries, self._due_ns, self._asking, self._naked_ns, self._stop_tries,
            self._doubts_ns,
        )  # fmt: skip

    # --- closing ----------------------------------------------------------------------------------------------

    def leave(self, wish: Leave, now: int) -> None:
        """Give up the position that is meant. No gate stands in the way; a late wish, or of another side, is nothing.

        The position is closed with the next ``run``, and until it is flat: what is opened afterwards is another one.
        """
        lots = self._desk.ledger.lots(wish.symbol)
        if not now <= wish.expires_ns or wish.side not in (BUY, SELL) or not lots * wish.side > 0:
            return
        if wish.symbol not in self._left:
            self._left[wish.symbol] = wish.reason
            self._desk.log("INFO", "exit.signal", f"{wish.reason}: closing {lots} lots", wish.symbol)

    def let_go(self, symbols: Collection[str]) -> None:
        """Close whatever is open in these symbols, now and as long as they are named: they leave the universe."""
        for symbol in [symbol for symbol in symbols if symbol not in self._leaving]:
            for order in self._desk.orders.open(symbol):
                if order.role == ENTRY and order.sent_ns:
                    self._tracker.cancel(symbol, order.order_link_id)
        self._leaving = frozenset(symbols)

    def is_leaving(self, symbol: str) -> bool:
        """Whether the symbol may no longer be entered."""
        return symbol in self._leaving

    def unwanted(self, symbol: str) -> bool:
        """Whether a position is to be closed, as the present turn's ``run`` has found."""
        return symbol in self._unwanted

    def _why(self, held: Holding, now: int) -> str:
        """Return why, empty when it may stay. The most urgent reason names the exit."""
        limits, symbol = self._desk.limits, held.symbol
        if self.flatten_all or symbol in self._desk.coming:
            return FLATTEN
        if symbol in self._doomed:
            return NAKED
        if self._ignored(held):
            return ""
        if limits.foreign == CLOSE and not held.intent_id:
            return FOREIGN
        if symbol in self._leaving:
            return SWITCH
        if symbol in self._left:
            return SIGNAL
        if 0 < limits.time_exit_ns <= now - held.opened_ns:
            return TIME
        next_ns = self._desk.next_funding_ns.get(symbol, 0)
        return close_due(self._desk.rules.get(symbol), next_ns, limits.risk, now)

    def _ignored(self, held: Holding) -> bool:
        """Whether a position is somebody else's, and left to him."""
        return self._desk.limits.foreign == IGNORE and not held.intent_id

    def _close(self, held: Holding, now: int) -> None:
        symbol, desk = held.symbol, self._desk
        if symbol in self._asking or now < self._due_ns.get(symbol, 0):
            return
        if any(self._may_close(order, now) for order in desk.orders.open(symbol)):
            return
        self._number += 1
        why = self._why(held, now) or FLATTEN
        link = exit_link(desk.run_id, desk.epoch, self._number, why)
        tries = self._tries.setdefault(symbol, _Tries())
        tries.count(held.position_lots)
        longest_ns = SLOW_NS if symbol in self._naked_ns else RETRY_NS_MAX
        self._due_ns[symbol] = now + min(RETRY_NS << min(tries.vain, 8), longest_ns)  # Later, if nothing helps.
        if tries.sent > 1:
            desk.log("WARNING", "exit.again", f"attempt {tries.sent}, {held.position_lots} lots left", symbol)
        request_id = desk.request_id(TRACKER, link)
        patient = tries.sent == 1 and why not in URGENT  # What it leaves, the next one takes at any price.
        request = gates.close(
            request_id, link, symbol, held.scale, held.position_lots,
            slip_bps=desk.limits.route.exit_slip_bps if patient else 0,
        )  # fmt: skip
        self._tracker.place(request, None, now)

    def _may_close(self, order: Order, now: int) -> bool:
        """Whether this order is the way out that is waited for. For a position without a stop, one is not that nobody
        knows of, or of which nothing is heard: a second one that only reduces does no harm.
        """
        lost = order.state is State.UNKNOWN or (order.sent_ns > 0 and now - order.sent_ns >= SLOW_NS)
        waits = not lost or order.symbol not in self._naked_ns
        return order.role == EXIT and order.reason != PARTIAL and waits

    def _take_refusals(self, now: int) -> None:
        if not self._tracker.refused_exits and not self._asking:
            return
        refused, self._tracker.refused_exits = self._tracker.refused_exits, []
        for symbol, code in refused:
            if code == NOTHING_TO_REDUCE:
                self._asking[symbol] = now
                self._reconciler.restart(now)
        agreed_ns = self._reconciler.agreed_ns
        self._asking = {symbol: since_ns for symbol, since_ns in self._asking.items() if since_ns > agreed_ns}

    # --- stops ------------------------------------------------------------------------------------------------

    def _guard(self, held: Holding, now: int) -> None:
        symbol, view = held.symbol, self._desk.views.get(held.symbol)
        if view is None or not view.position_lots:
            self._doubt(held, now)
        elif view.stop_ticks:
            self._naked_ns.pop(symbol, None)
            self._stop_tries.pop(symbol, None)
        else:
            naked_ns = now - self._naked_ns.setdefault(symbol, now)
            if naked_ns >= NAKED_NS_MAX:
                self._doom(symbol, f"no stop for {naked_ns // NS_PER_MS} ms", now)
            elif naked_ns >= NAKED_NS and not self.edits.urgent(symbol):
                self._set_stop(held, now)

    def _doubt(self, held: Holding, now: int) -> None:
        """See to a position of which the venue has said nothing yet."""
        untold_ns, symbol = now - max(held.changed_ns, self._begun_ns), held.symbol
        stop_ticks = held.stop_ticks or self._stop_ticks(held)
        if untold_ns >= DOUBT_NS and symbol not in self._doubts_ns and stop_ticks > 0 and not self.edits.urgent(symbol):
            self._doubts_ns[symbol] = now
            self._desk.log("INFO", "stop.doubt", f"the venue says nothing of it: setting {stop_ticks} ticks", symbol)
            self.edits.ask(OWNER, held, stop_ticks, urgent=True)
        if untold_ns >= UNTOLD_NS:
            self._reconciler.soon(now)

    def _set_stop(self, held: Holding, now: int) -> None:
        desk, symbol = self._desk, held.symbol
        tries = self._stop_tries[symbol] = self._stop_tries.get(symbol, 0) + 1
        stop_ticks = held.stop_ticks or self._stop_ticks(held)
        if tries > STOP_TRIES or stop_ticks <= 0:
            self._doom(symbol, "no stop could be set", now)
            return
        text = f"the venue has no stop: setting it to {stop_ticks} ticks"
        if any(order.role == ENTRY for order in desk.orders.open(symbol)):
            desk.log("INFO", "stop.early", text, symbol)  # It may come with the end of the entry only: no fault.
        else:
            desk.correct("stop", symbol, text, now)
        self.edits.ask(OWNER, held, stop_ticks, urgent=True)

    def _stop_ticks(self, held: Holding) -> int:
        """Return the stop of a position that came without one: the configured distance, rounded to the safe side."""
        share, tick_e8 = self._desk.limits.stop_share_e6, held.scale.tick_e8
        if held.position_lots > 0:
            return -(-held.entry_e8 * (E6 - share) // (E6 * tick_e8))
        return held.entry_e8 * (E6 + share) // (E6 * tick_e8)

    def replied(self, pending: Pending, reply: Reply, now: int) -> None:
        """Hear the answer to a stop."""
        edit = self.edits.answered(pending, reply, now)
        if edit is not None and reply.outcome == REJECTED:
            self._doom(pending.subject, f"stop refused: {reply.code} {reply.text}", now)
        elif edit is not None and reply.outcome == UNKNOWN:
            self._reconciler.soon(now)

    def _doom(self, symbol: str, why: str, now: int) -> None:
        if symbol not in self._doomed:
            self._doomed[symbol] = why
            self._unwanted.add(symbol)
            self._desk.log("ERROR", "position.naked", f"{why}: closing it", symbol)
            held = self._desk.ledger.holdings[symbol]
            self._close(held, now)
