"""Entries rest, follow the touch, come off, and take what is left only while that is still wanted."""

from __future__ import annotations

import pytest

from services.execution.wire import (
    AmendRequest,
    CancelRequest,
    OrderRequest,
    OrderRow,
    PrivateDown,
    Recovered,
    RequestQuote,
)
from shared.messages import SELL, Command, Log, OrderNews, PositionNews
from tests.services.execution.poster import LINK, NEXT, POST, Poster
from tests.services.execution.rig import ASK, BID, MS, NOTHING, NOW, Rig, execution_row, intent, position_row, quote

TOO_LATE = ("already_done", 110001, "order not exists or too late to cancel")


def ended(rig: Poster, filled: str = "0") -> None:
    """Let the cancel that was asked for be carried out and told."""
    rig.feed(rig.reply(rig.last(CancelRequest)))
    rig.push("order", rig.row("Cancelled", filled, rejectReason="EC_PerCancelRequest"))


def links(rig: Rig) -> list[str]:
    return [request.order_link_id for request in rig.all(OrderRequest) if not request.reduce_only]


# --- choosing --------------------------------------------------------------------------------------------------------


def test_where_the_book_is_thin_the_entry_rests_at_the_near_touch_with_its_bracket_carried_along() -> None:
    request = Poster(POST._replace(mode="smart")).post()
    assert (request.post, request.price_ticks, request.order_link_id) == (True, BID, LINK)
    assert (request.stop_ticks, request.target_ticks) == (597_000 - (ASK - BID), 606_000 - (ASK - BID))


def test_where_the_book_is_narrow_and_liquid_the_entry_takes_at_once() -> None:
    rig = Poster(POST._replace(mode="smart")).start()
    rig.feed(quote(rig.now, bid_depth_lots=1_000, ask_depth_lots=1_000))
    rig.feed(intent("abc-0-1", rig.now))
    request = rig.last(OrderRequest)
    assert (request.post, request.price_ticks >= ASK, request.order_link_id) == (False, True, LINK)


def test_a_taking_entry_that_did_not_fill_is_not_tried_again() -> None:
    rig = Poster(POST._replace(mode="take")).start()
    rig.wish()
    rig.feed(rig.reply(rig.last(OrderRequest)))
    rig.push("order", rig.row("Cancelled", rejectReason="EC_NoImmediateQtyToFill"))
    rig.wait(3_000)
    assert links(rig) == [LINK]
    assert not rig.all(CancelRequest)


def test_books_are_looked_at_only_while_an_entry_rests() -> None:
    rig = Poster().start()
    rig.wait(500)
    assert not rig.all(RequestQuote)
    rig = Poster()
    rig.post()
    rig.wait(200)
    assert len(rig.all(RequestQuote)) == 4


# --- following the touch ---------------------------------------------------------------------------------------------


def test_a_resting_entry_follows_the_touch_and_its_stop_and_target_go_with_it() -> None:
    rig = Poster()
    sent = rig.post()
    rig.move(2)
    amend = rig.last(AmendRequest)
    assert (amend.order_link_id, amend.price_ticks) == (LINK, BID + 2)
    assert (amend.stop_ticks, amend.target_ticks) == (sent.stop_ticks + 2, sent.target_ticks + 2)
    rig.feed(rig.reply(amend))
    assert rig.last(OrderNews).price_ticks == BID + 2
    rig.fill("x1", "0.008")
    assert rig.core._desk.ledger.holdings["BTCUSDT"].stop_ticks == sent.stop_ticks + 2


def test_one_amendment_at_a_time_and_no_more_than_allowed_then_the_entry_comes_off() -> None:
    rig = Poster()
    rig.post()
    rig.move(1)
    rig.move(1)
    assert len(rig.all(AmendRequest)) == 1
    for _ in range(3):
        rig.feed(rig.reply(rig.last(AmendRequest)))
        rig.move(1)
    assert len(rig.all(AmendRequest)) == 3
    assert len(rig.all(CancelRequest)) == 1


