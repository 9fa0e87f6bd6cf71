"""Bars: what the venue's clock says is over is over, what was not wholly heard is never seen, nothing grows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.candles import BLIND_MS, CLOSES_MS, SETTLES_MS, Bar, Candles, Series, split_delta

M = 60_000
T0 = 1_790_000_040_000  # A full minute.


def series(keep: int = 50, at_ms: int = T0 + 30_000) -> Series:
    """Return a series that joined in mid-bar."""
    one = Series(M, keep)
    one.join(at_ms)
    return one


def venue(first_ms: int, last_ms: int, price: int = 100) -> list[Bar]:
    """Return the venue's bars, which never moved."""
    return [Bar(at_ms, price, price, price, price, 7, 0, exact=False) for at_ms in range(first_ms, last_ms + 1, M)]


def mend(one: Series, at_ms: int, price: int = 100) -> None:
    """Bring whatever is missing."""
    while (span := one.missing(at_ms)) is not None:
        assert one.fill(venue(*span, price), *span)


def whole(keep: int = 50, price: int = 100) -> Series:
    """Return a series that has its past and knows of the minute before ``T0 + M`` from the venue."""
    one = series(keep)
    one.clock(T0 + M + SETTLES_MS)
    mend(one, T0 + M + SETTLES_MS, price)
    assert one.whole
    return one


def test_trades_make_a_bar_with_the_takers_delta() -> None:
    one = whole(price=102)
    for at_ms, ticks, lots, taker in ((0, 101, 4, 1), (20_000, 105, 3, -1), (59_999, 99, 2, 1)):
        one.trade(T0 + M + at_ms, ticks, lots, taker)
    one.trade(T0 + 2 * M, 100, 1, 1)
    assert one.closed[-1] == Bar(T0 + M, 102, 105, 99, 99, 9, 3)
    assert one.whole


def test_a_bar_closes_when_the_clock_passes_its_end_even_without_a_trade() -> None:
    one = whole()
    one.clock(T0 + 2 * M + CLOSES_MS - 1)
    assert one.closed[-1].start_ms == T0
    one.clock(T0 + 2 * M + CLOSES_MS)
    assert one.closed[-1] == Bar(T0 + M, 100, 100, 100, 100, 0, 0)
    one.clock(T0 + 5 * M + CLOSES_MS)
    assert [bar.start_ms for bar in list(one.closed)[-4:]] == [T0 + n * M for n in range(1, 5)]


def test_a_trade_that_comes_just_after_the_clock_still_counts_where_it_was_matched() -> None:
    one = whole()
    one.clock(T0 + 2 * M + 10)
    one.trade(T0 + 2 * M - 1, 103, 5, 1)
    one.clock(T0 + 2 * M + CLOSES_MS)
    assert one.closed[-1] == Bar(T0 + M, 100, 103, 100, 103, 5, 5)
    one.trade(T0 + 2 * M - 1, 104, 2, -1)  # Too late: its volume is not lost.
    one.trade(T0 + 3 * M, 104, 1, 1)
    assert (one.closed[-1].start_ms, one.closed[-1].lots) == (T0 + 2 * M, 2)


def test_the_bar_that_was_joined_in_is_never_seen_but_asked_for() -> None:
    one = series(keep=50)
    one.trade(T0 + 40_000, 500, 9, 1)
    assert one.missing(T0 + 40_000) == (T0 - 50 * M, T0 - M)
    assert one.fill(venue(T0 - 50 * M, T0 - M), T0 - 50 * M, T0 - M)
    assert one.whole
    one.trade(T0 + M, 501, 1, 1)
    assert one.closed[-1].start_ms == T0 - M
    assert not one.whole
    assert one.missing(T0 + M + SETTLES_MS - 1) is None
    assert one.missing(T0 + M + SETTLES_MS) == (T0, T0)


def test_what_comes_after_a_hole_waits_until_it_is_mended() -> None:
    one = whole()
    one.lose()
    one.join(T0 + M + 30_000)
    for number in range(2, 5):
        one.trade(T0 + number * M, 100 + number, 1, 1)
    assert one.closed[-1].start_ms == T0
    assert one.missing(T0 + 4 * M) == (T0 + M, T0 + M)
    assert not one.fill([], T0 + M, T0 + M)
    assert one.fill(venue(T0 + M, T0 + M, 90), T0 + M, T0 + M)
    assert [bar.start_ms for bar in list(one.closed)[-3:]] == [T0 + M, T0 + 2 * M, T0 + 3 * M]
    assert one.closed[-2] == Bar(T0 + 2 * M, 90, 102, 90, 102, 1, 1)
    assert one.whole


def test_a_gap_costs_only_the_bars_that_it_touches() -> None:
    one = whole()
    one.trade(T0 + M + 5, 100, 1, 1)
    one.lose()
    one.clock(T0 + 3 * M + 10_000)
    one.join(T0 + 3 * M + 10_000)
    one.clock(T0 + 6 * M + CLOSES_MS)
    assert one.missing(T0 + 6 * M + SETTLES_MS) == (T0 + M, T0 + 3 * M)


def test_after_joining_a_bar_that_begins_at_once_is_not_trusted() -> None:
    one = series(at_ms=T0 + M - BLIND_MS + 1)
    one.clock(T0 + 3 * M)
    mend(one, T0 + M + SETTLES_MS)
    assert one.missing(T0 + 3 * M + SETTLES_MS) == (T0 + M, T0 + M)


def test_an_unfinished_bar_of_the_venue_is_not_taken() -> None:
    one = series()
    span = one.missing(T0 + 30_000)
    assert span is not None
    assert not one.fill(venue(span[0], T0), span[0], T0)
    assert one.fill(venue(span[0], T0), *span)
    assert one.closed[-1].start_ms == T0 - M


