"""Both kinds of market are one ``Market``."""

from __future__ import annotations

from random import Random

import pytest

from services.exchange.market import Market
from services.exchange.playback import PlaybackMarket
from services.exchange.public import PublicStreams
from services.exchange.synthetic import INSTRUMENTS, START_PRICES_TICKS, SyntheticMarket

NOW = 1_790_000_000_000_000_000
SNAPSHOT = (
    b'{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":2,"data":{"s":"BTCUSDT","b":[["60000.00","1.250"]],'
    b'"a":[["60000.10","0.310"]],"u":1,"seq":2},"cts":1}'
)
TICKER = (
    b'{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","lastPrice":"60000.00"},"cs":1,"ts":2}'
)


def synthetic() -> Market:
    return PublicStreams(SyntheticMarket(Random(1), INSTRUMENTS, START_PRICES_TICKS, NOW), NOW)


def playback() -> Market:
    return PlaybackMarket(lambda: [(1, SNAPSHOT), (2, TICKER)], INSTRUMENTS[:1])


@pytest.mark.parametrize("build", [synthetic, playback])
def test_a_subscriber_can_follow_any_market(build: type[Market]) -> None:
    market = build()
    topics = ["orderbook.50.BTCUSDT", "tickers.BTCUSDT"]
    heard = list[str]()
    for topic in topics:
        assert market.valid_topic(topic)
        market.watch(topic)
        heard += [topic] if market.subscribe(topic, NOW) else []
    assert set(market.start_topics) <= set(topics)
    market.start(NOW)
    heard += [topic for topic, _ in market.advance(NOW + 1_000, [])]
    assert sorted(heard) == topics
    assert set(market.symbols) == set(market.instruments)
    bid, ask = market.touch_ticks("BTCUSDT")
    assert 0 < bid < ask
    assert market.last_ticks("BTCUSDT") > 0
    row, book = market.ticker_row("BTCUSDT"), market.orderbook_result("BTCUSDT", 1)
    assert row["symbol"] == book["s"] == "BTCUSDT"
    assert len(book["b"]) == len(book["a"]) == 1
    assert market.matches_orders
    for topic in topics:
        market.unwatch(topic)
