"""The executor: intents in, orders out, and the truth about what we hold. Pure; everything it does is a message.

Who does what: `gates.py` refuses, `tracker.py` sends and follows orders, `reconcile.py` compares with the venue,
`exits.py` closes and guards stops, `positions.py` keeps the books, `words.py` obeys people, `prepare.py` tells the
venue how we trade. Here each is told what happened, and a stop is brought to its end.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from services.execution import gates, parse
from services.execution.account import OWNER as ACCOUNT
from services.execution.account import AccountCheck
from services.execution.brackets import OWNER as BRACKETS
from services.execution.brackets import Brackets
from services.execution.desk import Desk
from services.execution.exits import OWNER as EXITS
from services.execution.exits import Exits
from services.execution.limits import Limits
from services.execution.orders import ENTRY, entry_link
from services.execution.parse import Parsed
from services.execution.prepare import OWNER as PREPARE
from services.execution.prepare import Preparation
from services.execution.reconcile import OVERLAP_MS, Reconciler
from services.execution.reconcile import OWNER as RECONCILER
from services.execution.risk import Risk
from services.execution.router import Router
from services.execution.tracker import OWNER as TRACKER
from services.execution.tracker import Tracker
from services.execution.watch import OWNER as WATCH
from services.execution.watch import Watch
from services.execution.wire import (
    BadRecord,
    Committed,
    Finished,
    OrderRequest,
    PrivateDown,
    PrivateFrame,
    PrivateUp,
    Quote,
    Recovered,
    Reply,
)
from services.execution.words import FLATTENING, LATCHED, Words
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import (
    Command,
    ExecutionState,
    Intent,
    Leave,
    Message,
    ProtocolError,
    Started,
    StopRequested,
    Tick,
    Tighten,
    Universe,
    Verdict,
)

SAY_NS = NS_PER_S
STOP_NS = 3500 * NS_PER_MS
INTENTS_MAX = 8_192


class ExecutionCore:
    """One account's only executor."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        desk = self._desk = Desk(limits)
        self._tracker = Tracker(desk)
        self._reconciler = Reconciler(desk, self._tracker)
        self._exits = Exits(desk, self._tracker, self._reconciler)
        self._brackets = Brackets(desk, self._tracker, self._reconciler, self._exits)
        self._watch = Watch(desk, self._reconciler)
        self._risk = Risk(desk)
        self._words = Words(desk, self._exits, self._risk)
        self._preparation, self._account = Preparation(desk), AccountCheck(desk)
        self._router = Router(desk, self._tracker, self._case)
        self._recovered = self._finished = False
        self._stop_ns = self._settled_ns = self._now = 0
        self._intents: OrderedDict[str, None] = OrderedDict()
        self._said_ns = 0
        self._universe_version = 0
        self._said = ("", "", 0)
        self._plain = {  # Who needs an answer's outcome alone.
            EXITS: self._exits.replied,
            BRACKETS: self._brackets.replied,
            ACCOUNT: self._account.replied,
        }
        self._whole = {  # And who needs what it holds.
            TRACKER: self._tracker.replied,
            RECONCILER: self._reconciler.replied,
            PREPARE: self._preparation.replied,
            WATCH: self._watch.replied,
        }

    # --- life -------------------------------------------------------------------------------------------------

    def on_started(self, message: Started, now: int) -> list[Message]:
        """Learn who we are."""
        self._desk.run_id, self._desk.epoch = message.run_id, message.epoch
        return self._answer(now)

    def on_recovered(self, message: Recovered, now: int) -> list[Message]:
        """Take over what the order journal held, and ask the venue how things stand."""
        desk = self._desk
        for row in message.positions:
            desk.learn_scale(row.symbol, row.tick, row.lot)
        desk.ledger.recall(
            message.exec_ids, message.positions, message.round_trips, message.day, message.day_realised_e8,
            message.last_exec_ms,
        )  # fmt: skip
        self._risk.recover(message)
        self._intents = OrderedDict.fromkeys(message.intent_ids)
        self._tracker.recover(message.orders, now)
        now_ms = now // NS_PER_MS
        since_ms = [row.at_ns // NS_PER_MS for row in message.orders]
        self._reconciler.begin_from(min(message.last_exec_ms or now_ms, *since_ms, now_ms) - OVERLAP_MS)
        self._words.recover(message.word)
        self._recovered = True
        self._reconciler.soon(now)
        for held in desk.ledger.open():
            desk.say_position(held.symbol)
        return self._answer(now)

    def on_tick(self, message: Tick, now: int) -> list[Message]:
        """Let time pass."""
        if self._recovered and not self._finished:
            for request in self._desk.retries.due(now):
                self._desk.say(request)
            self._tracker.tick(now)
            self._reconciler.tick(now)
            self._preparation.tick(now)
            self._account.tick(now)
            self._router.tick()
            self._desk.settle_grids()
            self._brackets.tick()
            self._watch.tick(now)
        return self._answer(now)

    def on_stop_requested(self, message: StopRequested, now: int) -> list[Message]:
        """Stop in order: no new entries, none left working, and out of the market if that is the policy."""
        if not self._stop_ns:
            self._stop_ns = now
            if any(order.role == ENTRY for order in self._desk.orders.open()):
                self._words.cancel_entries()
            self._exits.flatten_all = self._exits.flatten_all or self._limits.flatten_on_stop
        return self._answer(now)

    def on_command(self, message: Command, now: int) -> list[Message]:
        """Obey a person."""
        self._words.hear(message, now)
        return self._answer(now)

    # --- market and intents ---------------------------------------------------------------------------------------

    def on_universe(self, message: Universe, now: int) -> list[Message]:
        """Take the rules of what may be traded."""
        self._preparation.learn(message.instruments)
        if message.version == self._universe_version:
            return []
        self._universe_version = message.version
        self._exits.let_go(message.leaving)
        return self._answer(now)

    def on_quote(self, message: Quote, now: int) -> list[Message]:
        """Take what the book mirror shows."""
        desk, grid = self._desk, self._desk.scales.get(message.symbol)
        if message.tick and grid is not None and message.tick != grid.tick:
            desk.quotes.pop(message.symbol, None)  # Counted in other steps than everything else here.
        elif message.symbol in desk.rules:
            desk.quotes[message.symbol] = message
            self._router.see(message)
        waits = self._router.waits(message.symbol) or self._brackets.waits(message.symbol)
        return self._answer(now) if waits else []

    def on_tighten(self, message: Tighten, now: int) -> list[Message]:
        """Keep closer to a price that the signals believe in."""
        self._brackets.tighten(message, now)
        return self._answer(now)

    def on_intent(self, message: Intent, now: int) -> list[Message]:
        """Pass one intent through the gates; what passes is written down and then sent."""
        desk, link = self._desk, entry_link(message.intent_id)
        self._router.withdraw(message.symbol, -message.side)
        request_id = desk.request_id(TRACKER, link)
        verdict, request = gates.review(self._router.fit(self._case(message, now)), request_id, link)
        self._intents[message.intent_id] = None
        if len(self._intents) > INTENTS_MAX:
            self._intents.popitem(last=False)  # The journal refuses an older one, should it come again.
        desk.say(verdict)
        if request is None:
            del desk.pending[request_id]
        else:
            self._risk.entered(message.symbol, message.side, now)
            self._tracker.place(request, message, now)
            self._router.begin(message, request, now)
        return self._answer(now)

    def rehearse(self, intent: Intent, quote: Quote | None) -> tuple[Verdict, OrderRequest | None]:
        """Judge an entry that nobody wants at the time of the last turn. Changes nothing: it is no input."""
        case = replace(self._case(intent, self._now), quote=quote)
        return gates.review(self._router.fit(case), 0, entry_link(intent.intent_id))

    def _case(self, intent: Intent, now: int) -> gates.Case:
        desk, symbol = self._desk, intent.symbol
        return gates.Case(
            now=now,
            intent=intent,
            limits=self._limits,
            state=self._state(),
            private_up=desk.private_up,
            journal_ok=desk.journal_ok,
            seen_before=intent.intent_id in self._intents,
            quote=desk.quotes.get(symbol),
            rules=desk.rules_of(symbol),
            prepared=self._preparation.ready(symbol) and self._account.ready(symbol),
            leaving=self._exits.is_leaving(symbol),
            taker_e8=desk.taker_e8.get(symbol, gates.UNKNOWN_E8),
            available_e8=desk.available_e8,
            position_lots=desk.ledger.lots(symbol),
            pending=sum(1 for _ in desk.orders.open(symbol)),
            open_symbols=len(desk.open_symbols()),
            standing=self._risk.standing(symbol, intent.side, now),
        )

    def on_leave(self, message: Leave, now: int) -> list[Message]:
        """Close what the signal engine no longer believes in."""
        self._exits.leave(message, now)
        return self._answer(now)

    def on_committed(self, message: Committed, now: int) -> list[Message]:
        """The journal has written, or could not: without it nothing new is risked."""
        desk = self._desk
        if message.ok != desk.journal_ok:
            level, text = ("INFO", "writes again") if message.ok else ("ERROR", message.text)
            desk.log(level, "journal.state", text)
        desk.journal_ok = message.ok
        desk.written(message.commit_id, message.ok)
        may_enter = self._state() == gates.RUNNING
        self._tracker.committed(message.commit_id, message.ok, message.text, now, may_enter=may_enter)
        return self._answer(now)

    # --- the venue ------------------------------------------------------------------------------------------------

    def on_private_up(self, message: PrivateUp, now: int) -> list[Message]:
        """From here on we hear everything; what happened before is read."""
        self._desk.private_up = True
        self._reconciler.restart(now)
        return self._answer(now)

    def on_private_down(self, message: PrivateDown, now: int) -> list[Message]:
        """We are deaf: no entries until the stream is back and a comparison has come out clean."""
        self._desk.private_up = False
        self._desk.log("WARNING", "private.down", message.reason)
        self._reconciler.lose()
        self._reconciler.soon(now)
        return self._answer(now)

    def on_private_frame(self, message: PrivateFrame, now: int) -> list[Message]:
        """Hear the venue."""
        try:
            self._hear(parse.private(message.data, self._desk.scales, self._desk.ledger.known), now)
        except ProtocolError as error:
            self._desk.say(BadRecord(str(error)))
            self._reconciler.soon(now)
        return self._answer(now)

    def _hear(self, parsed: Parsed, now: int) -> None:
        for early in parsed.early:
            self._tracker.foresee(early, now)
        for execution in parsed.executions:
            self._tracker.book(execution, now, by_query=False)
        for order in parsed.orders:
            if order.leg:
                self._tracker.leg_news(order, now)
            else:
                self._tracker.update(order, now)
        for position in parsed.positions:
            self._desk.see(position, now)
        self._take_wallet(parsed)
        for text in parsed.broken:
            self._desk.say(BadRecord(text))
        if parsed.broken:
            self._reconciler.soon(now)  # It may have been a fill.
        if parsed.unscaled:
            for symbol in sorted(parsed.unscaled & self._desk.scales.keys()):
                self._desk.say(BadRecord(f"off the grid: {symbol}"))
            self._reconciler.meet(parsed.unscaled, now)

    def _take_wallet(self, parsed: Parsed) -> None:
        desk = self._desk
        if parsed.available_e8 is not None:
            desk.available_e8 = parsed.available_e8
            desk.equity_e8, desk.wallet_e8 = parsed.equity_e8 or 0, parsed.wallet_e8 or 0

    def on_reply(self, message: Reply, now: int) -> list[Message]:
        """Hear the answer to a request."""
        desk = self._desk
        if desk.retries.takes(message, now):
            return []
        desk.allowances.hear(message, now)
        pending = desk.pending.pop(message.request_id, None)
        if pending is None:
            return []
        parsed = self._read(message)
        plain, whole = self._plain.get(pending.owner), self._whole.get(pending.owner)
        if plain is not None:
            plain(pending, message, now)
        elif whole is not None:
            whole(pending, message, parsed, now)
        elif parsed is not None:
            self._take_wallet(parsed)
        return self._answer(now)

    def _read(self, reply: Reply) -> Parsed | None:
        """Return what an answer holds, None when it holds nothing that can be read."""
        if not reply.data:
            return None
        try:
            parsed = parse.answer(reply.kind, reply.data, self._desk.scales, self._desk.ledger.known)
        except ProtocolError as error:
            self._desk.say(BadRecord(str(error)))
            return None
        for text in parsed.broken:
            self._desk.say(BadRecord(text))
        return parsed

    # --- what is left to do, and what everybody should know -----------------------------------------------------

    def _answer(self, now: int) -> list[Message]:
        """End a turn: see to exits and stops, to the end of the run, and to the state; return all that was said."""
        self._now = now
        if not self._finished:
            if self._recovered:
                self._words.trip(self._risk.tripped(now), now)
                self._exits.run(now)
                self._brackets.run(now)
                self._words.settle(now)
                self._router.run(now, running=self._state() == gates.RUNNING)
            self._stop(now)
        self._say_state(now)
        said = self._desk.take()
        self._risk.spend(said, now)
        return said

    def _stop(self, now: int) -> None:
        """Finish when nothing is left to do, or when there is no more time."""
        if not self._stop_ns:
            return
        if self._limits.flatten_on_stop:
            clean = self._reconciler.synced and not self._desk.open_symbols()
        else:
            clean = not any(order.role == ENTRY for order in self._desk.orders.open())
        clean = clean and not self._desk.owes
        self._settled_ns = (self._settled_ns or now) if clean else 0
        agreed = clean and self._reconciler.agrees_since(self._settled_ns, now)  # The end is compared as well.
        if not agreed and now - self._stop_ns < STOP_NS:
            return
        self._finished = True
        if not clean:
            left = ", ".join(self._desk.open_symbols()) or "unknown: the venue was never compared with"
            self._desk.log("ERROR", "stop.open", f"ended with open: {left}")
        elif not agreed:
            self._desk.log("WARNING", "stop.unchecked", "ended before the venue could be compared with once more")
        self._say_state(now, at_once=True)
        self._desk.say(Finished(clean))

    def _state(self) -> str:
        word = self._words.word
        if self._finished:
            return "paused" if self._desk.open_symbols() else "flat"
        if word in (FLATTENING, LATCHED):
            return word
        if self._stop_ns:
            return FLATTENING if self._exits.flatten_all else "paused"
        if not self._reconciler.synced:
            return "reconciling"
        return word or gates.RUNNING

    def _say_state(self, now: int, *, at_once: bool = False) -> None:
        """Say the state when it changes, and every second with all positions."""
        desk = self._desk
        reason = "stop" if self._stop_ns else self._words.reason
        said = (self._state(), reason, self._universe_version)
        due = now - self._said_ns >= SAY_NS
        if not (at_once or due or said != self._said):
            return
        self._said, self._said_ns = said, now
        desk.say(ExecutionState(said[0], reason, desk.open_symbols(), desk.corrections, self._universe_version))
        if not due:
            return
        for held in desk.ledger.open():
            desk.say_position(held.symbol)
        if not desk.journal_ok:
            self._words.keep(now)  # Try the disk again.
