"""A trailing stop: it follows the last price at its distance, in the position's favour only."""

from __future__ import annotations

from services.exchange.orders import FALLS, Order


def trail(order: Order, last_ticks: int) -> bool:
    """Let a trailing stop hear a price; True if its trigger price has moved.

    It sleeps until the price has reached ``active_ticks``; until then it has no trigger price (the venue's own display
    of that time is not known) and protects nothing.
    """
    sign = 1 if order.trigger_direction == FALLS else -1  # +1 guards a long.
    if order.active_ticks:
        if (last_ticks - order.active_ticks) * sign < 0:
            return False
        order.active_ticks = 0
    trigger = max(1, last_ticks - sign * order.trail_ticks)
    if order.trigger_ticks and (trigger - order.trigger_ticks) * sign <= 0:
        return False
    order.trigger_ticks = trigger
    return True
