"""The signal engine: events to books to opinions to wishes. Pure; time for signals is the records' own.

A decision is taken when a frame has changed a book. It is said when an entry is proposed, and when direction or
reason differ from what was said last, at most once in 250 ms per symbol.
"""

from __future__ import annotations

from services.signals import brackets
from services.signals.backfill import Backfill
from services.signals.holds import LEAVE, SURE_NS, TRAIL, Holds
from services.signals.ids import intent_id
from services.signals.lane import Lane
from services.signals.markouts import BPS, Markouts
from services.signals.reach import Reach, atr_of
from services.signals.strategy import RIPE, Opinion, Strategy, Weighed, builder, wants_candles
from services.signals.weights import Learner
from services.signals.wire import Concluded, KlineAnswer, KlineFailed, Learned
from shared.clock import NS_PER_MS, NS_PER_S
from shared.config import Config
from shared.layout import meta_symbol
from shared.messages import (
    BookCopy,
    Decision,
    Events,
    ExecutionState,
    Intent,
    Lapped,
    Leave,
    Log,
    Message,
    PositionNews,
    RoundTrip,
    Started,
    StopRequested,
    Tick,
    Tighten,
    Universe,
)
from shared.ring import records
from shared.scale import E8, Scale

QUIET_NS = 250 * NS_PER_MS
ENTER = "enter"
FILLS = 2  # Of a round trip; both cross the spread.


