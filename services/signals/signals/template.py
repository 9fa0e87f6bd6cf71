"""TEMPLATE: takers. Who took more in the last seconds: an example to copy, and a signal like any other.

    score = net / gross; fading sums of lots bought minus lots sold, and of both together

Copy this file to `<name>.py` and rewrite it; docs/signals.md says what a signal has to keep to.
"""

from __future__ import annotations

from services.signals.market import Market, Signal
from services.signals.maths import Fading, share
from shared.config import Signals

TAU_NS = 3_000_000_000  # A trade counts 1/e of itself after this time.
STALE_NS = 10_000_000_000


class Template:
    """State of one symbol: numbers only, of bounded size."""

    __slots__ = ("_bought", "_sold", "fresh_until_ns", "score")

    def __init__(self) -> None:
        self._bought, self._sold = Fading(TAU_NS), Fading(TAU_NS)
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame. Most frames say nothing new: leave those as early as possible."""
        if not market.trades:
            return
        bought = self._bought.add(market.at_ns, market.bought_lots)
        sold = self._sold.add(market.at_ns, market.sold_lots)
        self.score = share(bought, sold)
        self.fresh_until_ns = market.at_ns + STALE_NS


def build(config: Signals) -> Signal:
    """Return the signal as configured; `config` holds the parameters of all signals."""
    return Template()
