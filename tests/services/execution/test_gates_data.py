"""Gates on what we see, one question each. Their edges stand in `test_gates.py`."""

from __future__ import annotations

import pytest

from services.execution.gates_data import book_fresh, clock_close, data_fresh, feed_latency, spread_bps, spread_in_ticks
from tests.services.execution.gates_rig import case, limits, risk
from tests.services.execution.rig import MS, NOW, quote


@pytest.mark.parametrize("skew_ms", [-250, -100, 0, 100, 250])
def test_latency_does_not_contain_the_difference_of_the_clocks(skew_ms: int) -> None:
    """Forty milliseconds on the way are forty whatever the venue's clock says, and ninety are ninety."""
    for way_ms, passes in ((40, True), (79, True), (90, False)):
        stamp = NOW - way_ms * MS + skew_ms * MS
        check = feed_latency(case(quote=quote(cts_ns=stamp, clock_offset_ns=skew_ms * MS)))
        assert (check.passed, check.value) == (passes, way_ms - 1)  # Give or take a millisecond.


def test_an_uncertain_clock_refuses_only_what_is_surely_late() -> None:
    late = quote(cts_ns=NOW - 100 * MS, clock_uncertainty_ns=25 * MS)
    assert feed_latency(case(quote=late)).passed
    assert not feed_latency(case(quote=quote(cts_ns=NOW - 106 * MS, clock_uncertainty_ns=25 * MS))).passed


def test_data_that_flows_but_is_late_is_old_though_it_has_just_arrived() -> None:
    late = case(quote=quote(recv_ns=NOW, cts_ns=NOW - 2_000 * MS))
    assert book_fresh(late).passed
    assert not data_fresh(late).passed


def test_a_clock_that_is_far_off_stops_entries() -> None:
    assert not clock_close(case(quote=quote(clock_offset_ns=-301 * MS))).passed
    assert clock_close(case(quote=quote(clock_offset_ns=-300 * MS))).passed
    assert clock_close(case(quote=quote(clock_offset_ns=-301 * MS), **risk(clock_offset_ns=0))).passed
    assert clock_close(case(quote=quote(clock_at_ns=0), **limits(clock_measured=False))).passed


def test_a_stamp_of_the_future_is_not_fresh() -> None:
    assert not data_fresh(case(quote=quote(cts_ns=NOW + 5_000 * MS))).passed
    assert not book_fresh(case(quote=quote(recv_ns=NOW + MS))).passed


def test_both_spreads_have_their_own_limit() -> None:
    wide = case(quote=quote(best_bid_ticks=599_000), **limits(max_spread_ticks=2))
    assert spread_bps(wide).passed
    assert not spread_in_ticks(wide).passed
    assert not spread_bps(case(quote=None)).passed
    assert not spread_in_ticks(case(quote=quote(best_bid_ticks=700_000))).passed  # Crossed.
