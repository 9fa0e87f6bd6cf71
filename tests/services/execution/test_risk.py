"""The day's figures, the breakers, and what only a person may undo."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from services.execution.wire import CancelRequest, OrderRequest
from shared.messages import BUY, SELL, Log, RoundTrip, Tick, Verdict
from shared.scale import E8
from tests.services.execution.rig import (
    LIMITS,
    MS,
    NOTHING,
    Rig,
    S,
    blocking,
    execution_row,
    order_row,
    position_row,
)
from tests.services.execution.risk_rig import gate, latched, limited, lose, say

DAY = 86_400 * S
R_E8 = 292_988_176  # Eight lots at 60,000.4 with a stop at 59,700.0, both fees included.


# --- R ---------------------------------------------------------------------------------------------------------------


def test_what_a_trade_risks_is_fixed_at_entry_and_written_down_with_the_order() -> None:
    rig = Rig().start()
    request = rig.enter()
    assert request.risk_e8 == R_E8
    rows = [row for commit in rig.commits for row in commit.orders]
    assert rows[0].risk_e8 == R_E8
    rig.leave("", "out", execPrice="59700.00", orderLinkId="", orderId="stop", stopOrderType="StopLoss")
    trip = rig.last(RoundTrip)
    assert (trip.intent_id, trip.risk_e8) == ("abc-0-1", R_E8)
    assert rig.core._risk.result_r_e6() == trip.net_e8 * 1_000_000 // R_E8


def test_half_a_fill_is_half_the_risk() -> None:
    rig = Rig().start()
    rig.wish()
    link = rig.last(OrderRequest).order_link_id
    rig.push("execution", execution_row("x1", link, "0.004", rig.now))
    assert rig.core._desk.ledger.holdings["BTCUSDT"].risk_e8 == R_E8 // 2


def test_a_position_that_others_opened_has_no_r_and_counts_in_money_alone() -> None:
    rig = Rig().start()
    rig.push("execution", execution_row("x1", "", "0.008", rig.now, orderId="other"))
    rig.push("position", position_row("0.008"))
    rig.leave("", "x2", orderId="other2", execPrice="59000.00")
    trip = rig.last(RoundTrip)
    assert (trip.intent_id, trip.risk_e8) == ("", 0)
    assert rig.core._risk.result_r_e6() == 0
    assert rig.core._risk.result_e8(rig.now) < -8 * E8


# --- the daily loss --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "name"),
    [({}, "USDT"), ({"daily_loss_r_e6": 2_000_000}, "R"), ({"daily_loss_e6": 800}, "%")],
)
def test_whichever_daily_limit_is_reached_first_kills(changes: dict[str, int], name: str) -> None:
    risk = LIMITS.risk._replace(**{"daily_loss_r_e6": 10**12, **changes})
    most_e8 = (8 if name == "USDT" else 10**6) * E8
    rig = Rig(dataclasses.replace(LIMITS, risk=risk, max_daily_loss_e8=most_e8)).start()
    lose(rig, "abc-0-1")
    rig.wait(50)
    assert rig.state == "latched"
    (said,) = [line.text for line in rig.all(Log) if line.event == "breaker.tripped"]
    assert said.startswith("daily loss") and f" {name}" in said
    assert gate(rig, "abc-0-2") == "kill_switch"


def test_an_open_loss_counts_before_it_is_realised() -> None:
    rig = Rig(dataclasses.replace(LIMITS, max_daily_loss_e8=5 * E8)).start()
    rig.enter()
    rig.feed(replace(rig.core._desk.quotes["BTCUSDT"], best_bid_ticks=594_000, best_ask_ticks=594_001))
    rig.wait(50)
    assert rig.state == "latched"
    assert rig.last(OrderRequest).reduce_only


def test_the_daily_loss_does_not_clear_itself_at_midnight() -> None:
    rig = latched()
    rig.now += 2 * DAY
    rig.feed(Tick())
    say(rig, "resume")
    rig.wait(50)
    assert rig.state == "latched"
    assert gate(rig, "abc-0-2") == "kill_switch"


def test_the_daily_loss_outlives_a_restart_and_midnight_until_a_person_resets_it() -> None:
    rig = latched()
    (*_, word) = [row for commit in rig.commits for row in commit.words]
    assert (word.word, word.reason[:10]) == ("latched", "daily loss")
    again = Rig(dataclasses.replace(LIMITS, max_daily_loss_e8=8 * E8))
    again.now = rig.now + DAY
    again.start(replace(NOTHING, word=word, day=again.now // DAY), epoch=1)
    assert again.state == "latched"
    say(again, "reset")
    again.wait(50)
    say(again, "resume")
    assert again.state == "running"


def test_after_a_reset_losses_count_anew_but_the_drawdown_stays() -> None:
    rig = latched()
    before = rig.core._risk.drawdown_e6(rig.now)
    say(rig, "reset")
    rig.wait(50)
    say(rig, "resume")
    rig.wait(5_500)
    assert rig.state == "running"
    assert rig.core._risk.result_e8(rig.now) == rig.core._risk.result_r_e6() == 0
    assert rig.core._risk.drawdown_e6(rig.now) == before > 0
    assert gate(rig, "abc-0-2") == ""


def test_a_start_looks_like_no_drawdown_and_neither_does_a_transfer() -> None:
    rig = Rig().start()
    assert rig.core._risk.drawdown_e6(rig.now) == 0
    row = {"totalAvailableBalance": "500", "totalEquity": "500", "totalWalletBalance": "500"}
    rig.push("wallet", row)
    assert rig.core._risk.drawdown_e6(rig.now) == 0
    assert rig.core._desk.equity_e8 == 500 * E8


def test_without_a_word_on_the_wallet_nothing_is_entered() -> None:
    rig = Rig()
    rig.lists["wallet"] = [{"totalAvailableBalance": "10000"}]
    rig.start()
    rig.wish()
    assert {"daily_loss_pct", "drawdown", "size_allowed"} <= set(blocking(rig.last(Verdict)))
    assert not rig.all(OrderRequest)


def test_the_drawdown_is_measured_from_the_day_s_peak() -> None:
    rig = limited(daily_loss_r_e6=10**12, cooldown_ns=0).start()
    lose(rig, "abc-0-1", "60500.00")  # A win.
    peak_e8 = rig.last(RoundTrip).net_e8
    assert peak_e8 > 3 * E8
    lose(rig, "abc-0-2", "59000.00")
    down_e8 = -rig.last(RoundTrip).net_e8
    rig.wait(50)
    expected = down_e8 * 1_000_000 / (10_000 * E8 - (peak_e8 - down_e8) + peak_e8)
    assert rig.core._risk.drawdown_e6(rig.now) == pytest.approx(expected, abs=2)


# --- slippage --------------------------------------------------------------------------------------------------------


def test_slippage_is_measured_against_the_book_at_sending_and_not_against_an_estimate() -> None:
    """The intent's own price is far off; what counts is the touch that the order was sent into."""
    rig = Rig().start()
    rig.wish(entry_ticks=600_900)
    link = rig.last(OrderRequest).order_link_id
    rig.push("execution", execution_row("x1", link, "0.004", rig.now, execPrice="60000.30"))  # Two ticks: allowed.
    assert rig.core._risk.breaches == 0
    rig.push("execution", execution_row("x2", link, "0.002", rig.now, execPrice="60000.40"))
    rig.push("execution", execution_row("x3", link, "0.002", rig.now, execPrice="60000.40"))
    assert rig.core._risk.breaches == 1  # One order is one breach.
    (row,) = [row for commit in rig.commits for row in commit.breaches]
    assert (row.kind, row.value_ticks, row.limit_ticks) == ("slippage", 3, 2)


