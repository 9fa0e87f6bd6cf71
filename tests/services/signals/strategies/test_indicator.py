"""Five indicators together: what they agree on, when that is acted on, and what is waited for."""

from __future__ import annotations

from math import isfinite, sin

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.candles import Bar, Candles, Series
from services.signals.core import SignalsCore
from services.signals.market import Market
from services.signals.strategies.indicator import BARS_A_FRAME, DECIDES_MS, NAMES, WARMUP, build
from services.signals.strategy import RIPE, Opinion, wants_candles
from services.signals.wire import KlineAnswer, KlineFailed, KlineRequest
from shared.book import Book
from shared.config import Brackets, Config
from shared.config_candles import Indicators
from shared.messages import (
    ExecutionState,
    Instrument,
    Intent,
    Lapped,
    Message,
    Started,
    Tick,
    Universe,
    encode,
)
from shared.scale import Scale
from tests.services import feed

M, MS = 60_000, 1_000_000
T0 = 1_790_000_040_000
SHORT = Indicators(
    luxfvgtrend_length=2, luxfvgtrend_mult=0.5, tva_volume_ma_period=3, tva_leg_bars=3, tva_smooth_bars=1, cvd_length=3,
    vfi_period=3, vfi_stdev_bars=3, atr_period=3,
)  # fmt: skip


class Desk:
    """A strategy over bars that are closed by hand."""

    def __init__(self, config: Config, keep: int = 2_000, past: int = 0) -> None:
        self.config, self.market = config, Market(Book(), Scale("0.10", "0.001"))
        self.candles = self.market.candles = Candles([("1m", M, keep)])
        self.candles.join(T0)
        self.series: Series = self.candles.series["1m"]
        first = T0 - past * M
        bars = [bar(at_ms, number) for number, at_ms in enumerate(range(first, T0, M))]
        while (span := self.series.missing(T0 + 10_000)) is not None:
            self.series.fill(bars, *span)
        self.strategy = build(config, "BTCUSDT")
        self.price, self.at_ms = 10_000, T0

    def look(self) -> Opinion:
        self.market.complete(self.candles.at_ms * MS)
        self.strategy.update(self.market)
        return self.strategy.opinion(self.market)

    def minute(self, moved: int, lots: int, taker: int) -> Opinion:
        """Trade through one bar; return the opinion right after its close."""
        self.candles.trade(self.at_ms + 10_000, self.price, 1, taker)
        self.price += moved
        self.candles.trade(self.at_ms + 30_000, self.price, lots, taker)
        self.at_ms += M
        self.candles.clock(self.at_ms + 1_000)
        while (span := self.series.missing(self.candles.at_ms)) is not None:
            close = self.series.closed[-1].close_ticks if self.series.closed else self.price
            starts = range(span[0], span[1] + 1, M)
            self.series.fill([Bar(at_ms, *[close] * 4, 1, 0, exact=False) for at_ms in starts], *span)
        return self.look()


def bar(at_ms: int, number: int) -> Bar:
    close = 10_000 + round(300 * sin(number / 20))
    opens = 10_000 + round(300 * sin((number - 1) / 20)) if number else close
    high, low = max(opens, close) + 3, min(opens, close) - 3
    return Bar(at_ms, opens, high, low, close, 50 + number % 17, close - opens, exact=False)


def rally(desk: Desk) -> list[Opinion]:
    return [desk.minute(10 + 20 * number, 10 * number + 5, 1) for number in range(12)]


def config(**more: object) -> Config:
    return Config(indicators=SHORT, strategy="indicator", brackets=Brackets(stop_pct=2.0), **more)  # type: ignore[arg-type]


def test_it_asks_for_candles_and_names_the_five() -> None:
    assert wants_candles(config())
    assert not wants_candles(Config())
    assert build(Config(), "BTCUSDT").signals == NAMES == ("luxfvgtrend", "tva", "cvd", "vfi", "atr")


