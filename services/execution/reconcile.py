"""Compares what we believe with what the venue has, and makes the venue's word ours. Every repair is counted.

Theory of operation. One round reads open orders, executions since the last complete round, and positions. Executions
are booked first; then whatever is still different is not believed at once: something may have happened between the
readings. A symbol that changed meanwhile, or has an order under way, is left to the next round; a difference that two
rounds agree on is corrected. Until a round comes out clean after every start and reconnect, nobody may trade.
"""

from __future__ import annotations

from services.execution.desk import Desk, Pending
from services.execution.orders import is_ours
from services.execution.outcomes import ACCEPTED
from services.execution.parse import Execution, OrderUpdate, Parsed, PositionUpdate
from services.execution.tracker import Tracker
from services.execution.wire import Query, Reply
from shared.clock import NS_PER_MS, NS_PER_S

OWNER = "reconciler"
READINGS = ("open_orders", "executions", "positions")
PAGES_MAX = 20
LOST_NS = 60 * NS_PER_S  # Every request is answered; should one not be, the round ends after this.
AGAIN_NS = 300 * NS_PER_MS
FAILED_NS = 500 * NS_PER_MS
FAILED_NS_MAX = 5 * NS_PER_S
BLIND_NS = NS_PER_S
OVERLAP_MS = 10_000
WEEK_MS = 7 * 86_400_000 - 60_000  # The venue answers for one week from the start asked for.
SETTLED_NS = 2 * NS_PER_S  # A position that changed so recently may be listed as it was before.
MISSING_NS = NS_PER_S  # An order of ours may be this young and not be listed.
STRANGERS_MAX = 256


