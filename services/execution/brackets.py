"""The bracket of an open position after its entry: a stop that follows, and a part that is closed on the way.

Both leave the venue's own bracket in force at every moment: the stop is moved by setting it anew and only towards the
market's side of where it is, and the part is a resting reduce-only order of its own. Moves are spaced, so that the
venue's allowance is there for stops that are missing.
"""

from __future__ import annotations

from services.execution import gates
from services.execution.desk import Desk, Pending
from services.execution.exits import Exits
from services.execution.orders import ENTRY, EXIT, PARTIAL, Change, Order, State, exit_link
from services.execution.outcomes import REJECTED, UNKNOWN
from services.execution.positions import Holding
from services.execution.reconcile import Reconciler
from services.execution.tracker import OWNER as TRACKER
from services.execution.tracker import Tracker
from services.execution.trailing import E6, Course, better_stop
from services.execution.wire import Reply, RequestQuote
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import BUY, SELL, Tighten

OWNER = "brackets"
REFUSED_NS = NS_PER_S  # After a move that the venue would not make, nothing is tried for this long.
STRAYED_NS = 300 * NS_PER_MS  # The venue's stop may lie behind the one we want for this long: news crosses.
PART_TRIES = 3


class _Kept:
    """What is remembered of one position; nothing of it has to survive a restart."""

    __slots__ = ("asked_ns", "best_ticks", "opened_ns", "part_tries", "strayed_ns", "tick", "wait_ns")

    def __init__(self, opened_ns: int, tick: str) -> None:
        self.opened_ns, self.tick = opened_ns, tick
        self.best_ticks = 0  # The best price it could have been closed at; 0: no book seen yet.
        self.asked_ns = self.wait_ns = 0  # When its stop was last moved; no move before.
        self.strayed_ns = 0  # Since when the venue's stop lies behind the wanted one.
        self.part_tries = 0


