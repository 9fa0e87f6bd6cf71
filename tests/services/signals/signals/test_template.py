from math import exp

import pytest

from services.signals.signals.template import STALE_NS, TAU_NS, build
from shared.config import Signals
from tests.services.feed import S
from tests.services.stage import Stage


def test_it_says_who_took_more_and_forgets() -> None:
    signal = build(Signals())
    stage = Stage(signal)
    stage.at(1_000, S)
    assert (signal.score, signal.fresh_until_ns) == (0.0, 0)
    stage.at(1_000, S, trades=[(1_001, 30, True), (999, 10, False)])
    assert signal.score == pytest.approx(0.5)
    assert signal.fresh_until_ns == S + STALE_NS
    stage.at(1_000, S + TAU_NS, trades=[(999, 10, False)])
    bought, sold = 30 * exp(-1), 10 * exp(-1) + 10
    assert signal.score == pytest.approx((bought - sold) / (bought + sold))
