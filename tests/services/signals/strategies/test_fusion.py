"""Fusion weighs what its signals say, and says what it weighed."""

from __future__ import annotations

import pytest

from services.signals.market import Market
from services.signals.strategies.fusion import Fusion, build
from services.signals.strategy import RIPE, Weighed
from services.signals.weather import EXTREME
from shared.book import Book
from shared.config import Config, Signals
from shared.scale import Scale

T0 = 1_000_000_000_000


class Says:
    """A signal with a fixed score."""

    def __init__(self, score: float, fresh_until_ns: int = T0 + 1) -> None:
        self.score, self.fresh_until_ns = score, fresh_until_ns

    def update(self, market: Market) -> None:
        """Nothing changes its mind."""


def market() -> Market:
    found = Market(Book(), Scale("0.01", "0.1"))
    found.at_ns = T0
    return found


def saying(*scores: float, config: Signals | None = None) -> Fusion:
    fusion = Fusion(config or Signals())
    fusion._signals = [Says(score) for score in (*scores, *[0.0] * (len(fusion.signals) - len(scores)))]
    return fusion


def test_all_eight_are_asked_and_their_shares_are_said() -> None:
    fusion = build(Config(), "SOLUSDT")
    assert isinstance(fusion, Weighed)
    assert fusion.signals == ("obi", "umom", "prt", "ltb", "sweep", "ice", "vwap", "regime")
    assert fusion.shares == pytest.approx((0.30, 0.20, 0.15, 0.12, 0.08, 0.05, 0.07, 0.03))
    fusion.update(market())
    assert fusion.opinion(market()).direction == 0


@pytest.mark.parametrize(
    ("scores", "direction", "reason"),
    [((1.0, 1.0), 1, RIPE), ((-1.0, -1.0), -1, RIPE), ((0.5,), 1, "confidence"), ((0.1,), 0, "deadband")],
)
def test_confidence_decides_about_an_entry(scores: tuple[float, ...], direction: int, reason: str) -> None:
    opinion = saying(*scores).opinion(market())
    assert (opinion.direction, opinion.reason, opinion.fades) == (direction, reason, True)
    assert opinion.scores[: len(scores)] == scores


def test_other_shares_make_another_score() -> None:
    fusion = saying(1.0, -1.0)
    assert fusion.opinion(market()).score == pytest.approx(0.1)
    fusion.weigh((0.1, 0.4, *[0.5 / 6] * 6))
    assert fusion.opinion(market()).score == pytest.approx(-0.3)


def test_a_stale_signal_counts_for_nothing_and_nobody_gets_its_share() -> None:
    fusion = saying(1.0, 1.0)
    fusion._signals[1] = Says(1.0, T0)
    opinion = fusion.opinion(market())
    assert (opinion.score, opinion.scores[1]) == (pytest.approx(0.3), 0.0)


def test_in_an_extreme_market_there_is_an_opinion_and_no_entry() -> None:
    wild = market()
    wild.weather.regime = EXTREME
    opinion = saying(1.0, 1.0).opinion(wild)
    assert (opinion.direction, opinion.reason, opinion.regime) == (1, "regime", EXTREME)
    assert opinion.confidence > 0.8  # A gate before entries; what is held is still believed in.
