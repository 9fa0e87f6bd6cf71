"""VWAP: back to the volume-weighted average price, as far as the regime lets hope for.

    score = strength x clamp(distance / 5)

distance   how far the mid lies *below* the average price of the last 500 trades, in ticks; or in standard deviations
           of their prices (`vwap_measure: deviations`, for instruments whose tick is small against their noise).
strength   1.0 in low volatility, 0.5 in normal, 0 in extreme; -0.3 in high, where prices that have left go further.

Nothing is said before 20 trades or without a regime, nor when nobody has traded for a minute.
"""

from __future__ import annotations

from services.signals.market import Market, Signal
from services.signals.maths import RollingVwap, clamp
from services.signals.weather import EXTREME, HIGH, LOW, NORMAL
from shared.config import Signals
from shared.layout import PRICE_TICKS, SIZE_LOTS

NS_PER_S = 1_000_000_000
STALE_NS = 2 * NS_PER_S


class Vwap:
    """Distance of one symbol from what was paid for it."""

    __slots__ = (
        "_average",
        "_average_ticks",
        "_by_deviations",
        "_full",
        "_least",
        "_mid2",
        "_quiet_ns",
        "_regime",
        "_strength",
        "_traded_ns",
        "fresh_until_ns",
        "score",
    )

    def __init__(self, config: Signals) -> None:
        self._average = RollingVwap(config.vwap_trades)
        self._average_ticks = 0.0
        self._least = min(config.vwap_trades_min, config.vwap_trades)
        self._by_deviations, self._full = config.vwap_measure == "deviations", config.vwap_full
        self._quiet_ns = round(config.vwap_stale_s * NS_PER_S)
        self._strength = {
            "": 0.0,
            LOW: config.vwap_low,
            NORMAL: config.vwap_normal,
            HIGH: config.vwap_high,
            EXTREME: config.vwap_extreme,
        }
        self._traded_ns = 0
        self._mid2, self._regime = -1, ""  # What the score was made of, beside the average.
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame; without a mid there is nothing to say."""
        average, mid2, regime = self._average, market.mid2, market.weather.regime
        fresh_ns = market.book_ns + STALE_NS
        if market.trades:
            for trade in market.trades:
                average.add(trade[PRICE_TICKS], trade[SIZE_LOTS])
            self._traded_ns, self._average_ticks = market.at_ns, average.vwap
        elif mid2 == self._mid2 and regime == self._regime:
            quiet_ns = self._traded_ns + self._quiet_ns
            self.fresh_until_ns = fresh_ns if fresh_ns < quiet_ns else quiet_ns
            return
        self._mid2, self._regime = mid2, regime
        strength = self._strength[regime]
        if not mid2 or not strength or average.trades < self._least:
            self.score = 0.0
            return
        mid = mid2 / 2
        above = average.z(mid) if self._by_deviations else mid - self._average_ticks
        self.score = -strength * clamp(above / self._full)
        quiet_ns = self._traded_ns + self._quiet_ns
        self.fresh_until_ns = fresh_ns if fresh_ns < quiet_ns else quiet_ns


def build(config: Signals) -> Signal:
    """Return the signal as configured."""
    return Vwap(config)
