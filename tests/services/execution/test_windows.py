"""Funding times are the instrument's own, and what is not known bars entries but closes nothing."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from services.execution.limits import RiskLimits
from services.execution.windows import (
    NEVER_NS,
    close_due,
    delivery_away_ns,
    delivery_close_due,
    funding_away_ns,
    funding_close_due,
)
from services.execution.wire import OrderRequest
from shared.messages import RoundTrip, Tick, Verdict
from tests.services.execution.rig import BTC, FUNDING_NS, LIMITS, MS, NOW, Rig, S

MIN = 60 * S
WINDOW = 3 * MIN


@pytest.mark.parametrize("interval_min", [60, 120, 240, 480])
def test_funding_hours_are_the_instrument_s_own_and_not_0_8_and_16_utc(interval_min: int) -> None:
    """One that is settled at 04:00, 12:00 or every hour is respected, and 08:00 means nothing to it."""
    odd_ns = NOW - NOW % (86_400 * S) + 86_400 * S + 5 * 3600 * S + 1_800 * S  # 05:30 tomorrow.
    for settlements in range(-5, 6):
        at_ns = odd_ns + settlements * interval_min * MIN
        assert funding_away_ns(odd_ns, interval_min, at_ns) == 0
        assert funding_away_ns(odd_ns, interval_min, at_ns + 7 * MIN) == 7 * MIN
        assert funding_away_ns(odd_ns, interval_min, at_ns - 7 * MIN) == 7 * MIN
    assert funding_away_ns(odd_ns, interval_min, odd_ns - interval_min * MIN // 2) == interval_min * MIN // 2


def test_without_an_interval_only_the_next_one_is_known_and_after_it_nothing() -> None:
    assert funding_away_ns(NOW + MIN, 0, NOW) == MIN
    assert funding_away_ns(NOW - 1, 0, NOW) == -1


@pytest.mark.parametrize(
    ("next_ns", "interval_min"), [(0, 480), (-1, 480), (NOW, -1), (NOW, 10**9), (1 << 62, 480), (NOW * 2, 0)]
)
def test_nonsense_is_not_known(next_ns: int, interval_min: int) -> None:
    assert funding_away_ns(next_ns, interval_min, NOW) == -1


@pytest.mark.parametrize(("away_ns", "due"), [(WINDOW + 1, False), (WINDOW, True), (0, True), (-WINDOW, True),
                                              (-WINDOW - 1, False)])  # fmt: skip
def test_a_position_is_closed_within_the_window(away_ns: int, due: bool) -> None:
    assert funding_close_due(NOW + away_ns, 480, WINDOW, NOW) is due
    assert not funding_close_due(NOW + away_ns, 480, 0, NOW)


def test_what_is_not_known_closes_nothing() -> None:
    assert not funding_close_due(0, 480, WINDOW, NOW)


def test_a_symbol_that_ends_is_left_in_time() -> None:
    end_ms = NOW // MS + 3_600_000
    assert delivery_away_ns(end_ms, NOW) == 3600 * S
    assert delivery_away_ns(0, NOW) == NEVER_NS
    assert delivery_close_due(end_ms, 3600 * S, NOW)
    assert delivery_close_due(end_ms - 7_200_000, 3600 * S, NOW)
    assert not delivery_close_due(end_ms, 3600 * S - 1, NOW)
    assert not delivery_close_due(end_ms, 0, NOW)


def test_the_reason_to_close_is_named() -> None:
    limits = RiskLimits()
    assert close_due(None, NOW, limits, NOW) == ""
    assert close_due(BTC, NOW + MIN, limits, NOW) == "funding"
    assert close_due(BTC, NOW + 60 * MIN, limits, NOW) == ""
    assert close_due(replace(BTC, delivery_ms=NOW // MS + 1), NOW + 60 * MIN, limits, NOW) == "delivery"


def test_a_position_is_closed_before_its_own_funding_and_none_is_opened() -> None:
    rig = Rig(dataclasses.replace(LIMITS, time_exit_ns=0)).start()
    rig.now = FUNDING_NS - 181 * S
    rig.feed(Tick())
    rig.enter()
    assert not [one for one in rig.all(OrderRequest) if one.reduce_only]
    rig.wait(1_000)
    (closing,) = [one for one in rig.all(OrderRequest) if one.reduce_only]
    assert closing.qty_lots == 8
    rig.feed(rig.reply(closing))
    rig.leave(closing.order_link_id)
    assert rig.last(RoundTrip).reason == "funding"
    rig.wish("abc-0-2")
    assert rig.last(Verdict).gate == "funding_far"
