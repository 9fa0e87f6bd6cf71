"""Positions are closed when they have to be, one order at a time, and never stay without a stop."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from services.execution.routing import RouteLimits
from services.execution.wire import CancelRequest, OrderRequest, StopRequest
from shared.messages import (
    BUY,
    SELL,
    Command,
    ExecutionState,
    Leave,
    Log,
    PositionNews,
    RoundTrip,
    Universe,
    Verdict,
)
from tests.services.execution.rig import (
    BTC,
    ETH,
    LIMITS,
    MS,
    NOTHING,
    RUN,
    Rig,
    execution_row,
    exits,
    order_row,
    position_row,
)  # fmt: skip


def test_a_position_older_than_its_time_is_closed_with_one_reduce_only_market_order() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(9_900)
    assert not exits(rig)
    rig.wait(2_000)
    (request,) = exits(rig)
    assert (request.side, request.qty_lots, request.price_ticks, request.stop_ticks) == (-1, 8, 0, 0)
    assert request.order_link_id == f"{RUN}-0-t1"
    assert len(request.order_link_id) <= 36


def test_a_time_exit_ends_the_round_trip_with_its_reason() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_100)
    request = exits(rig)[-1]
    rig.feed(rig.reply(request))
    rig.leave(request.order_link_id)
    trip = rig.last(RoundTrip)
    assert (trip.reason, trip.side, trip.number) == ("time", 1, 1)
    assert trip.net_e8 == (601_000 - 600_001) * 8 * 10_000 - 2 * 26_400_000
    assert rig.last(PositionNews).position_lots == 0
    rig.wait(2_000)
    assert len(exits(rig)) == 1
    assert rig.last(ExecutionState).open_symbols == ()


def leave(rig: Rig, side: int = BUY, late_ms: int = 0) -> Leave:
    return Leave("BTCUSDT", side, "confidence", 0.1, rig.now, rig.now + (250 - late_ms) * MS)


def test_a_wish_to_leave_closes_the_position_reduce_only_and_names_the_round_trip() -> None:
    rig = Rig().start()
    rig.enter()
    rig.feed(leave(rig))
    (request,) = exits(rig)
    assert (request.side, request.qty_lots, request.price_ticks, request.stop_ticks) == (SELL, 8, 0, 0)
    assert request.order_link_id == f"{RUN}-0-s1"
    kept = [row for commit in rig.commits for row in commit.orders if row.order_link_id == request.order_link_id]
    assert (kept[0].role, kept[0].reason) == ("exit", "signal")
    rig.feed(leave(rig))
    assert len(exits(rig)) == 1
    rig.feed(rig.reply(request))
    rig.leave(request.order_link_id)
    assert (rig.last(RoundTrip).reason, rig.last(RoundTrip).intent_id) == ("signal", "abc-0-1")
    rig.enter("abc-0-2")
    rig.wait(5_000)
    assert len(exits(rig)) == 1  # What was left is not what is held now.


@pytest.mark.parametrize("word", ["", "pause"])
def test_neither_a_word_nor_a_full_disk_stands_in_the_way_of_leaving(word: str) -> None:
    rig = Rig().start()
    rig.enter()
    rig.disk = "full"
    if word:
        rig.feed(Command("c1", word))
    rig.feed(leave(rig))
    rig.wait(300)
    assert [request.order_link_id for request in exits(rig)] == [f"{RUN}-0-s1"]


def test_a_wish_that_is_late_or_of_another_side_or_of_nothing_is_ignored() -> None:
    rig = Rig().start()
    rig.feed(leave(rig))
    rig.enter()
    rig.feed(leave(rig, SELL))
    rig.feed(leave(rig, 0))
    rig.feed(leave(rig, late_ms=251))
    rig.wait(1_000)
    assert not exits(rig)
    rig.feed(leave(rig, late_ms=250))
    assert len(exits(rig)) == 1


@pytest.mark.parametrize(("leg", "reason"), [("StopLoss", "stop"), ("TakeProfit", "target"), ("UNKNOWN", "outside")])
def test_the_venue_s_own_legs_name_the_round_trip(leg: str, reason: str) -> None:
    rig = Rig().start()
    rig.enter()
    rig.leave(stopOrderType=leg)
    assert rig.last(RoundTrip).reason == reason


def test_nothing_left_to_reduce_stops_the_asking_until_the_venue_was_compared_with() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_050)
    rig.lists["positions"] = []  # The stop was faster; its fill is still on the way.
    rig.feed(rig.reply(exits(rig)[-1], "rejected", 110017, "current position is zero"))
    rig.wait(200)
    assert len(exits(rig)) == 1
    rig.push("execution", execution_row("out", "", "0.008", rig.now, side="Sell", stopOrderType="StopLoss"))
    rig.wait(5_000)
    assert len(exits(rig)) == 1
    assert rig.last(RoundTrip).reason == "stop"
    assert rig.last(ExecutionState).corrections == 0


def test_nothing_left_to_reduce_and_no_fill_ever_ends_in_a_correction() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_050)
    rig.lists["positions"] = []
    rig.feed(rig.reply(exits(rig)[-1], "rejected", 110017, "current position is zero"))
    rig.wait(5_000)
    assert len(exits(rig)) == 1
    assert rig.last(PositionNews).position_lots == 0
    assert rig.last(ExecutionState).corrections == 1


def test_an_exit_that_found_an_empty_book_is_tried_again_under_a_new_name() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_050)
    first = exits(rig)[-1]
    rig.feed(rig.reply(first))
    rig.push("order", order_row(first.order_link_id, "Cancelled", side="Sell", rejectReason="EC_NoImmediateQtyToFill"))
    rig.wait(1_000)
    assert [request.order_link_id for request in exits(rig)][:2] == [f"{RUN}-0-t1", f"{RUN}-0-t2"]


def test_an_exit_that_fills_in_part_is_followed_by_one_for_the_rest() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_050)
    link = exits(rig)[-1].order_link_id
    rig.feed(rig.reply(exits(rig)[-1]))
    rig.push("execution", execution_row("out-1", link, "0.003", rig.now, side="Sell"))
    rig.push("order", order_row(link, "Cancelled", "0.003", side="Sell"))
    rig.wait(1_000)
    assert exits(rig)[-1].qty_lots == 5


def test_an_unknown_exit_is_asked_about_before_another_is_sent() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_050)
    rig.feed(rig.reply(exits(rig)[-1], "unknown", 0, "ReadTimeout"))
    rig.wait(3_000)
    assert len(exits(rig)) == 1
    rig.wait(3_000)
    assert len(exits(rig)) == 2


def test_a_position_without_a_stop_gets_one_at_once() -> None:
    rig = Rig().start()
    rig.enter()
    rig.push("position", position_row("0.008", ""))
    rig.wait(100)
    request = rig.last(StopRequest)
    assert (request.symbol, request.stop_ticks) == ("BTCUSDT", 597_000)
    rig.feed(rig.reply(request))
    assert rig.last(PositionNews).stop_ticks == 597_000
    rig.wait(2_000)
    assert len(rig.all(StopRequest)) == 1
    assert not exits(rig)
    assert rig.last(ExecutionState).corrections == 1


def test_frames_of_one_fill_may_come_apart_without_an_alarm() -> None:
    rig = Rig().start()
    rig.enter()
    rig.push("position", position_row("0.008", ""))
    rig.push("position", position_row("0.008"))
    rig.wait(1_000)
    assert not rig.all(StopRequest)


def test_a_position_whose_stop_is_refused_is_closed() -> None:
    rig = Rig().start()
    rig.enter()
    rig.push("position", position_row("0.008", ""))
    rig.wait(100)
    rig.feed(rig.reply(rig.last(StopRequest), "rejected", 110093, "expect Falling"))
    assert exits(rig)[-1].order_link_id == f"{RUN}-0-n1"
    assert [log.event for log in rig.all(Log) if log.level == "ERROR"] == ["position.naked"]


def test_a_stop_that_nobody_confirms_is_tried_twice_and_then_the_position_is_closed() -> None:
    rig = Rig().start()
    rig.enter()
    rig.lists["positions"] = [position_row("0.008", "")]
    rig.push("position", position_row("0.008", ""))
    for _ in range(2):
        rig.wait(100)
        rig.feed(rig.reply(rig.last(StopRequest), "unknown", 0, "HTTP 504"))
    rig.wait(100)
    assert len(rig.all(StopRequest)) == 2
    assert [request.order_link_id for request in exits(rig)] == [f"{RUN}-0-n1"]


def test_a_position_is_closed_within_half_a_second_whatever_becomes_of_its_stop() -> None:
    rig = Rig().start()
    rig.enter()
    rig.push("position", position_row("0.008", ""))
    rig.wait(350)
    assert len(rig.all(StopRequest)) == 1  # On its way, and no answer.
    assert not exits(rig)
    rig.wait(100)
    assert [request.order_link_id for request in exits(rig)] == [f"{RUN}-0-n1"]


def test_an_answer_to_a_stop_of_an_earlier_position_says_nothing_of_the_present_one() -> None:
    rig = Rig().start()
    rig.enter()
    rig.push("position", position_row("0.008", ""))
    rig.wait(100)
    old = rig.last(StopRequest)
    rig.leave()
    rig.wait(6_000)
    rig.enter("abc-0-2")
    rig.push("position", position_row("0.008", ""))
    rig.feed(rig.reply(old))
    assert rig.last(PositionNews).stop_ticks == 0
    rig.wait(100)
    assert rig.last(StopRequest).request_id != old.request_id


@pytest.mark.parametrize(
    ("foreign", "stops", "links"),
    [("adopt", 1, []), ("close", 1, [f"{RUN}-0-o1"]), ("ignore", 0, [])],
)
def test_a_position_that_we_did_not_open_is_adopted_closed_or_left_alone(
    foreign: str, stops: int, links: list[str]
) -> None:
    rig = Rig(dataclasses.replace(LIMITS, foreign=foreign))
    rig.lists["positions"] = [position_row("0.008", "")]
    rig.start()
    rig.wait(500)
    assert len(rig.all(StopRequest)) == stops
    for request in rig.all(StopRequest):
        rig.feed(rig.reply(request))
    assert [request.order_link_id for request in exits(rig)] == links
    rig.wait(1_000)
    assert rig.last(ExecutionState).open_symbols == ("BTCUSDT",)


def test_a_position_that_is_left_alone_stays_so_after_a_restart_and_for_ever_but_not_when_all_is_to_be_flat() -> None:
    rig = Rig(dataclasses.replace(LIMITS, foreign="ignore"))
    rig.lists["positions"] = [position_row("0.008", "")]
    rig.start()
    rig.wait(500)
    (row,) = [row for commit in rig.commits for row in commit.positions][-1:]
    again = Rig(dataclasses.replace(LIMITS, foreign="ignore"))
    again.lists["positions"] = [position_row("0.008", "")]
    again.start(replace(NOTHING, positions=(row,)), epoch=1)
    again.wait(12_000)
    assert not again.all(StopRequest)
    assert not exits(again)
    again.feed(Command("c1", "flatten"))
    assert exits(again)[-1].qty_lots == 8


def test_a_position_of_ours_is_never_taken_for_somebody_else_s() -> None:
    rig = Rig(dataclasses.replace(LIMITS, foreign="close")).start()
    rig.enter()
    rig.wait(1_000)
    assert not exits(rig)


def test_a_position_found_at_the_start_without_a_stop_gets_the_configured_one() -> None:
    rig = Rig()
    rig.lists["positions"] = [position_row("0.008", "")]
    rig.start()
    rig.wait(500)
    assert rig.last(StopRequest).stop_ticks == 597_001  # 60000.1 x 0.995, rounded up.


def test_a_position_of_whose_stop_the_venue_says_nothing_is_asked_about() -> None:
    rig = Rig().start()
    rig.wish()
    request = rig.last(OrderRequest)
    rig.feed(rig.reply(request))
    link = request.order_link_id
    rig.push("execution", execution_row("x1", link, "0.008", rig.now))
    rig.push("order", order_row(link, "Filled", "0.008"))
    rig.lists["positions"] = [position_row("0.008")]
    before = len([query for query in rig.asked if query.kind == "positions"])
    rig.wait(1_500)
    assert len([query for query in rig.asked if query.kind == "positions"]) > before
    assert rig.last(PositionNews).stop_ticks == 597_000


def test_the_first_way_out_is_held_near_the_touch_and_what_it_leaves_goes_at_any_price() -> None:
    rig = Rig(dataclasses.replace(LIMITS, route=RouteLimits(exit_slip_bps=30))).start()
    rig.enter()
    rig.wait(10_050)
    (first,) = exits(rig)
    assert first.slip_bps == 30
    rig.feed(rig.reply(first))
    rig.push("order", order_row(first.order_link_id, "Cancelled", side="Sell", rejectReason="EC_NoImmediateQtyToFill"))
    rig.wait(300)
    assert [request.slip_bps for request in exits(rig)] == [30, 0]


def test_a_flatten_waits_for_no_price() -> None:
    rig = Rig(dataclasses.replace(LIMITS, route=RouteLimits(exit_slip_bps=30))).start()
    rig.enter()
    rig.feed(Command("c1", "flatten"))
    assert [request.slip_bps for request in exits(rig)] == [0]


def test_a_symbol_that_leaves_is_closed_at_once_and_reported_released_only_when_it_is_flat() -> None:
    rig = Rig(dataclasses.replace(LIMITS, time_exit_ns=0)).start()
    rig.enter()
    leaving = Universe(2, (BTC, ETH), (1.0, 1.3), ("BTCUSDT",))
    said = rig.feed(leaving)
    (request,) = exits(rig)
    assert (request.side, request.qty_lots, request.order_link_id) == (-1, 8, f"{RUN}-0-w1")
    (state,) = rig.all(ExecutionState, said)
    assert (state.open_symbols, state.universe_version) == (("BTCUSDT",), 2)
    assert not exits(rig, rig.feed(leaving))  # Said again every second: nothing new.
    rig.feed(rig.reply(request))
    rig.leave(request.order_link_id)
    assert rig.last(RoundTrip).reason == "switch"
    rig.wait(1_000)
    state = rig.last(ExecutionState)
    assert (state.open_symbols, state.universe_version) == ((), 2)


def test_a_symbol_that_leaves_is_not_entered_and_its_working_entry_is_taken_off() -> None:
    rig = Rig().start()
    rig.wish("abc-0-1")
    entry = rig.last(OrderRequest)
    rig.feed(rig.reply(entry))
    said = rig.feed(Universe(2, (BTC, ETH), (1.0, 1.3), ("BTCUSDT",)))
    assert [request.order_link_id for request in rig.all(CancelRequest, said)] == [entry.order_link_id]
    assert rig.all(ExecutionState, said)[-1].open_symbols == ("BTCUSDT",)
    rig.push("order", order_row(entry.order_link_id, "Cancelled"))
    rig.wish("abc-0-2")
    assert rig.last(Verdict).gate == "symbol_stays"
    rig.feed(Universe(3, (BTC, ETH), (1.4, 1.0)))
    rig.wait(2_000)
    rig.wish("abc-0-3")
    assert rig.last(Verdict).gate == ""