def test_a_rally_is_bought_when_four_of_the_five_agree() -> None:
    desk = Desk(config())
    opinions = rally(desk)
    ripe = [opinion for opinion in opinions if opinion.reason == RIPE]
    assert ripe
    assert {opinion.direction for opinion in ripe} == {1}
    for opinion in opinions:
        votes = opinion.scores[:4]
        assert opinion.score == sum(votes) / 4
        agree = votes.count(float(opinion.direction)) + abs(opinion.scores[4]) if opinion.direction else 0
        assert opinion.confidence == agree / 5
        assert (opinion.reason == RIPE) == (opinion.confidence >= 0.65)


def test_a_slide_is_sold() -> None:
    desk = Desk(config())
    slide = [desk.minute(-10 - 20 * number, 10 * number + 5, -1) for number in range(12)]
    assert {opinion.direction for opinion in slide if opinion.reason == RIPE} == {-1}


def test_an_entry_is_wished_for_at_the_close_and_not_in_mid_bar() -> None:
    desk = Desk(config())
    assert rally(desk)[-1].reason == RIPE
    desk.candles.clock(desk.at_ms + DECIDES_MS)
    assert desk.look().reason == RIPE
    desk.candles.clock(desk.at_ms + DECIDES_MS + 1)
    late = desk.look()
    assert (late.reason, late.direction, late.fades) == ("bar", 1, True)


def test_within_a_bar_nothing_changes_the_opinion() -> None:
    desk = Desk(config())
    before = rally(desk)[-1]
    desk.candles.trade(desk.at_ms + 1_500, 1, 10**6, -1)
    assert desk.look() == before


def test_an_average_bar_that_reaches_the_stop_takes_consent_away() -> None:
    desk = Desk(config())
    assert rally(desk)[-1].scores[4] == 1.0
    wild = [desk.minute(1_000, 10 * number + 200, 1) for number in range(8)]
    assert wild[-1].scores[4] == 0.0
    assert wild[-1].confidence <= 0.8


def test_without_bars_and_before_they_are_warm_there_is_no_opinion() -> None:
    desk = Desk(Config(strategy="indicator"), past=200)
    assert desk.look() == WARMUP
    assert not WARMUP.fades
    desk.market.candles = None
    assert desk.look() == WARMUP