def test_the_chase_ends_at_its_limit() -> None:
    rig = Poster(POST._replace(chase_bps=0.5))
    rig.post()
    rig.move(31)
    assert not rig.all(AmendRequest)
    assert rig.last(CancelRequest).order_link_id == LINK


def test_an_entry_that_is_partly_filled_keeps_its_price_since_the_bracket_is_in_force() -> None:
    rig = Poster()
    rig.post()
    rig.fill("x1", "0.003")
    rig.push("position", position_row("0.003"))
    rig.move(1)
    assert not rig.all(AmendRequest)
    assert rig.last(CancelRequest).order_link_id == LINK


def test_a_refused_amendment_takes_the_entry_off() -> None:
    rig = Poster()
    rig.post()
    rig.move(1)
    rig.feed(rig.reply(rig.last(AmendRequest), "rejected", 110059, "Cannot modify the TP/SL"))
    assert rig.last(CancelRequest).order_link_id == LINK
    assert len(links(rig)) == 1


def test_a_lost_amendment_is_settled_by_asking_and_the_entry_rests_on() -> None:
    rig = Poster()
    rig.post()
    rig.lists["order"] = [rig.row("New", price="60000.10", stopLoss="59700.00", takeProfit="60600.00")]
    rig.move(1)
    rig.feed(rig.reply(rig.last(AmendRequest), "unknown", 0, "ReadTimeout"))
    rig.wait(50)
    assert [query.kind for query in rig.asked if query.order_link_id] == ["order", "order_history", "order_executions"]
    assert rig.last(OrderNews).price_ticks == BID + 1
    assert not rig.all(CancelRequest)
    assert len(rig.all(AmendRequest)) == 1
    rig.move(1)
    assert len(rig.all(AmendRequest)) == 2


