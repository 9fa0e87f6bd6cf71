"""The made-up past: whole, on the calendar, what the ticker says, and at the opening price in the end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.exchange.candles import DAY_MS, INTERVALS, MINUTE_MS, Bar
from services.exchange.past import DAY_MINUTES, DAYS, Past, flat, past_of
from shared.scale import E8, Scale

NOW_MS = 1_790_000_000_000
SCALE = Scale("0.10", "0.001")
TICKER = {"prevPrice24h": "58000.00", "turnover24h": "144000000"}


def past(now_ms: int = NOW_MS, symbol: str = "BTCUSDT") -> Past:
    found = past_of(symbol, SCALE, 600_000, TICKER, now_ms)
    assert found is not None
    return found


def words(bars: list[Bar]) -> list[tuple[int, ...]]:
    return [(bar.start_ms, bar.open, bar.high, bar.low, bar.close, bar.lots, bar.value_e8) for bar in bars]


def test_it_leads_to_the_opening_price_and_is_as_long_as_two_hundred_hours() -> None:
    minutes = past().bars("1")
    assert len(minutes) == DAYS * DAY_MINUTES > 200 * 60
    assert (minutes[-1].end_ms, minutes[-1].close) == (NOW_MS // MINUTE_MS * MINUTE_MS, 600_000)
    for old, new in pairwise(minutes):
        assert (new.start_ms, new.open) == (old.end_ms, old.close)
        assert 0 < new.low <= min(new.open, new.close) <= max(new.open, new.close) <= new.high
        assert abs(new.close - new.open) < 3_000


def test_its_last_day_is_the_tickers() -> None:
    day = past().bars("1")[-DAY_MINUTES:]
    assert abs(day[0].open - 580_000) < 10_000
    assert abs(sum(bar.value_e8 for bar in day) - 144_000_000 * E8) < E8
    assert all(bar.lots for bar in day)


@pytest.mark.parametrize("interval", INTERVALS)
def test_bars_of_every_interval_are_made_of_the_same_minutes(interval: str) -> None:
    minutes, bars = list(past().minutes()), past().bars(interval)
    assert (bars[0].open, bars[-1].close) == (minutes[0][1], 600_000)
    assert sum(bar.lots for bar in bars) == sum(lots for *_, lots, _ in minutes)
    assert sum(bar.value_e8 for bar in bars) == sum(value_e8 for *_, value_e8 in minutes)
    assert max(bar.high for bar in bars) == max(high for _, _, high, *_ in minutes)
    assert min(bar.low for bar in bars) == min(low for _, _, _, low, *_ in minutes)
    assert all(new.start_ms == old.end_ms for old, new in pairwise(bars))


def test_the_same_market_has_the_same_past_and_another_symbol_another() -> None:
    assert words(past().bars("60")) == words(past().bars("60"))
    assert words(past().bars("60")) != words(past(symbol="ETHUSDT").bars("60"))


@settings(max_examples=10)
@given(st.integers(NOW_MS, NOW_MS + DAY_MS), st.integers(1, 10**7), st.integers(0, 10**7))
def test_whatever_the_ticker_says_prices_are_prices(now_ms: int, last_ticks: int, turnover: int) -> None:
    ticker = {"prevPrice24h": SCALE.price_text(max(1, 10**7 - last_ticks)), "turnover24h": str(turnover)}
    found = past_of("XUSDT", SCALE, last_ticks, ticker, now_ms)
    assert found is not None
    bars = found.bars("240")
    assert bars[-1].close == last_ticks
    assert min(bar.low for bar in bars) >= 1


@pytest.mark.parametrize("ticker", [{}, {"prevPrice24h": "", "turnover24h": "1"}, {"prevPrice24h": "x"}])
def test_without_a_day_there_is_no_past(ticker: dict[str, str]) -> None:
    assert past_of("BTCUSDT", SCALE, 600_000, ticker, NOW_MS) is None
    assert past_of("BTCUSDT", SCALE, 0, TICKER, NOW_MS) is None


def test_other_series_go_the_same_way_in_their_own_unit() -> None:
    half = past().at("60", 300_000)
    assert [bar.close for bar in half] == [bar.close * 300_000 // 600_000 for bar in past().bars("60")]
    assert {(bar.lots, bar.value_e8) for bar in half} == {(0, 0)}
    assert {(bar.open, bar.high, bar.low, bar.close) for bar in flat("D", past(), 5)} == {(5, 5, 5, 5)}
