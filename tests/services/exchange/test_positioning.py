"""Records of what is held on the market."""

from __future__ import annotations

import pytest

from services.exchange.candles import DAY_MS
from services.exchange.positioning import INTERVALS_MS, KEPT, RECORD_MS, Positioning
from tests.exchange_rig import SYMBOL, LiveRig

NOW_MS = 1_790_000_123_456
TICKER = {"singleOpenInterest": "10.500", "price24hPcnt": "0.0312"}


def test_a_record_every_five_minutes_and_a_day_before_the_opening() -> None:
    records = Positioning(TICKER, NOW_MS)
    assert len(list(records.newest_first("5min"))) in (288, 289)
    records.sample(TICKER | {"singleOpenInterest": "11.000"}, NOW_MS + RECORD_MS)
    newest, before, *_ = records.newest_first("5min")
    assert newest.at_ms - before.at_ms == RECORD_MS
    assert (newest.interest, before.interest) == ("11.000", "10.500")
    assert newest.long_e4 == 5_312
    records.sample(TICKER, NOW_MS + 30 * DAY_MS)
    assert len(list(records.newest_first("5min"))) == KEPT


@pytest.mark.parametrize("interval", INTERVALS_MS)
def test_an_interval_has_the_records_at_its_full_steps(interval: str) -> None:
    found = list(Positioning(TICKER, NOW_MS).newest_first(interval))
    assert found
    assert all(one.at_ms % INTERVALS_MS[interval] == 0 for one in found)
    assert len(found) >= DAY_MS // INTERVALS_MS[interval]


@pytest.mark.parametrize("ticker", [{}, {"openInterest": "7", "price24hPcnt": "-0.9"}, {"price24hPcnt": "?"}])
def test_a_ticker_that_says_less_gives_records_all_the_same(ticker: dict[str, str]) -> None:
    newest = next(Positioning(ticker, NOW_MS).newest_first("5min"))
    assert newest.interest == ticker.get("openInterest", "0")
    assert newest.long_e4 in (5_000, 3_000)


def test_open_interest_comes_in_pages_and_goes_on_with_the_market() -> None:
    rig = LiveRig()
    rig.now += 2 * RECORD_MS * 1_000_000
    rig.tick(200)
    asked = {"category": "linear", "symbol": SYMBOL, "intervalTime": "5min", "limit": "100"}
    rows, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        result = rig.get("/v5/market/open-interest", **asked, **({"cursor": cursor} if cursor else {}))["result"]
        assert list(result) == ["symbol", "category", "list", "nextPageCursor"]
        rows += result["list"]
        cursor, pages = result["nextPageCursor"], pages + 1
    assert pages == 3
    stamps = [int(row["timestamp"]) for row in rows]
    assert stamps == list(range(stamps[0], stamps[-1] - 1, -RECORD_MS))
    ticker = rig.rows("/v5/market/tickers", symbol=SYMBOL)[0]
    assert abs(float(rows[0]["openInterest"]) / float(ticker["singleOpenInterest"]) - 1.0) < 0.01
    assert rows[0]["openInterest"] != rows[-1]["openInterest"]
    part = rig.get("/v5/market/open-interest", **asked, startTime=str(stamps[3]), endTime=str(stamps[1]))["result"]
    assert part["list"] == rows[1:4]
    for wrong in ({"intervalTime": "7min"}, {"symbol": "NO"}, {"category": "spot"}, {"cursor": "x"}, {"limit": "0"}):
        assert rig.get("/v5/market/open-interest", **asked | wrong)["retCode"] == 10001


def test_the_share_of_longs_and_the_insurance_fund() -> None:
    rig = LiveRig()
    rows = rig.get("/v5/market/account-ratio", category="linear", symbol=SYMBOL, period="1h")["result"]["list"]
    assert [list(row) for row in rows[:1]] == [["symbol", "buyRatio", "sellRatio", "timestamp"]]
    assert {float(row["buyRatio"]) + float(row["sellRatio"]) for row in rows} == {1.0}
    fund = rig.get("/v5/market/insurance")["result"]
    assert [list(row) for row in fund["list"]] == [["coin", "symbols", "balance", "value"]]
    assert rig.get("/v5/market/insurance", coin="BTC")["result"]["list"] == []
