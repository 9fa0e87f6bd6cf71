"""The agents of one symbol: makers who follow and lean towards a hidden value, and takers who trade with it.

The value moves in regimes: calm, or a push of a few seconds. When a push is coming the makers lean first (more
size on the side it comes from), the takers begin to buy or sell, then the value drifts; the lean ends shortly
before the push does. So order-book imbalance and short against long momentum say something true about the next
seconds, though some leans come to nothing.

Everything is a function of the two random streams and the book: no clock is read, and the path of the value does
not depend on what others do in the book.

``Habits`` say how the makers and takers behave. ``LIVELY`` ones trade a lot, refill at once and take several levels
in one order; ``CALM`` ones do nothing that looks like a spoof, an iceberg, a sweep or a burst, so that those who do
can be told from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from services.exchange.matching import AGENTS, Fill, MatchingBook

if TYPE_CHECKING:
    from random import Random

BUY, SELL = 1, -1
U = 1_000_000  # Micro-ticks in a tick: the grid of the hidden value.
MS = 1_000_000
S = 1_000_000_000

SPAN_TICKS = 260  # The makers quote this far from their touch,
NEAR_TICKS = 60  # without holes up to here,
FAR_DENSITY = 0.8  # and on this share of the prices beyond.
TOUCH_LEVELS = 5  # How many levels a side are kept at the size the lean asks for.

CALM_GAP_NS, PUSH_GAP_NS = 28 * MS, 20 * MS  # Mean time between two actions.
# Half-width of the value's random step per action, in millionths of the price.
CALM_NOISE, PUSH_NOISE = 3, 14
HOME_PER_MILLION = 20_000  # This far from the start, nine pushes in ten go home.

AWAY_MAX = 128  # So many prices are remembered as left alone before the old ones are forgotten.


class Habits(NamedTuple):
    """How the makers and takers of one symbol behave."""

    trade_share: float = 0.25  # Of the actions.
    taker_max: float = 1.5  # The largest order of a taker, in usual levels.
    lean_more: float = 1.2  # What a full lean adds to the size of a level,
    lean_less: float = 0.6  # and takes off the other side's.
    away_ns: int = 0  # Makers do not refill a price for this long after a trade there.
    one_level: bool = False  # Nobody takes more than one level in one order.
    taken_max: float = 1.0  # Of the touch, by one taker.
    size_noise: float = 0.5  # How much more or less than usual a quote may be.
    patience_uticks: int = 3 * U // 4  # The makers follow the value once it is so far from the middle.
    pace: float = 1.0  # How much longer than usual everybody waits between two actions.


LIVELY = Habits()
CALM = Habits(
    trade_share=0.15, taker_max=0.8, lean_more=0.4, lean_less=0.3, away_ns=600 * MS, one_level=True, taken_max=0.7,
    size_noise=0.25, patience_uticks=3 * U // 2,
)  # fmt: skip


STILL = CALM._replace(pace=5.0)


class HiddenValue(Protocol):
    """What the agents think one symbol is worth."""

    uticks: int  # Micro-ticks.

    @property
    def lean(self) -> float:
        """How far the makers lean: -1 (offers pile up) to +1 (bids pile up)."""

    @property
    def pushing(self) -> bool:
        """Whether everybody is in a hurry."""

    def move(self, now: int) -> None:
        """Let the value move on to ``now``."""


class Value:
    """The hidden value of one symbol, and what the agents feel of where it goes."""

    __slots__ = (
        "_at_ns", "_calm", "_drift_from_ns", "_drift_per_s", "_ends_ns", "_home", "_lean", "_lean_until_ns", "_rng",
        "uticks",
    )  # fmt: skip

    def __init__(self, rng: Random, start_ticks: int, now: int) -> None:
        self._rng = rng
        self._home = self.uticks = start_ticks * U + U // 2
        self._at_ns = now
        self._drift_per_s = 0  # Micro-ticks.
        self._drift_from_ns = self._lean_until_ns = self._ends_ns = now
        self._lean = 0.0
        self._calm = False
        self._next_regime()

    @property
    def lean(self) -> float:
        """How far the makers lean: -1 (offers pile up) to +1 (bids pile up)."""
        return self._lean if self._at_ns < self._lean_until_ns else 0.0

    @property
    def pushing(self) -> bool:
        """Whether the value drifts now."""
        return self._drift_per_s != 0 and self._at_ns >= self._drift_from_ns

    def move(self, now: int) -> None:
        """Let the value move on to ``now``."""
        if now >= self._ends_ns:
            self._next_regime()
        drift_ns = now - max(self._at_ns, self._drift_from_ns)
        if drift_ns > 0:
            self.uticks += self._drift_per_s * drift_ns // S
        reach = self.uticks * (PUSH_NOISE if self.pushing else CALM_NOISE) // U
        self.uticks += int((2.0 * self._rng.random() - 1.0) * reach)
        self._at_ns = now

    def _next_regime(self) -> None:
        """Choose what comes next; a push follows a calm."""
        rng, begins = self._rng, self._ends_ns
        self._calm = not self._calm
        away = (self.uticks - self._home) * U // self._home
        up = rng.random() < min(0.9, max(0.1, 0.5 - 0.4 * away / HOME_PER_MILLION))
        if self._calm:
            self._ends_ns = begins + int((1.5 + 4.0 * rng.random()) * S)
            false_alarm = rng.random() < 0.3
            self._lean = (0.6 if false_alarm else 0.35 * rng.random()) * (1 if up else -1)
            self._lean_until_ns = begins + (self._ends_ns - begins) // 2
            self._drift_per_s, self._drift_from_ns = 0, self._ends_ns
            return
        self._drift_from_ns = begins + int((0.5 + 0.8 * rng.random()) * S)
        self._ends_ns = self._drift_from_ns + int((4.0 + 5.0 * rng.random()) * S)
        self._lean_until_ns = self._ends_ns - int((0.4 + 0.8 * rng.random()) * S)
        per_million_per_s = int(80 + 270 * rng.random())
        self._drift_per_s = self.uticks * per_million_per_s // U * (1 if up else -1)
        self._lean = (0.55 + 0.4 * rng.random()) * (1 if up else -1)


class Flow:
    """One symbol's makers and takers. ``level_lots`` is the usual size of a level.

    Hundreds of these take turns: what they look at each time is as little as possible, and lies close together.
    """

    __slots__ = (
        "_asks", "_away_ns", "_bid_ticks", "_bids", "_book", "_edges", "_habits", "_kept_ns", "_lean", "_level_lots",
        "_rng", "_seen_seq", "_takers", "_tidy", "_usual_lots", "next_ns", "value",
    )  # fmt: skip

    def __init__(
        self,
        book: MatchingBook,
        rngs: tuple[Random, Random],
        start_ticks: int,
        level_lots: int,
        now: int,
        habits: Habits = LIVELY,
        value: HiddenValue | None = None,
    ) -> None:
        assert start_ticks > 2 * SPAN_TICKS
        assert level_lots > 0
        self._book, self._rng = book, rngs[1]
        self._bids, self._asks = book.ladder(BUY), book.ladder(SELL)  # Looked at far more often than asked for.
        self.value: HiddenValue = value or Value(rngs[0], start_ticks, now)
        self._level_lots, self._habits = level_lots, habits
        self._lean = self.value.lean
        self._usual_lots = self._sizes(self._lean)  # Of a level: of bids, of offers.
        self._away_ns: dict[tuple[int, int], int] = {}  # (side, price) -> until when makers leave it alone
        self._kept_ns: dict[tuple[int, int], int] = {}  # (side, price) -> until when takers leave it alone
        self._bid_ticks = start_ticks  # Where the makers want the best bid; the best ask is one above.
        self._takers = 0
        self._edges = {BUY: start_ticks + 1, SELL: start_ticks}  # The furthest price quoted.
        self._tidy = [False, False]  # Bids, offers: nothing near the touch has changed since it was last in order,
        self._seen_seq = 0  # unless somebody else has moved the book on from here.
        self.next_ns = now
        self._span()
        self.next_ns = now + self._gap_ns()

    def act(self) -> list[Fill]:
        """Do what is due at ``next_ns`` and choose the next time."""
        value, random = self.value, self._rng.random
        value.move(self.next_ns)
        if self._book.seq != self._seen_seq:
            self._tidy = [False, False]
        lean = value.lean
        if lean != self._lean:
            self._lean, self._usual_lots, self._tidy = lean, self._sizes(lean), [False, False]
        off = value.uticks - (self._bid_ticks + 1) * U  # From the middle of the makers' touch.
        if abs(off) > self._habits.patience_uticks:
            self._bid_ticks, self._tidy = value.uticks // U, [False, False]
            self._span()
        fills = self._clear_stale()
        self._top_up()
        dice = random()
        if dice < self._habits.trade_share:
            fills += self._trade()
        elif dice < 0.6:
            self._requote(self._side(), int(12 * random() ** 2))
        elif dice < 0.9:
            self._requote(self._side(), int(NEAR_TICKS * random()))
        else:
            self._requote(self._side(), int(SPAN_TICKS * random()))
        self.next_ns += self._gap_ns()
        self._seen_seq = self._book.seq
        return fills

    # --- takers ---------------------------------------------------------------------------------------------

    def _trade(self) -> list[Fill]:
        """Take something at the touch, rather with the lean than against it."""
        side = BUY if self._rng.random() < 0.5 + 0.4 * self._lean else SELL
        touch = self._book.best_ask() if side == BUY else self._book.best_bid()
        if touch is None:
            return []
        lots = self._taker_lots()
        if self._kept_ns.get((-side, touch), 0) > self.next_ns:
            return []
        if self._habits.taken_max < 1.0:
            lots = min(lots, int(self._book.level_lots(-side, touch) * self._habits.taken_max))
            if not lots:
                return []
        return self._take(side, touch, lots)

    def _taker_lots(self) -> int:
        return 1 + int(self._level_lots * self._habits.taker_max * self._rng.random() ** 3)

    def _clear_stale(self) -> list[Fill]:
        """Remove whatever rests beyond the makers' touch: taken by takers, or pulled by its makers just before."""
        fills: list[Fill] = []
        asks, bids, touch = self._asks[0], self._bids[0], self._bid_ticks
        bid = bids[-1] if bids else 0  # Before anything is taken: who takes offers may leave a bid behind.
        if asks and -asks[-1] <= touch:
            fills += self._clear(BUY, -asks[-1], touch)
        if bid > touch:
            fills += self._clear(SELL, bid, touch + 1)
        return fills

    def _clear(self, side: int, first_ticks: int, limit_ticks: int) -> list[Fill]:
        """Let a taker of ``side`` have all up to the limit, unless the makers were quicker with their own."""
        self._tidy = [False, False]
        if self._habits.one_level:
            return self._clear_one_by_one(side, first_ticks, limit_ticks)
        if self._rng.random() < 0.5:
            for price in range(first_ticks, limit_ticks + side, side):
                self._book.cancel(self._id(-side, price))
        lots = self._book.available(side, limit_ticks)
        return self._take(side, limit_ticks, lots) if lots else []

    def _clear_one_by_one(self, side: int, first_ticks: int, limit_ticks: int) -> list[Fill]:
        """Let the makers withdraw, the first of them sometimes too late; what is not theirs is taken price by price."""
        fills: list[Fill] = []
        late, lots = self._rng.random() < 0.5, self._taker_lots()
        if late:
            fills += self._take(side, first_ticks, min(lots, self._book.level_lots(-side, first_ticks)))
        for price in range(first_ticks, limit_ticks + side, side):
            self._book.cancel(self._id(-side, price))
            lots = self._book.level_lots(-side, price)
            if lots:
                fills += self._take(side, price, lots)
        return fills

    def _take(self, side: int, price_ticks: int, lots: int) -> list[Fill]:
        """Send one taker order."""
        self._takers += 1
        self._tidy[side == BUY] = False
        fills = self._book.submit(-2 * self._takers - 1, AGENTS, side, price_ticks, lots, "IOC").fills
        if self._habits.away_ns:
            for fill in fills:
                self.leave(-side, fill.price_ticks, self.next_ns + self._habits.away_ns)
        return fills

    # --- others at work -------------------------------------------------------------------------------------

    def settled(self) -> bool:
        """Return whether the book's touch is where the makers want it, on both sides."""
        return (self._book.best_bid(), self._book.best_ask()) == (self._bid_ticks, self._bid_ticks + 1)

    def leave(self, side: int, price_ticks: int, until_ns: int, takers_too: bool = False) -> None:
        """Keep the makers, and perhaps the takers, off one price: somebody else is at work there."""
        for prices in (self._away_ns, self._kept_ns)[: 1 + takers_too]:
            prices[side, price_ticks] = max(until_ns, prices.get((side, price_ticks), 0))
            if len(prices) > AWAY_MAX:
                for key in [key for key, at in prices.items() if at <= self.next_ns]:
                    del prices[key]

    # --- makers ---------------------------------------------------------------------------------------------

    def _span(self) -> None:
        """Make the quoted range reach SPAN_TICKS from the touch on both sides, no less and no more."""
        for side in (BUY, SELL):
            edge = self._edges[side]
            want = self._touch(side) - side * SPAN_TICKS
            while (edge - want) * side > 0:
                edge -= side
                near = (self._touch(side) - edge) * side < NEAR_TICKS
                if near or self._rng.random() < FAR_DENSITY:
                    self._quote(side, edge)
            while (edge - want) * side < 0:
                self._book.cancel(self._id(side, edge))
                edge += side
            self._edges[side] = edge

    def _top_up(self) -> None:
        """Close the hole at each touch, and bring the sizes beside it to what the lean asks for."""
        random, tidy = self._rng.random, self._tidy
        for theirs, side, top in ((0, BUY, self._bid_ticks), (1, SELL, -self._bid_ticks - 1)):
            wide = random() < 0.1  # Nobody is quick: a wide spread.
            if tidy[theirs]:
                continue
            levels, want = (self._asks if theirs else self._bids)[1], self._usual_lots[theirs]
            key = first = top - wide
            tidy[theirs] = not wide  # Unless there is something to do.
            while key not in levels and key > top - SPAN_TICKS:
                self._quote(side, side * key)
                key -= 1
            for key in range(first, top - TOUCH_LEVELS, -1):
                level = levels.get(key)
                if level is None or level.lots * 5 < want * 2 or level.lots > want * 2:
                    self._quote(side, side * key)

    def _requote(self, side: int, away: int) -> None:
        """Change the size of one level."""
        self._quote(side, self._touch(side) - side * away)

    def _quote(self, side: int, price_ticks: int) -> None:
        """Put the makers' order at one price to a fresh size; growing costs it its place in the queue."""
        theirs = side == SELL
        if side * (self._bid_ticks + theirs - price_ticks) < TOUCH_LEVELS:  # Looked at again, whatever comes of it.
            self._tidy[theirs] = False
        if self._away_ns and self._away_ns.get((side, price_ticks), 0) > self.next_ns:
            return
        noise, usual = self._habits.size_noise, self._usual_lots[theirs]
        lots = 1 + int(usual * (1.0 - noise + 2.0 * noise * self._rng.random()))
        book, order_id = self._book, self._id(side, price_ticks)
        if book.order(order_id) is None:
            book.submit(order_id, AGENTS, side, price_ticks, lots, "PostOnly")
        else:
            book.resize(order_id, lots)

    def _sizes(self, lean: float) -> tuple[int, int]:
        """Return the usual size of a level on each side: up to 2.2 x with the lean, 0.4 x against it."""
        habits = self._habits
        more, less = habits.lean_more, habits.lean_less
        shares = (1.0 + (more if lean > 0 else less) * lean, 1.0 + (more if -lean > 0 else less) * -lean)
        return max(1, int(self._level_lots * shares[0])), max(1, int(self._level_lots * shares[1]))

    def _touch(self, side: int) -> int:
        """Return the price where the makers want that side's best level."""
        return self._bid_ticks if side == BUY else self._bid_ticks + 1

    def _side(self) -> int:
        return BUY if self._rng.random() < 0.5 else SELL

    def _id(self, side: int, price_ticks: int) -> int:
        """Return the id of the makers' order at a price: even, negative; takers are odd, accounts positive."""
        return -4 * price_ticks - (0 if side == BUY else 2)

    def _gap_ns(self) -> int:
        mean = PUSH_GAP_NS if self.value.pushing else CALM_GAP_NS
        return 1 + int(mean * self._habits.pace * (0.2 + 1.6 * self._rng.random()))
