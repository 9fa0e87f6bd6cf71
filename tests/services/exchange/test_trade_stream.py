"""Matches become trades in the venue's words."""

from __future__ import annotations

import re

import orjson
import pytest

from services.exchange.matching import Fill
from services.exchange.trade_stream import TRADES_MAX, TradeStream
from shared.scale import Scale

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}")


def stream_of(born_ns: int = 1) -> TradeStream:
    return TradeStream("BTCUSDT", Scale("0.10", "0.001"), 600_000, born_ns)


def fill_at(price_ticks: int, side: int = 1) -> Fill:
    return Fill(1, 0, 2, 0, side, price_ticks, 15, 0)


def test_a_trade_has_the_venues_shape() -> None:
    stream = stream_of()
    [frame] = stream.frames([stream.add(fill_at(600_001), 546, 1_790_000_000_128)], 1_790_000_000_131)
    decoded = orjson.loads(frame)
    assert list(decoded) == ["topic", "type", "ts", "data"]
    [trade] = decoded["data"]
    assert UUID.fullmatch(trade.pop("i"))
    assert (decoded["topic"], decoded["type"], decoded["ts"]) == ("publicTrade.BTCUSDT", "snapshot", 1_790_000_000_131)
    assert list(trade.items()) == [
        ("T", 1_790_000_000_128),
        ("s", "BTCUSDT"),
        ("S", "Buy"),
        ("v", "0.015"),
        ("p", "60000.10"),
        ("L", "PlusTick"),
        ("BT", False),
        ("RPI", False),
        ("seq", 546),
    ]


@pytest.mark.parametrize("side", [(1, "Buy"), (-1, "Sell")])
def test_the_side_is_the_takers(side: tuple[int, str]) -> None:
    assert orjson.loads(stream_of().add(fill_at(600_000, side[0]), 1, 1))["S"] == side[1]


def test_tick_directions_remember_the_last_move() -> None:
    stream = stream_of()
    said = [orjson.loads(stream.add(fill_at(600_000 + step), 1, 1))["L"] for step in (1, 1, 0, 0, 2)]
    assert said == ["PlusTick", "ZeroPlusTick", "MinusTick", "ZeroMinusTick", "PlusTick"]


def test_a_message_carries_at_most_1024_trades() -> None:
    stream = stream_of()
    trades = [stream.add(fill_at(600_000), 1, 1) for _ in range(TRADES_MAX + 1)]
    assert [len(orjson.loads(frame)["data"]) for frame in stream.frames(trades, 1)] == [TRADES_MAX, 1]
    assert stream.frames([], 1) == []


def test_ids_are_never_used_twice_and_depend_on_the_birth() -> None:
    one, other = stream_of(1), stream_of(2)
    ids = [orjson.loads(stream.add(fill_at(600_000), 1, 1))["i"] for stream in (one, other) for _ in range(100)]
    assert len(set(ids)) == 200
    assert orjson.loads(stream_of(1).add(fill_at(600_000), 1, 1))["i"] == ids[0]
