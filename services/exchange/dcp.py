"""Disconnect-cancel-all: orders go when every private connection that asked for it has been gone for too long."""

from __future__ import annotations

from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.orders import NO_ERROR, RESTING
from services.exchange.trading import Trading

TOPICS = ("dcp.future", "dcp")
BY_DCP = "CancelByDCP"


class Dcp:
    """Watches the connections that listen to a dcp topic. ``window_ms`` 0 is off, as long as nobody has set it."""

    def __init__(self, desk: Desk, trading: Trading) -> None:
        self._desk, self._trading = desk, trading
        self.window_ms = 0
        self._gone_ns = 0  # Since when nobody is there; 0 while somebody is, or nobody ever was.
        self._guarded = False  # Somebody was there, and has not been missed yet.

    def advance(self, listened: bool, now: int) -> None:
        """Cancel what rests once nobody has listened for the whole window. Stops and brackets stay."""
        if listened:
            self._guarded, self._gone_ns = True, 0
            return
        if not self._guarded or not self.window_ms:
            return
        self._gone_ns = self._gone_ns or now
        if now - self._gone_ns <= self.window_ms * NS_PER_MS:
            return
        self._guarded = False
        for order in self._desk.orders.open_orders():
            if order.status in RESTING:
                self._trading.cancel_for(order, BY_DCP, NO_ERROR, now)
