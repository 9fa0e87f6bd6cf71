"""A market that is thinner than it looks: what an order of the account finds when it gets there."""

from __future__ import annotations

from collections.abc import Mapping

from services.exchange.faults import Faults
from services.exchange.matching import AGENTS, MatchingBook


def watch(books: Mapping[str, MatchingBook], faults: Faults) -> None:
    """From now on let every order of the account meet the fault ``thin`` before it is matched."""
    for symbol, book in books.items():
        book.before_account = Thinner(symbol, book, faults)


class Thinner:
    """Pulls the market's own orders within the limit of an account's order down to a share of its size."""

    def __init__(self, symbol: str, book: MatchingBook, faults: Faults) -> None:
        self._symbol, self._book, self._faults = symbol, book, faults

    def __call__(self, side: int, limit_ticks: int, qty_lots: int) -> None:
        """An order of ``side`` is about to be matched."""
        fault = self._faults.lasting("thin", symbol=self._symbol)
        if fault is None or fault.left <= 0 or not self._faults.chance(fault):
            return
        excess = self._book.available(side, limit_ticks) - int(fault.own["share"] * qty_lots)
        if excess <= 0:
            return
        fault.left -= 1
        fault.applied += 1
        keys, levels = self._book.ladder(-side)
        for key in [key for key in keys if key >= -side * limit_ticks]:  # The furthest first, the touch last.
            for order in list(levels[key])[::-1]:
                if order.owner == AGENTS and excess > 0:
                    excess -= self._book.reduce(order.order_id, min(excess, order.left_lots))
