"""One question about a stop at a time, and its answer belongs to the position it was asked for.

And no position is left to chance: not on its way out, not while that way is lost, not while the venue says nothing.
"""

from __future__ import annotations

import dataclasses

from services.execution.desk import Desk, Pending
from services.execution.parse import PositionUpdate
from services.execution.positions import Holding
from services.execution.stops import StopEdits
from services.execution.trailing import E6, TrailLimits
from services.execution.wire import Commit, OrderRequest, Reply, StopRequest
from shared.messages import ExecutionState, PositionNews
from tests.services.execution.rig import LIMITS, NOW, Rig, execution_row, exits, order_row, position_row, quote


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


def test_a_position_that_is_being_closed_is_guarded_until_it_is() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_100)  # Its time is over.
    leave = rig.last(OrderRequest)
    assert leave.reduce_only
    rig.feed(rig.reply(leave))  # Taken, says the venue, and then nothing comes of it.
    rig.push("position", position_row("0.008", ""))
    rig.wait(150)
    assert rig.last(StopRequest).urgent
    assert exits(rig) == [leave]


def test_a_way_out_that_nobody_knows_of_is_not_waited_for_without_a_stop() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_100)
    first = rig.last(OrderRequest)
    rig.feed(rig.reply(first, "unknown", 504, "HTTP 504"))
    rig.wait(200)
    assert exits(rig) == [first], "with its stop in place there is time to ask"
    rig.push("position", position_row("0.008", ""))
    for request in rig.all(StopRequest, rig.wait(100)):
        rig.feed(rig.reply(request, "rejected", 10001, "StopLoss should lower than base_price"))
    rig.wait(300)
    assert len(exits(rig)) == 2
    assert exits(rig)[1].reduce_only


def test_a_position_of_which_the_venue_says_nothing_gets_its_stop_once_and_in_time() -> None:
    rig = Rig().start()
    rig.wish()
    request = rig.last(OrderRequest)
    rig.feed(rig.reply(request))
    link = request.order_link_id
    rig.push("execution", execution_row("x1", link, "0.008", rig.now))
    rig.push("order", order_row(link, "Filled", "0.008"))
    rig.wait(100)
    (stop,) = rig.all(StopRequest)
    assert (stop.stop_ticks, stop.urgent) == (request.stop_ticks, True)
    rig.feed(rig.reply(stop, "already_done", 34040, "not modified"))
    rig.wait(500)
    assert rig.all(StopRequest) == [stop]
    assert exits(rig) == []
    assert rig.last(ExecutionState).corrections == 0


def test_a_position_that_was_there_at_the_start_is_read_first() -> None:
    rig = Rig()
    rig.lists["positions"] = [position_row("0.008")]
    rig.start()
    rig.wait(500)
    assert not rig.all(StopRequest)


def test_a_way_out_of_which_nothing_is_heard_is_not_waited_for_without_a_stop() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_100)
    rig.feed(rig.reply(rig.last(OrderRequest)))  # Taken, says the venue; then it neither fills nor ends.
    rig.push("position", position_row("0.008", ""))
    for request in rig.all(StopRequest, rig.wait(100)):
        rig.feed(rig.reply(request, "rejected", 10001, "StopLoss should lower than base_price"))
    rig.wait(200)
    assert len(exits(rig)) == 1
    rig.wait(200)
    assert len(exits(rig)) == 2


def test_a_move_without_an_answer_keeps_no_stop_from_being_set() -> None:
    rig = Rig(dataclasses.replace(LIMITS, trail=TrailLimits(from_e6=E6 // 2, distance_e6=E6 // 2))).start()
    rig.enter()
    (move,) = rig.all(StopRequest, rig.feed(quote(rig.now, best_bid_ticks=602_000, best_ask_ticks=602_001)))
    assert not move.urgent
    rig.push("position", position_row("0.008", ""))  # Deleveraging took it, and the move's answer is lost.
    (stop,) = rig.all(StopRequest, rig.wait(100))
    assert (stop.stop_ticks, stop.urgent) == (move.stop_ticks, True)
    assert not rig.all(StopRequest, rig.wait(200)), "one such question is enough"
    rig.feed(rig.reply(stop))
    rig.feed(rig.reply(move, "unknown", 0, "ReadTimeout"))
    assert rig.last(PositionNews).stop_ticks == stop.stop_ticks
    assert exits(rig) == []


def test_a_way_out_that_helped_is_followed_by_the_next_without_delay() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_100)
    for left, number in ((6, 1), (4, 2), (2, 3)):
        link = rig.last(OrderRequest).order_link_id
        assert len(exits(rig)) == number
        rig.feed(rig.reply(rig.last(OrderRequest)))
        rig.push("execution", execution_row(f"out-{number}", link, "0.002", rig.now, side="Sell"))
        rig.push("order", order_row(link, "PartiallyFilledCanceled", "0.002", side="Sell"))
        rig.push("position", position_row(f"0.00{left}"))
        rig.wait(250)
