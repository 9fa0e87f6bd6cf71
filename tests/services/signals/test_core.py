from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.core import SignalsCore
from shared.config import Brackets, Signals, Weights
from shared.messages import (
    BUY,
    SELL,
    Decision,
    Events,
    ExecutionState,
    Instrument,
    Intent,
    Lapped,
    Log,
    Message,
    Started,
    Universe,
    encode,
)
from tests.services import feed
from tests.services.feed import MS, Ring, S

T0 = 1_000 * S
OBI_ONLY = Signals(weights=Weights(obi=1, umom=0))
LONG = [(1000, 90)], [(1001, 10)]
SHORT = [(1000, 10)], [(1001, 90)]
FLAT = [(1000, 50)], [(1001, 50)]


def rules(symbol: str = "SOLUSDT", tick: str = "0.01") -> Instrument:
    return Instrument(symbol, tick, "0.1", 1, 10**6, 10**6, 5 * 10**8, 480, 5_000, "Trading")


class Engine:
    """A core that has joined one book, with a hand on its clock."""

    def __init__(self, config: Signals = OBI_ONLY, *, state: str = "running", tick: str = "0.01") -> None:
        self.core, self.ring, self.now = SignalsCore(config, Brackets(), stale_ms=500), Ring(), T0
        self.core.on_started(Started("signals", "20260809-123456-ab12", 0), T0)
        self.core.on_universe(Universe(1, (rules(tick=tick),), (1.0,)), T0)
        self.core.on_lapped(Lapped(1), T0)
        self.core.on_book_copy(feed.copy(recv_ns=T0), T0)
        if state:
            self.state(state)

    def state(self, state: str = "running", open_symbols: tuple[str, ...] = ()) -> None:
        self.core.on_execution_state(ExecutionState(state, "", open_symbols, 0), self.now)

    def see(self, book: tuple[list[feed.Level], list[feed.Level]], after_ms: int = 1) -> list[Message]:
        self.now += after_ms * MS
        return self.hear(self.ring.levels(*book, recv_ns=self.now))

    def hear(self, events: Events) -> list[Message]:
        return self.core.on_events(events, self.now)


def only(outputs: list[Message], kind: type[Message] = Decision) -> Message:
    assert [type(each) for each in outputs] == [kind], outputs
    return outputs[0]


def test_a_lopsided_book_leads_to_an_intent_with_its_decision() -> None:
    engine = Engine()
    intent, decision = engine.see(LONG)
    assert isinstance(intent, Intent)
    assert isinstance(decision, Decision)
    assert (intent.side, intent.entry_ticks, intent.stop_ticks, intent.target_ticks) == (BUY, 1001, 995, 1012)
    assert (intent.decided_ns, intent.expires_ns, intent.book_ns) == (engine.now, engine.now + 250 * MS, engine.now)
    assert (intent.generation, intent.ring_seq) == (1, 1) == (decision.generation, decision.ring_seq)
    assert (decision.reason, decision.direction, decision.signals) == ("enter", 1, ("obi",))
    assert decision.scores == (decision.score,) == (intent.score,)
    assert len(intent.intent_id) <= 24


def test_selling_enters_at_the_bid() -> None:
    intent, _ = Engine().see(SHORT)
    assert isinstance(intent, Intent)
    assert (intent.side, intent.entry_ticks, intent.stop_ticks, intent.target_ticks) == (SELL, 1000, 1005, 990)


def test_after_an_entry_the_symbol_cools_down() -> None:
    engine = Engine()
    engine.see(LONG)
    assert only(engine.see(LONG)).reason == "cooldown"  # type: ignore[attr-defined]
    assert engine.see(LONG, after_ms=998) == []
    intent, _ = engine.see(LONG, after_ms=1)
    assert isinstance(intent, Intent)


def test_no_two_intents_share_an_id() -> None:
    engine = Engine()
    ids = [engine.see(LONG, after_ms=1_001)[0].intent_id for _ in range(5)]  # type: ignore[attr-defined]
    assert len(set(ids)) == 5


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda engine: engine.state("paused"), "execution"),
        (lambda engine: engine.state("running", ("SOLUSDT",)), "open"),
        (lambda engine: engine.core.on_universe(Universe(2, (rules("XRPUSDT"),), (1.0,)), T0), "universe"),
        (lambda engine: engine.core.on_universe(Universe(2, (rules(tick="0.1"),), (1.0,)), T0), "universe"),
    ],
)
def test_what_stands_against_an_entry_is_named(prepare: object, reason: str) -> None:
    engine = Engine()
    prepare(engine)  # type: ignore[operator]
    decision = only(engine.see(LONG))
    assert isinstance(decision, Decision)
    assert (decision.reason, decision.direction) == (reason, 1)


def test_nothing_is_wished_for_before_execution_has_spoken() -> None:
    assert only(Engine(state="").see(LONG)).reason == "execution"  # type: ignore[attr-defined]