def test_the_third_breach_of_slippage_kills() -> None:
    rig = limited(cooldown_ns=0).start()
    for number in range(1, 4):
        assert rig.state == "running"
        rig.wait(300)
        rig.enter(f"abc-0-{number}", price="60000.40")
        rig.leave("", f"out-{number}", orderId=f"t{number}", execPrice="60200.00")
    rig.wait(50)
    assert rig.state == "latched"
    say(rig, "reset")
    rig.wait(8_000)  # The exit that the kill has sent turns out to be absent.
    assert (rig.state, rig.core._risk.breaches) == ("paused", 0)


def test_a_maker_has_no_slippage() -> None:
    rig = Rig().start()
    rig.wish()
    link = rig.last(OrderRequest).order_link_id
    rig.push("execution", execution_row("x1", link, "0.004", rig.now, execPrice="60000.40", isMaker=True))
    assert rig.core._risk.breaches == 0


# --- after a loss, after refusals ------------------------------------------------------------------------------------


def test_a_symbol_rests_after_a_loss_in_it() -> None:
    rig = Rig().start()
    lose(rig, "abc-0-1")
    rig.wait(300)
    assert gate(rig, "abc-0-2") == "cooldown_after_loss"
    rig.wait(5_000)
    assert gate(rig, "abc-0-3") == ""


