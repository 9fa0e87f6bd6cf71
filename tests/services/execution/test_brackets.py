"""The stop of an open position follows the price, one amendment at a time, and a part is closed on the way."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from services.execution.trailing import E6, TrailLimits
from services.execution.wire import CancelRequest, OrderRequest, RequestQuote, StopRequest
from shared.messages import Command, ExecutionState, Log, PositionNews, RoundTrip, Tighten, Universe
from tests.services.execution.rig import (
    BTC,
    LIMITS,
    MS,
    NOTHING,
    RUN,
    Rig,
    S,
    execution_row,
    order_row,
    position_row,
    quote,
)

ENTRY, STOP, TARGET = 600_001, 597_000, 606_000
RISK = ENTRY - STOP
TRAIL = TrailLimits(from_e6=E6 // 2, distance_e6=E6 // 2, tight_e6=E6 // 2)
PART = TrailLimits(partial_e6=E6 // 2, part_e6=E6 // 2)


def opened(trail: TrailLimits = TRAIL, **changes: Any) -> Rig:
    """Return a run with a position of 0.008 BTC at 60000.1 and its stop at 59700."""
    rig = Rig(dataclasses.replace(LIMITS, trail=trail, time_exit_ns=0, **changes)).start()
    rig.enter()
    return rig


def show(rig: Rig, gain: int, **changes: Any) -> list[StopRequest]:
    """Show a book in which the position has gained so many ticks; return what is asked of its stop."""
    bid = ENTRY + gain
    said = rig.feed(quote(rig.now, best_bid_ticks=bid, best_ask_ticks=bid + 1, **changes))
    return rig.all(StopRequest, said)


def test_books_are_looked_at_while_something_is_held_and_only_then() -> None:
    rig = Rig(dataclasses.replace(LIMITS, trail=TRAIL)).start()
    assert not rig.all(RequestQuote, rig.wait(500))
    rig.enter()
    assert {look.symbol for look in rig.all(RequestQuote, rig.wait(50))} == {"BTCUSDT"}
    rig.leave()
    assert not rig.all(RequestQuote, rig.wait(500))


def test_a_stop_follows_the_best_price_by_being_set_anew_and_is_never_taken_away() -> None:
    rig = opened()
    assert not show(rig, RISK // 2 - 1)
    (request,) = show(rig, 2_000)
    assert (request.symbol, request.stop_ticks, request.urgent) == ("BTCUSDT", ENTRY + 2_000 - 1_501, False)
    rig.feed(rig.reply(request))
    assert rig.last(PositionNews).stop_ticks == request.stop_ticks
    assert not rig.all(CancelRequest)
    assert not [order for order in rig.all(OrderRequest) if order.reduce_only]


def test_it_stays_where_it_is_when_the_price_comes_back() -> None:
    rig = opened()
    (request,) = show(rig, 2_000)
    rig.feed(rig.reply(request))
    rig.wait(1_000)
    for gain in (1_900, 1_000, 1_999):
        assert not show(rig, gain)


def test_one_move_of_a_stop_is_under_way_at_a_time() -> None:
    rig = opened()
    (request,) = show(rig, 2_000)
    rig.wait(1_000)
    assert not show(rig, 2_500)
    (second,) = rig.all(StopRequest, rig.feed(rig.reply(request)))
    assert second.stop_ticks == request.stop_ticks + 500


def test_moves_keep_their_distance_in_time_so_that_missing_stops_find_room() -> None:
    rig = opened()
    for step in range(40):  # Two seconds, and the price runs away.
        rig.wait(50)
        show(rig, 2_000 + 10 * step)
        rig.feed(rig.reply(rig.last(StopRequest)))
    assert len(rig.all(StopRequest)) == 10


def test_a_sure_signal_keeps_the_stop_closer_until_its_time_is_over_and_it_never_goes_back() -> None:
    rig = opened()
    rig.feed(Tighten("BTCUSDT", -1, 0.9, rig.now, rig.now + S))  # Of a short: another position.
    rig.feed(Tighten("BTCUSDT", 1, 0.9, rig.now - 2 * S, rig.now - S))  # Late.
    (request,) = show(rig, 2_000)
    assert request.stop_ticks == ENTRY + 2_000 - 1_501
    rig.feed(rig.reply(request))
    rig.wait(300)
    rig.feed(Tighten("BTCUSDT", 1, 0.9, rig.now, rig.now + S))
    closer = rig.last(StopRequest)
    assert closer.stop_ticks == ENTRY + 2_000 - 751
    rig.feed(rig.reply(closer))
    rig.wait(1_500)
    assert not show(rig, 2_100)
    (later,) = show(rig, 3_000)
    assert later.stop_ticks == ENTRY + 3_000 - 1_501


@pytest.mark.parametrize("outcome", ["unknown", "rejected"])
def test_a_move_that_did_not_work_is_left_alone_for_a_while_and_the_old_stop_stands(outcome: str) -> None:
    rig = opened()
    (request,) = show(rig, 2_000)
    rig.lists["positions"] = [position_row("0.008")]
    rig.feed(rig.reply(request, outcome, 110093, "expect Falling"))
    assert rig.last(PositionNews).stop_ticks == STOP
    rig.wait(500)
    assert not show(rig, 2_000)
    rig.wait(1_000)
    show(rig, 2_000)
    _, again = rig.all(StopRequest)
    assert again.stop_ticks == request.stop_ticks
    assert not [order for order in rig.all(OrderRequest) if order.reduce_only]


def test_a_move_of_unknown_fate_that_did_arrive_is_read_back_and_not_made_again() -> None:
    rig = opened()
    (request,) = show(rig, 2_000)
    rig.lists["positions"] = [position_row("0.008", f"{request.stop_ticks / 10:.2f}")]
    rig.feed(rig.reply(request, "unknown", 0, "ReadTimeout"))
    rig.wait(2_000)
    assert rig.last(PositionNews).stop_ticks == request.stop_ticks
    assert not show(rig, 2_000)


def test_already_so_is_as_good_as_done() -> None:
    rig = opened()
    (request,) = show(rig, 2_000)
    rig.feed(rig.reply(request, "already_done", 34040, "not modified"))
    assert rig.last(PositionNews).stop_ticks == request.stop_ticks


def test_a_stop_that_lies_behind_the_wanted_one_is_set_again() -> None:
    rig = opened()
    (request,) = show(rig, 2_000)
    rig.feed(rig.reply(request))
    rig.push("position", position_row("0.008"))  # A late request of an earlier position has undone it.
    assert not rig.all(StopRequest, rig.wait(250))
    (again,) = rig.all(StopRequest, rig.wait(400))
    assert again.stop_ticks == request.stop_ticks


def test_a_stop_that_somebody_moved_closer_is_not_moved_back() -> None:
    rig = opened()
    rig.push("position", position_row("0.008", "60000.00"))
    rig.wait(1_000)
    assert not rig.all(StopRequest)
    rig.push("position", position_row("0.008"))
    (request,) = rig.all(StopRequest, rig.wait(1_000))
    assert request.stop_ticks == 600_000


def test_nothing_moves_while_the_entry_is_still_being_filled() -> None:
    rig = Rig(dataclasses.replace(LIMITS, trail=TRAIL, time_exit_ns=0)).start()
    rig.wish()
    link = rig.last(OrderRequest).order_link_id
    rig.feed(rig.reply(rig.last(OrderRequest)))
    rig.push("execution", execution_row("x1", link, "0.004", rig.now))
    rig.push("order", order_row(link, "PartiallyFilled", "0.004"))
    rig.push("position", position_row("0.004"))
    assert not show(rig, 2_000)
    rig.push("execution", execution_row("x2", link, "0.004", rig.now))
    rig.push("order", order_row(link, "Filled", "0.008"))
    rig.push("position", position_row("0.008"))
    show(rig, 2_000)
    assert len(rig.all(StopRequest)) == 1


def test_a_position_that_is_being_left_keeps_its_stop_as_it_is() -> None:
    rig = opened()
    rig.feed(Command("c1", "flatten"))
    assert not show(rig, 2_000)


@pytest.mark.parametrize(
    "flaw", [{"valid": False}, {"recv_ns": 0}, {"best_bid_ticks": 603_000, "best_ask_ticks": 602_000}, {"tick": "0.01"}]
)
def test_a_book_that_is_not_to_be_trusted_moves_no_stop(flaw: dict[str, Any]) -> None:
    rig = opened()
    said = rig.feed(quote(rig.now, **{"best_bid_ticks": 602_001, "best_ask_ticks": 602_002} | flaw))
    assert not rig.all(StopRequest, said)


def test_a_missing_stop_is_set_where_it_was_last_and_not_where_it_began() -> None:
    rig = opened()
    (request,) = show(rig, 2_000)
    rig.feed(rig.reply(request))
    rig.push("position", position_row("0.008", ""))
    rig.wait(100)
    assert rig.last(StopRequest).stop_ticks == request.stop_ticks
    assert rig.last(StopRequest).urgent


def test_after_a_restart_the_stop_goes_on_from_where_it_was_measured_by_where_it_began() -> None:
    rig = opened()
    (request,) = show(rig, 2_000)
    rig.feed(rig.reply(request))
    (row,) = [row for commit in rig.commits for row in commit.positions][-1:]
    assert (row.stop_ticks, row.first_stop_ticks) == (request.stop_ticks, STOP)
    again = Rig(dataclasses.replace(LIMITS, trail=TRAIL, time_exit_ns=0))
    again.lists["positions"] = [position_row("0.008", f"{request.stop_ticks / 10:.2f}")]
    again.start(replace(NOTHING, positions=(row,)), epoch=1)
    again.wait(300)
    assert not show(again, 1_000)
    (later,) = show(again, 2_500)
    assert later.stop_ticks == ENTRY + 2_500 - 1_501


# --- a part of the position ---------------------------------------------------------------------------------------


def part(rig: Rig) -> OrderRequest:
    (request,) = [order for order in rig.all(OrderRequest) if order.order_link_id.startswith(f"{RUN}-0-p")]
    return request


def resting(rig: Rig) -> OrderRequest:
    """Let the part's order rest in the book."""
    rig.wait(50)
    request = part(rig)
    rig.feed(rig.reply(request))
    row = order_row(request.order_link_id, "New", side="Sell", qty="0.004", price=f"{request.price_ticks / 10:.2f}")
    rig.push("order", row)
    rig.lists["order"] = [row]
    rig.lists["open_orders"] = [row]
    return request


