"""A trailing stop moves one way only."""

from __future__ import annotations

import pytest

from services.exchange.orders import FALLS, RISES, Order, OrderRequest
from services.exchange.trailing import trail
from shared.messages import BUY, SELL


@pytest.mark.parametrize(("side", "direction", "sign"), [(SELL, FALLS, 1), (BUY, RISES, -1)])
def test_it_begins_at_its_active_price_and_never_goes_back(side: int, direction: int, sign: int) -> None:
    order = Order(1, "t", OrderRequest("BTCUSDT", side, "Market", "IOC", 0, 1, True, "", None, None), 0)
    order.trigger_direction, order.trail_ticks, order.active_ticks = direction, 10, 1_000
    moved = [trail(order, 1_000 + sign * away) for away in (-5, 0, 4, 3, 4, 9)]
    assert moved == [False, True, True, False, False, True]
    assert order.trigger_ticks == 1_000 + sign * 9 - sign * 10
    assert order.active_ticks == 0
