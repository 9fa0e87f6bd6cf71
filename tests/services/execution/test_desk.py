"""One turn, one transaction; symbols keep the grid that their position is counted on."""

from __future__ import annotations

from services.execution.desk import PENDING_MAX, Desk
from services.execution.parse import PositionUpdate
from services.execution.wire import Commit, CorrectionRow, WordRow
from shared.messages import Log
from tests.services.execution.rig import LIMITS, NOW


def test_rows_of_a_turn_go_out_first_and_together() -> None:
    desk = Desk(LIMITS)
    desk.log("INFO", "x", "y")
    desk.keep(WordRow("paused", "", "run", NOW))
    desk.keep(CorrectionRow("order", "BTCUSDT", "z", NOW))
    commit, line = desk.take()
    assert isinstance(commit, Commit)
    assert isinstance(line, Log)
    assert (commit.commit_id, len(commit.words), len(commit.corrections)) == (1, 1, 1)
    assert desk.take() == []
    assert desk.commit_id == 2


def test_unanswered_requests_are_bounded() -> None:
    desk = Desk(LIMITS)
    for _ in range(PENDING_MAX + 5):
        desk.request_id("tracker", "x")
    assert len(desk.pending) == PENDING_MAX


def test_the_venue_s_bracket_is_said_only_while_something_is_held() -> None:
    desk = Desk(LIMITS)
    desk.learn_scale("BTCUSDT", "0.10", "0.001")
    desk.see(PositionUpdate("BTCUSDT", 0, 0, 0, 0))
    assert desk.take() == []
