"""An iceberg: an order at the touch that shows a little and fills up again after each trade.

Decoys: a level that shrinks and grows without a trade, one that fills up too late, one that fills up too few times.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.exchange.agents.turns import Agent
from services.exchange.flow import MS
from services.exchange.truth import Deed

SHOWN_USDT = (36_000, 60_000)  # Beside what others show at the price.
TRADE_USDT = (12_000, 40_000)
TRADE_SHARE_MAX = 0.6  # Of the level: it is never emptied.
REFILLS = (5, 8)
REFILL_NS = (20 * MS, 240 * MS)  # After the trade.
REFILL_SHARE = (0.92, 1.0)  # Of the trade.
PAUSE_NS = (130 * MS, 260 * MS)  # From the refill to the next trade.
LATE_NS = (450 * MS, 650 * MS)  # The same for one that is too slow.
LATE_REFILLS = (3, 4)
FEW_REFILLS = (1, 2)
LEAVE_NS = (200 * MS, 600 * MS)


class Iceberg(Agent):
    """See the module."""

    KIND = "ice"
    TURN = 1
    EVENTS = ("refilled",)
    DECOYS = ("untraded", "late", "few")
    LENGTH_NS = 5_000 * MS

    def perform(self, form: str, side: int) -> Iterator[int]:
        """Stand at the touch and fill up. ``lots`` are what was traded (or pulled) and what came back, in turns."""
        stage, deed = self.stage, self.deed(form, side)
        touch = stage.touch(side)
        deed.spans(touch)
        stage.keep_off(side, touch, self.LENGTH_NS, takers_too=True)
        orders = [stage.rest(side, touch, stage.lots_worth(self.share(SHOWN_USDT), touch))]
        low, high = {"late": LATE_REFILLS, "few": FEW_REFILLS}.get(form, REFILLS)
        delay = LATE_NS if form == "late" else REFILL_NS
        yield self.between(PAUSE_NS)
        for _ in range(low + int((high - low + 1) * self.rng.random())):
            gone = self._shrink(deed, form, touch, side, orders)
            yield self.between(delay)
            back = max(1, -(-int(gone * 1000 * self.share(REFILL_SHARE)) // 1000))
            orders.append(stage.rest(side, touch, back))
            deed.lots += [gone, back]
            yield self.between(PAUSE_NS)
        stage.truth.tell(deed, stage.now)
        yield self.between(LEAVE_NS)
        for order_id in orders:
            stage.pull(order_id)

    def _shrink(self, deed: Deed, form: str, touch: int, side: int, orders: list[int]) -> int:
        """Let the level lose something, by a trade or without; return how much."""
        stage, wanted = self.stage, self.stage.lots_worth(self.share(TRADE_USDT), touch)
        most = max(1, int(TRADE_SHARE_MAX * stage.book.level_lots(side, touch)))
        if form != "untraded":
            return stage.take(deed, -side, touch, min(wanted, most))
        left = min(wanted, most)
        for order_id in reversed(orders):
            left -= stage.book.reduce(order_id, left)
        return min(wanted, most) - left


assert (REFILLS[1] * (REFILL_NS[1] + PAUSE_NS[1])) + PAUSE_NS[1] + LEAVE_NS[1] <= 5_000 * MS
assert LATE_REFILLS[1] * (LATE_NS[1] + PAUSE_NS[1]) + PAUSE_NS[1] + LEAVE_NS[1] <= 5_000 * MS
