"""Orders are journalled, sent once, and followed to their end whatever gets lost."""

from __future__ import annotations

from typing import Any

from services.execution.tracker import GRACE_NS
from services.execution.wire import BadRecord, CancelRequest, Committed, OrderRequest, OrderRow, PrivateDown, Recovered
from shared.messages import ExecutionState, Fill, OrderNews, PositionNews
from tests.services.execution.rig import LIMITS, MS, NOTHING, NOW, Rig, execution_row, order_row

LINK = "abc-0-1-e"


def states(rig: Rig, link: str = LINK) -> list[str]:
    return [str(news.state) for news in rig.all(OrderNews) if news.order_link_id == link]


def sent(rig: Rig) -> OrderRequest:
    rig.start().wish()
    return rig.last(OrderRequest)


def test_an_order_leaves_only_after_its_row_is_on_disk() -> None:
    rig = Rig().start()
    rig.writes = False
    rig.wish()
    assert not rig.all(OrderRequest)
    assert rig.commits[-1].orders[0].state == "created"
    assert rig.commits[-1].intents[0].intent_id == "abc-0-1"


def test_no_disk_no_entry() -> None:
    rig = Rig().start()
    rig.disk = "disk I/O error"
    rig.wish()
    assert not rig.all(OrderRequest)
    assert states(rig) == ["dropped"]


def test_an_entry_that_expired_while_the_disk_was_slow_is_dropped() -> None:
    rig = Rig().start()
    rig.writes = False
    rig.wish()
    rig.now += 251 * MS
    rig.feed(committed(rig, ok=True))
    assert not rig.all(OrderRequest)
    assert states(rig) == ["dropped"]


def test_an_entry_is_dropped_when_the_stream_broke_while_it_was_journalled() -> None:
    rig = Rig().start()
    rig.writes = False
    rig.wish()
    rig.feed(PrivateDown("gone"))
    rig.feed(committed(rig, ok=True))
    assert not rig.all(OrderRequest)


def committed(rig: Rig, *, ok: bool) -> Committed:
    wanted = next(commit for commit in rig.commits if commit.intents)
    return Committed(wanted.commit_id, ok, "" if ok else "disk")


def test_a_fill_may_come_before_the_acknowledgement() -> None:
    rig = Rig()
    request = sent(rig)
    rig.push("execution", execution_row("x1", LINK, "0.008", rig.now))
    rig.push("order", order_row(LINK, "Filled", "0.008"))
    rig.feed(rig.reply(request))
    assert states(rig) == ["sent", "filled", "filled"]
    assert rig.last(PositionNews).position_lots == 8


def test_an_execution_heard_twice_counts_once() -> None:
    rig = Rig()
    sent(rig)
    row = execution_row("x1", LINK, "0.008", rig.now)
    rig.push("execution", row)
    assert not rig.all(Fill, rig.push("execution", row, row))
    assert rig.last(PositionNews).position_lots == 8


def test_a_partly_filled_order_that_is_cancelled_leaves_what_was_filled() -> None:
    rig = Rig()
    request = sent(rig)
    rig.feed(rig.reply(request))
    rig.push("execution", execution_row("x1", LINK, "0.003", rig.now))
    rig.push("order", order_row(LINK, "Cancelled", "0.003", rejectReason="EC_CancelForNoFullFill"))
    assert states(rig)[-1] == "cancelled"
    assert rig.last(OrderNews).filled_lots == 3
    assert rig.last(PositionNews).position_lots == 3


def test_a_cancelled_order_with_a_fill_still_on_its_way_is_not_over() -> None:
    rig = Rig()
    request = sent(rig)
    rig.feed(rig.reply(request))
    rig.push("order", order_row(LINK, "Cancelled", "0.003"))
    rig.wait(1000)
    assert rig.last(ExecutionState).open_symbols == ("BTCUSDT",)
    rig.push("execution", execution_row("x1", LINK, "0.003", rig.now))
    assert not list(rig.core._desk.orders.open())


def test_late_news_never_reopens_a_filled_order() -> None:
    rig = Rig().start()
    rig.enter()
    for status, filled in [("New", "0"), ("PartiallyFilled", "0.003"), ("Cancelled", "0.008")]:
        rig.push("order", order_row(LINK, status, filled))
    assert states(rig)[-1] == "filled"
    assert not list(rig.core._desk.orders.open())


def test_an_immediate_cancel_without_a_fill_frees_the_symbol() -> None:
    rig = Rig()
    request = sent(rig)
    rig.feed(rig.reply(request))
    rig.push("order", order_row(LINK, "Cancelled", rejectReason="EC_NoImmediateQtyToFill"))
    assert rig.last(OrderNews).reason == "EC_NoImmediateQtyToFill"
    rig.wait(1000)
    assert rig.last(ExecutionState).open_symbols == ()


