"""Symbols that leave the universe wait for those that came with the same change: nobody is without a book meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from shared.clock import NS_PER_S

WAIT_NS_MAX = 10 * NS_PER_S  # A successor that never comes holds nobody for longer.


class _Leaving(NamedTuple):
    successors: frozenset[str]
    until_ns: int


class Swaps:
    """Who is leaving, and for whom it waits."""

    def __init__(self) -> None:
        self._leaving: dict[str, _Leaving] = {}

    def __len__(self) -> int:
        return len(self._leaving)

    def plan(self, held: Iterable[str], wanted: Collection[str], came: Iterable[str], now: int) -> None:
        """Note who of ``held`` is not ``wanted`` any more; they wait for those who ``came`` just now."""
        kept = {symbol: leaving for symbol, leaving in self._leaving.items() if symbol not in wanted}
        new = _Leaving(frozenset(came), now + WAIT_NS_MAX)
        self._leaving = {symbol: kept.get(symbol, new) for symbol in held if symbol not in wanted}

    def ready(self, is_new: Callable[[str], bool], now: int) -> list[str]:
        """Return, and forget, those whose successors all have a book by now (``is_new``: it has none yet)."""
        ready = [
            symbol
            for symbol, leaving in self._leaving.items()
            if now >= leaving.until_ns or not any(map(is_new, leaving.successors))
        ]
        for symbol in ready:
            del self._leaving[symbol]
        return ready
