"""Topics that every market has, beside the market's own; and the past that REST asks for."""

from __future__ import annotations

from random import Random

import orjson

from services.exchange.desk import Band
from services.exchange.playback import PlaybackMarket
from services.exchange.public import PublicStreams
from services.exchange.streams import Streams
from services.exchange.synthetic import INSTRUMENTS, START_PRICES_TICKS, SyntheticMarket

MS, S = 1_000_000, 1_000_000_000
NOW = 1_790_000_000 * S
MINUTE, LIMIT, BUST = "kline.1.BTCUSDT", "priceLimit.BTCUSDT", "allLiquidation.BTCUSDT"


def streams_of() -> tuple[SyntheticMarket, Streams]:
    market = SyntheticMarket(Random(1), INSTRUMENTS, START_PRICES_TICKS, NOW)
    return market, Streams(PublicStreams(market, NOW), lambda symbol: Band(1, 2), NOW)


def listen(market: SyntheticMarket, streams: Streams, topics: list[str], seconds: int) -> dict[str, int]:
    heard: dict[str, int] = {}
    for topic in topics:
        streams.watch(topic)
        streams.subscribe(topic, NOW)
    for step in range(1, seconds * 50 + 1):
        now = NOW + step * 20 * MS
        for topic, _ in streams.advance(now, market.advance(now)):
            heard[topic] = heard.get(topic, 0) + 1
    return heard


def test_topics_are_the_venues() -> None:
    _, streams = streams_of()
    for topic in (MINUTE, "kline.D.ETHUSDT", LIMIT, BUST, "orderbook.1000.BTCUSDT", "tickers.BTCUSDT"):
        assert streams.valid_topic(topic)
    for topic in ("kline.2.BTCUSDT", "kline.BTCUSDT", "kline.1.XRPUSDT", "priceLimit", "orderbook.500.BTCUSDT", ""):
        assert not streams.valid_topic(topic)


def test_only_watched_topics_are_said_and_a_leaver_ends_them() -> None:
    market, streams = streams_of()
    streams.liquidated("BTCUSDT", 1, 5, 600_000, NOW)
    heard = listen(market, streams, [MINUTE, LIMIT, BUST], 10)
    assert set(heard) == {MINUTE, LIMIT, BUST}
    assert heard[BUST] == 1
    assert heard[MINUTE] <= 12
    for topic in (MINUTE, LIMIT, BUST):
        streams.unwatch(topic)
    assert streams.advance(NOW + 11 * S, market.advance(NOW + 11 * S)) == []


def test_a_restart_sends_every_book_again_with_update_id_one() -> None:
    market, streams = streams_of()
    books = ["orderbook.1.BTCUSDT", "orderbook.50.BTCUSDT", "orderbook.200.ETHUSDT"]
    listen(market, streams, books, 2)
    frames = {topic: orjson.loads(frame) for topic, frame in streams.restart_streams(NOW + 2 * S)}
    assert set(frames) == set(books)
    assert {(frame["type"], frame["data"]["u"]) for frame in frames.values()} == {("snapshot", 1)}
    later = [orjson.loads(frame) for _, frame in streams.advance(NOW + 3 * S, market.advance(NOW + 3 * S))]
    assert {frame["data"]["u"] for frame in later} == {2}


def test_bars_follow_the_matches() -> None:
    market, streams = streams_of()
    listen(market, streams, [], 5)
    history = streams.history("BTCUSDT")
    assert history is not None
    assert history.trades.count > 0
    assert history.trades.bars("1")[-1].close == market.books["BTCUSDT"].last_ticks


def test_funding_rates_are_kept_from_the_day_before_on() -> None:
    _, streams = streams_of()
    before = list(streams.funding_rates("BTCUSDT"))
    assert len(before) == 3
    assert all(at_ms % 28_800_000 == 0 and rate for at_ms, rate in before)
    streams.advance(NOW + 8 * 3_600 * S, [])
    assert len(streams.funding_rates("BTCUSDT")) == 4


def test_a_recordings_trades_become_bars() -> None:
    trade = {"T": 1_000, "s": "BTCUSDT", "S": "Buy", "v": "0.010", "p": "60000.10", "i": "x"}
    frames = [
        (0, orjson.dumps({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1_001, "data": [trade]})),
        (1, b'{"topic":"publicTrade.BTCUSDT","data":[{"s":"BTCUSDT"}]}'),
    ]
    market = PlaybackMarket(lambda: frames, INSTRUMENTS[:1])
    streams = Streams(market, lambda symbol: Band(1, 2), NOW)
    assert streams.history("BTCUSDT") is None
    market.start(NOW)
    assert len(streams.advance(NOW + S, [])) == 2
    history = streams.history("BTCUSDT")
    assert history is not None
    assert history.trades.bars("1")[-1].lots == 10
    assert (streams.next_due_ns, streams.restart_streams(NOW)) == (None, [])