def test_a_refused_order_is_over_and_says_why() -> None:
    rig = Rig()
    rig.feed(rig.reply(sent(rig), "rejected", 110007, "ab not enough for new order"))
    assert states(rig)[-1] == "rejected"
    assert "110007" in rig.last(OrderNews).reason


def test_a_timeout_is_unknown_and_is_found_by_asking() -> None:
    rig = Rig()
    request = sent(rig)
    rig.lists["order_history"] = [order_row(LINK, "Filled", "0.008")]
    rig.lists["order_executions"] = [execution_row("x1", LINK, "0.008", rig.now)]
    rig.feed(rig.reply(request, "unknown", 0, "ReadTimeout"))
    rig.wait(50)
    assert states(rig)[1:3] == ["unknown", "filled"]
    assert rig.last(PositionNews).position_lots == 8
    assert len(rig.all(OrderRequest)) == 1


def test_an_unknown_order_is_absent_only_after_its_window_and_two_rounds() -> None:
    rig = Rig()
    request = sent(rig)
    sent_ns = rig.now
    rig.feed(rig.reply(request, "unknown", 0, "ReadTimeout"))
    deadline_ns = LIMITS.recv_window_ns + GRACE_NS
    while rig.now - sent_ns < deadline_ns:
        rig.wait(50)
        assert states(rig)[-1] == "unknown"
    rounds = [query for query in rig.asked if query.kind == "order"]
    rig.wait(350)
    assert states(rig)[-1] == "unknown"
    rig.wait(400)
    assert states(rig)[-1] == "absent"
    assert len([query for query in rig.asked if query.kind == "order"]) - len(rounds) >= 2
    rig.wait(3000)
    assert len(rig.all(OrderRequest)) == 1


def test_questions_that_fail_prove_nothing() -> None:
    rig = Rig()
    request = sent(rig)
    rig.silent = {"order_history"}
    rig.feed(rig.reply(request, "unknown", 0, "ReadTimeout"))
    rig.wait(8000)
    assert states(rig)[-1] == "unknown"
    rig.silent = set()
    rig.wait(1000)
    assert states(rig)[-1] == "absent"


def test_an_order_that_turns_up_after_all_is_taken_off_and_counted() -> None:
    rig = Rig()
    rig.feed(rig.reply(sent(rig), "unknown", 0, "ReadTimeout"))
    rig.wait(5000)
    assert states(rig)[-1] == "absent"
    rig.push("order", order_row(LINK, "New"))
    assert states(rig)[-1] == "live"
    assert rig.last(CancelRequest).order_link_id == LINK
    rig.wait(1000)
    assert rig.last(ExecutionState).corrections == 1


def test_silence_after_an_acknowledgement_is_followed_by_questions() -> None:
    rig = Rig()
    rig.feed(rig.reply(sent(rig)))
    rig.wait(1450)
    assert not [query for query in rig.asked if query.order_link_id]
    rig.lists["order"] = [order_row(LINK, "Filled", "0.008")]
    rig.lists["order_executions"] = [execution_row("x1", LINK, "0.008", rig.now)]
    rig.wait(100)
    assert states(rig)[-1] == "filled"


def test_an_answer_that_never_comes_is_a_timeout_too() -> None:
    rig = Rig()
    sent(rig)
    rig.wait(3100)
    assert "unknown" in states(rig)


def test_a_name_that_is_taken_means_that_the_order_arrived() -> None:
    rig = Rig()
    request = sent(rig)
    rig.lists["order"] = [order_row(LINK, "Filled", "0.008")]
    rig.lists["order_executions"] = [execution_row("x1", LINK, "0.008", rig.now)]
    rig.feed(rig.reply(request, "accepted", 110072))
    rig.wait(50)
    assert states(rig)[-1] == "filled"


def test_fills_that_nobody_can_show_are_written_off_in_the_end() -> None:
    rig = Rig()
    rig.feed(rig.reply(sent(rig)))
    rig.lists["order"] = [order_row(LINK, "Cancelled", "0.003")]
    rig.lists["positions"] = []
    rig.wait(15_000)
    assert rig.last(ExecutionState).open_symbols == ()
    assert rig.last(ExecutionState).corrections == 1


