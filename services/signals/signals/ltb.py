"""LTB: a burst of large taker orders.

    score = clamp(share x 2 sigmoid(0.1 x burst / floor)), 0 unless there is a burst

burst    the large orders of the last ``ltb_window_ms``: ``ltb_orders`` or more of one side, and |share| no less than
         ``ltb_share``.
share    (bought - sold) / (bought + sold) among them.
large    an order (all prints of one cross sequence and side: one that is split into prints does not look small) of
         ``ltb_medians`` times the median order of the 60 s before it, and worth no less than the floor.
floor    ``ltb_min_usdt``; where so little is traded that ``ltb_turnover_share`` of the value of 60 s is less, that. It
         counts once 60 s have been seen.
"""

from __future__ import annotations

from collections import deque

from services.signals.market import Market, Signal
from services.signals.maths import clamp, sigmoid
from shared.clock import NS_PER_MS
from shared.config import Signals
from shared.takers import BUY, WINDOW_NS, Order, Takers

STEEPNESS = 0.1
LARGE_MAX = 1_024
_AT, _NUMBER, _SIDE, _USDT = range(4)


class Ltb:
    """Large orders of one symbol."""

    __slots__ = (
        "_bought_usdt",
        "_buys",
        "_floor_usdt",
        "_large",
        "_medians",
        "_min_usdt",
        "_orders",
        "_share",
        "_sold_usdt",
        "_turnover_share",
        "_window_ns",
        "fresh_until_ns",
        "score",
    )

    def __init__(self, config: Signals) -> None:
        self._window_ns = config.ltb_window_ms * NS_PER_MS
        self._medians, self._orders, self._share = config.ltb_medians, config.ltb_orders, config.ltb_share
        self._min_usdt, self._turnover_share = config.ltb_min_usdt, config.ltb_turnover_share
        self._large: deque[tuple[int, int, int, float]] = deque()  # When, number of the order, side, USDT.
        self._buys = 0
        self._bought_usdt = self._sold_usdt = 0.0
        self._floor_usdt = self._min_usdt
        self.score = 0.0
        self.fresh_until_ns = 0

    def update(self, market: Market) -> None:
        """Take in one frame."""
        orders, large, at_ns = market.tape.fresh_orders, self._large, market.at_ns
        if not orders and not large:
            return
        changed = False
        while large and not 0 <= at_ns - large[0][_AT] <= self._window_ns:
            self._count(large.popleft(), -1)
            changed = True
        for order in orders:
            changed = self._take(order, market) or changed
        if changed:
            self._judge()

    def _take(self, order: Order, market: Market) -> bool:
        """Take in an order if it is large; True when it is. It may have grown since it was taken in."""
        usdt = order.value * market.unit_usdt
        if not (order.usual_lots > 0 and order.lots >= self._medians * order.usual_lots):
            return False
        floor_usdt = self._floor(market.tape.takers, market)
        if not usdt >= floor_usdt:
            return False
        large = self._large
        if large and large[-1][_NUMBER] == order.number:
            self._count(large.pop(), -1)
        elif len(large) >= LARGE_MAX:
            self._count(large.popleft(), -1)
        large.append((market.at_ns, order.number, order.side, usdt))
        self._count(large[-1], 1)
        self._floor_usdt = floor_usdt
        self.fresh_until_ns = market.at_ns + self._window_ns
        return True

    def _floor(self, takers: Takers, market: Market) -> float:
        """Return what a large order is worth at least."""
        if self._turnover_share > 0 and market.at_ns - takers.since_ns >= WINDOW_NS:
            return min(self._min_usdt, self._turnover_share * takers.turnover * market.unit_usdt)
        return self._min_usdt

    def _count(self, one: tuple[int, int, int, float], sign: int) -> None:
        if one[_SIDE] == BUY:
            self._buys += sign
            self._bought_usdt += sign * one[_USDT]
        else:
            self._sold_usdt += sign * one[_USDT]
        if not self._large:  # Nothing is left but what rounding has left.
            self._bought_usdt = self._sold_usdt = 0.0

    def _judge(self) -> None:
        """Say what the large orders mean together."""
        self.score = 0.0
        if len(self._large) < self._orders:
            return
        total_usdt = self._bought_usdt + self._sold_usdt
        share = (self._bought_usdt - self._sold_usdt) / total_usdt if total_usdt > 0 else 0.0
        count = self._buys if share > 0 else len(self._large) - self._buys
        if count >= self._orders and abs(share) >= self._share:
            times = total_usdt / self._floor_usdt if self._floor_usdt > 0 else 0.0
            self.score = clamp(share * 2.0 * sigmoid(STEEPNESS * times))


def build(config: Signals) -> Signal:
    """Return the signal as configured."""
    return Ltb(config)
