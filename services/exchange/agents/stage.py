"""Where an agent works: one symbol's book, its value and its other inhabitants."""

from __future__ import annotations

from typing import Protocol

from services.exchange.flow import Flow, HiddenValue
from services.exchange.matching import AGENTS, Fill, MatchingBook
from services.exchange.truth import Deed, Truth
from shared.scale import E8, Scale


class Held(HiddenValue, Protocol):
    """A value that an agent can pin for a while and push."""

    def hold(self, until_ns: int) -> None:
        """Let the value stand still until then."""

    def nudge(self, uticks: int) -> None:
        """Move the value at once."""


class Stage:
    """What an agent may do. ``now`` is the time of the action that is being carried out."""

    def __init__(
        self, symbol: str, book: MatchingBook, scale: Scale, flow: Flow, value: Held, truth: Truth, first_id: int
    ) -> None:
        assert first_id < 0
        self.symbol, self.book, self.flow, self.value, self.truth = symbol, book, flow, value, truth
        self._scale = scale
        self._next_id = first_id | 1  # Odd, as of takers: the makers' ids are even.
        self.fills: list[Fill] = []
        self.now = 0

    def touch(self, side: int) -> int:
        """Return the best price of one side, 0 where it is empty."""
        return (self.book.best_bid() if side > 0 else self.book.best_ask()) or 0

    def lots_worth(self, usdt: float, price_ticks: int) -> int:
        """Return how many lots are worth at least that much."""
        return -(-int(usdt) * E8 // max(1, self._scale.value_e8(price_ticks, 1)))

    def rest(self, side: int, price_ticks: int, lots: int) -> int:
        """Put an order into the book, where it must not trade; return its id."""
        self._next_id -= 2
        self.book.submit(self._next_id, AGENTS, side, price_ticks, lots, "PostOnly")
        return self._next_id

    def pull(self, order_id: int) -> int:
        """Take what is left of an order out of the book; return how much that was."""
        return self.book.cancel(order_id)

    def take(self, deed: Deed, side: int, limit_ticks: int, lots: int) -> int:
        """Send one taker order; return the lots it got."""
        self._next_id -= 2
        fills = self.book.submit(self._next_id, AGENTS, side, limit_ticks, lots, "IOC").fills
        if fills:
            self.truth.await_trade(deed, self._next_id)
        for fill in fills:
            deed.spans(fill.price_ticks)
        self.fills += fills
        return sum(fill.qty_lots for fill in fills)

    def keep_off(self, side: int, price_ticks: int, wait_ns: int, takers_too: bool = False) -> None:
        """Ask the makers, and perhaps the takers, to leave a price alone for some time."""
        self.flow.leave(side, price_ticks, self.now + wait_ns, takers_too)

    def take_fills(self) -> list[Fill]:
        """Return the matches since the last call."""
        fills, self.fills = self.fills, []
        return fills