def test_a_part_is_a_resting_reduce_only_order_half_way_to_the_target_and_leaves_the_bracket_alone() -> None:
    rig = opened(PART)
    request = resting(rig)
    assert (request.reduce_only, request.post, request.side, request.qty_lots) == (True, True, -1, 4)
    assert request.price_ticks == (ENTRY + TARGET + 1) // 2
    assert (request.stop_ticks, request.target_ticks) == (0, 0)
    assert not rig.all(StopRequest)
    rig.wait(5_000)
    assert part(rig) == request


def test_by_default_there_is_no_such_part() -> None:
    rig = opened()
    rig.wait(1_000)
    assert [order.reduce_only for order in rig.all(OrderRequest)] == [False]


def test_the_part_is_closed_once() -> None:
    rig = opened(PART)
    link = resting(rig).order_link_id
    rig.push("execution", execution_row("p1", link, "0.004", rig.now, side="Sell", execPrice="60300.10"))
    rig.push("order", order_row(link, "Filled", "0.004", side="Sell", qty="0.004"))
    rig.push("position", position_row("0.004"))
    rig.lists["open_orders"], rig.lists["positions"] = [], [position_row("0.004")]
    rig.wait(5_000)
    assert part(rig)
    assert rig.last(PositionNews).position_lots == 4


