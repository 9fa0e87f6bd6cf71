"""REGIME: what the volatility of the moment asks for.

    score = -clamp(trend / 2) in low volatility     the move of the last minute is expected to come back
            +clamp(trend / 2) in high volatility    it is expected to go on
             0 in normal volatility, in extreme (nobody should trade there), and while there is no regime

trend      the move of the mid over the window (60 s), in standard deviations of such a move: of a random walk about
           -2..2, on any instrument.

A regime has no direction of its own: it says how to answer a move (low: mean reversion, high: momentum, extreme: stop
trading), so the score is that answer. Trend and regime change once a second, `services/signals/weather.py`.
"""

from __future__ import annotations

from services.signals.market import Market, Signal
from services.signals.maths import clamp
from services.signals.weather import HIGH, LOW
from shared.config import Signals

STALE_NS = 2_000_000_000


class Regime:
    """The answer to the last minute of one symbol."""

    __slots__ = ("_full", "_marks", "fresh_until_ns", "score")

    def __init__(self, full_deviations: float) -> None:
        self._full = full_deviations
        self._marks = -1  # Of the weather, when the score was made.
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame; without a mid there is nothing to say."""
        if not market.mid2:
            self.score, self._marks = 0.0, -1
            return
        weather = market.weather
        self.fresh_until_ns = market.book_ns + STALE_NS
        if weather.marks != self._marks:
            self._marks = weather.marks
            answer = -1.0 if weather.regime == LOW else 1.0 if weather.regime == HIGH else 0.0
            self.score = answer * clamp(weather.trend / self._full) if answer else 0.0


def build(config: Signals) -> Signal:
    """Return the signal as configured."""
    return Regime(config.regime_full_deviations)
