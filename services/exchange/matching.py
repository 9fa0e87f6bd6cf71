"""One symbol's price-time order book, in integers: what the local exchange matches with."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from typing import NamedTuple

AGENTS = 0  # Owner of every order of the synthetic market; accounts count from 1.

WOULD_TAKE = "EC_PostOnlyWillTakeLiquidity"
NOTHING_TO_FILL = "EC_NoImmediateQtyToFill"
NOT_ALL_FILLED = "EC_CancelForNoFullFill"


class Fill(NamedTuple):
    """One match. The price is the maker's."""

    maker_id: int
    maker_owner: int
    taker_id: int
    taker_owner: int
    taker_side: int
    price_ticks: int
    qty_lots: int
    maker_left_lots: int


class Outcome(NamedTuple):
    """What became of a submitted order: fills + resting + cancelled = the size it asked for."""

    fills: list[Fill]
    resting_lots: int
    cancelled_lots: int
    reason: str  # Empty, or the venue's rejectReason.


class Order:
    """A resting order. Read-only outside this file."""

    __slots__ = ("left_lots", "order_id", "owner", "price_ticks", "side")

    def __init__(self, order_id: int, owner: int, side: int, price_ticks: int, left_lots: int) -> None:
        self.order_id, self.owner, self.side = order_id, owner, side
        self.price_ticks, self.left_lots = price_ticks, left_lots


class _Level:
    """All orders at one price, oldest first."""

    __slots__ = ("lots", "orders")

    def __init__(self) -> None:
        self.orders: OrderedDict[int, Order] = OrderedDict()
        self.lots = 0


class _Side:
    """One side's levels. Keys are side x price, ascending: the best price of either side is the last key."""

    __slots__ = ("keys", "levels", "side")

    def __init__(self, side: int) -> None:
        self.side = side
        self.keys: list[int] = []
        self.levels: dict[int, _Level] = {}

    def add(self, order: Order) -> int:
        """Put the order behind the others at its price; return the level's size."""
        key = self.side * order.price_ticks
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = _Level()
            insort(self.keys, key)
        level.orders[order.order_id] = order
        level.lots += order.left_lots
        return level.lots

    def drop_level(self, key: int) -> None:
        """Forget an emptied level."""
        del self.levels[key]
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]