def test_an_old_word_of_the_venue_does_not_bring_an_old_price_back() -> None:
    rig = Poster()
    rig.post()
    before = rig.row("New", updatedTime=str(rig.now // MS - 5))
    rig.push("order", rig.row("New", price="60000.20"))
    rig.push("order", before)
    assert rig.core._desk.orders.find(LINK).price_ticks == BID + 2  # type: ignore[union-attr]


def test_the_place_in_the_queue_is_estimated_from_trades_and_cancels_and_told_with_the_order() -> None:
    rig = Poster()
    rig.post()
    assert rig.all(RequestQuote, rig.wait(50))[-1] == RequestQuote("BTCUSDT", BID)
    rig.bid_lots, rig.traded_lots = 30 + 8 + 70, 10  # Ten traded, ours joined, seventy came behind.
    rig.wait(100)
    rig.bid_lots -= 20  # Somebody cancelled: seven tenths of it are taken to be behind us.
    rig.wait(50)
    rig.push("order", rig.row("PartiallyFilled", "0.001"))
    assert rig.last(OrderNews).queue_lots == 24
    rig.fill("x1", "0.001")
    assert rig.last(OrderNews).queue_lots == 0, "nobody stands before what is filled"


def test_an_order_that_comes_off_says_what_stood_before_it() -> None:
    rig = Poster()
    rig.post()
    rig.bid_lots += 8  # Ours.
    rig.wait(150)
    rig.bid_lots, rig.traded_lots = 30 + 8, 10
    rig.wait(500)
    ended(rig)
    told = {news.state: news.queue_lots for news in rig.all(OrderNews) if news.order_link_id == LINK}
    assert told["cancelled"] == 30


# --- coming off ------------------------------------------------------------------------------------------------------


def test_after_its_time_the_entry_comes_off_and_only_a_proven_end_lets_the_rest_be_taken() -> None:
    rig = Poster()
    sent = rig.post()
    rig.wait(550)
    assert not rig.all(CancelRequest)
    rig.wait(100)
    rig.feed(rig.reply(rig.last(CancelRequest)))
    rig.wait(200)
    assert links(rig) == [LINK], "an accepted cancel is no end"
    rig.push("order", rig.row("Cancelled", rejectReason="EC_PerCancelRequest"))
    taken = rig.last(OrderRequest)
    assert (taken.order_link_id, taken.qty_lots, taken.post) == (NEXT, sent.qty_lots, False)
    assert taken.price_ticks >= ASK
    assert (taken.stop_ticks, taken.target_ticks) == (597_000, 606_000)


def test_an_order_that_rests_is_no_position() -> None:
    rig = Poster()
    rig.post()
    rig.wait(400)
    assert rig.core._desk.ledger.lots("BTCUSDT") == 0
    assert not [news for news in rig.all(PositionNews) if news.position_lots]


def test_the_last_leg_is_on_disk_before_it_leaves_under_a_name_of_its_own() -> None:
    rig = Poster()
    rig.post()
    rig.wait(650)
    rig.writes = False
    ended(rig)
    assert links(rig) == [LINK]
    (row,) = [row for commit in rig.commits for row in commit.orders if row.order_link_id == NEXT]
    assert (row.intent_id, row.state) == ("abc-0-1", "created")
    assert sum(len(commit.intents) for commit in rig.commits) == 1, "the intent itself is written once"


def test_what_was_filled_is_not_taken_again_even_when_the_fill_is_told_last() -> None:
    rig = Poster()
    rig.post()
    rig.wait(650)
    ended(rig, "0.003")
    assert links(rig) == [LINK], "three lots are not booked yet"
    rig.fill("x1", "0.003")
    assert rig.last(OrderRequest).qty_lots == 5


def test_a_fill_on_its_way_while_the_cancel_is_too_late_leaves_nothing_to_take() -> None:
    """Cancel failed because it filled: not a reason to enter again."""
    rig = Poster()
    rig.post()
    rig.wait(650)
    rig.lists["order"] = [rig.row("Filled", "0.008")]
    rig.lists["order_executions"] = [execution_row("x1", LINK, "0.008", rig.now, execPrice="60000.00")]
    rig.lists["positions"] = [position_row("0.008")]
    rig.feed(rig.reply(rig.last(CancelRequest), *TOO_LATE))
    rig.wait(2_000)
    assert links(rig) == [LINK]
    assert rig.last(PositionNews).position_lots == 8


def test_a_lost_cancel_is_asked_about_and_asked_for_again_while_the_order_stands() -> None:
    rig = Poster()
    rig.post()
    rig.wait(650)
    rig.lists["order"] = [rig.row("New")]
    rig.feed(rig.reply(rig.last(CancelRequest), "unknown", 0, "ReadTimeout"))
    rig.wait(400)
    assert len(rig.all(CancelRequest)) == 2
    assert links(rig) == [LINK]
    ended(rig)
    assert links(rig) == [LINK, NEXT]


def test_a_refused_cancel_is_asked_for_again_but_not_at_once() -> None:
    rig = Poster()
    rig.post()
    rig.wait(650)
    rig.feed(rig.reply(rig.last(CancelRequest), "rejected", 10006, "too many visits"))
    rig.wait(100)
    assert len(rig.all(CancelRequest)) == 1
    rig.wait(250)
    assert len(rig.all(CancelRequest)) == 2


def test_an_entry_that_would_have_taken_goes_on_to_the_last_leg() -> None:
    rig = Poster().start()
    rig.wish()
    rig.feed(rig.reply(rig.last(OrderRequest)))
    rig.push("order", rig.row("Cancelled", rejectReason="EC_PostOnlyWillTakeLiquidity"))
    assert links(rig) == [LINK, NEXT]


@pytest.mark.parametrize("status", ["Rejected", "Cancelled"])
def test_a_refusal_of_the_venue_is_not_tried_in_another_way(status: str) -> None:
    rig = Poster().start()
    rig.wish()
    if status == "Rejected":
        rig.feed(rig.reply(rig.last(OrderRequest)))
        rig.push("order", rig.row("Rejected", rejectReason="EC_Others"))
    else:
        rig.feed(rig.reply(rig.last(OrderRequest), "rejected", 110007, "not enough"))
    rig.wait(3_000)
    assert links(rig) == [LINK]


def test_a_lost_entry_that_proves_absent_is_not_tried_in_another_way() -> None:
    rig = Poster(POST._replace(stand_ns=60_000 * MS)).start()
    rig.wish()
    rig.feed(rig.reply(rig.last(OrderRequest), "unknown", 0, "ReadTimeout"))
    rig.wait(6_000)
    assert rig.last(OrderNews).state == "absent"
    assert links(rig) == [LINK]


# --- whether the signal still stands ---------------------------------------------------------------------------------


def test_a_weak_signal_rests_but_does_not_take() -> None:
    rig = Poster()
    rig.post(confidence=0.64)
    rig.wait(650)
    ended(rig)
    rig.wait(1_000)
    assert links(rig) == [LINK]


def test_an_old_signal_does_not_take() -> None:
    rig = Poster(POST._replace(stand_ns=600 * MS))
    rig.post()
    rig.wait(650)
    ended(rig)
    rig.wait(1_000)
    assert links(rig) == [LINK]


def test_the_last_leg_waits_for_the_book_as_it_is_then_and_its_gates_may_refuse_it() -> None:
    rig = Poster()
    rig.post()
    rig.wait(650)
    rig.blind = True
    ended(rig)
    assert links(rig) == [LINK]
    rig.ask += 2_000  # Wider than allowed.
    rig.blind = False
    rig.wait(50)
    assert links(rig) == [LINK]
    assert "spread_bps" in next(log.text for log in rig.all(Log) if log.event == "route.given_up")


def test_a_book_that_is_never_seen_again_ends_the_entry() -> None:
    rig = Poster()
    rig.post()
    rig.wait(650)
    rig.blind = True
    ended(rig)
    rig.wait(3_000)
    rig.blind = False
    rig.wait(500)
    assert links(rig) == [LINK]


# --- no longer wanted ------------------------------------------------------------------------------------------------


def test_a_pause_takes_a_resting_entry_off_and_nothing_is_taken_in_its_place() -> None:
    rig = Poster()
    rig.post()
    rig.feed(Command("c1", "pause"))
    assert rig.last(CancelRequest).order_link_id == LINK
    ended(rig)
    rig.wait(1_000)
    assert links(rig) == [LINK]


def test_an_opposite_signal_takes_a_resting_entry_off_for_good() -> None:
    rig = Poster()
    rig.post()
    rig.feed(intent("abc-0-2", rig.now, side=SELL, entry_ticks=BID, stop_ticks=603_000, target_ticks=594_000))
    assert rig.last(CancelRequest).order_link_id == LINK
    ended(rig)
    rig.wait(1_000)
    assert links(rig) == [LINK]


def test_without_the_private_stream_no_entry_keeps_resting() -> None:
    rig = Poster()
    rig.post()
    rig.feed(PrivateDown("gone"))
    assert rig.last(CancelRequest).order_link_id == LINK


def test_an_entry_whose_position_was_stopped_out_meanwhile_comes_off_for_good() -> None:
    rig = Poster()
    rig.post()
    rig.fill("x1", "0.003")
    rig.push("position", position_row("0.003"))
    assert not rig.all(CancelRequest)
    out = execution_row("out", "", "0.003", rig.now, side="Sell", stopOrderType="StopLoss", orderId="venue")
    rig.push("execution", out)
    assert rig.last(CancelRequest).order_link_id == LINK
    ended(rig, "0.003")
    rig.wait(1_000)
    assert links(rig) == [LINK]


def test_an_entry_left_resting_by_an_earlier_life_comes_off() -> None:
    row = OrderRow(LINK, "", "abc-0-1", "BTCUSDT", "0.10", "0.001", 1, "entry", "", "live", 8, BID, 597_000, 606_000,
                   0, 0, NOW, NOW)  # fmt: skip
    rig = Poster()
    rig.lists["order"] = rig.lists["open_orders"] = [rig.row("New")]
    rig.start(Recovered((row,), ("abc-0-1",), (), (), 0, NOTHING.day, 0, 0, NOTHING.word), epoch=1)
    rig.wait(100)
    assert rig.last(CancelRequest).order_link_id == LINK
    assert not rig.all(OrderRequest)