def test_a_weak_opinion_is_named_and_a_flat_one_has_no_direction() -> None:
    weak = only(Engine().see(([(1000, 55)], [(1001, 45)])))
    assert isinstance(weak, Decision)
    assert (weak.reason, weak.direction) == ("confidence", 1)
    engine = Engine()
    engine.see(FLAT, after_ms=300)
    assert engine.core._lanes[0].said == (0, "deadband")


def test_only_changes_are_said_and_not_more_often_than_every_250_ms() -> None:
    engine = Engine(state="paused")
    assert only(engine.see(LONG)).reason == "execution"  # type: ignore[attr-defined]
    assert engine.see(LONG) == []
    assert engine.see(SHORT, after_ms=248) == []
    assert only(engine.see(SHORT, after_ms=1)).direction == -1  # type: ignore[attr-defined]
    assert engine.see(SHORT, after_ms=1_000) == []


def test_an_entry_does_not_wait_for_the_quiet_time() -> None:
    engine = Engine(state="paused")
    engine.see(LONG)
    engine.state("running")
    assert isinstance(engine.see(LONG)[0], Intent)


def test_frames_read_late_are_followed_but_not_acted_on() -> None:
    engine = Engine()
    events = engine.ring.levels(*LONG, recv_ns=engine.now)
    engine.now += 501 * MS
    assert engine.hear(events) == []
    assert engine.core._lanes[0].book.bids.lots_at_best == 90
    assert isinstance(engine.see(LONG)[0], Intent)


def test_after_a_gap_nothing_is_decided_until_a_snapshot() -> None:
    engine = Engine()
    assert engine.hear(engine.ring.gap(recv_ns=engine.now)) == []
    assert engine.see(LONG) == []
    assert isinstance(engine.hear(engine.ring.snapshot(*LONG, recv_ns=engine.now))[0], Intent)


def test_after_a_lap_nothing_is_decided_until_a_copy() -> None:
    engine = Engine()
    said = only(engine.core.on_lapped(Lapped(2), engine.now), Log)
    assert isinstance(said, Log)
    assert "1 books dropped" in said.text
    assert engine.see(LONG) == []
    engine.ring = Ring(first=7, generation=2)
    assert engine.see(LONG) == []
    engine.core.on_book_copy(feed.copy(ring_seq=engine.ring.seq, generation=2, recv_ns=engine.now), engine.now)
    assert isinstance(engine.see(LONG)[0], Intent)


def test_a_restart_of_the_feed_does_not_end_the_cooldown() -> None:
    engine = Engine()
    assert isinstance(engine.see(LONG)[0], Intent)
    engine.core.on_lapped(Lapped(2), engine.now)
    engine.ring = Ring(generation=2)
    engine.core.on_book_copy(feed.copy(generation=2, recv_ns=engine.now), engine.now)
    assert only(engine.see(LONG)).reason == "cooldown"  # type: ignore[attr-defined]


def test_records_of_another_generation_are_not_heard() -> None:
    engine = Engine()
    assert engine.hear(Ring(generation=9).levels(*LONG, recv_ns=engine.now)) == []
    assert engine.core._lanes[0].book.bids.lots_at_best == 10


def test_records_of_unknown_symbols_are_passed_over() -> None:
    engine = Engine()
    assert engine.hear(engine.ring.levels(*LONG, recv_ns=engine.now, symbol_id=5)) == []


def test_a_symbol_that_costs_one_tick_has_no_bracket() -> None:
    engine = Engine()
    engine.hear(engine.ring.levels([(1000, 0)], [(1001, 0)], recv_ns=engine.now))
    decision = only(engine.see(([(1, 10)], [(2, 90)])))
    assert isinstance(decision, Decision)
    assert (decision.direction, decision.reason) == (-1, "bracket")


level = st.tuples(st.integers(990, 1_010), st.integers(0, 100))
frames = st.lists(
    st.tuples(st.lists(level, max_size=4), st.lists(level, max_size=4), st.integers(0, 3_000), st.booleans()),
    max_size=30,
)


def tell(given_frames: list[tuple[list[feed.Level], list[feed.Level], int, bool]]) -> list[Message]:
    engine, out = Engine(Signals()), []
    for bids, asks, wait_ms, bought in given_frames:
        engine.now += wait_ms * MS
        if bids or asks:
            out += engine.hear(engine.ring.levels(bids, asks, recv_ns=engine.now))
        out += engine.hear(engine.ring.trade(1_000, 1 + wait_ms, bought=bought, recv_ns=engine.now))
    return out


@given(frames)
def test_whatever_the_book_does_decisions_are_sound_and_the_same_twice(
    given_frames: list[tuple[list[feed.Level], list[feed.Level], int, bool]],
) -> None:
    said = tell(given_frames)
    assert [encode(each) for each in said] == [encode(each) for each in tell(given_frames)]
    for each in said:
        assert isinstance(each, Intent | Decision)
        assert isfinite(each.score)
        assert -1 <= each.score <= 1
        assert 0 <= each.confidence <= 1
        if isinstance(each, Decision):
            assert 0 < each.best_bid_ticks < each.best_ask_ticks
            continue
        assert each.side * (each.entry_ticks - each.stop_ticks) > 0
        assert each.side * (each.target_ticks - each.entry_ticks) > 0
