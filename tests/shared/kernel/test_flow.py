"""Trades and tickers: what becomes of good frames and of bad ones."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.kernel import Outcome
from shared.kernel.flow import FlowKernel
from shared.layout import BLOCK, LAST, RPI, TAKER_BUY, Kind, meta_flags, meta_kind
from shared.ring import Record, RingReader, records
from tests import market_data as make


class Rig:
    def __init__(self) -> None:
        table, ring = make.table(), make.ring()
        self.kernel = FlowKernel(table.writer(table.add(make.SYMBOL, make.BTC)), ring)
        self.reader = RingReader(ring.buffer, 0)

    def events(self) -> list[Record]:
        return list(records(self.reader.take() or b""))

    def trades(self, *rows: Any, **root: Any) -> Outcome:
        frame = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 9, "data": list(rows)} | root
        return self.kernel.trades(orjson.dumps(frame), 77)

    def ticker(self, **data: Any) -> Outcome:
        frame = {"topic": "tickers.BTCUSDT", "ts": 9, "data": {"symbol": "BTCUSDT"} | data}
        return self.kernel.ticker(orjson.dumps(frame), 77)


def trade(**changes: Any) -> dict[str, Any]:
    return {
        "T": 5,
        "s": "BTCUSDT",
        "S": "Buy",
        "v": "0.015",
        "p": "100.10",
        "BT": False,
        "RPI": False,
        "seq": 8,
    } | changes


def test_every_trade_of_a_frame_becomes_a_record_in_order() -> None:
    rig = Rig()
    assert rig.trades(trade(), trade(S="Sell", p="100.0", RPI=True)) == Outcome.APPLIED
    one, two = rig.events()
    assert one[2:] == (5_000_000, 77, 1001, 15, 8, 0)
    assert (meta_kind(one[1]), meta_flags(one[1]), meta_flags(two[1])) == (Kind.TRADE, TAKER_BUY, RPI | LAST)


def liquidated(*rows: Any) -> bytes:
    return orjson.dumps({"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": 9, "data": list(rows)})


def test_a_liquidation_is_an_order_against_the_position_at_a_price_of_any_precision() -> None:
    rig = Rig()
    long = {"T": 5, "s": "BTCUSDT", "S": "Buy", "v": "0.015", "p": "100.123"}
    assert rig.kernel.liquidations(liquidated(long, long | {"S": "Sell"}), 77) == Outcome.APPLIED
    sold, bought = rig.events()
    assert sold[2:] == (5_000_000, 77, 0, 15, 10_012_300_000, 0)
    assert (meta_kind(sold[1]), meta_flags(sold[1]), meta_flags(bought[1])) == (Kind.LIQUIDATION, 0, TAKER_BUY | LAST)


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"v": "0.0001"}, Outcome.OFF_GRID),
        ({"v": "0.0001", "p": "x"}, Outcome.MALFORMED),
        ({"v": "0"}, Outcome.MALFORMED),
        ({"p": ""}, Outcome.MALFORMED),
        ({"p": "-1"}, Outcome.MALFORMED),
        ({"S": None}, Outcome.MALFORMED),
        ({"s": "ETHUSDT"}, Outcome.WRONG_SYMBOL),
    ],
)
def test_one_bad_liquidation_refuses_the_whole_frame(change: dict[str, Any], outcome: Outcome) -> None:
    rig = Rig()
    row = {"T": 5, "s": "BTCUSDT", "S": "Buy", "v": "0.015", "p": "100.1"}
    assert rig.kernel.liquidations(liquidated(row, row | change), 1) == outcome
    assert rig.events() == []


def test_block_trades_are_marked_and_may_lie_off_the_grid() -> None:
    rig = Rig()
    assert rig.trades(trade(BT=True)) == Outcome.APPLIED
    assert meta_flags(rig.events()[0][1]) == TAKER_BUY | BLOCK | LAST
    assert rig.trades(trade(BT=True, p="100.05")) == Outcome.APPLIED
    assert rig.events() == []


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (trade(p="100.05"), Outcome.OFF_GRID),
        (trade(v="0.0001"), Outcome.OFF_GRID),
        (trade(s="ETHUSDT"), Outcome.WRONG_SYMBOL),
        (trade(S="Hold"), Outcome.MALFORMED),
        (trade(v="0"), Outcome.MALFORMED),
        (trade(p="-1"), Outcome.MALFORMED),
        (trade(p=100.1), Outcome.MALFORMED),
        (trade(T="5"), Outcome.MALFORMED),
        (trade(seq=-1), Outcome.MALFORMED),
        (None, Outcome.MALFORMED),
    ],
)
def test_one_bad_trade_refuses_the_whole_frame(row: Any, outcome: Outcome) -> None:
    rig = Rig()
    assert rig.trades(trade(), row) == outcome
    assert rig.events() == []


@pytest.mark.parametrize("frame", [b"", b"[]", b"{}", b'{"topic":"publicTrade.BTCUSDT","data":[]}'])
def test_what_is_no_trade_frame_is_malformed(frame: bytes) -> None:
    assert Rig().kernel.trades(frame, 1) == Outcome.MALFORMED
    assert Rig().kernel.ticker(frame, 1) in (Outcome.MALFORMED, Outcome.WRONG_SYMBOL)


def test_a_ticker_keeps_what_a_delta_leaves_out_and_records_only_news() -> None:
    rig = Rig()
    rig.ticker(lastPrice="100.1", openInterest="5.5", markPrice="100.123", indexPrice="100.2", fundingRate="-0.0001")
    price, funding = rig.events()
    assert (meta_kind(price[1]), price[2:]) == (Kind.TICKER, (9_000_000, 77, 1001, 5500, 10012300000, 10020000000))
    assert (meta_kind(funding[1]), funding[4:]) == (Kind.FUNDING, (0, 0, -10000, 0))
    rig.ticker(markPrice="100.5", nextFundingTime="1786320000000")
    price, funding = rig.events()
    assert price[4:] == (1001, 5500, 10050000000, 10020000000)
    assert funding[6:] == (-10000, 1_786_320_000_000_000_000)
    assert rig.ticker(markPrice="100.5", volume24h="1") == Outcome.APPLIED
    assert rig.events() == []


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        ({"lastPrice": "100.05"}, Outcome.OFF_GRID),
        ({"markPrice": "NaN"}, Outcome.MALFORMED),
        ({"markPrice": "1e5"}, Outcome.MALFORMED),
        ({"markPrice": 5}, Outcome.MALFORMED),
        ({"markPrice": "9999999999.9", "indexPrice": "99999999999"}, Outcome.MALFORMED),
        ({"nextFundingTime": "-1"}, Outcome.MALFORMED),
        ({"symbol": "ETHUSDT"}, Outcome.WRONG_SYMBOL),
    ],
)
def test_a_bad_ticker_changes_nothing(data: dict[str, Any], outcome: Outcome) -> None:
    rig = Rig()
    assert rig.ticker(**data) == outcome
    assert rig.events() == []


def test_every_trade_and_ticker_of_the_real_recording_is_understood() -> None:
    rig = Rig()
    seen = dict[str, int]()
    for _, frame in make.recording():
        for topic, take in (("publicTrade", rig.kernel.trades), ("tickers", rig.kernel.ticker)):
            if frame.startswith(f'{{"topic":"{topic}.BTCUSDT"'.encode()):
                assert take(frame, 1) == Outcome.APPLIED
                seen[topic] = seen.get(topic, 0) + 1
    assert seen == {"publicTrade": 16, "tickers": 185}
