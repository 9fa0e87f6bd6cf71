"""A spoofer: walls near the touch that are pulled before they trade, and put back further out.

Decoys: a wall that is cancelled and not replaced, and a wall at the touch that is traded through.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.exchange.agents.turns import Agent
from services.exchange.flow import MS, S

BEST_LEVELS = 5  # A wall is large beside what stands on so many levels.
WALL_SHARE = (3.0, 5.5)  # Of that, all orders of the wall together.
ORDERS = (1, 3)
AWAY_TICKS = (1, 3)  # From the touch.
STAND_NS = (600 * MS, 2_400 * MS)
PULL_GAP_NS = (1 * MS, 50 * MS)  # Between two orders of one wall.
REPLACE_NS = (40 * MS, 300 * MS)
REPLACED_SHARE = (0.8, 1.1)
OUT_TICKS = (8, 20)  # From the touch.
LINGER_NS = (500 * MS, 1_500 * MS)
EATEN_SHARE = (2.0, 3.0)  # A wall that is traded through, as above.
BITE_USDT = (20_000, 38_000)  # Each order that does so: none of them is large.
BITE_GAP_NS = (40 * MS, 130 * MS)
BITES_MAX = 20


class Spoof(Agent):
    """See the module."""

    KIND = "prt"
    TURN = 0
    EVENTS = ("replaced",)
    DECOYS = ("cancelled", "traded")
    LENGTH_NS = 5_200 * MS

    def perform(self, form: str, side: int) -> Iterator[int]:
        """Build a wall and let happen to it what the form says. ``lots`` are the wall's and what replaced it."""
        return self._eaten(side) if form == "traded" else self._pulled(form, side)

    def _pulled(self, form: str, side: int) -> Iterator[int]:
        stage, deed = self.stage, self.deed(form, side)
        touch = stage.touch(side)
        wall = self._wall_lots(side, WALL_SHARE)
        count = ORDERS[0] + int((ORDERS[1] - ORDERS[0] + 1) * self.rng.random())
        aways = list(range(AWAY_TICKS[0], AWAY_TICKS[1] + 1))
        orders = []
        for _ in range(count):
            price = touch - side * aways.pop(int(len(aways) * self.rng.random()))
            stage.keep_off(side, price, self.LENGTH_NS)
            deed.spans(price)
            orders.append(stage.rest(side, price, max(1, wall // count)))
        yield self.between(STAND_NS)
        deed.details["pulled_ns"] = stage.now
        pulled = 0
        for order_id in orders:
            pulled += stage.pull(order_id)
            yield self.between(PULL_GAP_NS)
        deed.lots.append(pulled)
        if form == "cancelled":
            stage.truth.tell(deed, stage.now)
            return
        yield self.between(REPLACE_NS)
        out = touch - side * int(self.share(OUT_TICKS))
        replaced = max(1, int(pulled * self.share(REPLACED_SHARE)))
        again = stage.rest(side, out, replaced)
        deed.lots.append(replaced)
        deed.details["replaced_ticks"] = out
        if pulled >= 0.9 * wall:  # A client who has traded with the wall has made something else of it.
            stage.truth.tell(deed, stage.now)
        yield self.between(LINGER_NS)
        stage.pull(again)

    def _eaten(self, side: int) -> Iterator[int]:
        stage, deed = self.stage, self.deed("traded", side)
        touch = stage.touch(side)
        wall = self._wall_lots(side, EATEN_SHARE)
        stage.keep_off(side, touch, self.LENGTH_NS, takers_too=True)
        order_id = stage.rest(side, touch, wall)
        deed.lots.append(wall)
        yield self.between(STAND_NS)
        for _ in range(BITES_MAX):
            left = stage.book.level_lots(side, touch)
            if not left:
                break
            bite = min(left, stage.lots_worth(self.share(BITE_USDT), touch))
            deed.lots.append(stage.take(deed, -side, touch, bite))
            yield self.between(BITE_GAP_NS)
        stage.pull(order_id)
        stage.truth.tell(deed, stage.now)

    def _wall_lots(self, side: int, share: tuple[float, float]) -> int:
        shown = sum(lots for _, lots in self.stage.book.depth(side, BEST_LEVELS))
        return max(1, int(shown * self.share(share)))


assert STAND_NS[1] + 3 * PULL_GAP_NS[1] + REPLACE_NS[1] + LINGER_NS[1] <= 5 * S
assert STAND_NS[1] + BITES_MAX * BITE_GAP_NS[1] <= 5_200 * MS
