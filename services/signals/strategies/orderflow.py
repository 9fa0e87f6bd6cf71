"""Orderflow: what book and tape say, scored and weighed against the bias of the market. It reports.

    imbalance   (bids - asks) / (bids + asks) in size over the best ``orderflow.levels`` levels
    flow        (bought - sold) / (bought + sold) by takers, fading with ``orderflow.flow_s``
    pressure    weighted mid minus mid, ticks, held to -1..1
    trend       move of the mid over the volatility's window, in two of its standard deviations, held to -1..1
    score       0.4 imbalance + 0.3 flow + 0.1 pressure + 0.2 trend
    bias        sign of the trend beyond ``orderflow.bias_from`` deviations; none in extreme volatility
    confidence  2 sigmoid(``signals.steepness`` |score|) - 1, halved when the score is against the bias

Nothing is wished for (reason `report`) unless ``orderflow.trade`` says so: then a confidence of
``signals.enter_confidence`` enters, on the side of the bias or where there is none.
"""

from __future__ import annotations

from services.signals.fuse import confidence
from services.signals.market import Market
from services.signals.maths import Fading, clamp, micro_pressure, share
from services.signals.strategy import RIPE, Opinion, Strategy
from services.signals.weather import EXTREME
from shared.clock import NS_PER_S
from shared.config import Config, Orderflow, Signals

SHARES = (0.4, 0.3, 0.1, 0.2)
FULL_DEVIATIONS = 2.0
AGAINST_BIAS = 0.5


class OrderFlow:
    """Book and tape of one symbol."""

    __slots__ = (
        "_bias_from",
        "_bought",
        "_deadband",
        "_enter_confidence",
        "_levels",
        "_scores",
        "_sold",
        "_steepness",
        "_trade",
        "signals",
    )

    def __init__(self, config: Orderflow, common: Signals) -> None:
        self.signals: tuple[str, ...] = ("imbalance", "flow", "pressure", "trend", "bias")
        self._trade, self._levels, self._bias_from = config.trade, config.levels, config.bias_from
        self._enter_confidence, self._deadband = common.enter_confidence, common.deadband
        self._steepness = common.steepness
        tau_ns = max(1, int(config.flow_s * NS_PER_S))
        self._bought, self._sold = Fading(tau_ns), Fading(tau_ns)
        self._scores = (0.0,) * len(SHARES)

    def update(self, market: Market) -> None:
        """Take in one frame."""
        at_ns, touch = market.at_ns, market.touch
        flow = share(self._bought.add(at_ns, market.bought_lots), self._sold.add(at_ns, market.sold_lots))
        self._scores = (
            clamp(market.book.imbalance(self._levels)),
            clamp(flow),
            clamp(micro_pressure(touch)) if touch is not None else 0.0,
            clamp(market.weather.trend / FULL_DEVIATIONS),
        )

    def opinion(self, market: Market) -> Opinion:
        """Return the score and what it is worth."""
        score = clamp(sum(weight * value for weight, value in zip(SHARES, self._scores, strict=True)))
        bias = self._bias(market)
        direction = 0 if not abs(score) >= self._deadband or score == 0 else (1 if score > 0 else -1)
        against = direction * bias < 0
        worth = confidence(score, self._steepness) * (AGAINST_BIAS if against else 1.0)
        reason = "report"
        if self._trade:
            reason = RIPE if worth >= self._enter_confidence else "confidence"
            reason = "deadband" if direction == 0 else "bias" if against else reason
        return Opinion(direction, score, worth, (*self._scores, float(bias)), reason, market.weather.regime)

    def _bias(self, market: Market) -> int:
        weather = market.weather
        if weather.regime == EXTREME or not abs(weather.trend) > self._bias_from:
            return 0
        return 1 if weather.trend > 0 else -1


def build(config: Config, symbol: str) -> Strategy:
    """Return the strategy of one symbol as configured."""
    return OrderFlow(config.orderflow, config.signals)
