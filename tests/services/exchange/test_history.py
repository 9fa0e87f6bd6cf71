"""A symbol's past: made up from its ticker before the opening, sampled afterwards."""

from __future__ import annotations

from services.exchange.candles import DAY_MS
from services.exchange.history import History
from shared.scale import E8, Scale

NOW_MS = 1_790_000_000_000
SCALE = Scale("0.10", "0.001")
TICKER = {"prevPrice24h": "58000.00", "turnover24h": "144000000"}


def test_the_made_up_day_leads_from_the_tickers_first_price_to_its_last() -> None:
    history = History("BTCUSDT", SCALE, 600_000, TICKER, NOW_MS)
    bars = history.trades.bars("60")
    assert bars[0].start_ms >= NOW_MS - DAY_MS - 3_600_000
    assert abs(bars[0].open - 580_000) < 5_000
    assert bars[-1].close == 600_000
    turnover_e8 = sum(bar.value_e8 for bar in bars)
    assert abs(turnover_e8 - 144_000_000 * E8) < E8 * 1_000
    again = History("BTCUSDT", SCALE, 600_000, TICKER, NOW_MS)
    assert [bar.high for bar in again.trades.bars("5")] == [bar.high for bar in history.trades.bars("5")]


def test_without_a_day_there_is_no_past() -> None:
    for ticker in ({}, {"prevPrice24h": "", "turnover24h": ""}, {"prevPrice24h": "x", "turnover24h": "1"}):
        assert len(History("BTCUSDT", SCALE, 600_000, ticker, NOW_MS).trades.bars("1")) == 1


def test_mark_index_and_premium_are_sampled_once_a_second() -> None:
    history = History("BTCUSDT", SCALE, 600_000, {}, NOW_MS)
    for at_ms, mark in ((0, 0), (0, 100), (500, 900), (1_000, 110), (2_000, 99)):
        history.sample(mark * E8, 100 * E8, NOW_MS + at_ms)
    assert history.mark is not None
    assert history.premium is not None
    bar = history.mark.bars("1")[-1]
    assert (bar.open, bar.high, bar.low, bar.close) == (100 * E8, 110 * E8, 99 * E8, 99 * E8)
    assert history.premium.bars("1")[-1].high == E8 // 10
