"""Sends orders and follows each to its end: journal first, then the request, then what the venue says or fails to say.

Theory of operation. An order leaves only after its row is on disk; an exit leaves anyway if the disk is slow.
An answer that does not come, an acknowledgement without news, and an end whose fills we have not seen are all treated
alike: the venue is asked, in rounds of three questions (open orders, history, executions), until the order is settled.
It counts as absent only when two whole rounds, both begun after it could still have been accepted, know nothing of it.
"""

from __future__ import annotations

from typing import NamedTuple

from services.execution.desk import Desk, Pending
from services.execution.orders import (
    ENDED,
    ENTRY,
    EXIT,
    Change,
    Event,
    Order,
    Plea,
    State,
    exit_reason,
    step,
    turn,
)
from services.execution.outcomes import ACCEPTED, ALREADY_DONE, DUPLICATE_LINK_ID, REJECTED
from services.execution.parse import EarlyFill, Execution, OrderUpdate, Parsed
from services.execution.wire import AmendRequest, CancelRequest, IntentRow, OrderRequest, OrderRow, Query, Reply
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import Intent, OrderNews

AMENDS = {ACCEPTED: Plea.AMENDED, REJECTED: Plea.AMEND_REFUSED, ALREADY_DONE: Plea.AMEND_REFUSED}
CANCELS = {ACCEPTED: Plea.CANCEL_TAKEN, REJECTED: Plea.CANCEL_REFUSED, ALREADY_DONE: Plea.CANCEL_TAKEN}
LOST = (Plea.CANCEL_LOST, Plea.AMEND_LOST)  # No answer that says anything; the second of an amendment.
QUESTIONS = ("order", "order_history", "order_executions")
OWNER = "tracker"
SILENCE_NS = 1500 * NS_PER_MS  # After an acknowledgement, and after an end whose fills are missing.
ROUND_NS = 300 * NS_PER_MS
GRACE_NS = NS_PER_S
DISK_NS = 250 * NS_PER_MS  # How long an exit waits for the journal.
ABSENT_ROUNDS = 2
LOST_ROUNDS = 5
EARLY_MAX = 256  # Executions of one order that were heard of and not booked yet.
LOST_NS = 60 * NS_PER_S  # Every request is answered; should one not be, the round begins again after this.


class _Waiting(NamedTuple):
    """An order whose row is on its way to disk."""

    request: OrderRequest
    since_ns: int


