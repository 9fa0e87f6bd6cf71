"""One question about a stop at a time, and its answer belongs to the position it was asked for."""

from __future__ import annotations

from services.execution.desk import Desk, Pending
from services.execution.parse import PositionUpdate
from services.execution.positions import Holding
from services.execution.stops import StopEdits
from services.execution.wire import Commit, Reply, StopRequest
from tests.services.execution.rig import LIMITS, NOW


def held(desk: Desk) -> Holding:
    """Return a long of 8 lots with a stop at 597000, as the venue shows it too."""
    desk.learn_scale("BTCUSDT", "0.10", "0.001")
    desk.ledger.adopt("BTCUSDT", desk.scales["BTCUSDT"], 8, 60_000 * 10**8, NOW)
    holding = desk.ledger.holdings["BTCUSDT"]
    holding.stop_ticks = 597_000
    desk.see(PositionUpdate("BTCUSDT", 8, 60_000 * 10**8, 597_000, 0), NOW)
    desk.take()
    return holding


def answer(request: StopRequest, outcome: str) -> tuple[Pending, Reply]:
    return Pending("exits", request.symbol), Reply(request.request_id, "StopRequest", outcome, 0, "", b"", NOW)


def asked(desk: Desk) -> StopRequest:
    (request,) = [one for one in desk.take() if isinstance(one, StopRequest)]
    return request


def test_what_is_wanted_is_written_down_with_the_question() -> None:
    desk = Desk(LIMITS)
    edits = StopEdits(desk)
    edits.ask("exits", held(desk), 598_000, urgent=True)
    commit, request = desk.take()
    assert isinstance(commit, Commit)
    assert isinstance(request, StopRequest)
    assert (commit.positions[0].stop_ticks, request.stop_ticks, request.tick) == (598_000, 598_000, "0.10")
    assert edits.busy("BTCUSDT")


def test_a_stop_that_was_set_or_was_there_already_is_believed() -> None:
    for outcome in ("accepted", "already_done"):
        desk = Desk(LIMITS)
        edits = StopEdits(desk)
        edits.ask("exits", held(desk), 598_000, urgent=True)
        assert edits.answered(*answer(asked(desk), outcome), NOW) is not None
        assert not edits.busy("BTCUSDT")
        assert desk.views["BTCUSDT"].stop_ticks == 598_000


def test_a_stop_that_was_refused_or_lost_is_not_believed() -> None:
    for outcome in ("rejected", "unknown"):
        desk = Desk(LIMITS)
        edits = StopEdits(desk)
        edits.ask("exits", held(desk), 598_000, urgent=True)
        edit = edits.answered(*answer(asked(desk), outcome), NOW)
        assert edit is not None
        assert (edit.before_ticks, edit.stop_ticks) == (597_000, 598_000)
        assert desk.views["BTCUSDT"].stop_ticks == 597_000


def test_an_answer_for_another_position_or_to_another_question_means_nothing() -> None:
    desk = Desk(LIMITS)
    edits, holding = StopEdits(desk), held(desk)
    edits.ask("exits", holding, 598_000, urgent=False)
    first = asked(desk)
    holding.opened_ns += 1  # It was closed, and another one is open.
    assert edits.answered(*answer(first, "accepted"), NOW) is None
    assert desk.views["BTCUSDT"].stop_ticks == 597_000
    edits.ask("exits", holding, 598_500, urgent=False)
    assert edits.answered(*answer(first, "accepted"), NOW) is None
    assert edits.busy("BTCUSDT")


def test_questions_about_what_is_gone_are_forgotten() -> None:
    desk = Desk(LIMITS)
    edits = StopEdits(desk)
    edits.ask("exits", held(desk), 598_000, urgent=True)
    edits.forget({"ETHUSDT"})
    assert not edits.busy("BTCUSDT")
