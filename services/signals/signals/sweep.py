"""SWEEP: one taker order that clears several levels at once.

    score = side x clamp(levels / sweep_levels x value / usual value), fading to 0 within ``sweep_hold_ms``

levels   distinct prices of one order (all prints of one cross sequence and side); a sweep from ``sweep_levels`` on.
         Small orders that come close together and reach as far are none.
value    of the whole order; the usual one is the median order of the 60 s before at the same price. Without any, a
         sweep is as strong as its levels.
"""

from __future__ import annotations

from services.signals.market import Market, Signal
from services.signals.strike import Strike
from shared.clock import NS_PER_MS
from shared.config import Signals


class Sweep:
    """The last sweep of one symbol."""

    __slots__ = ("_levels", "_strike", "fresh_until_ns", "score")

    def __init__(self, config: Signals) -> None:
        self._levels = config.sweep_levels
        self._strike = Strike(config.sweep_hold_ms * NS_PER_MS)
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame."""
        orders = market.tape.fresh_orders
        if orders:
            for order in orders:
                levels = len(order.prices)
                if levels >= self._levels:
                    strength = levels / self._levels
                    if order.usual_lots > 0:
                        strength *= order.lots / order.usual_lots
                    self._strike.hit(market.at_ns, order.side * strength)
                    self.fresh_until_ns = self._strike.ends_ns
        elif self.score == 0.0:
            return
        self.score = self._strike.at(market.at_ns)


def build(config: Signals) -> Signal:
    """Return the signal as configured."""
    return Sweep(config)
