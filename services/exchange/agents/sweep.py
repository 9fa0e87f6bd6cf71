"""A sweeper: one taker order that clears several levels at once, and moves the price.

Decoys: an order that reaches only the second level, and a large one that finds all it wants at one price.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.exchange.agents.turns import Agent
from services.exchange.flow import MS, U

LEVELS = (3, 6)
IMPACT = (0.5, 1.0)  # Of the way to the last level: how far the value follows.
SECOND_SHARE = (0.3, 1.0)  # How much of the second level an order takes that stops there.
BLOCK_USDT = (80_000, 200_000)  # What stands at one price for an order that is large and no sweep,
BLOCK_STANDS_NS = (100 * MS, 600 * MS)
BLOCK_SHARE = (0.6, 0.95)  # how much of the level that takes,
BLOCK_LEAVES_NS = (300 * MS, 900 * MS)  # and when the rest goes.


class Sweep(Agent):
    """See the module. The side is the taker's."""

    KIND = "sweep"
    TURN = 2
    EVENTS = ("several",)
    DECOYS = ("two", "one")
    LENGTH_NS = 1_500 * MS

    def perform(self, form: str, side: int) -> Iterator[int]:
        """Take. ``lots`` is the order's size."""
        if form == "one":
            yield from self._block(side)
            return
        stage, deed = self.stage, self.deed(form, side)
        count = LEVELS[0] + int((LEVELS[1] - LEVELS[0] + 1) * self.rng.random()) if form == "several" else 2
        levels = stage.book.depth(-side, count)
        wanted = [lots for _, lots in levels]
        if form == "two":
            wanted[-1] = max(1, int(wanted[-1] * self.share(SECOND_SHARE)))
        impact = self.share(IMPACT)
        deed.lots.append(stage.take(deed, side, levels[-1][0], sum(wanted)))
        if len(levels) < count:
            return  # A client has thinned the book out.
        deed.details["levels"] = count
        if form == "several":
            stage.value.nudge(int((levels[-1][0] - levels[0][0]) * impact * U))
        stage.truth.tell(deed, stage.now)

    def _block(self, side: int) -> Iterator[int]:
        """Meet a block at the touch and take most of it."""
        stage, deed = self.stage, self.deed("one", side)
        touch = stage.touch(-side)
        stage.keep_off(-side, touch, self.LENGTH_NS, takers_too=True)
        order_id = stage.rest(-side, touch, stage.lots_worth(self.share(BLOCK_USDT), touch))
        yield self.between(BLOCK_STANDS_NS)
        lots = int(stage.book.level_lots(-side, touch) * self.share(BLOCK_SHARE))
        deed.start_ns = stage.now
        deed.lots.append(stage.take(deed, side, touch, max(1, lots)))
        deed.details["levels"] = 1
        stage.truth.tell(deed, stage.now)
        yield self.between(BLOCK_LEAVES_NS)
        stage.pull(order_id)