def test_an_answer_to_an_older_question_is_not_used() -> None:
    one = whole()
    assert not one.fill(venue(T0 - M, T0), T0 - M, T0)


def test_a_young_symbol_has_the_past_it_has() -> None:
    one = series(keep=2_000)
    first = one.missing(T0 + 30_000)
    assert first == (T0 - 2_000 * M, T0 - 1_001 * M)
    assert one.fill([], *first)
    second = one.missing(T0 + 30_000)
    assert second == (T0 - 1_000 * M, T0 - M)
    assert one.fill(venue(T0 - 10 * M, T0 - M), *second)
    assert (len(one.closed), one.whole) == (10, True)


def test_a_jump_beyond_everything_kept_begins_anew() -> None:
    one = whole(keep=50)
    revision = one.revision
    one.clock(T0 + 500 * M)
    assert (len(one.closed), one.revision, one.count) == (0, revision + 1, 0)
    assert one.missing(T0 + 500 * M + SETTLES_MS) == (T0 + 449 * M, T0 + 498 * M)


def test_a_hole_that_nobody_mends_is_given_up_in_the_end() -> None:
    one = series(keep=10)
    for number in range(40):
        one.clock(T0 + number * M)
    assert len(one._later) <= 10
    span = one.missing(T0 + 40 * M)
    assert span is not None
    assert span[0] >= T0 + 10 * M


def test_who_follows_sees_every_bar_once() -> None:
    one, seen, count = whole(keep=5), [], 0
    for number in range(1, 30):
        one.trade(T0 + (number + 1) * M, 100 + number, 1, 1)
        seen += list(one.since(count))
        count = one.count
    assert [bar.start_ms for bar in seen[-29:]] == [T0 + number * M for number in range(1, 30)]
    assert len(one.closed) == 5


@pytest.mark.parametrize(
    ("candle", "delta"),
    [((10, 14, 10, 14, 8), 8), ((14, 14, 10, 10, 8), -8), ((11, 14, 10, 13, 8), 4), ((12, 14, 10, 12, 8), 0)],
)
def test_without_takers_the_body_is_the_winners_and_the_wicks_are_everybodys(
    candle: tuple[int, int, int, int, int], delta: int
) -> None:
    assert split_delta(*candle) == delta
    assert split_delta(5, 5, 5, 5, 100) == 0


events = st.lists(
    st.tuples(
        st.sampled_from(["trade", "trade", "trade", "clock", "gap", "mend"]),
        st.integers(0, 90_000),
        st.integers(1, 200),
        st.sampled_from([1, -1]),
    ),
    max_size=80,
)


@settings(max_examples=60)
@given(events)
def test_whatever_happens_what_is_seen_has_no_holes_and_no_unheard_bar(
    given_events: list[tuple[str, int, int, int]],
) -> None:
    one, now_ms = series(keep=8), T0 + 30_000
    blind: list[tuple[int, int]] = [(0, now_ms + BLIND_MS)]
    for kind, wait_ms, ticks, taker in given_events:
        now_ms += wait_ms
        if kind == "trade":
            one.trade(now_ms, ticks, ticks, taker)
        elif kind == "clock":
            one.clock(now_ms)
        elif kind == "gap":
            one.lose()
            blind.append((now_ms, now_ms + 5_000 + BLIND_MS))
            one.join(now_ms + 5_000)
            now_ms += 5_000
        else:
            mend(one, now_ms)
        for old, new in pairwise(one.closed):
            assert new.start_ms == old.start_ms + M
            assert new.low_ticks <= min(new.open_ticks, new.close_ticks)
            assert new.high_ticks >= max(new.open_ticks, new.close_ticks)
            assert new.open_ticks == old.close_ticks or not new.exact
        for bar in one.closed:
            unheard = any(first < bar.start_ms + M and last > bar.start_ms for first, last in blind)
            assert not (bar.exact and unheard)
        assert len(one.closed) <= 8


def test_a_symbol_has_bars_of_every_length_from_the_same_trades() -> None:
    candles = Candles([("1m", M, 50), ("5m", 5 * M, 50)])
    candles.join(T0)
    for number in range(1, 12):
        candles.trade(T0 + number * M, 100 + number, 1, 1)
    candles.clock(T0 + 12 * M)
    candles.clock(T0)
    assert candles.at_ms == T0 + 12 * M
    minutes, fives = candles.series["1m"], candles.series["5m"]
    for one in (minutes, fives):
        span = one.missing(candles.at_ms)
        assert span is not None
        step = one.interval_ms
        bars = [Bar(at_ms, 100, 100, 100, 100, 1, 0, exact=False) for at_ms in range(span[0], span[1] + 1, step)]
        assert one.fill(bars, *span)
    last = fives.closed[-1]
    parts = [bar for bar in minutes.closed if last.start_ms <= bar.start_ms < last.start_ms + 5 * M]
    assert (last.lots, last.delta_lots) == (sum(bar.lots for bar in parts), sum(bar.delta_lots for bar in parts))
    assert (last.open_ticks, last.close_ticks) == (parts[0].open_ticks, parts[-1].close_ticks)
    candles.lose()
    candles.join(T0 + 13 * M)


def test_time_that_runs_back_is_no_time() -> None:
    one = whole()
    one.trade(T0 + M + 30_000, 105, 2, 1)
    one.clock(T0 - 9 * M)
    one.trade(T0 - 5 * M, 106, 1, 1)
    one.trade(T0 + 2 * M, 107, 1, 1)
    assert one.closed[-1] == Bar(T0 + M, 100, 106, 100, 106, 3, 3)
