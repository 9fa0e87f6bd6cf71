"""Trades, tickers, klines and the other public topics."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest

from tests.contract.client import SYMBOL, Json, Lines, Rest, until

TRADES, TICKER = f"publicTrade.{SYMBOL}", f"tickers.{SYMBOL}"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TICKER_KEYS = {
    "symbol", "tickDirection", "price24hPcnt", "lastPrice", "prevPrice24h", "highPrice24h", "lowPrice24h",
    "prevPrice1h", "markPrice", "indexPrice", "openInterest", "openInterestValue", "singleOpenInterest",
    "singleOpenInterestValue", "turnover24h", "volume24h", "fundingIntervalHour", "fundingCap", "nextFundingTime",
    "fundingRate", "bid1Price", "bid1Size", "ask1Price", "ask1Size", "preOpenPrice", "preQty", "curPreListingPhase",
}  # fmt: skip
MINUTE_MS = 60_000


def trades(lines: Lines, how_many: int) -> list[Json]:
    line = lines.open()
    line.subscribe(TRADES)
    rows: list[Json] = []
    while len(rows) < how_many:
        rows += line.topic(TRADES)["data"]
    return rows


def test_a_trade_frame(lines: Lines) -> None:
    """v5/websocket/public/trade: type is always snapshot; T, s, S, v, p, L, i, BT, RPI, seq."""
    line = lines.open()
    line.subscribe(TRADES)
    frame = line.hear()
    assert list(frame) == ["topic", "type", "ts", "data"]
    assert (frame["topic"], frame["type"]) == (TRADES, "snapshot")
    for row in frame["data"]:
        assert list(row) == ["T", "s", "S", "v", "p", "L", "i", "BT", "RPI", "seq"]
        assert type(row["T"]) is type(row["seq"]) is int
        assert (row["s"], row["BT"], row["RPI"]) == (SYMBOL, False, False)
        assert row["S"] in ("Buy", "Sell")
        assert float(row["v"]) > 0 < float(row["p"])
        assert UUID.fullmatch(row["i"])
        assert row["T"] <= frame["ts"]


def test_tick_directions_follow_the_prices(lines: Lines) -> None:
    """v5/enum tickDirection: PlusTick, ZeroPlusTick, MinusTick, ZeroMinusTick."""
    rows = trades(lines, 60)
    for old, new in pairwise(rows):
        moved = float(new["p"]) - float(old["p"])
        if moved:
            assert new["L"] == ("PlusTick" if moved > 0 else "MinusTick")
        else:
            assert new["L"] == "Zero" + old["L"].removeprefix("Zero")


def test_trades_are_ascending_and_each_has_an_id_of_its_own(lines: Lines) -> None:
    """v5/websocket/public/trade: data is ordered by time."""
    rows = trades(lines, 60)
    assert [row["T"] for row in rows] == sorted(row["T"] for row in rows)
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    assert len({row["i"] for row in rows}) == len(rows)


def test_the_fills_of_one_taker_share_seq_and_side(lines: Lines, flat: Rest) -> None:
    """v5/websocket/public/trade, 2025-08-05: seq is the same for all fills of one taker order."""
    line, mine = lines.open(), lines.private("execution")
    line.subscribe(TRADES)
    flat.order(qty="5.000")
    done = [(row["execPrice"], row["execQty"]) for row in mine.topic("execution")["data"]]
    assert len(done) > 1
    while True:
        rows = line.topic(TRADES)["data"]
        for seq in {row["seq"] for row in rows}:
            group = [row for row in rows if row["seq"] == seq]
            if [(row["p"], row["v"]) for row in group] == done:
                assert {row["S"] for row in group} == {"Buy"}
                return


def test_there_is_no_snapshot_of_old_trades(lines: Lines) -> None:
    """v5/websocket/public/trade: no replay for who comes later."""
    first = trades(lines, 3)
    second = trades(lines, 3)
    assert not {row["i"] for row in first} & {row["i"] for row in second}


# --- tickers ----------------------------------------------------------------------------------------------------


def test_the_first_ticker_has_every_key(lines: Lines) -> None:
    """v5/websocket/public/ticker: snapshot first; data is an object and every value is text."""
    line = lines.open()
    line.subscribe(TICKER)
    frame = line.hear()
    assert list(frame) == ["topic", "type", "data", "cs", "ts"]
    assert frame["type"] == "snapshot"
    assert set(frame["data"]) == TICKER_KEYS
    assert all(isinstance(value, str) for value in frame["data"].values())
    assert type(frame["cs"]) is type(frame["ts"]) is int
    assert int(frame["data"]["nextFundingTime"]) > frame["ts"]


def test_ticker_deltas_name_only_what_has_changed(lines: Lines) -> None:
    """v5/websocket/public/ticker: a key that is missing has not changed."""
    line = lines.open()
    line.subscribe(TICKER)
    state = dict(line.hear()["data"])
    for frame in line.frames(12):
        assert frame["type"] == "delta"
        delta = frame["data"]
        assert delta["symbol"] == SYMBOL
        assert set(delta) < TICKER_KEYS
        assert any(state[key] != value for key, value in delta.items())
        state |= delta


def test_merged_deltas_are_a_later_subscribers_snapshot(lines: Lines) -> None:
    """v5/websocket/public/ticker: nothing is lost on the way."""
    first, second = lines.open(), lines.open()
    first.subscribe(TICKER)
    state = dict(first.hear()["data"])
    for frame in first.frames(8):
        state |= frame["data"]
    second.subscribe(TICKER)
    snapshot = second.hear()
    while (frame := first.hear())["ts"] <= snapshot["ts"]:
        state |= frame["data"]
    assert snapshot["type"] == "snapshot"
    assert state == snapshot["data"]


def test_tickers_come_every_100_ms_at_most(lines: Lines) -> None:
    """v5/websocket/public/ticker: 100 ms."""
    line = lines.open()
    line.subscribe(TICKER)
    frames = line.frames(12)[1:]
    assert frames[-1]["ts"] - frames[0]["ts"] >= 10 * 100 * 0.8


# --- klines -----------------------------------------------------------------------------------------------------

INTERVALS = ["1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M"]
KLINE = ["start", "end", "interval", "open", "close", "high", "low", "volume", "turnover", "confirm", "timestamp"]


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_kline_frame(lines: Lines, interval: str) -> None:
    """v5/websocket/public/kline: data is a list, type is snapshot; end is start + length - 1."""
    line = lines.open()
    line.subscribe(f"kline.{interval}.{SYMBOL}")
    frame = line.topic(f"kline.{interval}.{SYMBOL}")
    assert list(frame) == ["topic", "data", "ts", "type"]
    assert frame["type"] == "snapshot"
    for bar in frame["data"]:
        assert list(bar) == KLINE
        assert type(bar["start"]) is type(bar["end"]) is type(bar["timestamp"]) is int
        assert bar["interval"] == interval
        assert type(bar["confirm"]) is bool
        prices = [float(bar[name]) for name in ("low", "open", "close", "high")]
        assert prices[0] == min(prices)
        assert prices[3] == max(prices)
        assert bar["start"] <= frame["ts"]
        if interval.isdigit():
            length = int(interval) * MINUTE_MS
            assert bar["start"] % length == 0
            assert bar["end"] == bar["start"] + length - 1


def test_a_kline_follows_the_trades(lines: Lines) -> None:
    """v5/websocket/public/kline: pushed while there is trading."""
    line = lines.open()
    topic = f"kline.1.{SYMBOL}"
    line.subscribe(topic)
    bars = [line.topic(topic)["data"][-1] for _ in range(3)]
    for old, new in pairwise(bars):
        assert new["timestamp"] > old["timestamp"]
        if new["start"] == old["start"]:
            assert float(new["volume"]) >= float(old["volume"])
            assert new["open"] == old["open"]


def test_rest_klines_are_newest_first_and_end_with_the_open_bar(rest: Rest) -> None:
    """v5/market/kline: rows of seven texts, limit 200 by default, the bar that is still open among them."""
    answer = rest.public("/v5/market/kline", category="linear", symbol=SYMBOL, interval="1")
    assert set(answer.result) == {"category", "symbol", "list"}
    assert 1 <= len(answer.rows) <= 200
    assert all(len(row) == 7 and all(isinstance(value, str) for value in row) for row in answer.rows)
    starts = [int(row[0]) for row in answer.rows]
    assert starts == sorted(starts, reverse=True)
    assert answer.body["time"] - starts[0] < 2 * MINUTE_MS
    assert len(rest.public("/v5/market/kline", category="linear", symbol=SYMBOL, interval="1", limit=1).rows) == 1


@pytest.mark.parametrize("interval", ["2", "x", ""])
def test_a_kline_of_an_unknown_interval_is_refused(rest: Rest, interval: str) -> None:
    """v5/market/kline."""
    assert rest.public("/v5/market/kline", category="linear", symbol=SYMBOL, interval=interval).code == 10001


# --- the rest of the tape ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", [f"allLiquidation.{SYMBOL}", f"priceLimit.{SYMBOL}"])
def test_other_topics(lines: Lines, topic: str) -> None:
    """v5/websocket/public/all-liquidation, order-price-limit."""
    lines.open().subscribe(topic)


def test_recent_trades(rest: Rest, lines: Lines) -> None:
    """v5/market/recent-trade: other names than the stream's, newest first."""
    trades(lines, 5)
    rows = rest.public("/v5/market/recent-trade", category="linear", symbol=SYMBOL, limit=5).rows
    assert len(rows) == 5
    keys = ["execId", "symbol", "price", "size", "side", "time", "isBlockTrade", "isRPITrade", "seq"]
    assert all(set(row) == set(keys) for row in rows)
    assert all(isinstance(row["time"], str) and isinstance(row["seq"], str) for row in rows)
    assert [int(row["time"]) for row in rows] == sorted((int(row["time"]) for row in rows), reverse=True)


def test_recent_trades_have_the_ids_of_the_stream(rest: Rest, lines: Lines) -> None:
    """v5/market/recent-trade: execId is the stream's i."""
    seen = {row["i"]: row for row in trades(lines, 5)}
    rows = rest.public("/v5/market/recent-trade", category="linear", symbol=SYMBOL, limit=200).rows
    known = {row["execId"]: row for row in rows}
    assert set(seen) <= set(known)
    for name, row in seen.items():
        assert (known[name]["price"], known[name]["size"], known[name]["side"]) == (row["p"], row["v"], row["S"])


def test_text_on_the_wire_is_plain_json(lines: Lines) -> None:
    """RFC 8259: no byte order mark, no NaN."""
    line = lines.open()
    line.subscribe(TICKER)
    text = until("frame", line.hear_text)
    assert text.startswith('{"topic"')
    json.loads(text, parse_constant=lambda name: pytest.fail(name))
