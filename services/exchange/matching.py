"""One symbol's price-time order book, in integers: what the local exchange matches with."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import NamedTuple

from services.exchange.level import Level, Order

AGENTS = 0  # Owner of every order of the synthetic market; accounts count from 1.

# What an incoming order does when it meets an order of its own owner; NO_SMP: it trades with it.
NO_SMP, CANCEL_MAKER, CANCEL_TAKER, CANCEL_BOTH = "None", "CancelMaker", "CancelTaker", "CancelBoth"

RESTS = ("GTC", "PostOnly")  # What may rest in the book.
WOULD_TAKE = "EC_PostOnlyWillTakeLiquidity"
NOTHING_TO_FILL = "EC_NoImmediateQtyToFill"
NOT_ALL_FILLED = "EC_CancelForNoFullFill"
MET_ITSELF = "smp"  # Not the venue's word: whoever asked names it.


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
    seq: int = 0  # The book's sequence: the same for all matches of one taker order.


class Outcome(NamedTuple):
    """What became of a submitted order: fills + resting + cancelled = the size it asked for."""

    fills: list[Fill]
    resting_lots: int
    cancelled_lots: int
    reason: str  # Empty, or the venue's rejectReason.
    met: tuple[int, ...] = ()  # Orders of its own owner that it would have traded with, had that not been forbidden.


class _Side:
    """One side's levels. Keys are side x price, ascending: the best price of either side is the last key."""

    __slots__ = ("keys", "levels", "side")

    def __init__(self, side: int) -> None:
        self.side = side
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def add(self, order: Order) -> int:
        """Put the order behind the others at its price; return the level's size."""
        key = self.side * order.price_ticks
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level()
            insort(self.keys, key)
        level.append(order)
        return level.lots

    def drop_level(self, key: int) -> None:
        """Forget an emptied level."""
        del self.levels[key]
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]


