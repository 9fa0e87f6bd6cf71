from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.signals.core import SignalsCore
from services.signals.wire import Concluded, Learned
from shared.config import Brackets, Config, Signals, Weights
from shared.messages import (
    BUY,
    SELL,
    Decision,
    Events,
    ExecutionState,
    Instrument,
    Intent,
    Lapped,
    Leave,
    Log,
    Markout,
    Message,
    PositionNews,
    RoundTrip,
    Started,
    StopRequested,
    Tick,
    Tighten,
    Universe,
    WeightsNews,
    encode,
)
from shared.scale import E8
from tests.services import feed
from tests.services.feed import MS, Ring, S

T0 = 1_000 * S
OBI_ONLY = Signals(weights=Weights(obi=1, umom=0, prt=0, ltb=0, sweep=0, ice=0, vwap=0, regime=0))
LONG = [(1000, 90)], [(1001, 10)]
SHORT = [(1000, 10)], [(1001, 90)]
FLAT = [(1000, 50)], [(1001, 50)]


def rules(symbol: str = "SOLUSDT", tick: str = "0.01") -> Instrument:
    return Instrument(symbol, tick, "0.1", 1, 10**6, 10**6, 5 * 10**8, 480, 5_000, "Trading")


class Engine:
    """A core that has joined one book, with a hand on its clock."""

    def __init__(self, config: Signals = OBI_ONLY, *, state: str = "running", tick: str = "0.01") -> None:
        self.core, self.ring, self.now = SignalsCore(Config(signals=config)), Ring(), T0
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
        (lambda engine: engine.core.on_universe(Universe(2, (rules(),), (1.0,), ("SOLUSDT",)), T0), "universe"),
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
    assert engine.core._lanes[0].said == (0, "deadband", "")


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


def held(engine: Engine, lots: int = 5) -> None:
    engine.core.on_position_news(PositionNews("SOLUSDT", lots, 1, 1, 1, engine.now, 0), engine.now)
    engine.state("running", ("SOLUSDT",) if lots else ())


def stances(said: list[Message]) -> list[str]:
    return [each.stance for each in said if isinstance(each, Decision)]


def test_a_held_position_is_no_reason_to_leave_it() -> None:
    """The origin of the strategy counted "already in position" as no confidence, and closed every position at once."""
    engine = Engine()
    engine.see(LONG)
    held(engine)
    said = [each for _ in range(200) for each in engine.see(LONG, after_ms=100)]
    assert {type(each) for each in said} == {Decision}
    assert {each.reason for each in said if isinstance(each, Decision)} == {"open"}
    assert set(stances(said)) <= {"hold", "trail"}
    engine.state("paused", ("SOLUSDT",))
    engine.core.on_universe(Universe(2, (rules("XRPUSDT"),), (1.0,)), engine.now)
    said = [each for _ in range(100) for each in engine.see(LONG, after_ms=100)]
    assert not [each for each in said if isinstance(each, Leave)]


def test_a_position_that_is_no_longer_believed_in_is_left_and_said_again_only_after_a_second() -> None:
    engine = Engine()
    engine.see(LONG)
    held(engine)
    said = [each for _ in range(80) for each in engine.see(FLAT, after_ms=100)]
    first, *others = [each for each in said if isinstance(each, Leave)]
    assert (first.symbol, first.side, first.reason) == ("SOLUSDT", BUY, "confidence")
    assert first.decided_ns - T0 >= 5 * S
    assert first.expires_ns == first.decided_ns + 250 * MS
    assert [each.decided_ns - first.decided_ns for each in others] == [S, 2 * S, 3 * S]
    assert stances(said)[0] == "hold"
    assert stances(said)[-1] == "leave"
    held(engine, 0)
    assert stances(engine.see(FLAT, after_ms=300)) == [""]


def test_an_opposite_opinion_leaves_and_enters_only_once_it_is_flat() -> None:
    engine = Engine()
    engine.see(LONG)
    held(engine)
    engine.see(LONG, after_ms=5_000)
    wish, decision = engine.see(SHORT)
    assert isinstance(wish, Leave)
    assert (wish.side, wish.reason) == (BUY, "against")
    assert isinstance(decision, Decision)
    assert (decision.direction, decision.reason, decision.stance) == (SELL, "open", "leave")
    held(engine, 0)
    assert isinstance(engine.see(SHORT)[0], Intent)


def test_while_it_is_very_sure_of_what_is_held_it_says_so_twice_a_second() -> None:
    engine = Engine(replace(OBI_ONLY, trail_confidence=0.7))
    engine.see(LONG)
    held(engine)
    said = [each for _ in range(21) for each in engine.see(LONG, after_ms=100)]
    wishes = [each for each in said if isinstance(each, Tighten)]
    assert {(wish.symbol, wish.side) for wish in wishes} == {("SOLUSDT", BUY)}
    assert [wish.decided_ns - wishes[0].decided_ns for wish in wishes] == [0, 500 * MS, S, 1_500 * MS, 2 * S]
    assert {wish.expires_ns - wish.decided_ns for wish in wishes} == {S}
    held(engine, -5)
    assert not [each for each in engine.see(LONG, after_ms=1_000) if isinstance(each, Tighten)]


