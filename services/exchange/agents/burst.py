"""A burst: several large taker orders of one side within a moment, absorbed by a block at the touch.

Decoys: large orders of both sides in turns, and one large order alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.exchange.agents.turns import Agent
from services.exchange.flow import MS, U

ORDERS = (3, 6)
ORDER_USDT = (60_000, 140_000)  # Each; usual orders are a tenth of it.
SPAN_NS = (300 * MS, 1_800 * MS)  # From the first to the last.
JITTER = (0.7, 1.0)  # Of an even gap.
BLOCK_STANDS_NS = (150 * MS, 600 * MS)
BLOCK_LEAVES_NS = (300 * MS, 900 * MS)
IMPACT_TICKS = (1.0, 4.0)  # How far the value follows in the end.
MIXED_ORDERS = (2, 3)  # Of each side,
MIXED_USDT = (70_000, 90_000)  # and of much the same size.


class Burst(Agent):
    """See the module. The side is the takers', of a mixed burst that of the first."""

    KIND = "ltb"
    TURN = 3
    EVENTS = ("one_side",)
    DECOYS = ("mixed", "single")
    LENGTH_NS = 3_500 * MS

    def perform(self, form: str, side: int) -> Iterator[int]:
        """Take again and again. ``lots`` are the orders' sizes."""
        stage, deed = self.stage, self.deed(form, side)
        sides = self._sides(form, side)
        worth = MIXED_USDT if form == "mixed" else ORDER_USDT
        touches = {one: stage.touch(-one) for one in dict.fromkeys(sides)}
        orders = [(one, stage.lots_worth(self.share(worth), touches[one])) for one in sides]
        blocks = []
        for one, touch in touches.items():
            stage.keep_off(-one, touch, self.LENGTH_NS, takers_too=True)
            blocks.append(stage.rest(-one, touch, sum(lots for each, lots in orders if each == one)))
        yield self.between(BLOCK_STANDS_NS)
        gap_ns = self.between(SPAN_NS) // max(1, len(orders) - 1)
        deed.start_ns = stage.now
        whole = True
        for number, (one, lots) in enumerate(orders):
            if number:
                yield max(1, int(gap_ns * self.share(JITTER)))
            got = stage.take(deed, one, touches[one], lots)
            whole = whole and got == lots
            deed.lots.append(got)
        if whole:  # Else a client has taken the block away.
            stage.truth.tell(deed, stage.now)
        yield self.between(BLOCK_LEAVES_NS)
        for order_id in blocks:
            stage.pull(order_id)
        if form == "one_side":
            stage.value.nudge(side * int(self.share(IMPACT_TICKS) * U))

    def _sides(self, form: str, side: int) -> list[int]:
        if form == "single":
            return [side]
        low, high = MIXED_ORDERS if form == "mixed" else ORDERS
        count = low + int((high - low + 1) * self.rng.random())
        return [side, -side] * count if form == "mixed" else [side] * count
