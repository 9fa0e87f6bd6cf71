"""Every gate on both sides of its edge, and none that a NaN gets through."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.execution import gates
from services.execution.gates import Case, Check
from shared.messages import BUY, SELL
from shared.scale import E8, Scale
from tests.services.execution.rig import BTC, LIMITS, MS, NOW, intent, quote

NAN = math.nan


def case(**changes: Any) -> Case:
    """Return a case that passes every gate."""
    usual = Case(
        now=NOW, intent=intent(), limits=LIMITS, state="running", private_up=True, journal_ok=True, seen_before=False,
        quote=quote(), rules=BTC, prepared=True, taker_e8=55_000, available_e8=10_000 * E8, position_lots=0, pending=0,
        open_symbols=0, day_realised_e8=0,
    )  # fmt: skip
    return dataclasses.replace(usual, **changes)


def limits(**changes: Any) -> dict[str, Any]:
    return {"limits": dataclasses.replace(LIMITS, **changes)}


def wish(**changes: Any) -> dict[str, Any]:
    return {"intent": intent(**changes)}


def book(**changes: Any) -> dict[str, Any]:
    return {"quote": quote(**changes)}


SHORT = wish(side=SELL, entry_ticks=600_000, stop_ticks=603_000, target_ticks=594_000)

EDGES: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    (SHORT, ""),
    *[({"state": state}, "state_running") for state in ("reconciling", "paused", "flattening", "flat", "latched", "")],
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
    (book(cts_ns=NOW - 45 * MS, clock_offset_ns=456 * MS) | limits(max_latency_ns=0), ""),
    (book(cts_ns=NOW - 45 * MS, clock_offset_ns=456 * MS + 1) | limits(max_latency_ns=0), "data_fresh"),
    (book(cts_ns=NOW - 600 * MS, clock_offset_ns=-590 * MS), ""),
    (book(clock_uncertainty_ns=500 * MS), ""),
    (book(clock_uncertainty_ns=500 * MS + 1), "data_fresh"),  # What is known no better than that is not known.
    (book(clock_at_ns=NOW - 10_000_000 * MS), "data_fresh"),  # Clocks drift.
    (book(clock_at_ns=0), "data_fresh"),
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
    (book(best_bid_ticks=599_999) | limits(max_spread_ticks=1), "spread_ticks"),
    (limits(max_spread_ticks=-1), "spread_ticks"),
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
    (wish(target_ticks=600_665), ""),  # (600,004 + 600,665) x 0.055 % are 660.4 ticks of way.
    (wish(target_ticks=600_664), "bracket_pays_fees"),
    ({"taker_e8": gates.UNKNOWN_E8}, "bracket_pays_fees"),
    ({"day_realised_e8": -LIMITS.max_daily_loss_e8 + 1}, ""),
    ({"day_realised_e8": -LIMITS.max_daily_loss_e8}, "daily_loss"),
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
    assert gates.entry_ticks(coarse) == 1_001 + 2
    assert gates.entry_ticks(case(quote=quote(best_bid_ticks=100, best_ask_ticks=101))) == 101


def test_a_close_is_reduce_only_at_market_and_knows_its_side() -> None:
    scale = Scale("0.10", "0.001")
    long, short = gates.close(1, "x", "BTCUSDT", scale, 5), gates.close(2, "y", "BTCUSDT", scale, -5)
    assert (long.side, long.qty_lots, long.reduce_only, long.price_ticks) == (SELL, 5, True, 0)
    assert (short.side, short.qty_lots) == (BUY, 5)


WHOLE = st.integers(-(2**63), 2**63 - 1)


@given(
    bid=WHOLE, ask=WHOLE, recv_ns=WHOLE, taker_e8=WHOLE, available_e8=WHOLE, realised_e8=WHOLE, entry=WHOLE,
    stop=WHOLE, target=WHOLE, side=st.sampled_from([BUY, SELL]), spread=st.floats(), collar=st.floats(),
)  # fmt: skip
def test_no_number_makes_a_gate_fail_to_answer_or_an_order_go_wrong(
    bid: int, ask: int, recv_ns: int, taker_e8: int, available_e8: int, realised_e8: int, entry: int, stop: int,
    target: int, side: int, spread: float, collar: float,
) -> None:  # fmt: skip
    one = case(
        quote=quote(best_bid_ticks=bid, best_ask_ticks=ask, recv_ns=recv_ns),
        intent=intent(side=side, entry_ticks=entry, stop_ticks=stop, target_ticks=target),
        taker_e8=taker_e8, available_e8=available_e8, day_realised_e8=realised_e8,
        **limits(max_spread_bps=spread, collar_bps=collar),
    )  # fmt: skip
    for gate in gates.GATES:
        assert isinstance(gate(one), Check)
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