def test_a_win_needs_no_rest() -> None:
    rig = Rig().start()
    lose(rig, "abc-0-1", "60500.00")
    rig.wait(300)
    assert gate(rig, "abc-0-2") == ""


def refuse(rig: Rig, number: int, code: int = 110_007) -> None:
    rig.wait(300)
    rig.wish(f"abc-0-{number}")
    rig.feed(rig.reply(rig.last(OrderRequest), "rejected", code, "no"))


def test_three_refusals_in_a_row_pause_entries_for_a_minute() -> None:
    rig = Rig().start()
    for number in range(3):
        refuse(rig, number)
    rig.wait(300)
    assert gate(rig, "abc-0-8") == "venue_accepts"
    assert rig.state == "running"
    rig.wait(60_000)
    assert gate(rig, "abc-0-9") == ""
    rig.feed(rig.reply(rig.last(OrderRequest), "rejected", 110_007, "no"))
    rig.wait(300)
    assert gate(rig, "abc-0-10") == "venue_accepts"  # Tried once, refused again.


def test_a_reset_ends_the_pause_and_an_order_that_is_taken_ends_the_row() -> None:
    rig = Rig().start()
    for number in range(3):
        refuse(rig, number)
    rig.wait(300)
    say(rig, "reset")
    assert gate(rig, "abc-0-8") == ""
    rig.feed(rig.reply(rig.last(OrderRequest)))
    assert rig.core._risk.rejects == 0


def test_a_post_only_order_that_would_have_taken_is_no_refusal() -> None:
    rig = Rig().start()
    for number in range(4):
        rig.wait(300)
        rig.wish(f"abc-0-{number}")
        link = rig.last(OrderRequest).order_link_id
        rig.push("order", order_row(link, "Rejected", rejectReason="EC_PostOnlyWillTakeLiquidity"))
    assert rig.core._risk.rejects == 0


def test_a_reset_without_anything_to_reset_is_refused() -> None:
    rig = Rig().start()
    say(rig, "reset")
    assert rig.last(Log).text == "reset: not now"


# --- what is at stake ------------------------------------------------------------------------------------------------


def test_an_order_that_nobody_has_answered_is_exposure_and_a_loss_at_its_stop() -> None:
    rig = Rig().start()
    rig.wish()
    rig.feed(rig.reply(rig.last(OrderRequest), "unknown", 0, "ReadTimeout"))
    other = rig.core._risk.standing("ETHUSDT", BUY, rig.now)
    assert other.exposure_e8 == 48_000_320_000
    assert (other.open_loss_e8, other.open_count) == (R_E8, 1)
    own = rig.core._risk.standing("BTCUSDT", BUY, rig.now)
    assert (own.exposure_e8, own.open_loss_e8) == (0, 0)


def test_a_position_is_exposure_at_its_cost_and_a_loss_down_to_its_stop() -> None:
    rig = Rig().start()
    rig.enter()
    other = rig.core._risk.standing("ETHUSDT", BUY, rig.now)
    assert other.exposure_e8 == 48_000_080_000
    way_e8, fee_e8 = 3_000 * 8 * 10_000, 597_000 * 8 * 10_000 * 55_000 // E8  # To the stop at 59,700, and out.
    assert other.open_loss_e8 == pytest.approx(way_e8 + fee_e8, rel=0.01)
    assert rig.core._risk.standing("BTCUSDT", SELL, rig.now).own_e8 == 48_000_080_000


def test_a_storm_of_cancels_leaves_entries_out_and_exits_in() -> None:
    rig = Rig().start()
    rig.enter()
    for number in range(12):
        rig.core._desk.say(CancelRequest(10_000 + number, "BTCUSDT", "x"))
    rig.feed(Tick())
    assert rig.core._risk.standing("ETHUSDT", BUY, rig.now).tokens < 0
    say(rig, "flatten")
    assert rig.last(OrderRequest).reduce_only
    rig.wait(2_500)
    assert rig.core._risk.standing("ETHUSDT", BUY, rig.now).tokens > 3


def test_the_same_side_twice_within_a_moment_is_one_wish() -> None:
    rig = Rig().start()
    refuse(rig, 1)
    rig.now += 10 * MS
    assert gate(rig, "abc-0-2") == "intent_not_doubled"
