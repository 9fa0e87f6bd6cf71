"""A symbol's past: made up from its ticker before the opening, sampled afterwards."""

from __future__ import annotations

from services.exchange.history import History
from shared.scale import E8, Scale

NOW_MS = 1_790_000_000_000
SCALE = Scale("0.10", "0.001")
TICKER = {"prevPrice24h": "58000.00", "turnover24h": "144000000"}


def test_bars_before_the_opening_are_of_one_past_whichever_series_is_asked() -> None:
    history = History("BTCUSDT", SCALE, 600_000, TICKER, NOW_MS)
    history.sample(59_990 * E8, 59_980 * E8, NOW_MS + 70_000)
    assert history.mark is not None
    assert history.index is not None
    assert history.premium is not None
    trades, mark, index = (series.bars("5") for series in (history.trades, history.mark, history.index))
    assert [bar.start_ms for bar in trades] == [bar.start_ms for bar in mark] == [bar.start_ms for bar in index]
    for bar, marked in list(zip(trades, mark, strict=True))[:-1]:
        assert abs(bar.close * SCALE.tick_e8 / marked.close - 60_000 / 59_990) < 1e-6
        assert marked.lots == 0
    assert {bar.close for bar in history.premium.bars("60")} == {(59_990 - 59_980) * E8 // 59_980}
    assert mark[-1].close == 59_990 * E8
    assert len(history.mark.bars("1")) > 2_000


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