class Tracker:
    """Owns every order between the gates and its end."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: dict[int, list[_Waiting]] = {}  # By commit.
        self.refused_exits: list[tuple[str, int]] = []  # (symbol, code), taken by whoever decides on exits.

    # --- out --------------------------------------------------------------------------------------------------

    def place(self, request: OrderRequest, intent: Intent | None, now: int, *, later_leg: bool = False) -> None:
        """Write an order down; it is sent when that is done. ``later_leg``: its intent is written down already."""
        desk, role = self._desk, EXIT if request.reduce_only else ENTRY
        row = OrderRow(
            request.order_link_id, "", intent.intent_id if intent else "", request.symbol, request.tick, request.lot,
            request.side, role, exit_reason(request.order_link_id), State.CREATED, request.qty_lots,
            request.price_ticks, request.stop_ticks, request.target_ticks, 0, 0, 0, now, request.risk_e8,
        )  # fmt: skip
        desk.orders.add(Order(row))
        if intent is not None and not later_leg:
            desk.keep(IntentRow(intent.intent_id, intent.symbol, intent.side, intent.decided_ns, now))
        desk.keep(row)
        self._waiting.setdefault(desk.commit_id, []).append(_Waiting(request, now))

    def committed(self, commit_id: int, ok: bool, text: str, now: int, *, may_enter: bool) -> None:
        """The disk has answered. ``may_enter``: whether entries are still wanted."""
        for waiting in self._waiting.pop(commit_id, ()):
            order = self._desk.orders.find(waiting.request.order_link_id)
            if order is not None and order.state is State.CREATED:
                self._leave(order, waiting.request, "" if ok else f"journal: {text}", now, may_enter=may_enter)

    def _leave(self, order: Order, request: OrderRequest, fault: str, now: int, *, may_enter: bool) -> None:
        if request.reduce_only:
            self._send(order, request, now)
        elif fault:
            self._drop(order, fault, now)
        elif not may_enter:
            self._drop(order, "no longer wanted", now)
        elif not now <= request.expires_ns:
            self._drop(order, "expired while it was journalled", now)
        else:
            self._send(order, request, now)

    def _send(self, order: Order, request: OrderRequest, now: int) -> None:
        order.state = step(step(order.state, Event.JOURNAL), Event.SEND)
        order.sent_ns = now
        order.query_due_ns = now + self._desk.limits.rest_timeout_ns + GRACE_NS  # Should no answer come at all.
        self._desk.say(request)
        self._tell(order, now)

    def _drop(self, order: Order, why: str, now: int) -> None:
        order.state, order.why = step(order.state, Event.DROP), why
        self._desk.log("WARNING", "order.dropped", f"{order.order_link_id}: {why}", order.symbol)
        self._follow_up(order, now)

    def amend(self, order: Order, request: AmendRequest, now: int) -> None:
        """Ask for another price of a resting order, and another bracket with it."""
        order.change, order.asked_ns, order.refused = turn(order.change, Plea.AMEND), now, False
        order.wanted = (request.price_ticks, request.stop_ticks, request.target_ticks)
        self._desk.say(request)

    def take_off(self, order: Order, now: int) -> None:
        """Ask for a resting order to be taken off. Its end is what the venue says of the order, not of the cancel."""
        order.change, order.asked_ns = turn(order.change, Plea.CANCEL), now
        self.cancel(order.symbol, order.order_link_id)

    def cancel(self, symbol: str, order_link_id: str) -> None:
        """Ask for one order to be taken off, whether we know it or not."""
        request_id = self._desk.request_id(OWNER, order_link_id)
        self._desk.say(CancelRequest(request_id, symbol, order_link_id))

    # --- heard ------------------------------------------------------------------------------------------------

    def recover(self, rows: tuple[OrderRow, ...], now: int) -> None:
        """Take over orders of an earlier life: each may have been sent just before it ended."""
        for row in rows:
            order = Order(row)
            self._desk.learn_scale(row.symbol, row.tick, row.lot)
            if order.state not in ENDED:
                order.state = State.PARTLY_FILLED if order.booked_lots else State.UNKNOWN
            order.sent_ns = now  # The latest moment at which it can have left.
            order.query_due_ns = now
            self._desk.orders.add(order)
            self._tell(order, now)

    def replied(self, pending: Pending, reply: Reply, parsed: Parsed | None, now: int) -> None:
        """Hear the answer to one of this object's requests."""
        order = self._desk.orders.find(pending.subject)
        if order is None:
            return
        if reply.kind == "OrderRequest":
            self._answered(order, reply, parsed, now)
        elif reply.kind in QUESTIONS:
            self._told(order, reply, parsed, now)
        else:
            self._pleaded(order, reply, parsed, now)

    def _pleaded(self, order: Order, reply: Reply, parsed: Parsed | None, now: int) -> None:
        """Hear what became of an amendment or a cancel."""
        amending = reply.kind == "AmendRequest"
        order.change = turn(order.change, (AMENDS if amending else CANCELS).get(reply.outcome, LOST[amending]))
        if amending and reply.outcome == ACCEPTED:
            order.price_ticks, order.stop_ticks, order.target_ticks = order.wanted
            order.shown_ms = max(order.shown_ms, parsed.server_ms if parsed else 0)
        elif amending and reply.outcome in (REJECTED, ALREADY_DONE):
            order.refused = True
            self._desk.log("INFO", "order.kept", f"{order.order_link_id}: {reply.code} {reply.text}", order.symbol)
        if order.settled:
            return
        if reply.outcome not in (ACCEPTED, REJECTED):
            order.query_due_ns = now  # Nobody knows, or it is over: the venue is asked.
        elif not amending:
            order.query_due_ns = min(order.query_due_ns or now + ROUND_NS, now + ROUND_NS)  # Its end is due at once.
        self._tell(order, now)

    def _answered(self, order: Order, reply: Reply, parsed: Parsed | None, now: int) -> None:
        order.query_due_ns = 0
        if reply.outcome == ACCEPTED:
            self._desk.orders.name(order, parsed.order_id if parsed else "")
            self._step(order, Event.ACK)
            if reply.code == DUPLICATE_LINK_ID:
                order.query_due_ns = now
        elif reply.outcome == REJECTED:
            order.why = f"{reply.code} {reply.text}"
            self._step(order, Event.REFUSE)
            if order.role == EXIT:
                self.refused_exits.append((order.symbol, reply.code))
        else:
            order.why = reply.text
            self._step(order, Event.TIME_OUT)
            order.query_due_ns = now
        self._follow_up(order, now)

    def update(self, update: OrderUpdate, now: int) -> bool:
        """Hear the venue's word on an order; False when it is none of ours."""
        order = self._desk.orders.find(update.order_link_id, update.order_id)
        if order is None:
            return False
        if order.state in (State.CREATED, State.JOURNALLED, State.DROPPED):
            return True  # Somebody else's order under our name: not this one's business.
        was_absent = order.state is State.ABSENT
        self._desk.orders.name(order, update.order_id)
        order.heard_ns, order.cum_lots = now, max(order.cum_lots, update.cum_lots)
        order.why = update.why or order.why
        self._show(order, update)
        self._step(order, update.event)
        if was_absent:
            self._desk.correct("order", order.symbol, f"{order.order_link_id} exists after all", now)
            if order.change is Change.NONE:
                self.take_off(order, now)
        self._follow_up(order, now)
        return True

    def _show(self, order: Order, update: OrderUpdate) -> None:
        """Take the venue's word on price and bracket, unless it is older than what is known."""
        if order.role != ENTRY or not update.price_ticks or update.updated_ms < order.shown_ms:
            return
        order.shown_ms, order.price_ticks = update.updated_ms, update.price_ticks
        order.stop_ticks = update.stop_ticks or order.stop_ticks
        order.target_ticks = update.target_ticks or order.target_ticks

    def book(self, execution: Execution, now: int, *, by_query: bool) -> bool:
        """Book an execution and let its order know; False when it was known."""
        desk, fill = self._desk, execution.fill
        if not desk.book(execution, now, by_query=by_query):
            return False
        order = desk.orders.find(fill.order_link_id, fill.order_id)
        held = desk.ledger.holding(fill.symbol, desk.scales[fill.symbol])
        if order is not None and execution.exec_type == "Trade":
            if order.role == ENTRY and held.position_lots:
                held.stop_ticks, held.target_ticks = order.stop_ticks, order.target_ticks
                held.intent_id = order.intent_id
                held.risk_e8 += order.risk_e8 * fill.qty_lots // order.qty_lots
            order.booked_lots += fill.qty_lots
            order.early.pop(fill.exec_id, None)
            order.front_lots = min(order.front_lots, 0)  # Nobody stands before what is filled.
            order.heard_ns = now
            self._step(order, Event.FILL if order.booked_lots >= order.qty_lots else Event.PART_FILL)
            desk.keep(order.row(now))  # With its execution, or a restart would miss the fill twice.
            self._follow_up(order, now)
        if not held.position_lots:
            desk.views.pop(fill.symbol, None)  # Its bracket went with it.
        desk.keep(held.row())
        desk.say_position(fill.symbol)
        return True

    def foresee(self, early: EarlyFill, now: int) -> None:
        """Hear of an execution before it can be booked: its order is further than its fills, and they are awaited."""
        order = self._desk.orders.find(early.order_link_id, early.order_id)
        unheard = order is not None and order.state not in (State.CREATED, State.JOURNALLED, State.DROPPED)
        if order is None or not unheard or self._desk.ledger.known(early.exec_id, now // NS_PER_MS):
            return
        if len(order.early) < EARLY_MAX:
            order.early[early.exec_id] = early.qty_lots
        self._desk.orders.name(order, early.order_id)
        order.heard_ns = now
        order.cum_lots = max(order.cum_lots, min(order.booked_lots + sum(order.early.values()), order.qty_lots))
        self._step(order, Event.FILL if order.cum_lots >= order.qty_lots else Event.PART_FILL)
        self._follow_up(order, now)

    def _step(self, order: Order, event: Event) -> None:
        order.state = step(order.state, event)

    def _follow_up(self, order: Order, now: int) -> None:
        """After any news: see what the venue still owes us, and tell what has changed."""
        self._desk.orders.watch(order)
        if order.settled:
            order.query_due_ns = 0
        elif not order.query_due_ns or order.heard_ns == now:
            order.query_due_ns = now + SILENCE_NS  # Our orders never rest: their end, or their fills, must come soon.
        self._tell(order, now)

    def _tell(self, order: Order, now: int) -> None:
        said = (order.state, order.cum_lots, order.booked_lots, order.price_ticks)
        if order.said == said:
            return
        order.said = said
        if order.settled or order.state is State.UNKNOWN:
            self._desk.keep(order.row(now))
        self._desk.say(order.news(now))

    def leg_news(self, update: OrderUpdate, now: int) -> None:
        """Pass on what happens to a stop or target that the venue made for a position."""
        state = step(State.LIVE, update.event)
        self._desk.say(OrderNews(
            update.order_link_id, update.order_id, "", update.symbol, update.side, update.leg, state,
            update.qty_lots, update.cum_lots, update.price_ticks, update.why, now,
        ))  # fmt: skip

    # --- asking -----------------------------------------------------------------------------------------------

    def tick(self, now: int) -> None:
        """Let time pass: exits that wait for the disk, and orders that the venue has to be asked about."""
        for waiting in [late for group in self._waiting.values() for late in group]:
            order = self._desk.orders.find(waiting.request.order_link_id)
            overdue = waiting.request.reduce_only and now - waiting.since_ns >= DISK_NS
            if overdue and order is not None and order.state is State.CREATED:
                self._send(order, waiting.request, now)
        for order in self._desk.orders.open():
            if order.query_due_ns and now >= order.query_due_ns:
                self._ask(order, now)

    def _ask(self, order: Order, now: int) -> None:
        """Begin a round of questions."""
        if order.state is State.SENT:
            self._step(order, Event.TIME_OUT)
            self._follow_up(order, now)
        order.query_due_ns = now + LOST_NS  # Not before all have answered: a slow venue is not asked faster.
        order.round, order.round_ns, order.round_failed = {}, now, False
        for kind in QUESTIONS:
            request_id = self._desk.request_id(OWNER, order.order_link_id)
            order.round[request_id] = None
            self._desk.say(Query(request_id, kind, order.symbol, order.order_link_id, "", 0))

    def _told(self, order: Order, reply: Reply, parsed: Parsed | None, now: int) -> None:
        """Hear one answer of the round."""
        if order.settled or reply.request_id not in order.round:
            return
        readable = reply.outcome == ACCEPTED and parsed is not None and not (parsed.broken or parsed.unscaled)
        order.round_failed = order.round_failed or not readable
        order.round[reply.request_id] = parsed is not None and readable and self._found(order, parsed, now)
        if None not in order.round.values():
            self._conclude(order, now)

    def _found(self, order: Order, parsed: Parsed, now: int) -> bool:
        """Take in what an answer holds; False when it knows nothing of the order."""
        found = False
        for execution in reversed(parsed.executions):  # The venue lists the newest first.
            found = True
            self.book(execution, now, by_query=True)
        for update in parsed.orders:
            found = self.update(update, now) or found
        if parsed.server_ms:  # Whichever clock is behind decides how late it is.
            order.round_ns = min(order.round_ns, parsed.server_ms * NS_PER_MS)
        return found

    def _conclude(self, order: Order, now: int) -> None:
        """A round is complete: settled, absent, or ask again."""
        if order.settled:
            return
        found = any(order.round.values())
        order.round, order.query_due_ns = {}, now + (SILENCE_NS if found else ROUND_NS)
        deadline_ns = order.sent_ns + self._desk.limits.recv_window_ns + GRACE_NS
        if order.round_failed:
            return
        if order.state in ENDED:
            self._write_off(order, now)
        elif found:
            order.absent_rounds = 0
            order.change = turn(order.change, Plea.STANDS)
        elif order.round_ns > deadline_ns:
            self._not_found(order, now)

    def _not_found(self, order: Order, now: int) -> None:
        order.absent_rounds += 1
        if order.absent_rounds >= ABSENT_ROUNDS:
            order.absent_rounds = 0
            order.vanished = True
            self._step(order, Event.PROVE_ABSENT)
            self._desk.log("WARNING", "order.absent", f"{order.order_link_id} is not at the venue", order.symbol)
            self._follow_up(order, now)

    def _write_off(self, order: Order, now: int) -> None:
        """Fills that the order speaks of and nobody can show: the comparison of positions has to find the truth."""
        order.absent_rounds += 1
        if order.absent_rounds < LOST_ROUNDS:
            return
        lost = order.cum_lots - order.booked_lots
        self._desk.correct("execution", order.symbol, f"{order.order_link_id}: {lost} lots were never shown", now)
        order.booked_lots, order.vanished = order.cum_lots, True
        self._follow_up(order, now)
