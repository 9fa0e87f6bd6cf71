"""OBI: order book imbalance, the order flow that is changing it, and the pressure at the touch.

    leaning = 0.5 x (imbalance + 0.6 x flow + 0.2 x pressure)
    score   = clamp(leaning), brought nearer to 0 by 0.15 for each tick of spread beyond the first

imbalance   (bids - asks) / (bids + asks) in size over the best ``obi_levels`` levels, -1..1.
flow        order flow at the touch over the last second, fading, as a share of all flow and the size that stands
            there, -1..1: the rate of change of the imbalance by time, whatever the rate of evaluation.
pressure    weighted mid minus mid, ticks, held to -1..1 (a wide spread would make it anything).
"""

from __future__ import annotations

from math import exp

from services.signals.market import Market, Signal
from services.signals.maths import clamp
from shared.config import Signals

NS_PER_S = 1_000_000_000
STALE_NS = 2 * NS_PER_S


class Obi:
    """Imbalance of one symbol's book."""

    __slots__ = (
        "_ask_lots",
        "_ask_ticks",
        "_at_ns",
        "_bid_lots",
        "_bid_ticks",
        "_flow_share",
        "_gain",
        "_gross",
        "_levels",
        "_net",
        "_penalty",
        "_pressure",
        "_pressure_share",
        "_seen",
        "_standing",
        "_tau_ns",
        "_tick_penalty",
        "fresh_until_ns",
        "score",
    )

    def __init__(self, config: Signals) -> None:
        self._levels, self._gain, self._tick_penalty = config.obi_levels, config.obi_gain, config.obi_spread_penalty
        self._flow_share, self._pressure_share = config.obi_flow_share, config.obi_pressure_share
        self._tau_ns = config.obi_flow_s * NS_PER_S
        self._bid_ticks = self._bid_lots = self._ask_ticks = self._ask_lots = 0  # The touch before; 0: none.
        self._net = self._gross = 0.0  # Fading sums of the order flow and of its size, as of ``_at_ns``.
        self._at_ns = 0
        self._pressure = self._penalty = 0.0  # What this touch adds, and takes off.
        self._standing = 0  # Lots at the touch.
        self._seen = -1  # Updates of the book.
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame; without both sides there is nothing to say, and trades alone change nothing."""
        book = market.book
        if book.updates == self._seen:
            return
        self._seen = book.updates
        if not market.mid2:
            self._bid_ticks = self._ask_ticks = 0
            self.score = 0.0
            return
        elapsed_ns = market.at_ns - self._at_ns
        if elapsed_ns > 0:  # Time that runs back counts as no time.
            self._at_ns = market.at_ns
            if self._gross:
                fading = exp(-elapsed_ns / self._tau_ns)
                self._net *= fading
                self._gross *= fading
        if (
            market.bid_lots != self._bid_lots
            or market.ask_lots != self._ask_lots
            or market.bid_ticks != self._bid_ticks
            or market.ask_ticks != self._ask_ticks
        ):
            self._look(market)
        standing = self._gross + self._standing
        rate = self._net / standing if standing else 0.0
        leaning = self._gain * (book.imbalance(self._levels) + self._flow_share * rate + self._pressure)
        penalty = self._penalty
        if leaning > penalty:
            leaning -= penalty
            self.score = leaning if leaning < 1.0 else 1.0
        elif leaning < -penalty:
            leaning += penalty
            self.score = leaning if leaning > -1.0 else -1.0
        else:
            self.score = 0.0
        self.fresh_until_ns = market.book_ns + STALE_NS

    def _look(self, market: Market) -> None:
        """Take in another touch: what came and went there (``maths.order_flow``, written out) and what it leans to."""
        bid, bid_lots, ask, ask_lots = market.bid_ticks, market.bid_lots, market.ask_ticks, market.ask_lots
        old_bid, old_ask = self._bid_ticks, self._ask_ticks
        if old_bid and old_ask:
            flow = 0
            if bid >= old_bid:
                flow += bid_lots
            if bid <= old_bid:
                flow -= self._bid_lots
            if ask <= old_ask:
                flow -= ask_lots
            if ask >= old_ask:
                flow += self._ask_lots
            self._net += flow
            self._gross += abs(flow)
        self._bid_ticks, self._bid_lots, self._ask_ticks, self._ask_lots = bid, bid_lots, ask, ask_lots
        standing, spread = bid_lots + ask_lots, ask - bid
        self._standing = standing
        self._pressure = self._pressure_share * clamp(spread * (bid_lots / standing - 0.5)) if standing else 0.0
        self._penalty = self._tick_penalty * max(spread - 1, 0)


def build(config: Signals) -> Signal:
    """Return the signal as configured."""
    return Obi(config)
