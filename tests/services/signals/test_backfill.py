"""The asking for bars: everything once, a page at a time, patiently; and the local exchange's bars are ours."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import orjson

from services.exchange.core import ExchangeCore, Venue
from services.exchange.profile import PROFILES
from services.exchange.public import PublicStreams
from services.exchange.sockets import PUBLIC_PATH
from services.exchange.synthetic import INSTRUMENTS, START_PRICES_TICKS, SyntheticMarket
from services.exchange.wire import HttpReply, HttpRequest, SocketFrames, SocketOpened, SocketText
from services.signals.backfill import AGAIN_NS, AGAIN_NS_MAX, ANSWER_NS_MAX, QUESTIONS_MAX, Backfill
from services.signals.candles import Candles
from services.signals.wire import KlineAnswer, KlineFailed, KlineRequest
from shared.config_candles import Candles as Config
from shared.messages import Log, Message, Started, Tick
from shared.scale import Scale
from tests.exchange_rig import SETTINGS

M, S, MS = 60_000, 1_000_000_000, 1_000_000
T0 = 1_790_000_040_000
NOW = T0 * MS
SCALE = Scale("0.10", "0.001")


def rows(asked: KlineRequest, price: str = "100.0") -> bytes:
    """Return what a venue answers where the price never moves."""
    step = int(asked.interval) * M
    starts = range(asked.last_ms, asked.first_ms - 1, -step)
    listed = [[str(at_ms), price, price, price, price, "1", "100"] for at_ms in starts]
    return orjson.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": listed}})


def questions(outputs: list[Message]) -> list[KlineRequest]:
    return [one for one in outputs if isinstance(one, KlineRequest)]


class Asker:
    """A back-fill of some symbols that have just been joined."""

    def __init__(self, *symbols: str) -> None:
        self.backfill, self.now, self.asked = Backfill(Config()), NOW, list[KlineRequest]()
        self.candles = {symbol: self.backfill.candles(symbol, SCALE) for symbol in symbols or ("BTCUSDT",)}
        for candles in self.candles.values():
            candles.join(T0 + 30_000)

    def tick(self, after_ns: int = 0) -> list[KlineRequest]:
        self.now += after_ns
        return questions(self.backfill.tick(self.now))

    def answer_all(self, outputs: list[KlineRequest]) -> None:
        """Answer until nothing more is asked for."""
        while outputs:
            one = outputs.pop(0)
            self.asked.append(one)
            outputs += questions(self.backfill.answered(KlineAnswer(one.number, rows(one)), self.now))


def test_at_the_start_the_whole_lookback_is_asked_for_in_pages() -> None:
    asker = Asker()
    asker.answer_all(asker.tick())
    assert [(one.interval, one.bars) for one in asker.asked] == [("1", 1000), ("1", 1000), ("5", 1000), ("60", 200)]
    assert [one.number for one in asker.asked] == [1, 2, 3, 4]
    series = asker.candles["BTCUSDT"].series
    assert {name: (len(one.closed), one.whole) for name, one in series.items()} == {
        "1m": (2000, True), "5m": (1000, True), "1h": (200, True),
    }  # fmt: skip
    assert asker.tick(S) == []


def test_after_a_gap_only_what_it_cost_is_asked_for() -> None:
    asker = Asker()
    asker.answer_all(asker.tick())
    candles = asker.candles["BTCUSDT"]
    candles.clock(T0 + 4 * M + S // MS)
    asker.answer_all(asker.tick())
    asker.backfill.lose()
    candles.join(T0 + 6 * M + 10_000)
    candles.clock(T0 + 9 * M)
    asker.asked.clear()
    asker.answer_all(asker.tick())
    asked = [(one.interval, one.first_ms - T0, one.bars) for one in asker.asked]
    assert asked[0] == ("1", 4 * M, 3)
    assert [(interval, bars) for interval, _, bars in asked[1:]] == [("5", 1)]
    assert candles.series["1m"].whole


def test_a_symbol_asks_one_thing_at_a_time_and_all_together_not_too_many() -> None:
    asker = Asker(*(f"S{number}USDT" for number in range(9)))
    first = asker.tick()
    assert len({one.symbol for one in first}) == len(first) == QUESTIONS_MAX
    assert asker.tick(S) == []
    asker.answer_all(first)
    assert all(series.whole for candles in asker.candles.values() for series in candles.series.values())


def test_a_question_without_use_is_asked_again_ever_more_slowly_and_a_person_is_told() -> None:
    asker, waits, said = Asker(), [], list[Log]()
    (one,) = asker.tick()
    for _ in range(12):
        said += [
            log for log in asker.backfill.failed(KlineFailed(one.number, "HTTP 503"), asker.now) if isinstance(log, Log)
        ]
        failed_ns, found = asker.now, list[KlineRequest]()
        while not found:
            found = asker.tick(AGAIN_NS // 2)
        waits.append(asker.now - failed_ns)
        (one,) = found
    assert waits == [min(AGAIN_NS << number, AGAIN_NS_MAX) for number in range(12)]
    assert [log.level for log in said].count("WARNING") == 1
    asker.answer_all([one])
    assert asker.candles["BTCUSDT"].series["1m"].whole


def test_a_senseless_answer_a_useless_one_and_none_are_failures() -> None:
    asker = Asker()
    (one,) = asker.tick()
    asker.answer_all([one])
    candles = asker.candles["BTCUSDT"]
    candles.clock(T0 + M + 2_000)
    for data in (b"nonsense", orjson.dumps({"retCode": 0, "result": {"list": []}})):
        (one,) = asker.tick(AGAIN_NS_MAX)
        assert [type(each) for each in asker.backfill.answered(KlineAnswer(one.number, data), asker.now)] == [Log]
    (one,) = asker.tick(AGAIN_NS_MAX)
    assert asker.tick(ANSWER_NS_MAX) == []
    assert asker.tick(1) == []
    (again,) = asker.tick(AGAIN_NS_MAX)
    assert again.number == one.number + 1
    assert asker.backfill.answered(KlineAnswer(one.number, rows(one)), asker.now) == []
    assert asker.backfill.failed(KlineFailed(one.number, "late"), asker.now) == []
    asker.answer_all([again])
    assert candles.series["1m"].whole


def test_bars_outlive_the_feed_but_not_another_grid_or_the_symbol() -> None:
    asker = Asker("BTCUSDT", "ETHUSDT")
    asker.answer_all(asker.tick())
    assert asker.backfill.candles("BTCUSDT", Scale("0.10", "0.001")) is asker.candles["BTCUSDT"]
    assert asker.backfill.candles("BTCUSDT", Scale("0.01", "0.001")) is not asker.candles["BTCUSDT"]
    asker.backfill.keep({"BTCUSDT"})
    assert asker.backfill.candles("ETHUSDT", SCALE) is not asker.candles["ETHUSDT"]


class Exchange:
    """The local exchange with one made-up market, and somebody who hears its trades."""

    def __init__(self) -> None:
        def build(now: int) -> Venue:
            market = SyntheticMarket(Random(3), INSTRUMENTS[:1], START_PRICES_TICKS[:1], now, PROFILES["calm"])
            return Venue(PublicStreams(market, now), market.books, market.advance)

        self.core, self.now, self.candles = ExchangeCore(build, SETTINGS), NOW + 48 * S, Candles([("1m", M, 2_000)])
        self.core.on_started(Started("exchange", "run", 0), self.now)
        self.candles.join(self.now // MS)
        self.core.on_socket_opened(SocketOpened(1, PUBLIC_PATH), self.now)
        subscribe = {"op": "subscribe", "args": ["publicTrade.BTCUSDT"]}
        self.core.on_socket_text(SocketText(1, orjson.dumps(subscribe)), self.now)

    def run(self, seconds: int) -> None:
        for _ in range(seconds * 20):
            self.now += 50 * MS
            outputs = self.core.on_tick(Tick(), self.now)
            for frame in [
                orjson.loads(data) for said in outputs if isinstance(said, SocketFrames) for data in said.frames
            ]:
                for row in frame.get("data", ()) if frame.get("topic", "").startswith("publicTrade") else ():
                    ticks, lots = SCALE.price_ticks(row["p"]), SCALE.qty_lots(row["v"])
                    self.candles.trade(row["T"], ticks, lots, 1 if row["S"] == "Buy" else -1)
            self.candles.clock(self.now // MS)

    def ask(self, asked: KlineRequest) -> bytes:
        query = f"category=linear&symbol=BTCUSDT&interval={asked.interval}&start={asked.first_ms}&end={asked.last_ms}"
        request = HttpRequest(7, "GET", "/v5/market/kline", f"{query}&limit={asked.bars}", (), b"", "127.0.0.1")
        (reply,) = [one for one in self.core.on_http_request(request, self.now) if isinstance(one, HttpReply)]
        return reply.body


def test_bars_of_the_local_exchanges_trades_are_its_own_and_lead_on_from_its_past() -> None:
    exchange, backfill = Exchange(), Backfill(Config(lookback_1m=2_000))
    exchange.run(150)
    candles = backfill.candles("BTCUSDT", SCALE)
    candles.series["1m"] = exchange.candles.series["1m"]
    candles.at_ms = exchange.candles.at_ms
    outputs = backfill.tick(exchange.now)
    while found := questions(outputs):
        outputs = [
            said
            for one in found
            for said in backfill.answered(KlineAnswer(one.number, exchange.ask(one)), exchange.now)
        ]
    series = candles.series["1m"]
    assert series.whole
    assert len(series.closed) == 2_000
    ours = [bar for bar in series.closed if bar.exact]
    assert len(ours) == 2
    asked = KlineRequest(1, "BTCUSDT", "1", ours[0].start_ms, ours[-1].start_ms, 2)
    for mine, row in zip(ours, reversed(orjson.loads(exchange.ask(asked))["result"]["list"]), strict=True):
        assert (mine.start_ms, mine.lots) == (int(row[0]), SCALE.qty_lots(row[5]))
        prices = [mine.open_ticks, mine.high_ticks, mine.low_ticks, mine.close_ticks]
        assert prices == [SCALE.price_ticks(text) for text in row[1:5]]
    assert all(new.open_ticks == old.close_ticks for old, new in pairwise(series.closed))