class Reconciler:
    """Runs the rounds. ``synced`` is True while the last one came out clean and the stream has held since."""

    def __init__(self, desk: Desk, tracker: Tracker) -> None:
        self._desk, self._tracker = desk, tracker
        self.synced = False
        self.agreed_ns = 0  # When the last round that came out clean began.
        self.due_ns = 0  # 0: not before somebody asks for it.
        self._from_ms = 0
        self._started_ns = 0
        self._timeout_ns = 0  # A round under way ends by then.
        self._missing: set[int] = set()  # Requests of the round that have no answer yet.
        self._orders: list[OrderUpdate] = []
        self._executions: list[Execution] = []
        self._positions: list[PositionUpdate] = []
        self._pages = 0
        self._failures, self._fault = 0, ""
        self._look_again = False
        self._outdated = False  # The round under way has to be done again.
        self._differing: dict[str, int] = {}  # Symbol -> the venue's lots, as the last round saw them.
        self._strangers: dict[str, None] = {}
        self._grids_asked: dict[str, int] = {}  # Symbol -> ask again from here.

    def begin_from(self, exec_ms: int) -> None:
        """Say from when on executions are unknown to us."""
        self._from_ms = exec_ms

    def lose(self) -> None:
        """The stream broke: nothing is certain until a round is complete."""
        self.synced = False
        self._differing.clear()

    def soon(self, now: int) -> None:
        """Have a round begin at the next tick, unless one is under way."""
        self.due_ns = min(self.due_ns, now) if self.due_ns else now

    def agrees_since(self, since_ns: int, now: int) -> bool:
        """Whether a round that began then or later has come out clean; one is due if not."""
        if self.agreed_ns >= since_ns:
            return True
        self.soon(now)
        return False

    def restart(self, now: int) -> None:
        """Begin anew as soon as can be: a round under way may have read what is no longer true.

        Its answers are awaited first, so that a venue that is slow to answer is not asked more and more.
        """
        if self._started_ns:
            self._outdated = True
        else:
            self.due_ns = now

    def tick(self, now: int) -> None:
        """Let time pass."""
        if self._started_ns:
            if now >= self._timeout_ns:
                self._fault = "no answer"
                self._fail(now)
        elif self.due_ns and now >= self.due_ns:
            self._begin(now)

    def _begin(self, now: int) -> None:
        self._started_ns = now
        self._timeout_ns, self._fault, self._outdated = now + LOST_NS, "", False
        self._orders, self._executions, self._positions, self._pages = [], [], [], 0
        for kind in READINGS:
            self._query(kind, "")
        self._desk.say(Query(self._desk.request_id("core", ""), "wallet", "", "", "", 0))

    def _query(self, kind: str, cursor: str) -> None:
        request_id = self._desk.request_id(OWNER, kind)
        self._missing.add(request_id)
        newest_start_ms = self._started_ns // NS_PER_MS - WEEK_MS
        start_ms = max(self._from_ms, newest_start_ms) if kind == "executions" else 0
        self._desk.say(Query(request_id, kind, "", "", cursor, start_ms))

    # --- answers ----------------------------------------------------------------------------------------------

    def replied(self, pending: Pending, reply: Reply, parsed: Parsed | None, now: int) -> None:
        """Hear one answer of a round."""
        if reply.kind == "instrument":
            self._learn(parsed, now)
            return
        if reply.request_id not in self._missing:
            return
        self._missing.discard(reply.request_id)
        if reply.outcome != ACCEPTED or parsed is None:
            self._fault = f"{reply.kind}: {reply.code} {reply.text}"
        elif parsed.unscaled or parsed.broken:
            self._ask_grids(parsed.unscaled, now)
            self._fault = f"{reply.kind}: not understood"
        else:
            self._collect(pending.subject, parsed)
        if self._missing:
            return
        if self._outdated:
            self._started_ns, self.due_ns = 0, now
        elif self._fault:
            self._fail(now)
        else:
            self._compare(now)

    def _collect(self, kind: str, parsed: Parsed) -> None:
        self._orders += parsed.orders
        self._executions += parsed.executions
        self._positions += parsed.positions
        rows = len(parsed.orders) + len(parsed.executions) + len(parsed.positions)
        if parsed.cursor and rows and self._pages < PAGES_MAX:
            self._pages += 1
            self._query(kind, parsed.cursor)

    def _learn(self, parsed: Parsed | None, now: int) -> None:
        for grid in parsed.grids if parsed else ():
            self._desk.learn_scale(grid.symbol, grid.tick, grid.lot)
            self.soon(now)

    def _ask_grids(self, symbols: set[str], now: int) -> None:
        for symbol in sorted(symbols):
            room = symbol in self._grids_asked or len(self._grids_asked) < STRANGERS_MAX
            if room and now >= self._grids_asked.get(symbol, 0):
                self._grids_asked[symbol] = now + 5 * NS_PER_S
                request_id = self._desk.request_id(OWNER, symbol)
                self._desk.say(Query(request_id, "instrument", symbol, "", "", 0))

    def meet(self, symbols: set[str], now: int) -> None:
        """The stream named symbols whose grid we do not know: learn them, then read what we could not."""
        self._ask_grids(symbols, now)
        self.soon(now)

    def _fail(self, now: int) -> None:
        """Give the round up and begin another, later each time."""
        self._missing.clear()
        self._started_ns = 0
        self._failures += 1
        wait_ns = min(FAILED_NS << min(self._failures - 1, 8), FAILED_NS_MAX)
        self.due_ns = now + wait_ns
        self._desk.log("WARNING", "reconcile.failed", self._fault)

    # --- comparison -------------------------------------------------------------------------------------------

    def _compare(self, now: int) -> None:
        started_ns, self._started_ns, self._failures = self._started_ns, 0, 0
        self._executions.reverse()  # The venue lists the newest first.
        for execution in sorted(self._executions, key=lambda one: one.fill.exec_ms):
            self._tracker.book(execution, now, by_query=True)
        self._compare_orders(started_ns, now)
        clean = self._compare_positions(started_ns, now)
        if not clean:
            self.due_ns = now + AGAIN_NS
            return
        self.agreed_ns, self._from_ms = started_ns, started_ns // NS_PER_MS - OVERLAP_MS
        # Without the stream this is the only way to hear of a stop that fired.
        self.due_ns = now + (self._desk.limits.reconcile_ns if self._desk.private_up else BLIND_NS)
        if self._look_again:
            self.due_ns = now + AGAIN_NS
        if not self.synced and self._desk.private_up:
            self.synced = True
            self._desk.log("INFO", "reconcile.done", f"agrees with the venue, {self._desk.corrections} corrections")

    def _compare_orders(self, started_ns: int, now: int) -> None:
        desk, listed = self._desk, set()
        for update in self._orders:
            listed.add(update.order_link_id)
            if update.leg:
                continue
            if not self._tracker.update(update, now):
                self._stranger(update, now)
        for order in desk.orders.open():
            young = order.sent_ns == 0 or order.sent_ns > started_ns - MISSING_NS
            if order.order_link_id not in listed and not young and not order.query_due_ns:
                order.query_due_ns = now

    def _stranger(self, update: OrderUpdate, now: int) -> None:
        """An open order that we do not know: ours are taken off, anybody else's is left alone."""
        if update.order_id in self._strangers or len(self._strangers) >= STRANGERS_MAX:
            return
        self._strangers[update.order_id] = None
        if is_ours(update.order_link_id):
            self._desk.correct("order", update.symbol, f"{update.order_link_id} was open and forgotten", now)
            self._tracker.cancel(update.symbol, update.order_link_id)
        else:
            self._desk.log("WARNING", "order.stranger", f"{update.order_id} is not ours", update.symbol)

    def _compare_positions(self, started_ns: int, now: int) -> bool:
        desk = self._desk
        theirs = {update.symbol: update for update in self._positions}
        symbols = sorted(theirs.keys() | {held.symbol for held in desk.ledger.open()})
        self._look_again = False
        agree = [self._compare_position(symbol, theirs.get(symbol), started_ns, now) for symbol in symbols]
        return all(agree)

    def _compare_position(self, symbol: str, theirs: PositionUpdate | None, started_ns: int, now: int) -> bool:
        """Return whether this symbol agrees."""
        desk = self._desk
        theirs = theirs or PositionUpdate(symbol, 0, 0, 0, 0)
        held = desk.ledger.holding(symbol, desk.scales[symbol])
        moving = started_ns - held.changed_ns < SETTLED_NS or bool(desk.orders.open(symbol))
        view = desk.views.get(symbol)
        if theirs.position_lots == held.position_lots:
            if held.changed_ns < started_ns:
                desk.see(theirs, now, started_ns)
            else:
                self._look_again = True  # The bracket read may be that of a moment ago.
            self._differing.pop(symbol, None)
            return True
        if moving or (view is not None and view.outdates(theirs, now)):
            self._differing.pop(symbol, None)
            return False
        if self._differing.get(symbol) != theirs.position_lots:
            self._differing[symbol] = theirs.position_lots
            return False
        del self._differing[symbol]
        text = f"held {held.position_lots} lots, the venue has {theirs.position_lots}"
        desk.correct("position", symbol, text, now)
        desk.ledger.adopt(symbol, desk.scales[symbol], theirs.position_lots, theirs.entry_e8, now)
        desk.keep(held.row())
        desk.see(theirs, now)
        desk.say_position(symbol)
        return True
