"""What the stream does not tell of a position's stop is read, and a reading is no newer than it is."""

from __future__ import annotations

import dataclasses

from services.execution.desk import Desk
from services.execution.parse import PositionUpdate
from services.execution.wire import OrderRequest, Query, StopRequest
from shared.messages import ExecutionState, PositionNews
from tests.services.execution.rig import LIMITS, MS, Rig, execution_row, order_row, position_row

WATCHED = dataclasses.replace(LIMITS, watch_ns=300 * MS, time_exit_ns=0)


def looks(rig: Rig) -> list[Query]:
    return [query for query in rig.asked if query.kind == "watch"]


def opened() -> Rig:
    rig = Rig(WATCHED)
    rig.lists["watch"] = []
    rig.start()
    rig.enter()
    rig.lists["watch"] = [position_row("0.008")]
    return rig


def test_stops_are_read_while_something_is_held_and_only_then() -> None:
    rig = Rig(WATCHED)
    rig.lists["watch"] = []
    rig.start()
    rig.wait(2_000)
    assert not looks(rig)
    rig.enter()
    rig.lists["watch"] = [position_row("0.008")]
    rig.wait(3_000)
    assert len(looks(rig)) == 10
    assert rig.last(ExecutionState).corrections == 0


def test_a_stop_that_vanished_in_silence_is_set_again_within_half_a_second() -> None:
    rig = opened()
    rig.lists["watch"] = [position_row("0.008", "")]
    since = rig.now
    while not rig.all(StopRequest):
        rig.wait(50)
    assert rig.now - since <= 450 * MS


def test_an_entry_that_filled_in_silence_is_found_and_its_position_gets_its_stop_within_half_a_second() -> None:
    rig = Rig(WATCHED)
    rig.lists["watch"] = []
    rig.start()
    rig.wish()
    request = rig.last(OrderRequest)
    rig.feed(rig.reply(request))
    rig.wait(400)
    assert len(looks(rig)) == 1, "what rests may fill"
    link = request.order_link_id
    rig.lists["watch"] = rig.lists["positions"] = [position_row("0.004", "")]
    rig.lists["order"] = [order_row(link, "PartiallyFilled", "0.004")]
    rig.lists["order_executions"] = [execution_row("silent", link, "0.004", rig.now)]
    since = rig.now
    while not rig.all(StopRequest):
        rig.wait(50)
    assert rig.now - since <= 500 * MS
    assert rig.last(PositionNews).position_lots == 4


def test_an_entry_that_rests_unfilled_is_asked_about_no_further() -> None:
    rig = Rig(WATCHED)
    rig.lists["watch"] = []
    rig.start()
    rig.wish()
    rig.feed(rig.reply(rig.last(OrderRequest)))
    rig.wait(1_200)
    assert len(looks(rig)) == 4
    assert not [query for query in rig.asked if query.kind == "order"]


def test_a_reading_asked_for_before_the_stream_spoke_is_not_believed() -> None:
    desk = Desk(WATCHED)
    desk.see(PositionUpdate("BTCUSDT", 8, 0, 597_000, 0), now=1_000)
    desk.see(PositionUpdate("BTCUSDT", 8, 0, 0, 0), now=1_500, asked_ns=999)
    assert desk.views["BTCUSDT"].stop_ticks == 597_000
    desk.see(PositionUpdate("BTCUSDT", 8, 0, 0, 0), now=1_500, asked_ns=1_001)
    assert desk.views["BTCUSDT"].stop_ticks == 0


def test_a_reading_that_the_venue_itself_calls_older_is_not_believed() -> None:
    rig = opened()
    rig.push("position", position_row("0.008", "59800.00", updatedTime="2000"))
    rig.lists["watch"] = [position_row("0.008", "", updatedTime="1999")]
    rig.wait(1_000)
    assert not rig.all(StopRequest)
    rig.lists["watch"] = [position_row("0.008", "", updatedTime="2001")]
    rig.wait(500)
    assert rig.all(StopRequest)


def test_a_venue_whose_clock_was_set_back_is_believed_again_in_the_end() -> None:
    rig = opened()
    rig.push("position", position_row("0.008", "59800.00", updatedTime="9000"))
    rig.lists["watch"] = [position_row("0.008", "", updatedTime="5000")]
    rig.wait(6_000)
    assert rig.all(StopRequest)


def test_a_position_that_is_no_longer_listed_has_the_books_compared() -> None:
    rig = opened()
    rig.wait(3_000)
    before = len([query for query in rig.asked if query.kind == "executions"])
    rig.lists["watch"] = rig.lists["positions"] = []
    rig.wait(400)
    assert len([query for query in rig.asked if query.kind == "executions"]) > before
    rig.wait(1_000)
    assert rig.last(PositionNews).position_lots == 0


def test_a_position_just_opened_is_not_given_up_because_a_list_lags_behind() -> None:
    rig = opened()
    rig.lists["watch"] = rig.lists["positions"] = []  # As they were before the fill.
    rig.wait(1_500)
    assert rig.last(PositionNews).position_lots == 8
    assert rig.last(ExecutionState).corrections == 0
    rig.lists["watch"] = rig.lists["positions"] = [position_row("0.008")]
    rig.wait(2_000)
    assert rig.last(ExecutionState).corrections == 0
    assert len(rig.all(OrderRequest)) == 1


def test_readings_that_fail_are_asked_for_again_and_say_nothing() -> None:
    rig = opened()
    rig.silent.add("watch")
    rig.wait(3_000)
    assert len(looks(rig)) >= 9
    assert not rig.all(StopRequest)
