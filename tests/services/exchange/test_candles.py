"""Bars of every interval agree with the prices that went in, and lie on the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.candles import BARS_KEPT, DAY_MS, INTERVALS, MINUTE_MS, Bar, Candles, span_ms

NOW_MS = 1_790_000_000_000


def ms(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp() * 1_000)  # type: ignore[misc,arg-type]


@given(st.integers(0, 4_000_000_000_000))
def test_months_and_weeks_are_those_of_the_calendar(at_ms: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    start_ms, end_ms = span_ms("M", at_ms)
    assert start_ms == ms(at.year, at.month, 1)
    assert end_ms == ms(at.year + at.month // 12, at.month % 12 + 1, 1)
    week_ms, _ = span_ms("W", at_ms)
    monday = at - timedelta(days=at.weekday())
    assert week_ms == ms(monday.year, monday.month, monday.day) or week_ms < 0


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_moment_lies_in_its_interval(interval: str) -> None:
    start_ms, end_ms = span_ms(interval, NOW_MS)
    assert start_ms <= NOW_MS < end_ms
    assert span_ms(interval, end_ms)[0] == end_ms
    assert span_ms(interval, start_ms) == (start_ms, end_ms)


@given(st.lists(st.tuples(st.integers(1, 200_000), st.integers(1, 1_000), st.integers(1, 9)), max_size=60))
def test_bars_hold_what_went_in(steps: list[tuple[int, int, int]]) -> None:
    candles, now_ms, prices = Candles(NOW_MS, (), 500), NOW_MS, [500]
    for wait_ms, price, lots in steps:
        now_ms += wait_ms
        candles.add(price, lots, price * lots, now_ms)
        prices.append(price)
    for interval in INTERVALS:
        bars = candles.bars(interval)
        assert sum(bar.lots for bar in bars) == sum(lots for _, _, lots in steps)
        assert sum(bar.value_e8 for bar in bars) == sum(price * lots for _, price, lots in steps)
        assert (max(bar.high for bar in bars), min(bar.low for bar in bars)) == (max(prices), min(prices))
        assert bars[-1].close == prices[-1]
        for old, new in zip(bars, list(bars)[1:], strict=False):
            assert (new.start_ms, new.open) == (old.end_ms, old.close)
            assert new.low <= min(new.open, new.close) <= max(new.open, new.close) <= new.high


def test_a_long_sleep_leaves_flat_bars_and_no_more_than_are_kept() -> None:
    candles = Candles(NOW_MS, (), 7)
    candles.add(9, 1, 9, NOW_MS)
    candles.roll(NOW_MS + 400 * DAY_MS)
    bars = candles.bars("1")
    assert len(bars) == BARS_KEPT
    assert {(bar.open, bar.close, bar.lots) for bar in bars} == {(9, 9, 0)}
    assert bars[-1].start_ms <= NOW_MS + 400 * DAY_MS < bars[-1].end_ms


def test_a_past_comes_before_the_present() -> None:
    past = [(NOW_MS - 3 * MINUTE_MS, 5, 2, 10), (NOW_MS - MINUTE_MS, 6, 1, 6)]
    candles = Candles(NOW_MS, past, 6)
    assert candles.count == 0
    assert [bar.close for bar in candles.bars("1")] == [5, 5, 6, 6]


def test_the_time_before_is_read_once_when_it_is_asked_for_and_joins_the_bar_that_was_open() -> None:
    asked: list[str] = []
    start_ms, end_ms = span_ms("5", NOW_MS)

    def before(interval: str) -> list[Bar]:
        asked.append(interval)
        old, unfinished = Bar(start_ms - 300_000, start_ms, 3), Bar(start_ms, end_ms, 4)
        unfinished.add(9, 2, 18, start_ms + 1)
        unfinished.add(6, 1, 6, start_ms + 2)
        return [old, unfinished]

    candles = Candles(NOW_MS, (), 6, before)
    candles.add(5, 1, 5, NOW_MS)
    assert asked == []
    for _ in range(2):
        bars = candles.bars("5")
        assert [bar.start_ms for bar in bars] == [start_ms - 300_000, start_ms]
        now = bars[-1]
        assert (now.open, now.high, now.low, now.close, now.lots, now.value_e8) == (4, 9, 4, 5, 4, 29)
    assert asked == ["5"]


def test_a_hole_before_the_first_price_is_flat_and_no_more_is_kept_than_otherwise() -> None:
    start_ms = span_ms("1", NOW_MS)[0]
    before = [Bar(at_ms, at_ms + MINUTE_MS, 7) for at_ms in range(start_ms - 9_000 * MINUTE_MS, start_ms, MINUTE_MS)]
    bars = Candles(NOW_MS + 5 * MINUTE_MS, (), 8, lambda _: list(before)).bars("1")
    assert len(bars) == BARS_KEPT
    assert [bar.close for bar in bars][-7:] == [7] * 6 + [8]
    assert all(new.start_ms == old.end_ms for old, new in zip(bars, list(bars)[1:], strict=False))
