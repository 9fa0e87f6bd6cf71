from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.strategies.predator import QUICKEST_OF, build
from services.signals.strategy import RIPE, Opinion
from shared.config import Config
from shared.layout import Kind, meta
from shared.presets import config_of
from tests.services.feed import MS, S
from tests.services.stage import Stage

T0 = 1_000 * S
CONFIG = config_of("predator")


class Hunt:
    """A predator and its market: a mid of 1,000,000 ticks, one tick of spread."""

    def __init__(self, config: Config = CONFIG) -> None:
        self.strategy, self.market, self.now = build(config, "SUIUSDT"), Stage().market, T0
        self.quote(999_999, 1_000_000)

    def quote(self, bid: int, ask: int) -> None:
        book = self.market.book
        book.bids.replace([(bid, 5)] if bid else [])
        book.asks.replace([(ask, 5)] if ask else [])

    def trade(self, ticks: int, lots: int = 1, *, took_ms: int = 20, after_ms: int = 10) -> None:
        self.now += after_ms * MS
        venue_ns = self.now - took_ms * MS
        self.market.trades.append((0, meta(Kind.TRADE, 0, 0, 0), venue_ns, self.now, ticks, lots, 0, 0))
        self.frame()

    def frame(self, after_ms: int = 0) -> Opinion:
        self.now += after_ms * MS
        self.market.complete(self.now)
        self.strategy.update(self.market)
        self.market.trades.clear()
        return self.strategy.opinion(self.market)

    def burst(self, last: int, base: int = 1_000_000) -> Opinion:
        for _ in range(19):
            self.trade(base)
        self.trade(last)
        return self.frame()


def test_the_worked_example_is_no_signal() -> None:
    """p = 100 + 0.01 i, q = 1 + (i mod 3): VWAP 100.09589744, last 100.19, m = 0.09401241 %."""
    hunt = Hunt()
    for number in range(20):
        hunt.trade(10_000 + number, 1 + number % 3)
    opinion = hunt.frame()
    assert (opinion.direction, opinion.reason) == (0, "momentum")
    assert opinion.score == pytest.approx(0.09401241 / 0.2, rel=1e-7)


@pytest.mark.parametrize(
    ("last", "direction", "reason"),
    [
        (1_001_054, 1, RIPE),
        (1_001_053, 1, RIPE),
        (1_001_052, 0, "momentum"),
        (998_946, -1, RIPE),
        (998_948, 0, "momentum"),
    ],
)
def test_it_enters_beyond_a_tenth_of_a_percent_on_either_side(last: int, direction: int, reason: str) -> None:
    opinion = Hunt().burst(last)  # The last is a twentieth of the average, so 1,052.7 ticks above it are 0.1 %.
    assert (opinion.direction, opinion.reason) == (direction, reason)
    assert opinion.confidence == pytest.approx(0.5, abs=0.001)


def test_before_twenty_trades_there_is_no_momentum() -> None:
    hunt = Hunt()
    for _ in range(18):
        hunt.trade(1_000_000)
    hunt.trade(1_100_000)
    assert hunt.frame().reason == "warmup"
    hunt.trade(1_100_000)
    assert hunt.frame().direction == 1


def test_only_the_last_twenty_trades_count() -> None:
    hunt = Hunt()
    hunt.burst(500_000)
    assert hunt.burst(1_000_000).score == 0.0


def test_a_large_trade_weighs_more() -> None:
    hunt = Hunt()
    for _ in range(19):
        hunt.trade(1_000_000, 1)
    hunt.trade(1_002_000, 1_000)
    assert hunt.frame().reason == "momentum"


@pytest.mark.parametrize(("ask", "reason"), [(1_001_998, RIPE), (1_002_010, "spread")])
def test_a_spread_of_twenty_basis_points_is_too_wide(ask: int, reason: str) -> None:
    hunt = Hunt()
    hunt.quote(1_000_000, ask)
    assert hunt.burst(1_005_000).reason == reason


def test_without_a_side_the_spread_is_too_wide() -> None:
    hunt = Hunt()
    hunt.quote(0, 1_000_000)
    assert hunt.burst(1_005_000).reason == "spread"


def test_half_a_second_after_the_last_trade_there_is_no_momentum_left() -> None:
    hunt = Hunt()
    assert hunt.burst(1_005_000).reason == RIPE
    assert hunt.frame(500).reason == RIPE
    assert hunt.frame(1) == Opinion(0, 0.0, 0.0, (0.0,), "stale")


def test_trades_that_come_late_are_not_heard_whatever_the_clocks_say() -> None:
    for wrong_ms in (-5_000, 0, 5_000):
        hunt = Hunt()
        for _ in range(19):
            hunt.trade(1_000_000, took_ms=wrong_ms)
        hunt.trade(1_005_000, took_ms=wrong_ms + 501)
        assert hunt.frame().reason == "warmup"
        hunt.trade(1_005_000, took_ms=wrong_ms + 500)
        assert hunt.frame().reason == RIPE


def test_one_trade_from_the_future_does_not_make_all_others_late_for_ever() -> None:
    hunt = Hunt()
    hunt.trade(1_000_000, took_ms=-60_000)
    for _ in range(2 * QUICKEST_OF):
        hunt.trade(1_000_000)
    assert hunt.burst(1_005_000).reason == RIPE


def test_a_clock_that_goes_back_is_no_momentum() -> None:
    hunt = Hunt()
    hunt.burst(1_005_000)
    assert hunt.frame(-1_000).reason == "stale"


trades = st.lists(
    st.tuples(st.integers(-5, 10**9), st.integers(-5, 10**9), st.integers(-10_000, 10_000), st.integers(-900, 900)),
    max_size=60,
)


@given(trades, st.integers(0, 10**6), st.integers(0, 10**6))
def test_whatever_is_traded_the_opinion_is_sound(
    given_trades: list[tuple[int, int, int, int]], bid: int, ask: int
) -> None:
    hunt = Hunt()
    hunt.quote(bid, ask)
    for ticks, lots, took_ms, after_ms in given_trades:
        hunt.trade(ticks, lots, took_ms=took_ms, after_ms=after_ms)
        opinion = hunt.frame()
        assert isfinite(opinion.score)
        assert -1.0 <= opinion.score <= 1.0
        assert 0.0 <= opinion.confidence <= 1.0
        assert opinion.direction * opinion.score >= 0
        assert (opinion.reason == RIPE) <= (opinion.direction != 0)
