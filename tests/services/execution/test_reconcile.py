"""The venue's word becomes ours, after every start and reconnect, and every repair is counted."""

from __future__ import annotations

from services.execution.wire import CancelRequest, PositionRow, PrivateDown, PrivateUp, Recovered
from shared.messages import ExecutionState, PositionNews, RoundTrip, Verdict
from tests.services.execution.rig import ETH, MS, NOTHING, NOW, Rig, execution_row, order_row, position_row

HELD = PositionRow("BTCUSDT", "0.10", "0.001", 8, 6_000_010_000_000, 597_000, 606_000, NOW - 4_000 * MS,
                   -48_026_480_000, 1, 8, 4_800_008, 8, 0, 0, 26_400_000, -48_026_480_000)  # fmt: skip
OPEN = Recovered((), (), ("exec-in",), (HELD,), 3, NOTHING.day, 0, NOW // MS - 4_000, NOTHING.word)


def corrections(rig: Rig) -> int:
    return rig.last(ExecutionState).corrections


def test_nobody_trades_before_the_venue_was_compared_with() -> None:
    rig = Rig()
    rig.silent = {"positions"}
    rig.start()
    rig.wish()
    assert rig.state == "reconciling"
    assert rig.last(Verdict).gate == "state_running"
    rig.silent = set()
    rig.wait(2000)
    assert rig.state == "running"


def test_a_position_in_the_journal_that_the_venue_confirms_is_kept() -> None:
    rig = Rig()
    rig.lists["positions"] = [position_row("0.008")]
    rig.start(OPEN, epoch=1)
    assert (rig.state, corrections(rig)) == ("running", 0)
    news = rig.last(PositionNews)
    assert (news.position_lots, news.entry_e8, news.stop_ticks) == (8, 6_000_010_000_000, 597_000)


def test_a_close_that_happened_while_we_were_away_is_booked_from_the_list() -> None:
    rig = Rig()
    row = execution_row("exec-out", "", "0.008", NOW - 3_000 * MS, side="Sell", execPrice="59700.00",
                        stopOrderType="StopLoss")  # fmt: skip
    entry = execution_row("exec-in", "abc-0-1-e", "0.008", NOW - 4_000 * MS)
    rig.lists["executions"] = [row, entry]  # Newest first.
    rig.start(OPEN, epoch=1)
    trip = rig.last(RoundTrip)
    assert (trip.number, trip.reason, trip.qty_lots) == (4, "stop", 8)
    assert trip.net_e8 == -(600_001 - 597_000) * 8 * 10_000 - 2 * 26_400_000
    assert (rig.state, corrections(rig)) == ("running", 1)


def test_a_position_that_nothing_explains_is_believed_the_second_time() -> None:
    rig = Rig()
    rig.lists["positions"] = [position_row("0.005")]
    rig.start()
    assert rig.state == "reconciling"
    rig.wait(400)
    assert (rig.state, corrections(rig)) == ("running", 1)
    assert rig.last(PositionNews).position_lots == 5


def test_a_position_that_is_gone_without_a_trace_is_let_go() -> None:
    rig = Rig().start(OPEN, epoch=1)
    rig.wait(400)
    assert (rig.state, corrections(rig)) == ("running", 1)
    assert rig.last(PositionNews).position_lots == 0
    assert not rig.all(RoundTrip)


def test_a_difference_that_passes_is_no_correction() -> None:
    rig = Rig().start()
    rig.lists["positions"] = [position_row("0.008")]
    rig.now += 30_000 * MS
    rig.wait(100)
    rig.lists["positions"] = []
    rig.wait(1000)
    assert corrections(rig) == 0


def test_every_reconnect_of_the_stream_is_followed_by_a_comparison() -> None:
    rig = Rig().start()
    rig.enter()
    rig.feed(PrivateDown("reset"))
    assert rig.state == "reconciling"
    sold = execution_row(
        "exec-out", "", "0.008", rig.now, side="Sell", execPrice="60600.00", stopOrderType="TakeProfit"
    )
    rig.lists["executions"], rig.lists["positions"] = [sold], []
    rig.feed(PrivateUp())
    rig.wait(100)
    assert rig.last(RoundTrip).reason == "target"
    assert rig.state == "running"


def test_without_the_stream_the_venue_is_asked_every_second_and_nothing_is_entered() -> None:
    rig = Rig().start()
    rig.feed(PrivateDown("reset"))
    before = len([query for query in rig.asked if query.kind == "positions"])
    rig.wait(4000)
    assert len([query for query in rig.asked if query.kind == "positions"]) - before >= 3
    rig.wish()
    assert rig.last(Verdict).gate == "state_running"


def test_the_comparison_comes_back_on_its_interval() -> None:
    rig = Rig().start()
    before = len([query for query in rig.asked if query.kind == "positions"])
    rig.wait(31_000)
    assert len([query for query in rig.asked if query.kind == "positions"]) == before + 1
    assert corrections(rig) == 0


def test_an_open_order_of_ours_that_we_forgot_is_cancelled() -> None:
    rig = Rig()
    rig.lists["open_orders"] = [order_row("zzz-0-9-e", "New")]
    rig.start()
    assert rig.last(CancelRequest).order_link_id == "zzz-0-9-e"
    assert corrections(rig) == 1


def test_orders_of_others_and_stops_of_positions_are_left_alone() -> None:
    rig = Rig()
    rig.lists["open_orders"] = [
        order_row("somebody", "New"),
        order_row("", "Untriggered", stopOrderType="StopLoss", triggerPrice="59700.00", side="Sell"),
    ]
    rig.start()
    assert not rig.all(CancelRequest)
    assert (rig.state, corrections(rig)) == ("running", 0)


def test_a_symbol_whose_grid_is_unknown_is_asked_for_before_anything_is_concluded() -> None:
    rig = Rig()
    rig.lists["positions"] = [{"symbol": "XRPUSDT", "size": "10", "side": "Sell", "avgPrice": "0.5", "stopLoss": ""}]
    rig.lists["instrument"] = [
        {"symbol": "XRPUSDT", "priceFilter": {"tickSize": "0.0001"}, "lotSizeFilter": {"qtyStep": "1"}}
    ]
    rig.start()
    rig.wait(1500)
    assert rig.last(PositionNews).symbol == "XRPUSDT"
    assert rig.last(PositionNews).position_lots == -10
    assert corrections(rig) >= 1


def test_long_lists_are_read_page_by_page_and_booked_oldest_first() -> None:
    rig = Rig()
    rig.page = 2
    rows = [execution_row(f"exec-{n}", "", "0.001", NOW - 3_000 * MS + n * MS) for n in range(5)]
    out = execution_row("exec-out", "", "0.005", NOW - 2_000 * MS, side="Sell", execPrice="60100.00")
    rig.lists["executions"] = [out, *reversed(rows)]
    rig.start(Recovered((), (), (), (), 0, NOTHING.day, 0, NOW // MS - 10_000, NOTHING.word))
    assert (rig.last(RoundTrip).qty_lots, rig.last(RoundTrip).side) == (5, 1)
    assert rig.state == "running"


def test_executions_are_asked_for_from_a_little_before_the_last_agreement() -> None:
    rig = Rig().start()
    agreed_ms = rig.core._reconciler.agreed_ns // MS
    rig.wait(31_000)
    assert [query.start_ms for query in rig.asked if query.kind == "executions"][-1] == agreed_ms - 10_000


def test_eth_and_btc_do_not_disturb_each_other() -> None:
    rig = Rig()
    rig.lists["positions"] = [position_row("0.008"), position_row("0.05", "1990.00", symbol=ETH.symbol)]
    rig.start(OPEN, epoch=1)
    rig.wait(400)
    assert {news.symbol: news.position_lots for news in rig.all(PositionNews)} == {"BTCUSDT": 8, "ETHUSDT": 5}
    assert corrections(rig) == 1
