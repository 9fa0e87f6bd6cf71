"""Fusion: a weighted sum of signals, its direction, and the confidence it deserves."""

from __future__ import annotations

from services.signals import fuse
from services.signals.market import Market, Signal
from services.signals.strategy import RIPE, Opinion, Strategy
from services.signals.weather import EXTREME
from shared.config import Config, Signals


class Fusion:
    """The signals of one symbol, and what they say together."""

    __slots__ = ("_deadband", "_enter", "_signals", "_steepness", "shares", "signals")

    def __init__(self, config: Signals) -> None:
        shares = fuse.active(config.weights, config.own)
        self._enter, self._deadband, self._steepness = config.enter_confidence, config.deadband, config.steepness
        self.signals, self.shares = tuple(shares), tuple(shares.values())
        self._signals: list[Signal] = [build(config) for build in fuse.builders(shares)]

    def weigh(self, shares: tuple[float, ...]) -> None:
        """Take other shares, one per signal."""
        assert len(shares) == len(self.signals)
        self.shares = shares

    def update(self, market: Market) -> None:
        """Let every signal take in the frame."""
        for signal in self._signals:
            signal.update(market)

    def opinion(self, market: Market) -> Opinion:
        """Return the fused opinion; written so that NaN never enters."""
        at_ns, regime = market.at_ns, market.weather.regime
        scores = tuple([one.score if at_ns < one.fresh_until_ns else 0.0 for one in self._signals])
        score, direction, confidence = fuse.fuse(scores, self.shares, self._deadband, self._steepness)
        reason = RIPE if confidence >= self._enter else "confidence"
        if regime == EXTREME:
            reason = "regime"  # No score is worth a price that moves like this.
        return Opinion(direction, score, confidence, scores, reason if direction else "deadband", regime, True)


def build(config: Config, symbol: str) -> Strategy:
    """Return the strategy of one symbol as configured."""
    return Fusion(config.signals)
