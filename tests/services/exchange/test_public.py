"""The public topics: only what is watched is computed, and whoever follows them has the books."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest

from services.exchange.profile import PROFILES
from services.exchange.public import PublicStreams
from services.exchange.synthetic import INSTRUMENTS, START_PRICES_TICKS, SyntheticMarket
from services.exchange.universe import universe

MS = 1_000_000
S = 1_000_000_000
NOW = 1_790_000_000 * S
SYMBOLS = tuple(rules.symbol for rules in INSTRUMENTS)
TOPICS = [
    f"{head}.{symbol}"
    for symbol in SYMBOLS
    for head in ("orderbook.1", "orderbook.50", "orderbook.200", "publicTrade", "tickers")
]


def streams_of(seed: int = 1) -> tuple[SyntheticMarket, PublicStreams]:
    market = SyntheticMarket(Random(seed), INSTRUMENTS, START_PRICES_TICKS, NOW)
    return market, PublicStreams(market, NOW)


def join(streams: PublicStreams, topics: list[str], now: int) -> list[tuple[str, bytes]]:
    frames = []
    for topic in topics:
        streams.watch(topic)
        first = streams.subscribe(topic, now)
        if first is not None:
            frames.append((topic, first))
    return frames


def drive(market: SyntheticMarket, streams: PublicStreams, now: int) -> list[tuple[str, bytes]]:
    return streams.advance(now, market.advance(now))


class Follower:
    """An ordinary client of some topics, with every check a careful one makes."""

    def __init__(self) -> None:
        self.books: dict[str, dict[str, dict[str, str]]] = {}
        self.update_ids: dict[str, int] = {}
        self.seqs: dict[str, int] = {}
        self.counts: dict[str, int] = {}

    def hear(self, frames: list[tuple[str, bytes]]) -> None:
        for topic, data in frames:
            frame = orjson.loads(data)
            assert frame["topic"] == topic
            self.counts[topic] = self.counts.get(topic, 0) + 1
            if topic.startswith("orderbook."):
                self._book(topic, frame)

    def _book(self, topic: str, frame: dict[str, Any]) -> None:
        data = frame["data"]
        assert frame["cts"] <= frame["ts"]
        assert data["seq"] >= self.seqs.get(topic, 0)
        assert data["b"] or data["a"]
        self.seqs[topic] = data["seq"]
        if topic in self.update_ids and not topic.startswith("orderbook.1."):
            assert frame["type"] == "delta"
            assert data["u"] == self.update_ids[topic] + 1
        self.update_ids[topic] = data["u"]
        book = self.books.setdefault(topic, {"b": {}, "a": {}})
        for side in ("b", "a"):
            if frame["type"] == "snapshot":
                book[side] = {}
            for price, size in data[side]:
                if size == "0":
                    del book[side][price]
                else:
                    book[side][price] = size


def test_the_topics_are_the_venues() -> None:
    streams = streams_of()[1]
    assert all(streams.valid_topic(topic) for topic in TOPICS)
    for wrong in ("orderbook.500.BTCUSDT", "orderbook.50.btcusdt", "tickers.XRPUSDT", "order", ""):
        assert not streams.valid_topic(wrong)


def test_whoever_follows_the_frames_has_the_matching_books() -> None:
    market, streams = streams_of()
    follower = Follower()
    follower.hear(join(streams, TOPICS, NOW))
    for step in range(1, 2_001):
        follower.hear(drive(market, streams, NOW + step * 10 * MS))
    follower.hear(streams.advance(NOW + 21 * S, []))
    for topic, book in follower.books.items():
        _, depth, symbol = topic.split(".")
        scale = market.scales[symbol]
        for key, side in (("b", 1), ("a", -1)):
            levels = market.books[symbol].depth(side, int(depth))
            assert book[key] == {scale.price_text(ticks): scale.qty_text(lots) for ticks, lots in levels}
    assert set(follower.counts) == set(TOPICS)


def test_the_same_seed_gives_the_same_frames_byte_for_byte() -> None:
    said = []
    for _ in range(2):
        market, streams = streams_of(seed=9)
        frames = join(streams, TOPICS, NOW)
        for step in range(1, 301):
            frames += drive(market, streams, NOW + step * 10 * MS)
        said.append(frames)
    assert said[0] == said[1]
    assert len(said[0]) > 500


def test_only_watched_topics_are_said() -> None:
    market, streams = streams_of()
    join(streams, ["orderbook.50.ETHUSDT", "publicTrade.ETHUSDT"], NOW)
    heard = {topic for step in range(1, 301) for topic, _ in drive(market, streams, NOW + step * 10 * MS)}
    assert heard == {"orderbook.50.ETHUSDT", "publicTrade.ETHUSDT"}
    streams.unwatch("orderbook.50.ETHUSDT")
    streams.unwatch("publicTrade.ETHUSDT")
    assert drive(market, streams, NOW + 4 * S) == []


def test_a_topic_left_and_joined_again_starts_with_a_fresh_snapshot() -> None:
    market, streams = streams_of()
    topic = "orderbook.50.BTCUSDT"
    before = orjson.loads(join(streams, [topic], NOW)[0][1])
    streams.unwatch(topic)
    drive(market, streams, NOW + S)
    follower = Follower()
    follower.hear(join(streams, [topic], NOW + S))
    assert follower.update_ids[topic] == before["data"]["u"] + 1
    for step in range(1, 101):
        follower.hear(drive(market, streams, NOW + S + step * 10 * MS))


def test_one_watcher_leaving_does_not_disturb_the_other() -> None:
    market, streams = streams_of()
    topic = "orderbook.200.SOLUSDT"
    follower = Follower()
    follower.hear(join(streams, [topic], NOW))
    join(streams, [topic], NOW)
    follower.hear(drive(market, streams, NOW + S))
    streams.unwatch(topic)
    follower.hear(drive(market, streams, NOW + 2 * S))
    assert follower.counts[topic] == 3


def test_all_matches_of_one_taker_order_share_a_seq_and_books_come_after_it() -> None:
    market, streams = streams_of()
    join(streams, ["publicTrade.BTCUSDT", "orderbook.50.BTCUSDT"], NOW)
    book = market.books["BTCUSDT"]
    ask = book.best_ask()
    assert ask is not None
    fills = [("BTCUSDT", fill) for fill in book.submit(1, 7, 1, ask + 5, 2_000, "IOC").fills]
    count = len(fills)
    assert count > 1
    fills += [("BTCUSDT", fill) for fill in book.submit(2, 7, 1, ask + 9, 100, "IOC").fills]
    frames = [orjson.loads(frame) for _, frame in streams.advance(NOW + 20 * MS, fills)]
    seqs = [trade["seq"] for trade in frames[0]["data"]]
    assert len(set(seqs[:count])) == 1
    assert seqs[-1] == seqs[0] + 1
    assert frames[1]["data"]["seq"] >= seqs[-1]


def test_rest_answers_agree_with_the_book() -> None:
    market, streams = streams_of()
    drive(market, streams, NOW + S)
    book, scale = market.books["SUIUSDT"], market.scales["SUIUSDT"]
    result = streams.orderbook_result("SUIUSDT", 3)
    assert list(result) == ["s", "b", "a", "ts", "u", "seq", "cts"]
    assert result["a"] == [[scale.price_text(ticks), scale.qty_text(lots)] for ticks, lots in book.depth(-1, 3)]
    assert (result["ts"], result["s"]) == ((NOW + S) // MS, "SUIUSDT")
    row = streams.ticker_row("SUIUSDT")
    assert (row["bid1Price"], row["lastPrice"]) == (result["b"][0][0], scale.price_text(streams.last_ticks("SUIUSDT")))
    assert streams.touch_ticks("SUIUSDT") == (book.best_bid(), book.best_ask())


def test_a_client_cannot_leave_what_it_does_not_watch() -> None:
    with pytest.raises(AssertionError):
        streams_of()[1].unwatch("tickers.BTCUSDT")


def leader_of(tickers: dict[str, dict[str, str]]) -> tuple[str, float]:
    """Return the symbol with the greatest turnover x |change|, and how far it is above the second."""
    products = {symbol: float(row["turnover24h"]) * abs(float(row["price24hPcnt"])) for symbol, row in tickers.items()}
    first, second = sorted(products, key=lambda symbol: -products[symbol])[:2]
    return first, products[first] / products[second]


def contest(symbols: int, seed: int, seconds_max: int) -> list[float]:
    """Follow nothing but tickers; return how far each leader that was announced stood above the second one.

    What was announced is read only to judge: the leader is named from the frames, and again from REST.
    """
    listed = universe(symbols)
    rules, starts = [one.rules for one in listed.values()], [one.start_ticks for one in listed.values()]
    market = SyntheticMarket(Random(seed), rules, starts, NOW, PROFILES["labelled"])
    streams = PublicStreams(market, NOW)
    tickers: dict[str, dict[str, str]] = {symbol: {} for symbol in listed}
    frames, judged, found = join(streams, [f"tickers.{symbol}" for symbol in listed], NOW), 0, list[float]()
    for now in range(NOW + S, NOW + seconds_max * S, S):
        for _, data in frames:
            row = orjson.loads(data)["data"]
            tickers[row["symbol"]] |= row
        frames = drive(market, streams, now)
        told = [deed for deed in market.truth.deeds() if deed.kind == "leader"]
        if not told or told[-1].number == judged or now < told[-1].end_ns + 20 * S:
            continue
        judged = told[-1].number
        leader, ratio = leader_of(tickers)
        assert leader == leader_of({symbol: streams.ticker_row(symbol) for symbol in listed})[0]
        found.append(ratio if leader == told[-1].symbol else 0.0)
        if symbols < 50:
            break
    return found


def test_who_leads_is_seen_from_the_tickers_alone() -> None:
    (ratio,) = contest(symbols=5, seed=3, seconds_max=290)
    assert ratio > 1.2


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2])
def test_who_leads_among_fifty_is_seen_from_the_tickers_alone(seed: int) -> None:
    ratios = contest(symbols=50, seed=seed, seconds_max=300)
    assert len(ratios) == 1
    assert min(ratios) > 1.2, ratios