def test_an_order_of_an_earlier_life_is_unknown_until_the_venue_has_spoken() -> None:
    row = OrderRow(LINK, "", "abc-0-1", "BTCUSDT", "0.10", "0.001", 1, "entry", "", "created", 8, 600_004, 597_000,
                   606_000, 0, 0, 0, NOW - 1000 * MS)  # fmt: skip
    rig = Rig()
    rig.lists["order"] = [order_row(LINK, "Filled", "0.008")]
    executions = [execution_row("x1", LINK, "0.008", NOW - 900 * MS)]
    rig.lists["order_executions"] = rig.lists["executions"] = executions
    rig.lists["positions"] = [{"symbol": "BTCUSDT", "size": "0.008", "side": "Buy", "stopLoss": "59700.00"}]
    rig.start(Recovered((row,), ("abc-0-1",), (), (), 0, NOTHING.day, 0, 0, NOTHING.word), epoch=1)
    rig.wait(500)
    assert states(rig)[:2] == ["unknown", "filled"]
    assert rig.last(PositionNews).position_lots == 8
    assert rig.last(PositionNews).stop_ticks == 597_000
    assert rig.state == "running"


def test_an_exit_leaves_without_the_disk() -> None:
    rig = Rig().start()
    rig.enter()
    rig.disk = "disk full"
    rig.wait(10_100)
    assert rig.last(OrderRequest).reduce_only


def test_an_exit_does_not_wait_long_for_a_disk_that_hangs() -> None:
    rig = Rig().start()
    rig.enter()
    rig.writes = False
    rig.wait(10_050)
    assert not rig.last(OrderRequest).reduce_only
    rig.wait(300)
    assert rig.last(OrderRequest).reduce_only


def fast_row(exec_id: str, qty: str, now: int, link: str = "") -> dict[str, Any]:
    """Return a row of execution.fast: no fee, no kind, and of a maker's fill no name of ours."""
    return {
        "symbol": "BTCUSDT", "execId": exec_id, "execQty": qty, "execPrice": "60000.00", "orderId": f"id-{LINK}",
        "orderLinkId": link, "isMaker": not link, "side": "Buy", "execTime": str(now // MS), "seq": 1,
    }  # fmt: skip


def test_an_early_word_of_a_maker_s_fill_finds_its_order_by_the_venue_s_id_and_books_nothing() -> None:
    rig = Rig()
    rig.feed(rig.reply(sent(rig)))
    said = rig.push("execution.fast", fast_row("x1", "0.003", rig.now))
    assert rig.last(OrderNews).filled_lots == 3
    assert not rig.all(Fill, said)
    rig.push("execution", execution_row("x1", LINK, "0.003", rig.now))
    rig.push("execution.fast", fast_row("x1", "0.003", rig.now))
    assert rig.last(PositionNews).position_lots == 3
    assert rig.last(OrderNews).filled_lots == 3


def test_an_order_that_an_early_word_ends_waits_for_its_executions() -> None:
    rig = Rig()
    rig.feed(rig.reply(sent(rig)))
    rig.push("execution.fast.linear", fast_row("x1", "0.003", rig.now), fast_row("x2", "0.005", rig.now))
    assert rig.last(OrderNews).state == "filled"
    assert rig.core._desk.orders.open()
    rig.lists["order_executions"] = [execution_row("x1", LINK, "0.003", rig.now)]
    rig.push("execution", execution_row("x2", LINK, "0.005", rig.now))
    rig.lists["positions"] = [{"symbol": "BTCUSDT", "size": "0.008", "side": "Buy", "stopLoss": "59700.00"}]
    rig.wait(1_600)
    assert not rig.core._desk.orders.open()
    assert rig.last(PositionNews).position_lots == 8


def test_an_early_word_of_somebody_else_s_order_is_nothing_to_us() -> None:
    rig = Rig().start()
    assert not rig.all(OrderNews, rig.push("execution.fast", fast_row("x1", "0.003", rig.now)))
    rig.push("execution.fast", {"symbol": "BTCUSDT", "execId": "x1", "execQty": "0", "orderId": "a"})
    assert rig.all(BadRecord)


def test_a_spot_word_for_a_cancelled_order_with_fills_means_the_same() -> None:
    rig = Rig()
    rig.feed(rig.reply(sent(rig)))
    rig.push("execution", execution_row("x1", LINK, "0.003", rig.now))
    rig.push("order", order_row(LINK, "PartiallyFilledCanceled", "0.003"))
    assert rig.last(OrderNews).state == "cancelled"
    assert not rig.core._desk.orders.open()


def test_an_order_may_be_rejected_after_it_was_acknowledged() -> None:
    rig = Rig()
    rig.feed(rig.reply(sent(rig)))
    rig.push("order", order_row(LINK, "Rejected", rejectReason="EC_Others"))
    assert rig.last(OrderNews).state == "rejected"
    rig.push("order", order_row(LINK, "New"))
    assert rig.last(OrderNews).state == "rejected"