class MatchingBook:
    """Price-time matching for one symbol. ``side`` is +1 to buy, -1 to sell; prices are ticks above zero."""

    def __init__(self) -> None:
        self._bids, self._asks = _Side(1), _Side(-1)
        self._orders: dict[int, Order] = {}
        self._changed: dict[int, int] = {}  # side x price -> size of the level now
        self.last_ticks = 0  # Price of the last match; 0 before the first.

    # --- orders ---------------------------------------------------------------------------------------------

    def submit(self, order_id: int, owner: int, side: int, price_ticks: int, qty_lots: int, tif: str) -> Outcome:
        """Match an order and rest what may rest. ``tif`` is GTC, IOC, FOK or PostOnly."""
        assert side in (1, -1)
        assert price_ticks > 0
        assert qty_lots > 0
        assert order_id not in self._orders
        assert tif in ("GTC", "IOC", "FOK", "PostOnly")
        # In key space of the other side, everything at or above this key is within the limit.
        keys = (self._asks if side > 0 else self._bids).keys
        crosses = bool(keys) and keys[-1] >= -side * price_ticks
        if tif == "PostOnly" and crosses:
            return Outcome([], 0, qty_lots, WOULD_TAKE)
        if tif == "FOK" and self._available(side, price_ticks, qty_lots) < qty_lots:
            return Outcome([], 0, qty_lots, NOT_ALL_FILLED)
        fills = self._take(order_id, owner, side, price_ticks, qty_lots) if crosses else []
        left = qty_lots - sum(fill.qty_lots for fill in fills)
        if not left:
            return Outcome(fills, 0, 0, "")
        if tif == "IOC":
            return Outcome(fills, 0, left, NOT_ALL_FILLED if fills else NOTHING_TO_FILL)
        order = self._orders[order_id] = Order(order_id, owner, side, price_ticks, left)
        own = self._bids if side > 0 else self._asks
        self._changed[side * price_ticks] = own.add(order)
        return Outcome(fills, left, 0, "")

    def _take(self, order_id: int, owner: int, side: int, price_ticks: int, qty_lots: int) -> list[Fill]:
        """Match against the other side, best price and oldest order first, up to the limit price."""
        other = self._asks if side > 0 else self._bids
        limit = -side * price_ticks
        fills: list[Fill] = []
        while qty_lots and other.keys and other.keys[-1] >= limit:
            key = other.keys[-1]
            level = other.levels[key]
            price = -side * key
            while qty_lots and level.lots:
                maker = next(iter(level.orders.values()))
                lots = min(qty_lots, maker.left_lots)
                qty_lots -= lots
                level.lots -= lots
                maker.left_lots -= lots
                if not maker.left_lots:
                    del level.orders[maker.order_id]
                    del self._orders[maker.order_id]
                fills.append(Fill(maker.order_id, maker.owner, order_id, owner, side, price, lots, maker.left_lots))
            self._changed[key] = level.lots
            self.last_ticks = price
            if not level.lots:
                other.drop_level(key)
        return fills

    def cancel(self, order_id: int) -> int:
        """Remove an order; return the lots cancelled, 0 if it is not resting."""
        order = self._orders.get(order_id)
        return 0 if order is None else self.reduce(order_id, order.left_lots)

    def reduce(self, order_id: int, lots: int) -> int:
        """Take up to ``lots`` off an order, which keeps its place in the queue; return the lots removed."""
        assert lots >= 0
        order = self._orders.get(order_id)
        if order is None:
            return 0
        side = self._bids if order.side > 0 else self._asks
        key = order.side * order.price_ticks
        level = side.levels[key]
        lots = min(lots, order.left_lots)
        order.left_lots -= lots
        level.lots -= lots
        if not order.left_lots:
            del self._orders[order_id]
            del level.orders[order_id]
            if not level.lots:
                side.drop_level(key)
        self._changed[key] = level.lots
        return lots

    # --- looking --------------------------------------------------------------------------------------------

    def order(self, order_id: int) -> Order | None:
        """Return a resting order."""
        return self._orders.get(order_id)

    def best_bid(self) -> int | None:
        """Return the highest bid in ticks."""
        return self._bids.keys[-1] if self._bids.keys else None

    def best_ask(self) -> int | None:
        """Return the lowest ask in ticks."""
        return -self._asks.keys[-1] if self._asks.keys else None

    def level_lots(self, side: int, price_ticks: int) -> int:
        """Return the size resting at one price."""
        level = (self._bids if side > 0 else self._asks).levels.get(side * price_ticks)
        return 0 if level is None else level.lots

    def depth(self, side: int, n: int) -> list[tuple[int, int]]:
        """Return up to ``n`` levels (price_ticks, lots) of one side, best first."""
        if n <= 0:
            return []
        own = self._bids if side > 0 else self._asks
        return [(side * key, own.levels[key].lots) for key in own.keys[: -n - 1 : -1]]

    def available(self, side_of_taker: int, limit_ticks: int) -> int:
        """Return the lots a taker of that side could fill at its limit price or better."""
        return self._available(side_of_taker, limit_ticks, None)

    def _available(self, side: int, limit_ticks: int, enough_lots: int | None) -> int:
        """Count what is within the limit, stopping early once ``enough_lots`` are found."""
        other = self._asks if side > 0 else self._bids
        limit, total = -side * limit_ticks, 0
        for key in reversed(other.keys):
            if key < limit or (enough_lots is not None and total >= enough_lots):
                break
            total += other.levels[key].lots
        return total

    def take_changes(self) -> list[tuple[int, int, int]]:
        """Return (side, price_ticks, lots now) of each level touched since the last call, oldest first."""
        changed, self._changed = self._changed, {}
        return [(1, key, lots) if key > 0 else (-1, -key, lots) for key, lots in changed.items()]