class MatchingBook:
    """Price-time matching for one symbol. ``side`` is +1 to buy, -1 to sell; prices are ticks above zero.

    The book knows what each account holds (``held_lots``), so that a resting reduce-only order is cut at the very
    match that would turn the position around: what it cannot give is taken off the book, and the taker goes on.
    """

    def __init__(self) -> None:
        self._bids, self._asks = _Side(1), _Side(-1)
        self._orders: dict[int, Order] = {}
        self.changed: dict[int, int] = {}  # side x price -> size of the level now; ``take_changed`` empties it.
        self.last_ticks = 0  # Price of the last match; 0 before the first.
        self.seq = 0  # Rises with everything that happens in the book.
        self.held_lots: dict[int, int] = {}  # Signed position of each account that ever traded here.
        self.before_account: Callable[[int, int, int], None] | None = None  # Told side, limit and size of its orders.

    # --- orders ---------------------------------------------------------------------------------------------

    def submit(
        self, order_id: int, owner: int, side: int, price_ticks: int, qty_lots: int, tif: str,
        smp: str = NO_SMP, reduce_only: bool = False,
    ) -> Outcome:  # fmt: skip
        """Match an order and rest what may rest. ``tif`` is GTC, IOC, FOK or PostOnly.

        ``reduce_only`` concerns what rests of it: as a taker it must not be larger than what there is to close.
        """
        assert side in (1, -1)
        assert price_ticks > 0
        assert qty_lots > 0
        assert order_id not in self._orders
        self.seq += 1
        assert tif in ("GTC", "IOC", "FOK", "PostOnly")
        if owner and self.before_account is not None:
            self.before_account(side, price_ticks, qty_lots)
        # In key space of the other side, everything at or above this key is within the limit.
        keys = (self._asks if side > 0 else self._bids).keys
        crosses = bool(keys) and keys[-1] >= -side * price_ticks
        if tif in RESTS and not crosses:
            self._rest(Order(order_id, owner, side, price_ticks, qty_lots, reduce_only))
            return Outcome([], qty_lots, 0, "")
        if tif == "PostOnly":
            return Outcome([], 0, qty_lots, WOULD_TAKE)
        if tif == "FOK" and self._fillable(owner, side, price_ticks, qty_lots, smp) < qty_lots:
            return Outcome([], 0, qty_lots, NOT_ALL_FILLED)
        met: list[int] = []
        fills = self._take(order_id, owner, side, price_ticks, qty_lots, smp, met) if crosses else []
        left = qty_lots - sum([fill.qty_lots for fill in fills]) if fills else qty_lots
        if not left:
            return Outcome(fills, 0, 0, "", tuple(met))
        if met and smp in (CANCEL_TAKER, CANCEL_BOTH):
            return Outcome(fills, 0, left, MET_ITSELF, tuple(met))
        if tif == "IOC":
            return Outcome(fills, 0, left, NOT_ALL_FILLED if fills else NOTHING_TO_FILL, tuple(met))
        self._rest(Order(order_id, owner, side, price_ticks, left, reduce_only))
        return Outcome(fills, left, 0, "", tuple(met))

    def _rest(self, order: Order) -> None:
        """Let an order rest."""
        self._orders[order.order_id] = order
        own = self._bids if order.side > 0 else self._asks
        self.changed[order.side * order.price_ticks] = own.add(order)

    def _take(
        self, order_id: int, owner: int, side: int, price_ticks: int, qty_lots: int, smp: str, met: list[int]
    ) -> list[Fill]:
        """Match against the other side, best price and oldest order first, up to the limit price."""
        other = self._asks if side > 0 else self._bids
        limit = -side * price_ticks
        fills: list[Fill] = []
        while qty_lots and other.keys and other.keys[-1] >= limit:
            key = other.keys[-1]
            level = other.levels[key]
            price = -side * key
            while qty_lots and level.lots:
                maker = level.first
                assert maker is not None
                lots = min(qty_lots, maker.left_lots)
                if maker.owner:
                    lots = self._give(level, maker, owner, lots, smp, met)
                    if not lots:
                        if met and smp != CANCEL_MAKER:
                            qty_lots = 0
                        continue
                if owner:
                    self.held_lots[owner] = self.held_lots.get(owner, 0) + side * lots
                qty_lots -= lots
                level.lots -= lots
                maker.left_lots -= lots
                if not maker.left_lots:
                    level.remove(maker)
                    del self._orders[maker.order_id]
                left = maker.left_lots
                fills.append(Fill(maker.order_id, maker.owner, order_id, owner, side, price, lots, left, self.seq))
                self.last_ticks = price
            self.changed[key] = level.lots
            if not level.lots:
                other.drop_level(key)
        return fills

    def _give(self, level: Level, maker: Order, owner: int, lots: int, smp: str, met: list[int]) -> int:
        """Return how many of ``lots`` an account's resting order gives to a taker; where it is 0, it may have gone."""
        if maker.owner == owner and smp != NO_SMP:
            met.append(maker.order_id)
            if smp != CANCEL_TAKER:
                self._remove(level, maker)
            return 0
        held = self.held_lots.get(maker.owner, 0)
        if maker.reduce_only:
            lots = min(lots, abs(held)) if held * maker.side < 0 else 0
        if lots:
            self.held_lots[maker.owner] = held + maker.side * lots
        else:
            self._remove(level, maker)
        return lots

    def _remove(self, level: Level, order: Order) -> None:
        """Take an order off its level, which the caller looks after."""
        level.remove(order)
        del self._orders[order.order_id]

    def _fillable(self, owner: int, side: int, price_ticks: int, qty_lots: int, smp: str) -> int:
        """Return how much of ``qty_lots`` would fill at once; exact also where the owner meets itself."""
        other = self._asks if side > 0 else self._bids
        if not owner:
            return self._available(side, price_ticks, qty_lots)
        total, left = 0, dict(self.held_lots)
        for key in reversed(other.keys):
            if key < -side * price_ticks or total >= qty_lots:
                break
            for maker in other.levels[key]:
                if maker.owner == owner and smp != NO_SMP:
                    if smp != CANCEL_MAKER:
                        return total
                    continue
                lots, held = min(maker.left_lots, qty_lots - total), left.get(maker.owner, 0)
                if maker.reduce_only:
                    lots = min(lots, abs(held)) if held * maker.side < 0 else 0
                left[maker.owner] = held + maker.side * lots
                left[owner] = left.get(owner, 0) + side * lots
                total += lots
        return total

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
        self.seq += 1
        order.left_lots -= lots
        level.lots -= lots
        if not order.left_lots:
            del self._orders[order_id]
            level.remove(order)
            if not level.lots:
                side.drop_level(key)
        self.changed[key] = level.lots
        return lots

    def resize(self, order_id: int, lots: int) -> None:
        """Give a resting order another size; growing costs it its place in the queue, as a new order in its stead."""
        assert lots > 0
        order = self._orders[order_id]
        key = order.side * order.price_ticks
        level = (self._bids if order.side > 0 else self._asks).levels[key]
        if lots < order.left_lots:
            self.seq += 1
            level.lots -= order.left_lots - lots
            order.left_lots = lots
        else:
            self.seq += 2  # Cancelled, and submitted anew.
            level.remove(order)
            order.left_lots = lots
            level.append(order)
        self.changed[key] = level.lots

    def clear(self) -> None:
        """Take every order out, as for a change of the grid: levels on the way are not told one by one."""
        self.seq += 1
        for side in (self._bids, self._asks):
            side.keys.clear()
            side.levels.clear()
        self._orders, self.changed = {}, {}

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

    def ladder(self, side: int) -> tuple[list[int], dict[int, Level]]:
        """Return one side as it stands and will stand: keys (side x price, the best last) and their levels.

        Both are the book's own, for ever, and not to be changed.
        """
        own = self._bids if side > 0 else self._asks
        return own.keys, own.levels

    def take_changed(self) -> dict[int, int]:
        """Return side x price -> lots now of each level touched since the last call, oldest first."""
        changed = self.changed
        if changed:
            self.changed = {}
        return changed

    def take_changes(self) -> list[tuple[int, int, int]]:
        """Return the same as (side, price_ticks, lots now)."""
        return [(1, key, lots) if key > 0 else (-1, -key, lots) for key, lots in self.take_changed().items()]