class SignalsCore:
    """State: one lane per symbol of the present generation, and what execution last said of itself."""

    def __init__(self, config: Config) -> None:
        self._config, self._bracket = config, config.brackets
        self._stale_ns = config.ingest.stale_ms * NS_PER_MS
        self._cooldown_ns = config.signals.cooldown_ms * NS_PER_MS
        self._ttl_ns = config.signals.intent_ttl_ms * NS_PER_MS
        reports = config.strategy == "orderflow"
        self._report_ns = int(config.orderflow.report_s * NS_PER_S) if reports else 0  # 0: only what changes is said.
        self._build = builder(config)
        self._backfill = Backfill(config.candles) if wants_candles(config) else None
        self._run_id, self._epoch = "", 0
        self._generation = 0
        self._lanes: dict[int, Lane] = {}
        self._grids: dict[str, Scale] = {}  # Of the universe.
        self._entered_ns: dict[str, int] = {}
        self._reaches: dict[str, tuple[Scale, Reach]] = {}  # They outlive a book, but not the grid they were seen on.
        self._taker_e8 = round(config.exchange.taker_fee * E8)
        self._holds = Holds(config.signals)
        self._markouts = Markouts(FILLS * config.exchange.taker_fee * BPS)
        probe = self._build(config, "")
        self._shares = probe.shares if isinstance(probe, Weighed) else ()
        learns = config.signals.adapt and bool(self._shares)
        self._learner = Learner(config.signals, dict(zip(probe.signals, self._shares, strict=True))) if learns else None
        self._state, self._open = "", frozenset[str]()
        self._decisions = 0

    def on_started(self, message: Started, now: int) -> list[Message]:
        """Learn whose ids to make."""
        self._run_id, self._epoch = message.run_id, message.epoch
        return []

    def on_universe(self, message: Universe, now: int) -> list[Message]:
        """Learn what may be traded; of what is leaving only the way out is left, and that is execution's."""
        staying = [rules for rules in message.instruments if rules.symbol not in message.leaving]
        self._grids = {rules.symbol: Scale(rules.tick, rules.lot) for rules in staying}
        self._entered_ns = {name: ns for name, ns in self._entered_ns.items() if now - ns < self._cooldown_ns}
        self._reaches = {name: kept for name, kept in self._reaches.items() if name in self._grids}
        for lane in self._lanes.values():
            lane.tradable = self._grids.get(lane.symbol) == lane.scale
        if self._backfill is not None:
            self._backfill.keep({*self._grids, *(lane.symbol for lane in self._lanes.values())})
        return []

    def on_execution_state(self, message: ExecutionState, now: int) -> list[Message]:
        """Learn whether anybody takes intents, and which symbols are taken."""
        self._state, self._open = message.state, frozenset(message.open_symbols)
        self._holds.keep(message)
        return []

    def on_position_news(self, message: PositionNews, now: int) -> list[Message]:
        """Learn what is held."""
        self._holds.hear(message, now)
        return []

    def on_round_trip(self, message: RoundTrip, now: int) -> list[Message]:
        """Learn what an entry was worth."""
        if self._learner is None:
            return []
        version = self._learner.version
        out = self._learner.close(message, now)
        if self._learner.version != version:
            self._weigh()
        return out

    def on_learned(self, message: Learned, now: int) -> list[Message]:
        """Go on with what an earlier run has learned."""
        if self._learner is None:
            return []
        if not self._learner.recall(message):
            return [Log("WARNING", "weights.other", "what was learned is of other signals: it is not used")]
        self._weigh()
        return [self._learner.news(now)]

    def on_lapped(self, message: Lapped, now: int) -> list[Message]:
        """Forget every book: the ring overtook us, or is another one."""
        if self._backfill is not None:
            self._backfill.lose()
        self._markouts.lose(now)
        lost = len(self._lanes)
        self._lanes, self._generation = {}, message.generation
        return [Log("INFO", "ring.joined", f"generation {message.generation}, {lost} books dropped")]

    def on_book_copy(self, message: BookCopy, now: int) -> list[Message]:
        """Begin, or begin again, with one symbol."""
        if message.generation != self._generation:
            self._lanes, self._generation = {}, message.generation
        lane = Lane(message, self._make_strategy, self._config.signals)
        lane.tradable = self._grids.get(lane.symbol) == lane.scale
        lane.course = self._markouts.course(lane.symbol, lane.scale)
        self._holds.blink(lane.symbol)
        self._lanes[message.symbol_id] = lane
        if self._bracket.policy == "atr":
            lane.reach = self._reach(lane)
        if self._backfill is not None:
            lane.follow(self._backfill.candles(lane.symbol, lane.scale))
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
        return [*out, *self._markouts.take(self._epoch)]

    def on_tick(self, _: Tick, now: int) -> list[Message]:
        """Ask for bars that are missing; let time pass in silent books."""
        self._markouts.tick(now)
        asked = [] if self._backfill is None else self._backfill.tick(now)
        return [*self._markouts.take(self._epoch), *asked]

    def on_stop_requested(self, _: StopRequested, now: int) -> list[Message]:
        """Say what is known so far of the decisions under way, and end."""
        self._markouts.close()
        return [*self._markouts.take(self._epoch), Concluded()]

    def on_kline_answer(self, message: KlineAnswer, now: int) -> list[Message]:
        """Take in the venue's bars."""
        return [] if self._backfill is None else self._backfill.answered(message, now)

    def on_kline_failed(self, message: KlineFailed, now: int) -> list[Message]:
        """Hear that there was no answer."""
        return [] if self._backfill is None else self._backfill.failed(message, now)

    def _make_strategy(self, symbol: str) -> Strategy:
        """Return a strategy that begins anew, with the weights in force."""
        self._holds.blink(symbol)
        strategy = self._build(self._config, symbol)
        if self._learner is not None and isinstance(strategy, Weighed):
            strategy.weigh(self._learner.shares)
        return strategy

    def _weigh(self) -> None:
        """Let every strategy take the weights in force."""
        assert self._learner is not None
        for lane in self._lanes.values():
            if isinstance(lane.strategy, Weighed):
                lane.strategy.weigh(self._learner.shares)

    def _judge(self, lane: Lane, ring_seq: int, now: int) -> list[Message]:
        at_ns = lane.market.at_ns
        if not now - at_ns <= self._stale_ns:
            return []  # History, read to catch up: its prices are gone.
        opinion = lane.strategy.opinion(lane.market)
        reason, stance = self._reason(lane, opinion, now), self._holds.stance(lane.symbol, opinion, now)
        leaving = self._holds.ask(lane.symbol, now) if stance == LEAVE else ""
        tight = [self._tighten(lane, opinion, now)] if stance == TRAIL and self._holds.sure(lane.symbol, now) else []
        said = opinion.direction, reason, stance
        silent_ns = now - lane.said_ns
        again = 0 < self._report_ns <= silent_ns
        if reason != ENTER and not leaving and ((said == lane.said and not again) or silent_ns < QUIET_NS):
            return list[Message](tight)
        self._decisions += 1
        lane.said = said
        decision = self._decision(lane, opinion, ring_seq, reason, stance, now)
        if lane.course is not None:
            self._markouts.begin(lane.course, decision, at_ns)
        if reason == ENTER:
            self._entered_ns[lane.symbol] = now
            return [self._intent(lane, decision, now), decision]
        lane.said_ns = now
        return [self._leave(decision, leaving, now), decision] if leaving else [*tight, decision]

    def _reason(self, lane: Lane, opinion: Opinion, now: int) -> str:
        """Return why nothing is wished for, or ENTER."""
        if opinion.reason != RIPE:
            return opinion.reason
        entered_ns = self._entered_ns.get(lane.symbol)
        checks = (
            (lane.tradable, "universe"),
            (self._state == "running", "execution"),
            (lane.symbol not in self._open and not self._holds.side(lane.symbol), "open"),
            (entered_ns is None or now - entered_ns >= self._cooldown_ns, "cooldown"),
            (self._levels(lane, opinion.direction) is not None, "bracket"),
        )
        return next((reason for passed, reason in checks if not passed), ENTER)

    def _levels(self, lane: Lane, direction: int) -> brackets.Levels | None:
        atr_ticks = 0.0
        if lane.reach is not None:
            candles = lane.market.candles
            series = candles.series[self._config.candles.interval] if candles is not None else None
            atr_ticks = lane.reach.ticks if series is None else atr_of(series.closed, self._bracket.atr_period)
        return brackets.levels(direction, _far_touch(lane, direction), self._bracket, self._taker_e8, atr_ticks)

    def _reach(self, lane: Lane) -> Reach:
        """Return what measures the symbol's range: it outlives the book, but not its grid."""
        scale, reach = self._reaches.get(lane.symbol, (None, None))
        if reach is None or scale != lane.scale:
            reach = Reach(round(self._bracket.atr_bar_s * NS_PER_S), self._bracket.atr_period)
            self._reaches[lane.symbol] = lane.scale, reach
        reach.interrupt()
        return reach

    def _decision(self, lane: Lane, opinion: Opinion, ring_seq: int, reason: str, stance: str, now: int) -> Decision:
        learner = self._learner
        return Decision(
            decision=self._decisions,
            symbol=lane.symbol,
            direction=opinion.direction,
            score=opinion.score,
            confidence=opinion.confidence,
            scores=opinion.scores,
            signals=lane.strategy.signals,
            best_bid_ticks=lane.book.best_bid,
            best_ask_ticks=lane.book.best_ask,
            generation=self._generation,
            ring_seq=ring_seq,
            book_ns=lane.market.book_ns,
            reason=reason,
            strategy=self._config.strategy,
            regime=opinion.regime,
            weights=self._shares if learner is None else learner.shares,
            weights_version=0 if learner is None else learner.version,
            decided_ns=now,
            stance=stance,
        )

    def _leave(self, decision: Decision, why: str, now: int) -> Leave:
        return Leave(
            symbol=decision.symbol,
            side=self._holds.side(decision.symbol),
            reason=why,
            confidence=decision.confidence,
            decided_ns=now,
            expires_ns=now + self._ttl_ns,
        )

    def _tighten(self, lane: Lane, opinion: Opinion, now: int) -> Tighten:
        side = self._holds.side(lane.symbol)
        return Tighten(lane.symbol, side, opinion.confidence, decided_ns=now, expires_ns=now + SURE_NS)

    def _intent(self, lane: Lane, decision: Decision, now: int) -> Intent:
        levels = self._levels(lane, decision.direction)
        assert levels is not None  # A reason not to enter was looked for.
        name = intent_id(self._run_id, self._epoch, decision.decision)
        if self._learner is not None:
            self._learner.enter(name, decision.direction, decision.scores, lane.scale)
        return Intent(
            intent_id=name,
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
