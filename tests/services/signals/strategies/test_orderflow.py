from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.signals.core import SignalsCore
from services.signals.strategies.orderflow import build
from services.signals.strategy import RIPE, Opinion
from services.signals.weather import EXTREME, NORMAL
from shared.config import Config, Orderflow
from shared.messages import Decision, Lapped, Message, Started
from tests.services.feed import Level, Ring, S, copy
from tests.services.stage import Stage, Trade

T0 = 1_000 * S
REPORTS = Config(strategy="orderflow")
TRADES = replace(REPORTS, orderflow=Orderflow(trade=True))
EVEN = [(1000, 10)], [(1001, 10)]
HEAVY = [(1000, 100)], [(1001, 1)]


class View:
    """An order-flow strategy and its market."""

    def __init__(self, config: Config = REPORTS, trend: float = 0.0, regime: str = NORMAL) -> None:
        self.scene, self.strategy = Stage(), build(config, "BTCUSDT")
        self.scene.signals = (self.strategy,)  # type: ignore[assignment]
        self.scene.market.weather.trend, self.scene.market.weather.regime = trend, regime

    def see(
        self, book: tuple[list[Level], list[Level]] = EVEN, trades: list[Trade] | None = None, at_ns: int = T0
    ) -> Opinion:
        self.scene.show(*book, at_ns=at_ns, trades=trades or [])
        return self.strategy.opinion(self.scene.market)


def named(view: View, opinion: Opinion) -> dict[str, float]:
    return dict(zip(view.strategy.signals, opinion.scores, strict=True))


def test_imbalance_flow_pressure_and_trend_are_scored_apart() -> None:
    view = View(trend=1.0)
    found = named(view, view.see(([(1000, 30)], [(1001, 10)]), [(1001, 3, True), (1000, 1, False)]))
    assert found == {"imbalance": 0.5, "flow": 0.5, "pressure": 0.25, "trend": 0.5, "bias": 0.0}


def test_the_score_is_their_weighted_sum() -> None:
    opinion = View(trend=1.0).see(([(1000, 30)], [(1001, 10)]), [(1001, 3, True), (1000, 1, False)])
    assert opinion.score == pytest.approx(0.4 * 0.5 + 0.3 * 0.5 + 0.1 * 0.25 + 0.2 * 0.5)
    assert (opinion.direction, opinion.regime) == (1, NORMAL)


def test_flow_fades_with_its_time() -> None:
    view = View()
    view.see(trades=[(1001, 8, True)])
    opinion = view.see(trades=[(1000, 8, False)], at_ns=T0 + 5 * S)
    assert named(view, opinion)["flow"] == pytest.approx((0.36787944 - 1) / (0.36787944 + 1))


def test_it_wishes_for_nothing_unless_it_may() -> None:
    strong = [(1001, 50, True)]
    assert View(trend=2.0).see(HEAVY, strong).reason == "report"
    assert View(TRADES, trend=2.0).see(HEAVY, strong).reason == RIPE


@pytest.mark.parametrize(
    ("trend", "regime", "bias"),
    [(1.0, NORMAL, 0), (1.01, NORMAL, 1), (-1.01, NORMAL, -1), (3.0, EXTREME, 0), (float("nan"), NORMAL, 0)],
)
def test_the_bias_is_the_trend_where_there_is_a_clear_one(trend: float, regime: str, bias: int) -> None:
    view = View(trend=trend, regime=regime)
    assert named(view, view.see())["bias"] == bias


def test_against_the_bias_nothing_is_entered_and_confidence_is_halved() -> None:
    strong = [(1001, 50, True)]
    with_it, against = View(TRADES, trend=1.0).see(HEAVY, strong), View(TRADES, trend=-1.1).see(HEAVY, strong)
    assert (against.direction, against.reason) == (1, "bias")
    assert against.confidence < 0.5 * with_it.confidence


def test_what_is_weak_says_why_it_does_not_enter() -> None:
    assert View(TRADES).see().reason == "deadband"
    assert View(TRADES).see(([(1000, 30)], [(1001, 10)])).reason == "confidence"


def test_the_engine_reports_every_second_though_nothing_changes() -> None:
    core, ring = SignalsCore(REPORTS), Ring()
    said: list[Message] = []
    core.on_started(Started("signals", "20260809-123456-ab12", 0), T0)
    core.on_lapped(Lapped(1), T0)
    core.on_book_copy(copy("BTCUSDT", *HEAVY, recv_ns=T0), T0)
    for number in range(1, 51):
        now = T0 + number * S // 10
        said += core.on_events(ring.levels([(1000, 100 + number)], recv_ns=now), now)
    assert [type(each) for each in said] == [Decision] * 5
    assert {(each.strategy, each.reason) for each in said if isinstance(each, Decision)} == {("orderflow", "report")}


levels = st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**15)), max_size=3)


@given(levels, levels, st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**15), st.booleans()), max_size=4),
       st.floats(), st.integers(0, 2**62))  # fmt: skip
def test_whatever_it_sees_the_opinion_is_sound(
    bids: list[Level], asks: list[Level], trades: list[Trade], trend: float, at_ns: int
) -> None:
    view = View(TRADES, trend=trend)
    for when_ns in (T0, at_ns, T0):
        opinion = view.see((bids, asks), trades, at_ns=when_ns)
        assert all(isfinite(value) and -1.0 <= value <= 1.0 for value in (opinion.score, *opinion.scores))
        assert 0.0 <= opinion.confidence <= 1.0
        assert (opinion.reason == RIPE) <= (opinion.direction != 0)
