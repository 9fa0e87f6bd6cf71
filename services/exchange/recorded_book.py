"""A recorded book that takes orders: what is displayed is the market's, the account's orders queue up within it.

What the recording shows stands in a real matching book as orders of the market, so that everything the account may do
there means the same as elsewhere. Three rules keep it honest:

- An order of the account consumes what is displayed, once: the level stays consumed until the recording shows more.
- It queues behind what is displayed when it joins. Recorded trades are played as takers and reduce what stands ahead
  of it, and then fill it. Of other decreases it is assumed that they happen behind it, unless what is displayed falls
  below what stood ahead; ``queue_power`` n shares them out instead, in proportion back^n : front^n.
- A trade that the book has shown already (it is not younger than the book) moves the queue, not the displayed size.

A price beyond the recorded depth is not seen: what turns up there later stands ahead of the account's orders.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.exchange.level import Order
from services.exchange.matching import AGENTS, NO_SMP, Fill, MatchingBook, Outcome


def cut_ahead_lots(front_lots: int, back_lots: int, cut_lots: int, power: float | None) -> int:
    """Return how much of a decrease that is no trade happens ahead of a place in the queue."""
    assert 0 <= cut_lots <= front_lots + back_lots
    if power is None or not front_lots:
        return max(0, cut_lots - back_lots)
    front, back = float(front_lots) ** power, float(back_lots) ** power
    behind = round(cut_lots * back / (back + front))
    return int(min(front_lots, max(cut_lots - behind, cut_lots - back_lots)))


class _Shown:
    """What the recording says about one price: its size there, and what the tape has taken off it since."""

    __slots__ = ("ahead_lots", "hidden", "lots")

    def __init__(self) -> None:
        self.lots = 0
        self.ahead_lots = 0  # Taken away ahead of the account by the book: a late trade may be the reason.
        self.hidden = False  # Beyond the recorded depth, with an order of the account in it.


class RecordedBook(MatchingBook):
    """See the module. Sides are +1 and -1; the recording's levels come as side -> price -> lots."""

    def __init__(self, queue_power: float | None = None) -> None:
        super().__init__()
        self._power = queue_power
        self._shown: dict[tuple[int, int], _Shown] = {}
        self._edge_ticks = {1: 0, -1: 0}  # The furthest price that is seen.
        self._stamp_ms = 0
        self._next_id = 0

    # --- what the recording says ----------------------------------------------------------------------------------

    def show(
        self, sides: Mapping[int, Mapping[int, int]], whole: bool, edges: tuple[int, int], cts_ms: int
    ) -> list[Fill]:
        """Take in one frame: new sizes by side and price, 0 for a level that is gone.

        ``whole`` is a snapshot: what it does not name is gone. ``edges`` are the furthest prices seen after it (bid,
        ask; 0: nothing is hidden). Return the matches where the market has come to the account's orders.
        """
        self._edge_ticks = {1: edges[0], -1: edges[1]}
        named = {(side, price): lots for side, levels in sides.items() for price, lots in levels.items()}
        if whole:
            named = dict.fromkeys(self._shown, 0) | named
        for (side, price), lots in named.items():  # First what goes: a book is never crossed with itself.
            shown = self._shown.get((side, price))
            if shown is not None and not shown.hidden and (lots < shown.lots or not lots):
                self._fall(side, price, shown, lots)
        fills: list[Fill] = []
        for (side, price), lots in named.items():
            shown = self._shown.get((side, price))
            if lots and (shown is None or lots > shown.lots):
                fills += self._rise(side, price, lots)
        self._stamp_ms = max(self._stamp_ms, cts_ms)
        return fills

    def submit(
        self, order_id: int, owner: int, side: int, price_ticks: int, qty_lots: int, tif: str,
        smp: str = NO_SMP, reduce_only: bool = False,
    ) -> Outcome:  # fmt: skip
        """Match an order and rest what may rest; remember that nobody sees what else is at that price."""
        outcome = super().submit(order_id, owner, side, price_ticks, qty_lots, tif, smp, reduce_only)
        if owner != AGENTS and outcome.resting_lots and self._beyond(side, price_ticks):
            self._shown.setdefault((side, price_ticks), _Shown()).hidden = True
        return outcome

    def trade(self, taker_side: int, price_ticks: int, lots: int, at_ms: int) -> list[Fill]:
        """Play one recorded trade; return its matches, or one that stands for it where nothing of it is left."""
        shown = self._shown.get((-taker_side, price_ticks))
        late = at_ms <= self._stamp_ms
        left = lots
        if shown is not None and late:
            known = min(left, shown.ahead_lots)
            shown.ahead_lots -= known
            left -= known
        fills: list[Fill] = []
        self._next_id -= 1
        if left and (self._own(-taker_side) or not late):
            fills = self.submit(self._next_id, AGENTS, taker_side, price_ticks, left, "IOC").fills
        back: list[Fill] = []
        for fill in fills:
            if fill.maker_owner == AGENTS:
                back += self._account_for(-taker_side, fill, late)
        self.last_ticks = price_ticks
        if fills:
            return fills + back
        return [Fill(0, AGENTS, self._next_id, AGENTS, taker_side, price_ticks, lots, 0, self.seq)]

    # --- the parts ------------------------------------------------------------------------------------------------

    def _account_for(self, side: int, fill: Fill, late: bool) -> list[Fill]:
        """Book one match of a trade with what is displayed: known already, or not yet."""
        if late:
            return self._join(side, fill.price_ticks, fill.qty_lots)
        shown = self._shown.get((side, fill.price_ticks))
        if shown is not None:
            shown.lots = max(0, shown.lots - fill.qty_lots)
        return []

    def _rise(self, side: int, price: int, lots: int) -> list[Fill]:
        """Let a level grow to what is recorded: what is new joins the end of the queue."""
        shown = self._shown.setdefault((side, price), _Shown())
        standing = self._standing(side, price)
        new, unseen = lots - (standing if shown.hidden else shown.lots), shown.hidden and not standing
        shown.lots, shown.ahead_lots, shown.hidden = lots, 0, False
        if new <= 0:
            self._take_away(side, price, -new, last_first=True)
            return []
        fills = self._join(side, price, new)
        level = self.ladder(side)[1].get(side * price)
        order = self.order(self._next_id)
        if unseen and level is not None and order is not None:
            level.lead(order)
        return fills

    def _fall(self, side: int, price: int, shown: _Shown, lots: int) -> None:
        """Let a level shrink to what is recorded; nobody's order of ours is touched."""
        own = any(one.owner != AGENTS for one in self._queue(side, price))
        if own and not lots and self._beyond(side, price):
            shown.hidden, shown.lots = True, 0
            return
        gone = max(0, self._standing(side, price) - lots)
        shown.lots = lots
        front, back = self._around(side, price)
        ahead = cut_ahead_lots(front, back, gone, self._power) if own else 0
        shown.ahead_lots = shown.ahead_lots + ahead if own else 0
        self._take_away(side, price, gone - ahead, last_first=True)
        self._take_away(side, price, ahead, last_first=False)
        if not lots and not own:
            del self._shown[side, price]

    def _take_away(self, side: int, price: int, lots: int, last_first: bool) -> None:
        """Cancel so many lots of the market's orders, beginning at one end of the queue."""
        orders = [one for one in self._queue(side, price) if one.owner == AGENTS]
        for one in orders[::-1] if last_first else orders:
            if not lots:
                return
            lots -= self.reduce(one.order_id, lots)

    def _join(self, side: int, price: int, lots: int) -> list[Fill]:
        """Put the market's lots at the end of the queue; those already there at the very end grow."""
        queue = self._queue(side, price)
        if queue and queue[-1].owner == AGENTS:
            lots += self.cancel(queue[-1].order_id)
        self._next_id -= 1
        return self.submit(self._next_id, AGENTS, side, price, lots, "GTC").fills

    def _around(self, side: int, price: int) -> tuple[int, int]:
        """Return what the market has ahead of, and behind, the account's last order at a price."""
        front = back = 0
        for one in self._queue(side, price):
            if one.owner == AGENTS:
                back += one.left_lots
            else:
                front, back = front + back, 0
        return front, back

    def _standing(self, side: int, price: int) -> int:
        return sum(one.left_lots for one in self._queue(side, price) if one.owner == AGENTS)

    def _queue(self, side: int, price: int) -> list[Order]:
        level = self.ladder(side)[1].get(side * price)
        return [] if level is None else list(level)

    def _own(self, side: int) -> bool:
        """Return whether the account has an order on a side."""
        return any(one.side == side and one.owner != AGENTS for one in self._orders.values())

    def _beyond(self, side: int, price: int) -> bool:
        """Return whether a price lies beyond what is seen."""
        edge = self._edge_ticks[side]
        return edge != 0 and (edge - price) * side > 0
