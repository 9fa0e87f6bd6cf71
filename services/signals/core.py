"""The signal engine: events to books to opinions to wishes. Pure; time for signals is the records' own.

A decision is taken when a frame has changed a book. It is said when an entry is proposed, and when direction or
reason differ from what was said last, at most once in 250 ms per symbol.
"""

from __future__ import annotations

from services.signals import brackets, fuse
from services.signals.fuse import Fused
from services.signals.ids import intent_id
from services.signals.lane import Lane
from services.signals.market import Signal
from shared.clock import NS_PER_MS
from shared.config import Brackets, Signals
from shared.layout import meta_symbol
from shared.messages import (
    BookCopy,
    Decision,
    Events,
    ExecutionState,
    Intent,
    Lapped,
    Log,
    Message,
    Started,
    Universe,
)
from shared.ring import records
from shared.scale import Scale

QUIET_NS = 250 * NS_PER_MS
ENTER = "enter"


class SignalsCore:
    """State: one lane per symbol of the present generation, and what execution last said of itself."""

    def __init__(self, config: Signals, bracket: Brackets, stale_ms: int) -> None:
        self._config, self._bracket = config, bracket
        self._stale_ns = stale_ms * NS_PER_MS
        self._cooldown_ns = config.cooldown_ms * NS_PER_MS
        self._ttl_ns = config.intent_ttl_ms * NS_PER_MS
        shares = fuse.active(config.weights)
        self._names, self._shares = tuple(shares), tuple(shares.values())
        self._builders = fuse.builders(shares)
        self._run_id, self._epoch = "", 0
        self._generation = 0
        self._lanes: dict[int, Lane] = {}
        self._grids: dict[str, Scale] = {}  # Of the universe.
        self._entered_ns: dict[str, int] = {}
        self._state, self._open = "", frozenset[str]()
        self._decisions = 0

    def on_started(self, message: Started, now: int) -> list[Message]:
        """Learn whose ids to make."""
        self._run_id, self._epoch = message.run_id, message.epoch
        return []

    def on_universe(self, message: Universe, now: int) -> list[Message]:
        """Learn what may be traded."""
        self._grids = {rules.symbol: Scale(rules.tick, rules.lot) for rules in message.instruments}
        self._entered_ns = {name: ns for name, ns in self._entered_ns.items() if now - ns < self._cooldown_ns}
        for lane in self._lanes.values():
            lane.tradable = self._grids.get(lane.symbol) == lane.scale
        return []

    def on_execution_state(self, message: ExecutionState, now: int) -> list[Message]:
        """Learn whether anybody takes intents, and which symbols are taken."""
        self._state, self._open = message.state, frozenset(message.open_symbols)
        return []

    def on_lapped(self, message: Lapped, now: int) -> list[Message]:
        """Forget every book: the ring overtook us, or is another one."""
        lost = len(self._lanes)
        self._lanes, self._generation = {}, message.generation
        return [Log("INFO", "ring.joined", f"generation {message.generation}, {lost} books dropped")]

    def on_book_copy(self, message: BookCopy, now: int) -> list[Message]:
        """Begin, or begin again, with one symbol."""
        if message.generation != self._generation:
            self._lanes, self._generation = {}, message.generation
        lane = Lane(message, self._make_signals)
        lane.tradable = self._grids.get(lane.symbol) == lane.scale
        self._lanes[message.symbol_id] = lane
        return []

    def on_events(self, message: Events, now: int) -> list[Message]:
        """Follow the ring; judge each symbol once per frame of its book."""
        if message.generation != self._generation:
            return []
        out: list[Message] = []
        lanes = self._lanes
        for record in records(message.data):
            lane = lanes.get(meta_symbol(record[1]))
            if lane is not None and lane.hear(record):
                out += self._judge(lane, record[0], now)
        return out

    def _make_signals(self) -> list[Signal]:
        return [build(self._config) for build in self._builders]

    def _judge(self, lane: Lane, ring_seq: int, now: int) -> list[Message]:
        at_ns = lane.market.at_ns
        if not now - at_ns <= self._stale_ns:
            return []  # History, read to catch up: its prices are gone.
        scores = tuple(signal.score if at_ns < signal.fresh_until_ns else 0.0 for signal in lane.signals)
        fused = fuse.fuse(scores, self._shares, self._config.deadband)
        reason = self._reason(lane, fused, now)
        said = fused.direction, reason
        if reason != ENTER and (said == lane.said or now - lane.said_ns < QUIET_NS):
            return []
        self._decisions += 1
        lane.said = said
        decision = self._decision(lane, fused, scores, ring_seq, reason)
        if reason != ENTER:
            lane.said_ns = now
            return [decision]
        self._entered_ns[lane.symbol] = now
        return [self._intent(lane, decision, now), decision]

    def _reason(self, lane: Lane, fused: Fused, now: int) -> str:
        """Return why nothing is wished for, or ENTER. Written so that NaN never enters."""
        if fused.direction == 0:
            return "deadband"
        if not fused.confidence >= self._config.enter_confidence:
            return "confidence"
        entered_ns = self._entered_ns.get(lane.symbol)
        checks = (
            (lane.tradable, "universe"),
            (self._state == "running", "execution"),
            (lane.symbol not in self._open, "open"),
            (entered_ns is None or now - entered_ns >= self._cooldown_ns, "cooldown"),
            (self._levels(lane, fused.direction) is not None, "bracket"),
        )
        return next((reason for passed, reason in checks if not passed), ENTER)

    def _levels(self, lane: Lane, direction: int) -> brackets.Levels | None:
        bracket = self._bracket
        return brackets.levels(direction, _far_touch(lane, direction), bracket.stop_pct, bracket.target_pct)

    def _decision(self, lane: Lane, fused: Fused, scores: tuple[float, ...], ring_seq: int, reason: str) -> Decision:
        return Decision(
            decision=self._decisions,
            symbol=lane.symbol,
            direction=fused.direction,
            score=fused.score,
            confidence=fused.confidence,
            scores=scores,
            signals=self._names,
            best_bid_ticks=lane.book.best_bid,
            best_ask_ticks=lane.book.best_ask,
            generation=self._generation,
            ring_seq=ring_seq,
            book_ns=lane.market.book_ns,
            reason=reason,
        )

    def _intent(self, lane: Lane, decision: Decision, now: int) -> Intent:
        levels = self._levels(lane, decision.direction)
        assert levels is not None  # A reason not to enter was looked for.
        return Intent(
            intent_id=intent_id(self._run_id, self._epoch, decision.decision),
            symbol=lane.symbol,
            side=decision.direction,
            entry_ticks=_far_touch(lane, decision.direction),
            stop_ticks=levels.stop_ticks,
            target_ticks=levels.target_ticks,
            score=decision.score,
            confidence=decision.confidence,
            generation=self._generation,
            ring_seq=decision.ring_seq,
            book_ns=decision.book_ns,
            decided_ns=now,
            expires_ns=now + self._ttl_ns,
        )


def _far_touch(lane: Lane, direction: int) -> int:
    """Return the price at which an entry in this direction fills now."""
    return lane.book.best_ask if direction > 0 else lane.book.best_bid
