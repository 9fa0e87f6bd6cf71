"""A change of tick or lot while something is open loses nothing, and what was read on the old grid goes on."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.execution.orders import Order, State
from services.execution.positions import Holding
from services.execution.regrid import change_of, regrid_holding, regrid_order
from services.execution.trailing import E6, TrailLimits
from services.execution.wire import OrderRequest, OrderRow, Query, StopRequest
from shared.messages import ExecutionState, Log, PositionNews, RoundTrip, Universe, Verdict
from shared.scale import Scale, common
from tests.services.execution.rig import BTC, LIMITS, NOTHING, RUN, Rig, execution_row, order_row, position_row, quote

FINER, COARSER = ("0.01", "0.0001"), ("1", "0.001")
steps = st.sampled_from(["1", "0.5", "0.1", "0.10", "0.05", "0.25", "0.01", "0.001", "10", "0.02"])


def grid_row(tick: str, lot: str) -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "priceFilter": {"tickSize": tick}, "lotSizeFilter": {"qtyStep": lot}}


def opened() -> Rig:
    rig = Rig(dataclasses.replace(LIMITS, time_exit_ns=0)).start()
    rig.enter()
    return rig


def regridded(rig: Rig, tick: str, lot: str) -> None:
    """Let the scanner say so."""
    rig.feed(Universe(2, (replace(BTC, tick=tick, lot=lot),), (1.0,)))


def test_a_position_is_counted_on_its_new_finer_grid_to_the_last_unit_of_money() -> None:
    rig = opened()
    cash = rig.last(PositionNews).realised_e8
    regridded(rig, *FINER)
    news = rig.last(PositionNews)
    assert (news.position_lots, news.stop_ticks, news.entry_e8) == (80, 5_970_000, 6_000_010_000_000)
    assert news.realised_e8 == cash
    (row,) = [row for commit in rig.commits for row in commit.positions][-1:]
    assert (row.tick, row.lot, row.position_lots, row.stop_ticks) == (*FINER, 80, 5_970_000)
    rig.lists["positions"] = []
    rig.push("execution", execution_row("out", "", "0.0080", rig.now, side="Sell", execPrice="60100.07"))
    trip = rig.last(RoundTrip)
    assert trip.net_e8 == (6_010_007 - 6_000_010) * 80 * 100 - 2 * 26_400_000
    assert (trip.entry_e8, trip.exit_e8) == (6_000_010_000_000, 6_010_007_000_000)


def test_a_fill_off_our_grid_makes_us_ask_for_the_new_one_and_is_booked_then() -> None:
    rig = opened()
    rig.lists["instrument"] = [grid_row(*FINER)]
    row = execution_row("out", "", "0.008", rig.now, side="Sell", execPrice="60100.07")
    rig.lists["executions"], rig.lists["positions"] = [row], []
    rig.push("execution", row)
    rig.wait(1_000)
    assert [query.symbol for query in rig.all(Query) if query.kind == "instrument"] == ["BTCUSDT"]
    assert rig.last(RoundTrip).exit_e8 == 6_010_007_000_000
    assert rig.last(ExecutionState).open_symbols == ()


def test_a_coarser_tick_moves_a_stop_to_where_it_is_reached_sooner_and_asks_the_venue_for_nothing() -> None:
    rig = Rig(dataclasses.replace(LIMITS, time_exit_ns=0)).start()
    rig.enter()
    rig.push("position", position_row("0.008", "59700.30"))
    regridded(rig, *COARSER)
    assert rig.last(PositionNews).stop_ticks == 59_701
    rig.push("position", position_row("0.008", "59701"))
    rig.lists["positions"] = [position_row("0.008", "59701")]
    rig.wait(2_000)
    assert not rig.all(StopRequest)
    assert rig.state == "running"


def test_old_fills_of_the_finer_grid_do_not_keep_the_books_from_being_compared() -> None:
    rig = opened()  # At 60000.1: no whole number of the new ticks.
    rig.lists["executions"] = [execution_row("exec-abc-0-1-e", "abc-0-1-e", "0.008", rig.now)]
    regridded(rig, *COARSER)
    rig.push("position", position_row("0.008", "59700"))
    rig.lists["positions"] = [position_row("0.008", "59700")]
    rig.wait(31_000)
    assert "reconcile.failed" not in [log.event for log in rig.all(Log)]
    assert rig.state == "running"
    assert rig.last(ExecutionState).corrections == 0


def test_a_lot_that_the_position_is_no_whole_number_of_closes_it_and_is_taken_once_all_is_flat() -> None:
    rig = opened()
    regridded(rig, "0.10", "0.005")
    news = rig.last(PositionNews)
    assert news.position_lots == 8
    (close,) = [order for order in rig.all(OrderRequest) if order.reduce_only]
    assert (close.order_link_id, close.lot, close.qty_lots) == (f"{RUN}-0-f1", "0.001", 8)
    rig.feed(rig.reply(close))
    rig.leave(close.order_link_id)
    rig.wait(200)
    assert rig.core._desk.scales["BTCUSDT"] == Scale("0.10", "0.005")
    assert rig.last(RoundTrip).reason == "flatten"


def test_an_order_under_way_is_followed_on_the_new_grid() -> None:
    rig = Rig(dataclasses.replace(LIMITS, time_exit_ns=0)).start()
    rig.wish()
    request = rig.last(OrderRequest)
    link = request.order_link_id
    rig.feed(rig.reply(request))
    rig.push("execution", execution_row("x1", link, "0.003", rig.now))
    regridded(rig, *FINER)
    rig.push("execution", execution_row("x2", link, "0.0050", rig.now, execPrice="60000.13"))
    rig.push("order", order_row(link, "Filled", "0.0080"))
    rig.push("position", position_row("0.0080"))
    rig.lists["positions"] = [position_row("0.0080")]
    rig.wait(2_000)
    assert rig.last(PositionNews).position_lots == 80
    assert rig.last(ExecutionState).corrections == 0
    order = rig.core._desk.orders.find(link)
    assert order is not None
    assert (order.state, order.booked_lots, order.qty_lots) == (State.FILLED, 80, 80)


def test_nobody_enters_while_prices_are_read_on_one_grid_and_rules_are_of_another() -> None:
    rig = Rig().start()
    rig.lists["instrument"] = [grid_row(*FINER)]
    rig.push("order", order_row("stranger", "New", price="60000.07"))
    rig.wait(500)
    rig.wish()
    assert rig.last(Verdict).gate != ""
    assert not rig.all(OrderRequest)
    regridded(rig, *FINER)
    rig.wait(500)
    rig.feed(quote(rig.now, best_bid_ticks=6_000_000, best_ask_ticks=6_000_001))
    assert rig.core._desk.rules_of("BTCUSDT") is not None


def test_after_a_restart_everything_is_on_the_grid_it_was_written_on() -> None:
    rig = opened()
    regridded(rig, *FINER)
    (row,) = [row for commit in rig.commits for row in commit.positions][-1:]
    again = Rig(dataclasses.replace(LIMITS, time_exit_ns=0))
    again.lists["positions"] = [position_row("0.0080", "59700.00")]
    again.start(replace(NOTHING, positions=(row,)), epoch=1)  # Whose rules are still the old ones.
    again.wait(1_000)
    assert again.last(PositionNews).position_lots in (8, 80)
    assert again.last(ExecutionState).corrections == 0


def test_a_trailing_stop_goes_on_in_the_new_steps() -> None:
    trail = TrailLimits(from_e6=E6 // 2, distance_e6=E6 // 2)
    rig = Rig(dataclasses.replace(LIMITS, trail=trail, time_exit_ns=0)).start()
    rig.enter()
    regridded(rig, *FINER)
    rig.feed(quote(rig.now, best_bid_ticks=6_020_010, best_ask_ticks=6_020_020, tick="0.01"))
    request = rig.last(StopRequest)
    assert (request.tick, request.stop_ticks) == ("0.01", 6_020_010 - 15_005)


def test_the_best_price_seen_in_old_steps_is_not_taken_for_one_in_new_steps() -> None:
    rig = Rig(dataclasses.replace(LIMITS, trail=TrailLimits(from_e6=E6 // 2), time_exit_ns=0)).start()
    rig.enter()
    rig.feed(quote(rig.now, best_bid_ticks=600_010, best_ask_ticks=600_011))
    regridded(rig, *COARSER)
    rig.push("position", position_row("0.008", "59700"))
    for tick in ("0.10", "1"):  # A book of the old grid; then one of the new.
        rig.feed(quote(rig.now, best_bid_ticks=60_001, best_ask_ticks=60_002, tick=tick))
        rig.wait(300)
    assert not rig.all(StopRequest)


@given(steps, steps, steps, steps)
def test_the_common_grid_holds_both_and_is_the_coarsest_that_does(tick: str, lot: str, to: str, to_lot: str) -> None:
    old, new = Scale(tick, lot), Scale(to, to_lot)
    both = common(old, new)
    for scale in (old, new):
        change = change_of(scale, both)
        assert change.ticks.denominator == change.lots.denominator == 1
        assert change.ticks > 0
    ticks = {change_of(scale, both).ticks for scale in (old, new)}
    assert not any(all(one % factor == 0 for one in ticks) for factor in (2, 3, 5, 7))


@given(
    steps, steps, steps, steps, st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from([1, -1]),
    st.integers(-(10**15), 10**15),
)  # fmt: skip
def test_money_is_the_same_before_and_after(
    tick: str, lot: str, to: str, to_lot: str, lots: int, price: int, side: int, cash: int
) -> None:
    old, new = Scale(tick, lot), Scale(to, to_lot)
    held = Holding("X", old, side * lots, price * old.tick_e8, price, price, 1, 1, cash, side, lots, price * lots, lots)
    before = held.cash_e8, held.entry_e8, held.realised_e8, old.qty_text(lots)
    change, target = change_of(old, new), new
    if not change.fits(held, []):
        target = common(old, new)
        change = change_of(old, target)
    regrid_holding(held, change, target)
    assert (held.cash_e8, held.entry_e8, held.realised_e8) == before[:3]
    assert float(target.qty_text(abs(held.position_lots))) == float(before[3])
    moved = (held.stop_ticks * target.tick_e8 - price * old.tick_e8) * side
    assert 0 <= moved < target.tick_e8
    average = held.trip_open_sum * target.tick_e8 / held.trip_open_lots
    assert abs(average - price * old.tick_e8) <= target.tick_e8


def test_an_order_keeps_its_text_on_a_grid_that_it_fits() -> None:
    row = OrderRow("a", "", "i", "X", "0.10", "0.001", 1, "entry", "", "live", 8, 600_000, 597_000, 606_000, 3, 3, 0, 0)
    order = Order(row)
    regrid_order(order, change_of(Scale("0.10", "0.001"), Scale("0.5", "0.0005")), Scale("0.5", "0.0005"))
    assert (order.tick, order.lot, order.qty_lots, order.booked_lots) == ("0.5", "0.0005", 16, 6)
    assert (order.price_ticks, order.stop_ticks, order.target_ticks) == (120_000, 119_400, 121_200)