def test_the_stop_of_the_atr_policy_waits_for_a_range_and_outlives_a_book_that_begins_anew() -> None:
    config = Config(signals=OBI_ONLY, brackets=Brackets(policy="atr", atr_bar_s=1, atr_min_pct=0.01))
    engine = Engine()
    engine.core = SignalsCore(config)
    engine.core.on_started(Started("signals", "20260809-123456-ab12", 0), T0)
    engine.core.on_universe(Universe(1, (rules(),), (1.0,)), T0)
    engine.core.on_lapped(Lapped(1), T0)
    engine.core.on_book_copy(feed.copy(recv_ns=T0), T0)
    engine.state()
    assert only(engine.see(LONG)).reason == "bracket"  # type: ignore[attr-defined]
    for _ in range(8):
        engine.see(([(1000, 50)], [(1001, 0), (1011, 50)]), after_ms=250)
        engine.see(([(1000, 50)], [(1001, 50), (1011, 0)]), after_ms=250)
    (intent,) = [each for each in engine.see(LONG, after_ms=300) if isinstance(each, Intent)]
    assert intent.entry_ticks - intent.stop_ticks == 10  # Two ranges of five ticks of the mid.
    assert intent.target_ticks - intent.entry_ticks == 20
    engine.core.on_book_copy(feed.copy(recv_ns=engine.now, ring_seq=engine.ring.seq), engine.now)
    (again,) = [each for each in engine.see(LONG, after_ms=1_000) if isinstance(each, Intent)]
    assert again.entry_ticks - again.stop_ticks == 10


def test_a_position_heard_of_before_its_symbol_is_open_is_not_entered_twice() -> None:
    engine = Engine()
    engine.core.on_position_news(PositionNews("SOLUSDT", -5, 1, 1, 1, T0, 0), T0)
    assert only(engine.see(LONG)).reason == "open"  # type: ignore[attr-defined]


def test_every_decision_gets_its_markout_when_time_has_passed_or_at_the_end() -> None:
    engine = Engine()
    engine.see(LONG)
    engine.now += 63 * S
    (said,) = engine.core.on_tick(Tick(), engine.now)
    assert isinstance(said, Markout)
    assert (said.decision, said.reason, said.signals, said.moved_bps) == (1, "enter", ("obi",), (0.0,) * 6)
    assert said.cost_bps == pytest.approx(11.0 + 1 / 1_000.5 * 1e4)
    engine.see(SHORT)
    blocked, end = engine.core.on_stop_requested(StopRequested(), engine.now)
    assert isinstance(blocked, Markout)
    assert (blocked.decision, blocked.direction) == (2, -1)
    assert isinstance(end, Concluded)


def test_what_entries_were_worth_changes_the_weights_and_outlives_the_engine() -> None:
    config = replace(OBI_ONLY, weights=replace(OBI_ONLY.weights, vwap=1), adapt_every=2, enter_confidence=0.1)
    engine, said = Engine(config), list[Message]()
    for number in range(12):
        intent = engine.see(LONG if number % 2 else SHORT, after_ms=1_001)[0]
        assert isinstance(intent, Intent)
        price_e8, net_e8 = 10 * E8, -5_000_000
        trip = RoundTrip(
            number, "SOLUSDT", intent.side, 10, price_e8, price_e8, 0, net_e8, 1, 2, "time", intent.intent_id
        )
        said += engine.core.on_round_trip(trip, engine.now)
        assert engine.core.on_round_trip(trip, engine.now) == []
    kept = [each for each in said if isinstance(each, Learned)]
    news = [each for each in said if isinstance(each, WeightsNews)]
    assert len(kept) == 12
    assert [each.version for each in news] == [1, 2, 3, 4, 5, 6]
    assert news[-1].multipliers == (0.5, 1.0)
    decision = engine.see(LONG, after_ms=1_001)[1]
    assert isinstance(decision, Decision)
    assert (decision.weights_version, decision.weights) == (6, news[-1].shares) == (6, pytest.approx((1 / 3, 2 / 3)))
    later = Engine(config)
    (recalled,) = later.core.on_learned(kept[-1], later.now)
    assert isinstance(recalled, WeightsNews)
    assert (recalled.version, recalled.shares) == (6, news[-1].shares)
    first = later.see(LONG)[1]
    assert isinstance(first, Decision)
    assert first.score == pytest.approx(first.scores[0] / 3 + first.scores[1] * 2 / 3)
    other = only(later.core.on_learned(replace(kept[-1], signals=("x",)), T0), Log)
    assert isinstance(other, Log)
    assert other.event == "weights.other"


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
