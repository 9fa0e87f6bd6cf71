"""Every gate on both sides of its edge, and none that a NaN gets through."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.execution import case as cases
from services.execution import gates
from services.execution.gate import Check, ask
from shared.messages import BUY, SELL, decode, encode
from shared.scale import E8, Scale
from tests.services.execution.gates_rig import (
    MIN,
    POISONS,
    case,
    figures_of,
    limits,
    poisoned,
    poisons,
    risk,
    standing,
)
from tests.services.execution.rig import BTC, LIMITS, MS, NOW, S, intent, quote

NAN = math.nan


def wish(**changes: Any) -> dict[str, Any]:
    return {"intent": intent(**changes)}


def book(**changes: Any) -> dict[str, Any]:
    return {"quote": quote(**changes)}


SHORT = wish(side=SELL, entry_ticks=600_000, stop_ticks=603_000, target_ticks=594_000)

EDGES: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    (SHORT, ""),
    ({"state": "latched"}, "kill_switch"),
    *[({"state": state}, "state_running") for state in ("reconciling", "paused", "flattening", "flat", "")],
    ({"private_up": False}, "private_stream_up"),
    ({"journal_ok": False}, "journal_writable"),
    ({"seen_before": True}, "intent_new"),
    (wish(side=0), "intent_sane"),
    (wish(side=2), "intent_sane"),
    (wish(confidence=1.0), ""),
    (wish(confidence=1.01), "intent_sane"),
    (wish(confidence=NAN), "intent_sane"),
    (wish(score=-1.0), ""),
    (wish(score=NAN), "intent_sane"),
    (wish(score=math.inf), "intent_sane"),
    (wish(stop_ticks=0), "intent_sane"),
    ({"intent": intent("a" * 33)}, ""),
    ({"intent": intent("a" * 34)}, "intent_sane"),
    ({"intent": intent("a b")}, "intent_sane"),
    (wish(expires_ns=NOW), ""),
    (wish(expires_ns=NOW - 1), "intent_in_time"),
    ({"rules": None}, "symbol_tradable"),
    ({"rules": replace(BTC, status="PreLaunch")}, "symbol_tradable"),
    ({"prepared": False}, "symbol_tradable"),
    ({"leaving": True}, "symbol_stays"),
    ({"quote": None}, "book_valid"),
    (book(valid=False), "book_valid"),
    (book(best_bid_ticks=600_001), "book_valid"),
    (book(best_bid_ticks=0), "book_valid"),
    (book(generation=2), "book_valid"),
    (book(recv_ns=NOW - 500 * MS), ""),
    (book(recv_ns=NOW - 500 * MS - 1), "book_fresh"),
    (book(recv_ns=NOW - 400 * MS, cts_ns=NOW - 480 * MS), ""),
    (book(recv_ns=NOW - 500 * MS, cts_ns=NOW - 501 * MS), ""),  # Give or take a millisecond.
    (book(recv_ns=NOW - 500 * MS, cts_ns=NOW - 501 * MS - 1), "data_fresh"),
    (book(cts_ns=NOW - 201 * MS, clock_offset_ns=300 * MS) | limits(max_latency_ns=0), ""),
    (book(cts_ns=NOW - 201 * MS - 1, clock_offset_ns=300 * MS) | limits(max_latency_ns=0), "data_fresh"),
    (book(cts_ns=NOW - 300 * MS, clock_offset_ns=-290 * MS), ""),
    (book(cts_ns=NOW - 320 * MS, clock_offset_ns=-300 * MS - 1), "clock_close"),
    (book(cts_ns=NOW + 280 * MS, clock_offset_ns=300 * MS + 1), "clock_close"),
    (book(cts_ns=NOW - 320 * MS, clock_offset_ns=-300 * MS - 1) | risk(clock_offset_ns=0), ""),
    (book(clock_uncertainty_ns=500 * MS), ""),
    (book(clock_uncertainty_ns=500 * MS + 1), "data_fresh"),  # What is known no better than that is not known.
    (book(clock_at_ns=NOW - 10_000_000 * MS), "data_fresh"),  # Clocks drift.
    (book(clock_at_ns=0), "clock_close"),
    (book(clock_at_ns=0) | risk(clock_offset_ns=0), "data_fresh"),
    (book(cts_ns=0), "data_fresh"),
    (book(clock_at_ns=0, cts_ns=0) | limits(clock_measured=False), ""),
    (book(cts_ns=NOW - 81 * MS), ""),
    (book(cts_ns=NOW - 81 * MS - 1), "feed_latency"),
    (book(cts_ns=NOW - 200 * MS) | limits(max_latency_ns=0), ""),
    (book(cts_ns=NOW - 200 * MS) | limits(clock_measured=False), ""),
    (limits(max_latency_ns=NAN), "feed_latency"),
    (book(best_bid_ticks=598_803), ""),  # 1,198 ticks of 599,402 are 19.987 bps.
    (book(best_bid_ticks=598_802), "spread_bps"),
    (limits(max_spread_bps=NAN), "spread_bps"),
    (limits(max_spread_ticks=1), ""),
    (book(best_bid_ticks=599_999) | limits(max_spread_ticks=1), "spread_in_ticks"),
    (limits(max_spread_ticks=-1), "spread_in_ticks"),
    ({"position_lots": 1}, "one_position"),
    ({"position_lots": -1}, "one_position"),
    ({"pending": 1}, "no_pending_order"),
    ({"open_symbols": 1}, ""),
    ({"open_symbols": 2}, "max_positions"),
    (limits(collar_bps=NAN), "price_collar"),
    (wish(entry_ticks=598_000), ""),
    (wish(entry_ticks=597_000), "price_collar"),
    (wish(stop_ticks=600_003), ""),
    (wish(stop_ticks=600_004), "bracket_sides"),
    (wish(target_ticks=600_004), "bracket_sides"),
    (wish(stop_ticks=606_000, target_ticks=597_000), "bracket_sides"),
    (SHORT | wish(side=SELL, entry_ticks=600_000, stop_ticks=599_997, target_ticks=594_000), "bracket_sides"),
    (wish(target_ticks=600_666), ""),  # (600,004 + 600,666) x 0.055 % are 660.4 ticks of way, and one more.
    (wish(target_ticks=600_665), "bracket_pays_fees"),
    ({"taker_e8": gates.UNKNOWN_E8}, "bracket_pays_fees"),
    (standing(entered_ns=NOW - 250 * MS), ""),
    (standing(entered_ns=NOW - 250 * MS + 1), "intent_not_doubled"),
    (standing(rejects=2, rejected_ns=NOW), ""),
    (standing(rejects=3, rejected_ns=NOW - 60 * S), ""),  # It may be tried once more.
    (standing(rejects=3, rejected_ns=NOW - 60 * S + 1), "venue_accepts"),
    (standing(tokens=4), ""),
    (standing(tokens=3), "order_rate"),  # Kept for cancels, stops and exits.
    (standing(tokens=-2), "order_rate"),
    (standing(lost_ns=NOW - 5 * S), ""),
    (standing(lost_ns=NOW - 5 * S + 1), "cooldown_after_loss"),
    (standing(lost_ns=NOW) | risk(cooldown_ns=0), ""),
    (standing(result_e8=-LIMITS.max_daily_loss_e8 + 1), ""),
    (standing(result_e8=-LIMITS.max_daily_loss_e8), "daily_loss_usdt"),
    (standing(result_e8=-60 * E8, open_loss_e8=40 * E8), "daily_loss_usdt"),
    (standing(result_e8=60 * E8, open_loss_e8=159 * E8), ""),
    (standing(result_r_e6=-9_999_999), ""),
    (standing(result_r_e6=-10_000_000), "daily_loss_r"),
    (standing(result_r_e6=-8_000_000, open_count=2), "daily_loss_r"),
    (standing(opening_e8=2_000 * E8, result_e8=-60 * E8 + 1), ""),
    (standing(opening_e8=2_000 * E8, result_e8=-60 * E8), "daily_loss_pct"),
    (standing(opening_e8=gates.UNKNOWN_E8), "daily_loss_pct"),
    (standing(drawdown_e6=99_999), ""),
    (standing(drawdown_e6=100_000), "drawdown"),
    (standing(breaches=2), ""),
    (standing(breaches=3), "slippage"),
    (standing(next_funding_ns=NOW + 3 * MIN + 10 * S + 1), ""),  # Also the ten seconds that it may be held.
    (standing(next_funding_ns=NOW + 3 * MIN + 10 * S), "funding_far"),
    (standing(next_funding_ns=NOW - 3 * MIN - 10 * S), "funding_far"),
    (standing(next_funding_ns=NOW - 3 * MIN - 10 * S - 1), ""),
    (standing(next_funding_ns=0), "funding_far"),
    (standing(next_funding_ns=NOW) | risk(funding_ns=0), ""),
    ({"rules": replace(BTC, delivery_ms=(NOW + 24 * 60 * MIN) // MS + 1)}, ""),
    ({"rules": replace(BTC, delivery_ms=(NOW + 24 * 60 * MIN) // MS - 1)}, "delivery_far"),
    ({"rules": replace(BTC, delivery_ms=NOW // MS)} | risk(delivery_ns=0), ""),
    (standing(exposure_e8=3_000 * E8 - 480_003_200_000 // 10), ""),
    (standing(exposure_e8=3_000 * E8 - 480_003_200_000 // 10 + 1), "exposure"),
    (standing(own_e8=1_000 * E8) | {"left_lots": 4}, "position_value"),
    ({"left_lots": 9} | limits(max_position_e8=500 * E8), "position_value"),
    ({"left_lots": 14} | standing(equity_e8=1_000 * E8), "risk_of_equity"),
    (standing(equity_e8=gates.UNKNOWN_E8), "size_allowed"),
    ({"available_e8": gates.UNKNOWN_E8}, "size_allowed"),
    ({"available_e8": 12 * E8 + E8 // 10}, ""),  # One lot is 60 USDT: 12 of margin and 0.066 of fees.
    ({"available_e8": 12 * E8 + E8 // 20}, "size_allowed"),
    (limits(max_position_e8=61 * E8), ""),
    (limits(max_position_e8=60 * E8), "size_allowed"),
]


@pytest.mark.parametrize(("changes", "gate"), EDGES)
def test_the_first_gate_that_fails_is_named(changes: dict[str, Any], gate: str) -> None:
    verdict, order = gates.review(case(**changes), 1, "link")
    assert verdict.gate == gate
    assert (order is None) == bool(gate)


def test_every_gate_is_tried_on_both_sides() -> None:
    assert {gate for _, gate in EDGES} - {""} == {gate.__name__ for gate in gates.GATES}


def test_the_order_carries_its_stop_and_reaches_a_little_beyond_the_far_touch() -> None:
    _, order = gates.review(case(), 7, "abc-0-1-e")
    assert order is not None
    assert (order.side, order.price_ticks, order.qty_lots) == (BUY, 600_004, 8)
    assert (order.stop_ticks, order.target_ticks, order.reduce_only) == (597_000, 606_000, False)
    _, short = gates.review(case(**SHORT), 8, "abc-0-2-e")
    assert short is not None
    assert (short.side, short.price_ticks, short.stop_ticks) == (SELL, 599_997, 603_000)


def test_where_ticks_are_coarse_the_collar_shortens_the_reach() -> None:
    coarse = case(quote=quote(best_bid_ticks=1_000, best_ask_ticks=1_001), **limits(collar_bps=25.0))
    assert cases.entry_ticks(coarse) == 1_001 + 2
    assert cases.entry_ticks(case(quote=quote(best_bid_ticks=100, best_ask_ticks=101))) == 101


def test_a_close_is_reduce_only_at_market_and_knows_its_side() -> None:
    scale = Scale("0.10", "0.001")
    long, short = gates.close(1, "x", "BTCUSDT", scale, 5), gates.close(2, "y", "BTCUSDT", scale, -5)
    assert (long.side, long.qty_lots, long.reduce_only, long.price_ticks) == (SELL, 5, True, 0)
    assert (short.side, short.qty_lots) == (BUY, 5)


WHOLE = st.integers(-(2**63), 2**63 - 1)


@given(
    bid=WHOLE, offer=WHOLE, recv_ns=WHOLE, taker_e8=WHOLE, available_e8=WHOLE, realised_e8=WHOLE, entry=WHOLE,
    stop=WHOLE, target=WHOLE, side=st.sampled_from([BUY, SELL]), spread=st.floats(), collar=st.floats(),
)  # fmt: skip
def test_no_number_makes_a_gate_fail_to_answer_or_an_order_go_wrong(
    bid: int, offer: int, recv_ns: int, taker_e8: int, available_e8: int, realised_e8: int, entry: int, stop: int,
    target: int, side: int, spread: float, collar: float,
) -> None:  # fmt: skip
    one = case(
        quote=quote(best_bid_ticks=bid, best_ask_ticks=offer, recv_ns=recv_ns),
        intent=intent(side=side, entry_ticks=entry, stop_ticks=stop, target_ticks=target),
        taker_e8=taker_e8, available_e8=available_e8, **standing(result_e8=realised_e8),
        **limits(max_spread_bps=spread, collar_bps=collar),
    )  # fmt: skip
    for gate in gates.GATES:
        assert isinstance(ask(gate, one), Check)
    _, order = gates.review(one, 1, "link")
    if order is not None:
        assert not math.isnan(spread)
        assert not math.isnan(collar)
        assert order.stop_ticks * side < order.price_ticks * side < order.target_ticks * side
        assert min(order.stop_ticks, order.price_ticks, order.target_ticks) > 0
        value_e8 = Scale(BTC.tick, BTC.lot).value_e8(order.price_ticks, order.qty_lots)
        assert 0 < value_e8 <= LIMITS.max_position_e8


@given(st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_nothing_compared_with_nan_passes(spread: float, collar: float) -> None:
    one = case(**limits(max_spread_bps=spread, collar_bps=collar))
    verdict, _ = gates.review(one, 1, "link")
    if math.isnan(spread) or math.isnan(collar):
        assert verdict.gate in ("spread_bps", "price_collar")


@pytest.mark.parametrize(("changes", "gate"), EDGES)
def test_what_a_gate_answers_is_the_same_from_the_journal(changes: dict[str, Any], gate: str) -> None:
    """A whole number would come back as a float, and a replay of the journal would differ."""
    verdict, _ = gates.review(case(**changes), 1, "link")
    assert encode(decode("Verdict", encode(verdict))) == encode(verdict)


FULL = case(
    post=False, **standing(
        rejects=3, rejected_ns=NOW - 61 * S, lost_ns=NOW - 6 * S, entered_ns=NOW - S, exposure_e8=E8, own_e8=0,
        open_loss_e8=E8, result_e8=-E8, result_r_e6=-1, open_count=1, drawdown_e6=1, breaches=1, tokens=9,
    ), rules=replace(BTC, delivery_ms=NOW // MS + 10**9), **limits(max_spread_ticks=5),
)  # fmt: skip
"""A case in which every figure matters."""


def test_the_full_case_passes() -> None:
    assert gates.review(FULL, 1, "x")[0].gate == ""


SIGNED = {
    "intent.score", "intent.side", "quote.clock_offset_ns", "standing.result_e8", "standing.result_r_e6",
}  # fmt: skip
"""Where a small figure below zero means something."""
FLAGS = {"limits.clock_measured"}
"""Neither true nor false counts as the stricter of the two."""


@pytest.mark.parametrize("gate", gates.GATES, ids=lambda gate: gate.__name__)
def test_no_gate_lets_nonsense_through(gate: Any) -> None:
    passed = [
        (path, value)
        for path, value, one in poisons(gate, FULL)
        if ask(gate, one).passed is True and not (path in FLAGS or (path in SIGNED and value == -1))
    ]
    assert passed == []


def test_every_gate_was_thrown_some_nonsense() -> None:
    assert all(any(poisons(gate, FULL)) for gate in gates.GATES if gate.__name__ not in STATES)


STATES = ("kill_switch", "state_running")


def test_no_order_comes_of_a_case_with_one_figure_of_nonsense_in_it() -> None:
    read = set().union(*(figures_of(gate, FULL) for gate in (*gates.GATES, cases.plan_of)))
    assert {"available_e8", "rules.min_notional_e8", "limits.leverage", "standing.equity_e8"} <= read
    passed = {
        path
        for path in read
        for value in POISONS
        if gates.review(poisoned(FULL, path, value), 1, "x")[1] and not (path in SIGNED and value == -1)
    }
    assert passed == FLAGS