def test_a_long_past_is_taken_in_over_several_frames_and_no_old_bar_is_acted_on() -> None:
    desk = Desk(Config(strategy="indicator"), past=2_000)
    desk.candles.clock(T0 + 30_000)
    for _ in range(2_000 // BARS_A_FRAME - 1):
        assert desk.look() == WARMUP
    opinion = desk.look()
    assert opinion != WARMUP
    assert opinion.reason != RIPE


def test_a_strategy_that_begins_later_thinks_what_the_first_one_thinks() -> None:
    desk = Desk(config())
    said = rally(desk)[-1]
    desk.strategy = build(desk.config, "BTCUSDT")
    assert desk.look() == said


def test_behind_a_hole_the_last_opinion_stands_and_nothing_is_entered() -> None:
    desk = Desk(config())
    said = rally(desk)[-1]
    desk.candles.lose()
    desk.candles.clock(desk.at_ms + 3 * M)
    opinion = desk.look()
    assert opinion == said._replace(reason="bar")
    desk.candles.clock(desk.at_ms + 9_000 * M)
    desk.candles.join(desk.at_ms + 9_000 * M)
    assert desk.look() == WARMUP  # Of bars that are all gone nothing is believed any more.


Minute = tuple[int, int, int]
minutes = st.lists(st.tuples(st.integers(-60, 60), st.integers(0, 300), st.sampled_from([1, -1])), max_size=30)


@settings(max_examples=30)
@given(minutes, minutes)
def test_no_future_changes_an_opinion_and_all_are_sound(past: list[Minute], future: list[Minute]) -> None:
    one, other = Desk(config()), Desk(config())
    said = [one.minute(*each) for each in [*past, *future]]
    assert [other.minute(*each) for each in past] == said[: len(past)]
    for opinion in said:
        assert opinion.direction in (-1, 0, 1)
        assert all(isfinite(score) and -1 <= score <= 1 for score in (*opinion.scores, opinion.score))
        assert 0 <= opinion.confidence <= 1
        assert opinion.direction or opinion.reason in ("deadband", "warmup")


class Engine:
    """The whole core with this strategy, on a market that rallies; the venue's bars answer at once."""

    def __init__(self) -> None:
        self.core, self.ring, self.now = SignalsCore(config()), feed.Ring(), (T0 + 5_000) * MS
        self.said: list[Message] = []
        rules = Instrument("SOLUSDT", "0.01", "0.1", 1, 10**6, 10**6, 5 * 10**8, 480, 5_000, "Trading")
        self.hear(Started("signals", "20260809-123456-ab12", 0))
        self.hear(Universe(1, (rules,), (1.0,)))
        self.hear(Lapped(1))
        self.hear(feed.copy(bids=[(10_000, 10)], asks=[(10_001, 10)], recv_ns=self.now, cts_ns=self.now))
        self.hear(ExecutionState("running", "", (), 0))

    def hear(self, message: Message) -> list[Message]:
        out: list[Message] = getattr(self.core, message.HANDLER)(message, self.now)
        self.said += out
        return out

    def tick(self, answered: bool = True) -> list[KlineRequest]:
        """Let time pass; answer what is asked for. Return the questions."""
        asked = [one for one in self.hear(Tick()) if isinstance(one, KlineRequest)]
        for one in asked:
            step = int(one.interval) * M
            rows = [
                [str(at_ms), *["100.00"] * 4, "5.0", "500"] for at_ms in range(one.last_ms, one.first_ms - 1, -step)
            ]
            data = orjson.dumps({"retCode": 0, "result": {"list": rows}})
            out = self.hear(KlineAnswer(one.number, data) if answered else KlineFailed(one.number, "HTTP 500"))
            asked += [more for more in out if isinstance(more, KlineRequest)]
        return asked

    def minute(self, mid: int, lots: int) -> None:
        """Trade through a bar; show a book two seconds before and one second after its end."""
        left_ns = M * MS - self.now % (M * MS)
        self.now += left_ns - 2_000 * MS
        self.hear(self.ring.trade(mid, lots, bought=True, recv_ns=self.now))
        self.show(mid)
        self.now += 3_000 * MS
        self.show(mid)

    def show(self, mid: int) -> None:
        self.hear(self.ring.snapshot([(mid - 1, 10)], [(mid, 10)], recv_ns=self.now))


def fly() -> Engine:
    engine = Engine()
    engine.tick()
    for number in range(1, 10):
        engine.minute(10_000 + 20 * number * number, 10 * number)
        engine.tick()
    return engine


def test_the_engine_fetches_the_past_and_enters_at_a_close() -> None:
    engine = fly()
    asked = [one for one in engine.said if isinstance(one, KlineRequest)]
    assert [(one.interval, one.bars) for one in asked[:4]] == [("1", 1000), ("1", 1000), ("5", 1000), ("60", 200)]
    intents = [one for one in engine.said if isinstance(one, Intent)]
    assert intents
    assert {one.side for one in intents} == {1}
    assert {one.decided_ns // MS % M for one in intents} == {1_000}
    assert [encode(one) for one in fly().said] == [encode(one) for one in engine.said]


def test_without_the_venues_bars_nothing_is_entered() -> None:
    engine = Engine()
    engine.tick(answered=False)
    for number in range(1, 10):
        engine.minute(10_000 + 20 * number * number, 10 * number)
        assert engine.tick(answered=False)
    assert not any(isinstance(one, Intent) for one in engine.said)


def test_a_gap_costs_a_question_and_no_entry_until_it_is_answered() -> None:
    engine = fly()
    engine.hear(engine.ring.gap(recv_ns=engine.now))
    before = sum(isinstance(one, Intent) for one in engine.said)
    engine.minute(12_000, 100)
    engine.minute(12_500, 110)
    assert sum(isinstance(one, Intent) for one in engine.said) == before
    (asked,) = [one for one in engine.tick() if one.interval == "1"]
    assert asked.bars in (1, 2)
    engine.minute(13_000, 120)
    engine.tick()
    engine.minute(13_600, 130)
    assert sum(isinstance(one, Intent) for one in engine.said) > before