class Brackets:
    """Moves stops and closes parts. Missing stops are not its business: `exits.py` sees to those first."""

    def __init__(self, desk: Desk, tracker: Tracker, reconciler: Reconciler, exits: Exits) -> None:
        self._desk, self._tracker, self._reconciler, self._exits = desk, tracker, reconciler, exits
        self._edits, self._limits = exits.edits, desk.limits.trail
        self._kept: dict[str, _Kept] = {}
        self._tight: dict[str, Tighten] = {}
        self._moved_ns = 0  # Of any stop.
        self._parts = 0

    def waits(self, symbol: str) -> bool:
        """Whether the book of ``symbol`` matters to a stop."""
        return self._limits.moves and self._desk.ledger.lots(symbol) != 0

    def tick(self) -> None:
        """Let time pass: look at the books of what is held."""
        if self._limits.moves:
            for held in self._desk.ledger.open():
                self._desk.say(RequestQuote(held.symbol))

    def tighten(self, wish: Tighten, now: int) -> None:
        """Keep closer to the price while the wish stands. One that is late, or of another side, is nothing."""
        lots = self._desk.ledger.lots(wish.symbol)
        if now <= wish.expires_ns and wish.side in (BUY, SELL) and lots * wish.side > 0:
            self._tight[wish.symbol] = wish

    def run(self, now: int) -> None:
        """See to every position. Call after every change and on every tick, once the exits were seen to."""
        candidates: list[tuple[int, Holding, int]] = []
        symbols = set()
        for held in self._desk.ledger.open():
            symbols.add(held.symbol)
            kept = self._kept.get(held.symbol)
            if kept is None or (kept.opened_ns, kept.tick) != (held.opened_ns, held.scale.tick):
                kept = self._kept[held.symbol] = _Kept(held.opened_ns, held.scale.tick)
            self._begin(held)
            self._follow(held, kept, now)
            if self._leave_alone(held):
                continue
            self._take_part(held, kept, now)
            wanted = self._wanted(held, kept, now)
            if wanted:
                candidates.append((kept.asked_ns, held, wanted))
        for memory in (self._kept, self._tight):
            if memory:
                for symbol in [symbol for symbol in memory if symbol not in symbols]:
                    del memory[symbol]
        self._take_strays_off(now)
        if candidates and now - self._moved_ns >= self._limits.interval_ns:
            _, held, wanted = min(candidates, key=lambda one: one[:1])  # Whoever has waited longest.
            self._move(held, wanted, now)

    def _begin(self, held: Holding) -> None:
        """Note where the stop was first: every distance is measured by it."""
        view = self._desk.views.get(held.symbol)
        first = held.stop_ticks or (view.stop_ticks if view else 0)
        if not held.first_stop_ticks and first:
            held.first_stop_ticks = first
            self._desk.keep(held.row())

    def _leave_alone(self, held: Holding) -> bool:
        """Whether the position is still being built, or already being left."""
        for order in self._desk.orders.open(held.symbol):
            if order.role == ENTRY or not is_part(order):
                return True
        return self._exits.unwanted(held.symbol)

    # --- the stop ---------------------------------------------------------------------------------------------

    def _follow(self, held: Holding, kept: _Kept, now: int) -> None:
        """Take note of the best price so far."""
        touch = self._touch(held, now)
        side = BUY if held.position_lots > 0 else SELL
        if touch and (not kept.best_ticks or (touch - kept.best_ticks) * side > 0):
            kept.best_ticks = touch

    def _touch(self, held: Holding, now: int) -> int:
        """Return what the position could be closed at now, 0 without a book to say so."""
        quote, limits = self._desk.quotes.get(held.symbol), self._desk.limits
        if quote is None or not quote.valid or not now - quote.recv_ns <= limits.stale_ns:
            return 0
        if not 0 < quote.best_bid_ticks < quote.best_ask_ticks or (quote.tick and quote.tick != held.scale.tick):
            return 0
        return quote.best_bid_ticks if held.position_lots > 0 else quote.best_ask_ticks

    def _wanted(self, held: Holding, kept: _Kept, now: int) -> int:
        """Return the stop to ask for, 0 when the present one stays."""
        symbol, view = held.symbol, self._desk.views.get(held.symbol)
        if view is None or not view.stop_ticks or self._edits.busy(symbol) or now < kept.wait_ns:
            return 0
        side = BUY if held.position_lots > 0 else SELL
        strayed = (held.stop_ticks - view.stop_ticks) * side > 0
        kept.strayed_ns = (kept.strayed_ns or now) if strayed else 0
        if held.stop_ticks and not strayed and held.stop_ticks != view.stop_ticks:
            held.stop_ticks = view.stop_ticks  # Nearer than we wanted it: so be it, it never goes back.
        touch = self._touch(held, now)
        if touch and kept.best_ticks and self._limits.moves:
            course = Course(
                side, held.entry_e8, held.scale.tick_e8, held.first_stop_ticks, kept.best_ticks, touch,
                self._desk.taker_e8.get(symbol, -1),
            )  # fmt: skip
            present = max(side * view.stop_ticks, side * held.stop_ticks) * side
            found = better_stop(course, present, self._limits, tight=self._is_tight(symbol, side, now))
            if found:
                return found
        return held.stop_ticks if strayed and now - kept.strayed_ns >= STRAYED_NS else 0

    def _is_tight(self, symbol: str, side: int, now: int) -> bool:
        wish = self._tight.get(symbol)
        return wish is not None and wish.side == side and now <= wish.expires_ns

    def _move(self, held: Holding, stop_ticks: int, now: int) -> None:
        kept = self._kept[held.symbol]
        self._moved_ns = kept.asked_ns = now
        self._edits.ask(OWNER, held, stop_ticks, urgent=False)

    def replied(self, pending: Pending, reply: Reply, now: int) -> None:
        """Hear what became of a move. One of unknown fate is read back; what then strays is asked for again."""
        edit = self._edits.answered(pending, reply, now)
        if edit is None:
            return
        symbol, kept = pending.subject, self._kept.get(pending.subject)
        if kept is not None and reply.outcome in (REJECTED, UNKNOWN):
            kept.wait_ns, kept.strayed_ns = now + REFUSED_NS, 0
        if reply.outcome == REJECTED:
            held = self._desk.ledger.holdings[symbol]
            held.stop_ticks = edit.before_ticks
            self._desk.keep(held.row())
            self._desk.log("INFO", "stop.kept", f"{edit.stop_ticks} ticks: {reply.code} {reply.text}", symbol)
        elif reply.outcome == UNKNOWN:
            self._reconciler.restart(now)

    # --- a part of the position -------------------------------------------------------------------------------

    def _take_part(self, held: Holding, kept: _Kept, now: int) -> None:
        """Have a resting order for a part of the position, once."""
        limits = self._limits
        whole = abs(held.position_lots) == held.trip_lots_max  # Otherwise a part was closed already.
        if not limits.partial_e6 or not whole or kept.part_tries >= PART_TRIES or now < kept.wait_ns:
            return
        if self._desk.orders.open(held.symbol):
            return
        lots, price = self._part_lots(held), self._part_ticks(held, now)
        if not lots or not price:
            return
        kept.part_tries += 1
        kept.wait_ns = now + REFUSED_NS
        self._parts += 1
        desk = self._desk
        link = exit_link(desk.run_id, desk.epoch, self._parts, PARTIAL)
        request_id = desk.request_id(TRACKER, link)
        signed = lots if held.position_lots > 0 else -lots
        request = gates.close(request_id, link, held.symbol, held.scale, signed, price_ticks=price)
        self._tracker.place(request, None, now)

    def _part_lots(self, held: Holding) -> int:
        """Return the size of the part; 0 where either what goes or what stays could not be closed by itself."""
        rules = self._desk.rules.get(held.symbol)
        whole = abs(held.position_lots)
        part = whole * self._limits.part_e6 // E6
        if rules is None:
            return 0
        ticks = held.entry_e8 // held.scale.tick_e8
        closable = [
            lots >= rules.min_lots and held.scale.value_e8(ticks, lots) >= rules.min_notional_e8
            for lots in (part, whole - part)
        ]
        return part if part > 0 and all(closable) else 0

    def _part_ticks(self, held: Holding, now: int) -> int:
        """Return its price: on the way to the target, or at the touch when that is already better."""
        if not held.target_ticks:
            return 0
        side = BUY if held.position_lots > 0 else SELL
        way_e8 = side * (held.target_ticks * held.scale.tick_e8 - held.entry_e8)
        if way_e8 <= 0:
            return 0
        level = held.entry_e8 + side * way_e8 * self._limits.partial_e6 // E6
        tick_e8 = held.scale.tick_e8
        price = -(-level // tick_e8) if side > 0 else level // tick_e8
        quote = self._desk.quotes.get(held.symbol)
        if self._touch(held, now) and quote is not None:
            near = quote.best_ask_ticks if side > 0 else quote.best_bid_ticks
            price = max(side * price, side * near) * side
        return price

    def _take_strays_off(self, now: int) -> None:
        """Take a part's order off once its position is gone, or is being left."""
        for order in self._desk.orders.open():
            if not is_part(order) or order.change is not Change.NONE or now - order.asked_ns < REFUSED_NS:
                continue
            held = self._desk.ledger.holdings.get(order.symbol)
            stays = held is not None and held.position_lots * order.side < 0 and not self._exits.unwanted(order.symbol)
            if order.state in (State.LIVE, State.PARTLY_FILLED) and not stays:
                self._tracker.take_off(order, now)


def is_part(order: Order) -> bool:
    """Whether an order closes a part of a position on the way to its target."""
    return order.role == EXIT and order.reason == PARTIAL
