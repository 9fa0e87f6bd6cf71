"""Another venue's frames pass through, our orders meet its books, and while it is away nothing is traded."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest

from services.exchange.faults import Faults
from services.exchange.live import LiveBroken, LiveExchangeCore, LiveFrames, LiveLost, LiveMarket, topics_of
from services.exchange.venue import Settings, Venue
from shared.messages import Started
from shared.scale import E8
from tests.exchange_rig import RULES, SYMBOL

MS = 1_000_000
NOW = 1_790_000_000_000 * MS
BUY, SELL = 1, -1


def book(kind: str, u: int, bids: list[Any], asks: list[Any], depth: int = 50) -> bytes:
    """Return a frame of the live order book."""
    data = {"s": SYMBOL, "b": bids, "a": asks, "u": u, "seq": u}
    topic = f"orderbook.{depth}.{SYMBOL}"
    return orjson.dumps({"topic": topic, "type": kind, "ts": NOW // MS, "data": data, "cts": NOW // MS})


def ticker(mark: str) -> bytes:
    data = {"symbol": SYMBOL, "markPrice": mark, "lastPrice": mark, "indexPrice": mark}
    return orjson.dumps({"topic": f"tickers.{SYMBOL}", "type": "snapshot", "ts": NOW // MS, "data": data, "cs": 1})


WHOLE = book("snapshot", 7, [["100.0", "5"]], [["100.2", "3"]])


def market() -> LiveMarket:
    return LiveMarket([rules for rules in RULES if rules.symbol == SYMBOL])


def test_books_trades_tickers_and_liquidations_of_every_symbol_are_wanted() -> None:
    assert topics_of(["A"]) == [
        "orderbook.1.A", "orderbook.50.A", "orderbook.200.A", "publicTrade.A", "tickers.A", "allLiquidation.A",
    ]  # fmt: skip


def test_frames_are_passed_on_byte_for_byte() -> None:
    live = market()
    assert live.take(WHOLE) == ""
    assert live.advance(NOW) == [(f"orderbook.50.{SYMBOL}", WHOLE)]
    assert live.advance(NOW + 1) == []
    assert not live.ended(NOW)


def test_a_change_before_its_snapshot_is_left_out_and_a_gap_breaks_the_book() -> None:
    live = market()
    change = book("delta", 8, [["100.0", "4"]], [])
    assert live.take(change) == ""
    assert live.advance(NOW) == []
    live.take(WHOLE)
    assert live.take(change) == ""
    assert live.take(book("delta", 10, [], [])) == f"orderbook.50.{SYMBOL}"


@pytest.mark.parametrize(
    "frame", [b"", b"{", b"[]", b'{"success":true,"op":"subscribe"}', b'{"topic":"orderbook.50.X"}']
)
def test_what_is_no_market_data_is_left_out(frame: bytes) -> None:
    live = market()
    assert live.take(frame) == ""
    assert live.advance(NOW) == []


def test_a_lost_stream_leaves_nothing_to_trade_against() -> None:
    live = market()
    live.take(book("snapshot", 7, [["100.0", "5"]], [["100.2", "3"]], depth=200))
    live.take(ticker("100.1"))
    assert live.matches_orders
    assert all(live.touch_ticks(SYMBOL))
    live.lose()
    assert not live.matches_orders
    assert live.books[SYMBOL].ladder(BUY)[1] == {}
    assert live.take(book("delta", 8, [["100.0", "4"]], [], depth=200)) == ""  # Of before the loss: not believed.
    assert not live.matches_orders


def core() -> LiveExchangeCore:
    def build(now: int, last_prices_ticks: object = None) -> Venue:
        live = market()
        return Venue(live, live.books, live.play)

    found = LiveExchangeCore(build, Settings("key", "secret", 1_000 * E8, 0, 0), Faults(Random(1)))  # type: ignore[arg-type]
    found.on_started(Started("exchange", "run", 0), NOW)
    return found


def test_a_gap_takes_the_books_away_and_has_the_stream_opened_anew() -> None:
    exchange = core()
    exchange.on_live_frames(LiveFrames((WHOLE,)), NOW)
    said = exchange.on_live_frames(LiveFrames((book("delta", 10, [], []),)), NOW + MS)
    assert LiveBroken(f"orderbook.50.{SYMBOL}") in said
    assert exchange.desk.market.touch_ticks(SYMBOL) == (0, 0)
    assert exchange.on_live_lost(LiveLost("gone"), NOW + 2 * MS) == []
