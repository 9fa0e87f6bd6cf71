"""A day is 24 hours of trading, no more."""

from __future__ import annotations

from services.exchange.day import HOUR_NS, Day


def test_a_new_day_has_the_past_it_was_given() -> None:
    day = Day(0, prev_ticks=1_000, last_ticks=1_240, lots=2_400, value_e8=24_000)
    assert (day.prev_24h_ticks, day.prev_1h_ticks) == (1_000, 1_230)
    assert (day.high_ticks, day.low_ticks, day.lots, day.value_e8) == (1_240, 1_000, 2_400, 24_000)


def test_a_match_counts_in_the_running_hour() -> None:
    day = Day(0, 1_000, 1_000, 2_400, 24_000)
    day.trade(1_100, 5, 5_500)
    day.trade(900, 1, 900)
    assert (day.high_ticks, day.low_ticks, day.lots, day.value_e8) == (1_100, 900, 2_406, 30_400)


def test_an_hour_later_the_oldest_hour_is_forgotten() -> None:
    day = Day(0, 1_000, 1_240, 2_400, 24_000)
    day.trade(1_300, 1, 0)
    day.roll(HOUR_NS - 1)
    assert day.prev_24h_ticks == 1_000
    day.roll(HOUR_NS)
    assert (day.prev_24h_ticks, day.prev_1h_ticks, day.lots) == (1_010, 1_300, 2_301)


def test_after_two_silent_days_only_the_last_price_is_left() -> None:
    day = Day(0, 1_000, 1_240, 2_400, 24_000)
    day.roll(48 * HOUR_NS)
    assert (day.prev_24h_ticks, day.high_ticks, day.low_ticks, day.lots, day.value_e8) == (1_240, 1_240, 1_240, 0, 0)
