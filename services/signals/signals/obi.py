"""OBI: order book imbalance, the order flow that is changing it, and the pressure at the touch.

    score = clamp(imbalance + 0.6 x flow + 0.2 x pressure)

imbalance   (bids - asks) / (bids + asks) in size over the best ``obi_levels`` levels, -1..1.
flow        order flow at the touch over the last second, fading, as a share of all flow and the size that stands
            there, -1..1: the rate of change of the imbalance by time, whatever the rate of evaluation.
pressure    weighted mid minus mid, ticks, held to -1..1 (a wide spread would make it anything).
"""

from __future__ import annotations

from services.signals.market import Market, Signal
from services.signals.maths import Fading, Touch, clamp, micro_pressure, order_flow
from shared.config import Signals

FLOW_NS = 1_000_000_000
STALE_NS = 2_000_000_000
FLOW_SHARE = 0.6
PRESSURE_SHARE = 0.2


class Obi:
    """Imbalance of one symbol's book."""

    __slots__ = ("_gross", "_levels", "_net", "_touch", "fresh_until_ns", "score")

    def __init__(self, levels: int) -> None:
        assert levels > 0
        self._levels = levels
        self._touch: Touch | None = None
        self._net, self._gross = Fading(FLOW_NS), Fading(FLOW_NS)
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame; without both sides there is nothing to say."""
        touch = market.touch
        before, self._touch = self._touch, touch
        if touch is None:
            self.score = 0.0
            return
        flow = order_flow(before, touch) if before is not None else 0.0
        net = self._net.add(market.at_ns, flow)
        gross = self._gross.add(market.at_ns, abs(flow)) + touch.bid_size + touch.ask_size
        rate = net / gross if gross > 0 else 0.0
        pressure = PRESSURE_SHARE * clamp(micro_pressure(touch))
        self.score = clamp(market.book.imbalance(self._levels) + FLOW_SHARE * rate + pressure)
        self.fresh_until_ns = market.book_ns + STALE_NS


def build(config: Signals) -> Signal:
    """Return the signal as configured."""
    return Obi(config.obi_levels)