@pytest.mark.parametrize(("share", "least"), [(1, 1), (E6 // 100, 1), (E6 // 4, 3), (E6 * 3 // 4, 3)])
def test_a_part_that_could_not_be_closed_by_itself_or_would_leave_such_a_rest_is_not_taken(
    share: int, least: int
) -> None:
    rig = Rig(dataclasses.replace(LIMITS, trail=PART._replace(part_e6=share), time_exit_ns=0)).start()
    rig.feed(Universe(2, (replace(BTC, min_lots=least),), (1.0,)))
    rig.wait(100)
    rig.enter()
    rig.wait(1_000)
    assert not [order for order in rig.all(OrderRequest) if order.reduce_only]


def test_a_part_does_not_stand_in_the_way_of_the_exit_and_is_taken_off() -> None:
    rig = opened(PART)
    link = resting(rig).order_link_id
    said = rig.feed(Command("c1", "flatten"))
    (close,) = [order for order in rig.all(OrderRequest, said) if order.reduce_only]
    assert (close.qty_lots, close.price_ticks) == (8, 0)
    rig.wait(50)
    assert [cancel.order_link_id for cancel in rig.all(CancelRequest)] == [link]


def test_a_part_whose_position_is_gone_is_taken_off() -> None:
    rig = opened(PART)
    link = resting(rig).order_link_id
    rig.leave(stopOrderType="StopLoss")
    assert [cancel.order_link_id for cancel in rig.all(CancelRequest)] == [link]
    rig.push("order", order_row(link, "Cancelled", side="Sell", qty="0.004"))
    rig.lists["order"] = rig.lists["open_orders"] = []
    rig.wait(300)
    assert rig.last(RoundTrip).reason == "stop"
    assert rig.last(ExecutionState).open_symbols == ()


def test_a_part_that_the_book_would_have_taken_at_once_is_tried_again_at_the_touch() -> None:
    rig = opened(PART)
    rig.wait(50)
    first = part(rig)
    rig.feed(rig.reply(first))
    link = first.order_link_id
    rig.push(
        "order", order_row(link, "Cancelled", side="Sell", qty="0.004", rejectReason="EC_PostOnlyWillTakeLiquidity")
    )
    rig.wait(1_100)
    rig.feed(quote(rig.now, best_bid_ticks=604_000, best_ask_ticks=604_002))
    second = rig.last(OrderRequest)
    assert second.order_link_id != link
    assert second.price_ticks in (first.price_ticks, 604_002)


# --- what others got wrong ----------------------------------------------------------------------------------------


def test_that_a_position_is_open_takes_nothing_from_it_by_itself() -> None:
    rig = opened()
    rig.wish("abc-0-2")  # Refused: there is a position already.
    rig.wait(2_000)
    assert not [order for order in rig.all(OrderRequest) if order.reduce_only]
    assert [log.event for log in rig.all(Log) if log.level == "ERROR"] == []


def test_no_stop_is_ever_asked_for_before_there_is_a_position() -> None:
    rig = Rig(dataclasses.replace(LIMITS, trail=TRAIL, watch_ns=300 * MS)).start()
    rig.lists["watch"] = []
    rig.wish()
    rig.feed(rig.reply(rig.last(OrderRequest)))
    rig.wait(1_400)
    show(rig, 2_000)
    assert not rig.all(StopRequest)
    assert rig.all(OrderRequest)[0].stop_ticks == STOP  # It travels with the entry.


@pytest.mark.parametrize("timing", ["first_fill", "completion"])
def test_whenever_the_venue_brings_the_stop_of_a_partly_filled_entry_to_life_there_is_one(timing: str) -> None:
    rig = Rig(dataclasses.replace(LIMITS, trail=TRAIL, time_exit_ns=0)).start()
    rig.wish()
    link = rig.last(OrderRequest).order_link_id
    rig.feed(rig.reply(rig.last(OrderRequest)))
    rig.push("execution", execution_row("x1", link, "0.004", rig.now))
    rig.push("order", order_row(link, "PartiallyFilled", "0.004"))
    rig.push("position", position_row("0.004", "59700.00" if timing == "first_fill" else ""))
    rig.wait(100)
    requests = rig.all(StopRequest)
    assert [request.stop_ticks for request in requests] == ([] if timing == "first_fill" else [STOP])
    for request in requests:
        rig.feed(rig.reply(request))
    rig.push("execution", execution_row("x2", link, "0.004", rig.now))
    rig.push("order", order_row(link, "Filled", "0.008"))
    rig.push("position", position_row("0.008"))
    rig.lists["positions"] = [position_row("0.008")]
    rig.wait(2_000)
    assert len(rig.all(StopRequest)) == len(requests)
    assert not [order for order in rig.all(OrderRequest) if order.reduce_only]
    assert rig.last(ExecutionState).corrections == 0  # Neither timing is a fault.


def test_a_deleveraging_that_takes_the_stop_with_it_is_repaired_at_once_for_what_is_left() -> None:
    rig = opened()
    row = execution_row("adl", "", "0.004", rig.now, side="Sell", execType="AdlTrade", execPrice="60100.00")
    rig.push("execution", row)
    rig.push("position", position_row("0.004", ""))
    rig.wait(100)
    request = rig.last(StopRequest)
    assert (request.stop_ticks, request.urgent) == (STOP, True)
    rig.feed(rig.reply(request))
    assert rig.last(PositionNews).position_lots == 4
    assert rig.last(PositionNews).stop_ticks == STOP


def test_the_venue_s_own_closing_of_a_position_leaves_nothing_to_move_or_to_close() -> None:
    rig = opened()
    row = execution_row("bust", "", "0.008", rig.now, side="Sell", execType="BustTrade", execPrice="58000.00")
    rig.push("execution", row)
    rig.push("position", position_row("0", ""))
    rig.lists["positions"] = []
    show(rig, 2_000)
    rig.wait(1_000)
    assert not rig.all(StopRequest)
    assert len(rig.all(OrderRequest)) == 1


def test_a_stop_on_the_wrong_side_is_refused_and_the_position_is_left_rather_than_unprotected() -> None:
    rig = Rig(dataclasses.replace(LIMITS, time_exit_ns=0))
    rig.lists["positions"] = [position_row("0.008", "")]
    rig.start()
    rig.wait(500)
    request = rig.last(StopRequest)
    rig.feed(rig.reply(request, "rejected", 110092, "expect Rising"))  # The price is beyond it already.
    (close,) = [order for order in rig.all(OrderRequest) if order.reduce_only]
    assert (close.order_link_id, close.qty_lots, close.price_ticks) == (f"{RUN}-0-n1", 8, 0)
