"""Predator: momentum of the last trade against the volume-weighted average of the last trades.

    m           (last - VWAP) / VWAP over the last ``predator.ticks`` trades, percent
    direction   sign of m where |m| > ``predator.threshold_pct``
    score       m / (2 x threshold), held to -1..1; confidence is its size, so at the threshold it is a half
    entry       spread below ``risk.max_spread_bps``; that nothing is open in the symbol is seen to by the engine

A trade that took longer than ``ingest.stale_ms`` to arrive is not heard, and when the last one is older than that there
is no momentum. How long a trade took is told by the two clocks, less what the quickest of the last trades took: a clock
that is wrong must not make every trade look old.
"""

from __future__ import annotations

from services.signals.market import Market
from services.signals.maths import RollingVwap, clamp, momentum_pct
from services.signals.strategy import RIPE, Opinion, Strategy
from shared.clock import NS_PER_MS
from shared.config import Config
from shared.layout import PRICE_TICKS, RECV_NS, SIZE_LOTS, VENUE_NS

FULL = 2.0  # So many thresholds score 1.
QUICKEST_OF = 256  # Trades that the quickest is looked for in, twice: of this stretch and of the one before.
NEVER_NS = 1 << 62


class Predator:
    """The last trades of one symbol."""

    __slots__ = (
        "_before_ns",
        "_heard",
        "_last_ns",
        "_last_ticks",
        "_max_spread_bps",
        "_quickest_ns",
        "_stale_ns",
        "_threshold_pct",
        "_ticks",
        "_vwap",
        "signals",
    )

    def __init__(self, ticks: int, threshold_pct: float, stale_ns: int, max_spread_bps: float) -> None:
        self.signals: tuple[str, ...] = ("momentum",)
        self._ticks, self._threshold_pct = ticks, threshold_pct
        self._stale_ns, self._max_spread_bps = stale_ns, max_spread_bps
        self._vwap = RollingVwap(ticks)
        self._last_ticks = self._last_ns = 0
        self._heard = 0  # Trades of the present stretch.
        self._quickest_ns = self._before_ns = NEVER_NS  # Of this stretch, and of the one before.

    def update(self, market: Market) -> None:
        """Take in the frame's trades, but for those that come late."""
        for record in market.trades:
            if not self._is_late(record[RECV_NS] - record[VENUE_NS]):
                self._vwap.add(record[PRICE_TICKS], record[SIZE_LOTS])
                self._last_ticks, self._last_ns = record[PRICE_TICKS], record[RECV_NS]

    def _is_late(self, took_ns: int) -> bool:
        self._quickest_ns = min(self._quickest_ns, took_ns)
        self._heard += 1
        late = took_ns - min(self._quickest_ns, self._before_ns) > self._stale_ns
        if self._heard >= QUICKEST_OF:
            self._before_ns, self._quickest_ns, self._heard = self._quickest_ns, NEVER_NS, 0
        return late

    def opinion(self, market: Market) -> Opinion:
        """Return what the momentum says; written so that what is not a number never enters."""
        regime = market.weather.regime
        if self._vwap.trades < self._ticks:
            return Opinion(0, 0.0, 0.0, (0.0,), "warmup", regime)
        if not 0 <= market.at_ns - self._last_ns <= self._stale_ns:
            return Opinion(0, 0.0, 0.0, (0.0,), "stale", regime)
        moved_pct = momentum_pct(self._last_ticks, self._vwap.vwap)
        score = clamp(moved_pct / (FULL * self._threshold_pct))
        direction, reason = 0, "momentum"
        if abs(moved_pct) > self._threshold_pct:
            direction = 1 if moved_pct > 0 else -1
            reason = RIPE if _spread_bps(market) < self._max_spread_bps else "spread"
        return Opinion(direction, score, abs(score), (score,), reason, regime)


def _spread_bps(market: Market) -> float:
    """Return the spread in basis points of the mid; endless while a side is empty."""
    if not market.mid2 > 0:
        return float("inf")
    return (market.ask_ticks - market.bid_ticks) / market.mid2 * 2e4


def build(config: Config, symbol: str) -> Strategy:
    """Return the strategy of one symbol as configured."""
    own = config.predator
    return Predator(own.ticks, own.threshold_pct, config.ingest.stale_ms * NS_PER_MS, config.risk.max_spread_bps)
