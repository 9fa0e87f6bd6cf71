"""The executor as a whole: intents, the end of a run, bad input, and that its journal tells it again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.execution.core import ExecutionCore
from services.execution.store import Store
from services.execution.wire import (
    BadRecord,
    CancelAllRequest,
    Commit,
    Finished,
    OrderRequest,
    PrivateDown,
    PrivateFrame,
    Recovered,
    StopRequest,
)
from shared.messages import ExecutionState, Fill, Intent, Log, PositionNews, RoundTrip, StopRequested, Tick, Verdict
from tests.services.execution.exchange_run import Run
from tests.services.execution.rig import (
    LIMITS,
    MS,
    NOTHING,
    NOW,
    Rig,
    blocking,
    execution_row,
    intent,
    order_row,
    position_row,
)


def test_an_intent_becomes_one_order_with_its_stop_inside() -> None:
    rig = Rig().start()
    rig.wish()
    request = rig.last(OrderRequest)
    assert (request.order_link_id, request.qty_lots, request.price_ticks) == ("abc-0-1-e", 8, 600_004)
    assert (request.stop_ticks, request.target_ticks, request.reduce_only) == (597_000, 606_000, False)
    verdict = rig.last(Verdict)
    told = (verdict.gates, verdict.checks)
    assert verdict == Verdict("abc-0-1", "BTCUSDT", "", 8.0, 600_004.0, rig.now, *told)
    assert blocking(verdict) == []


def test_an_intent_is_acted_on_once_for_ever() -> None:
    rig = Rig().start()
    rig.enter()
    rig.leave()
    rig.wish("abc-0-1")
    assert rig.last(Verdict).gate == "intent_new"
    assert len(rig.all(OrderRequest)) == 1


def test_an_intent_of_an_earlier_life_is_refused_after_a_restart() -> None:
    rig = Rig().start(Recovered((), ("abc-0-1",), (), (), 0, NOTHING.day, 0, 0, NOTHING.word), epoch=1)
    rig.wish("abc-0-1")
    assert rig.last(Verdict).gate == "intent_new"


def test_one_symbol_has_one_position_and_one_order_at_a_time() -> None:
    rig = Rig().start()
    rig.wish("abc-0-1")
    rig.wish("abc-0-2")
    assert rig.last(Verdict).gate == "no_pending_order"
    rig.push("execution", execution_row("x1", "abc-0-1-e", "0.008", rig.now))
    rig.wish("abc-0-3")
    assert rig.last(Verdict).gate == "one_position"


def test_todays_losses_end_the_trading_and_are_remembered_by_the_journal() -> None:
    lost_e8 = -LIMITS.max_daily_loss_e8
    recovered = Recovered((), (), (), (), 0, NOTHING.day, lost_e8, 0, NOTHING.word, 0, lost_e8)
    rig = Rig().start(recovered)
    rig.wish()
    assert rig.state == "latched"
    assert rig.last(Verdict).gate == "kill_switch"
    assert blocking(rig.last(Verdict)) == ["kill_switch", "state_running", "daily_loss_usdt"]


def test_yesterdays_losses_do_not_count() -> None:
    lost_e8 = -LIMITS.max_daily_loss_e8
    recovered = Recovered((), (), (), (), 0, NOTHING.day - 1, lost_e8, 0, NOTHING.word, 0, lost_e8)
    rig = Rig().start(recovered)
    rig.wish()
    assert rig.last(Verdict).gate == ""


def test_funding_moves_money_and_no_position() -> None:
    rig = Rig().start()
    rig.enter()
    before = rig.last(PositionNews)
    row = execution_row("fund", "", "0.008", rig.now, execType="Funding", execFee="0.05", execPrice="60000.123")
    said = rig.push("execution", row)
    after = rig.last(PositionNews)
    assert after.position_lots == before.position_lots
    assert after.realised_e8 == before.realised_e8 - 5_000_000
    assert not rig.all(Fill, said)
    rig.leave()
    assert rig.last(RoundTrip).fees_e8 == 2 * 26_400_000 + 5_000_000


def test_a_journal_that_cannot_be_written_stops_entries_and_is_tried_again() -> None:
    rig = Rig().start()
    rig.disk = "disk full"
    rig.wish("abc-0-1")
    rig.wait(1_100)
    rig.wish("abc-0-2")
    assert rig.last(Verdict).gate == "journal_writable"
    rig.disk = ""
    rig.wait(1_100)
    rig.wish("abc-0-3")
    assert rig.last(Verdict).gate == ""


# --- the end of a run -------------------------------------------------------------------------------------------------


def test_stop_flattens_waits_for_the_fill_and_says_flat() -> None:
    rig = Rig().start()
    rig.enter()
    rig.feed(StopRequested())
    request = rig.last(OrderRequest)
    assert request.reduce_only
    rig.feed(rig.reply(request))
    assert not rig.all(Finished)
    rig.leave(request.order_link_id)
    assert not rig.all(Finished), "the end is compared with the venue as well"
    rig.wait(50)
    assert rig.last(ExecutionState).state == "flat"
    assert rig.all(Finished) == [Finished(True)]
    assert rig.last(RoundTrip).reason == "flatten"


def test_stop_with_nothing_open_ends_with_the_next_comparison() -> None:
    rig = Rig().start()
    rig.feed(StopRequested())
    rig.wait(50)
    assert rig.all(Finished) == [Finished(True)]


def test_what_the_stream_never_told_of_is_booked_before_the_end() -> None:
    rig = Rig().start()
    rig.enter()
    funding = execution_row("funding-1", "", "0.008", rig.now, execType="Funding", execPrice="60000.00", orderId="f-1")
    rig.lists["executions"].insert(0, funding)
    rig.feed(StopRequested())
    request = rig.last(OrderRequest)
    rig.feed(rig.reply(request))
    rig.leave(request.order_link_id)
    rig.wait(50)
    assert rig.all(Finished) == [Finished(True)]
    booked = [row.fill.exec_id for commit in rig.all(Commit) for row in commit.executions]
    assert "funding-1" in booked


def test_a_venue_that_does_not_answer_does_not_hold_up_the_end() -> None:
    rig = Rig().start()
    rig.silent = {"positions"}
    rig.feed(StopRequested())
    rig.wait(3_400)
    assert not rig.all(Finished)
    rig.wait(200)
    assert rig.all(Finished) == [Finished(True)]
    assert "stop.unchecked" in [log.event for log in rig.all(Log)]


def test_stop_cancels_a_working_entry_and_waits_for_its_end() -> None:
    rig = Rig().start()
    rig.wish()
    rig.feed(rig.reply(rig.last(OrderRequest)))
    rig.feed(StopRequested())
    assert rig.all(CancelAllRequest)
    assert not rig.all(Finished)
    rig.push("order", order_row("abc-0-1-e", "Cancelled"))
    rig.wait(50)
    assert rig.last(Finished).clean


def test_stop_that_cannot_close_ends_in_time_and_names_what_stays_open() -> None:
    rig = Rig().start()
    rig.enter()
    rig.feed(StopRequested())
    rig.wait(3_400)
    assert not rig.all(Finished)
    rig.wait(150)
    assert rig.all(Finished) == [Finished(False)]
    (error,) = [line for line in rig.all(Log) if line.event == "stop.open"]
    assert "BTCUSDT" in error.text


def test_stop_with_keep_leaves_the_position_to_its_stop() -> None:
    rig = Rig(dataclasses.replace(LIMITS, flatten_on_stop=False)).start()
    rig.enter()
    rig.feed(StopRequested())
    rig.wait(50)
    assert rig.all(Finished) == [Finished(True)]
    assert rig.last(ExecutionState).state == "paused"
    assert not [request for request in rig.all(OrderRequest) if request.reduce_only]


def test_no_entry_after_a_stop() -> None:
    rig = Rig().start()
    rig.enter()
    rig.feed(StopRequested())
    rig.feed(replace(intent("abc-0-2", rig.now), symbol="ETHUSDT"))
    assert rig.last(Verdict).gate == "state_running"


# --- with the real exchange ------------------------------------------------------------------------------------------


def play(
    folder: Path, seed: int, *, faults: float = 0.0, deaf: float = 0.0, drops: float = 0.0, kills: float = 0.0
) -> Run:
    """Trade for 20 virtual seconds under these faults, then stop; the books agree and nothing stays open."""
    store = Store(folder / "orders.sqlite")
    run = Run(seed, store, faults=faults, deaf=deaf)
    run.trade(20, drops=drops, kills=kills)
    run.end()
    assert run.differences() == []
    assert [one for one in run.said if isinstance(one, Finished)] == [Finished(True)]
    assert run.exchange.ledger()["naked"]["naked_ms_max"] == 0
    store.close()
    return run


@pytest.mark.parametrize("seed", range(3))
def test_without_faults_nothing_is_ever_corrected(seed: int, tmp_path: Path) -> None:
    run = play(tmp_path, seed)
    assert run.count(RoundTrip) >= 5
    assert not [line for line in run.said if isinstance(line, Log) and line.event.startswith("correction")]


@pytest.mark.parametrize("seed", range(10, 16))
@pytest.mark.parametrize(
    "faults",
    [
        {"faults": 0.1},
        {"deaf": 0.05},
        {"drops": 0.003},
        {"kills": 0.003},
        {"faults": 0.1, "deaf": 0.02, "drops": 0.002, "kills": 0.002},
    ],
    ids=lambda faults: "+".join(faults),
)
def test_whatever_gets_lost_the_books_agree_in_the_end(seed: int, faults: dict[str, float], tmp_path: Path) -> None:
    run = play(tmp_path, seed, **faults)
    assert run.count(OrderRequest) >= 1


# --- what comes over the wire ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"x"', b'{"topic":5}', b'{"topic":"order","data":{}}'])
def test_a_frame_that_is_none_is_counted_and_followed_by_a_comparison(data: bytes) -> None:
    rig = Rig().start()
    before = len(rig.asked)
    said = rig.feed(PrivateFrame(data))
    assert len(rig.all(BadRecord, said)) == 1
    rig.wait(100)
    assert len(rig.asked) > before
    assert rig.state == "running"


def test_one_bad_record_does_not_hide_the_others() -> None:
    rig = Rig().start()
    rig.wish()
    good = execution_row("x1", "abc-0-1-e", "0.008", rig.now)
    rig.push("execution", {"symbol": "BTCUSDT"}, good | {"execId": "x0", "execPrice": "60000.15"}, good)
    assert len(rig.all(BadRecord)) == 2
    assert rig.last(PositionNews).position_lots == 8


@settings(max_examples=150)
@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda row: b'{"topic":"execution","data":[' + row + b"]}"))
def test_no_bytes_bring_the_executor_down_or_move_a_position(data: bytes) -> None:
    rig = Rig().start()
    rig.feed(PrivateFrame(data))
    rig.wait(100)
    assert rig.state == "running"
    assert not rig.all(PositionNews)


def test_the_state_is_said_again_every_second() -> None:
    rig = Rig().start()
    rig.enter()
    said = rig.wait(3_000)
    assert len(rig.all(ExecutionState, said)) == 3
    assert len(rig.all(PositionNews, said)) >= 3


def test_everything_remembered_is_bounded() -> None:
    rig = Rig().start()
    for number in range(1_500):
        rig.wish(f"abc-0-{number}", entry_ticks=1)
    assert len(rig.core._desk.pending) < 16
    assert len(rig.core._desk.orders) == 0


def test_the_same_inputs_give_the_same_words() -> None:
    rig = Rig().start()
    rig.enter()
    rig.push("position", position_row("0.008", ""))
    rig.wait(100)
    rig.feed(rig.reply(rig.last(StopRequest)))
    rig.feed(PrivateDown("reset"))
    rig.wait(11_000)
    rig.feed(StopRequested())
    again = ExecutionCore(LIMITS)
    said = [word for now, told in rig.told for word in getattr(again, told.HANDLER)(told, now)]
    assert said == rig.said


def test_nothing_is_done_before_the_journal_was_read() -> None:
    core = ExecutionCore(LIMITS)
    assert [type(word) for word in core.on_tick(Tick(), NOW)] == [ExecutionState]
    verdict = core.on_intent(intent(), NOW + MS)[0]
    assert isinstance(verdict, Verdict)
    assert verdict.gate == "state_running"


@settings(max_examples=100)
@given(
    st.builds(
        Intent,
        intent_id=st.text(max_size=40),
        symbol=st.sampled_from(["BTCUSDT", "ETHUSDT", ""]),
        side=st.integers(-2, 2),
        entry_ticks=st.integers(-(2**63), 2**63 - 1),
        stop_ticks=st.integers(-(2**63), 2**63 - 1),
        target_ticks=st.integers(-(2**63), 2**63 - 1),
        score=st.floats(),
        confidence=st.floats(),
        generation=st.integers(0, 2),
        ring_seq=st.just(0),
        book_ns=st.integers(-(2**63), 2**63 - 1),
        decided_ns=st.integers(-(2**63), 2**63 - 1),
        expires_ns=st.integers(-(2**63), 2**63 - 1),
    )
)
def test_every_intent_gets_exactly_one_verdict(wish: Intent) -> None:
    rig = Rig().start()
    said = rig.feed(wish)
    assert len(rig.all(Verdict, said)) == 1
    assert not rig.all(OrderRequest)
