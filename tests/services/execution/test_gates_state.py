"""Gates on ourselves and the symbol, one question each. Their edges stand in `test_gates.py`."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from services.execution.gates_state import (
    delivery_far,
    funding_far,
    intent_in_time,
    intent_not_doubled,
    kill_switch,
    order_rate,
    state_running,
    venue_accepts,
)
from tests.services.execution.gates_rig import MIN, case, limits, risk, standing
from tests.services.execution.rig import BTC, MS, NOW, S, intent


def test_the_kill_switch_is_a_gate_of_its_own() -> None:
    assert not kill_switch(case(state="latched")).passed
    assert kill_switch(case(state="paused")).passed
    assert not state_running(case(state="latched")).passed


@pytest.mark.parametrize("interval_min", [60, 240, 480])
def test_entries_are_refused_around_the_instrument_s_own_funding_at_any_hour(interval_min: int) -> None:
    rules = replace(BTC, funding_interval_min=interval_min)
    odd = NOW + 17 * MIN  # Not a full hour of any zone.
    assert funding_far(case(rules=rules, **standing(next_funding_ns=odd))).passed
    assert not funding_far(case(rules=rules, now=odd - 2 * MIN, **standing(next_funding_ns=odd))).passed
    later = odd + 5 * interval_min * MIN  # The answer is old; the interval says when the next one is.
    assert not funding_far(case(rules=rules, now=later + 2 * MIN, **standing(next_funding_ns=odd))).passed


def test_an_entry_that_would_be_held_into_the_window_is_refused() -> None:
    near = standing(next_funding_ns=NOW + 3 * MIN + 5 * S)
    assert not funding_far(case(**near)).passed
    assert funding_far(case(**near, **limits(time_exit_ns=4 * S))).passed


def test_a_symbol_that_is_to_be_delisted_is_not_entered_on_its_last_day() -> None:
    check = delivery_far(case(rules=replace(BTC, delivery_ms=(NOW + 23 * 60 * MIN) // MS)))
    assert (check.passed, round(check.value), check.limit) == (False, 23, 24.0)
    assert delivery_far(case()).passed


def test_a_wish_said_twice_is_one_wish() -> None:
    assert not intent_not_doubled(case(**standing(entered_ns=NOW - 100 * MS))).passed
    assert intent_not_doubled(case(**standing(entered_ns=0))).passed


def test_an_intent_that_never_expires_is_no_intent() -> None:
    assert not intent_in_time(case(intent=intent(expires_ns=NOW + 61 * S))).passed


def test_after_refusals_in_a_row_entries_pause_and_are_then_tried_one_by_one() -> None:
    refused = standing(rejects=4, rejected_ns=NOW - 59 * S)
    assert not venue_accepts(case(**refused)).passed
    assert venue_accepts(case(**standing(rejects=4, rejected_ns=NOW - 60 * S))).passed
    assert venue_accepts(case(**refused, **risk(rejects=5))).passed


def test_entries_see_fewer_tokens_than_exits() -> None:
    check = order_rate(case(**standing(tokens=3)))
    assert (check.passed, check.value, check.limit) == (False, 3.0, 4.0)
