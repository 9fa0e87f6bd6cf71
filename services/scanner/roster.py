"""Who is in the universe and who is on the way out of it.

A symbol that loses its place is not dropped. It is said to be leaving: nobody enters it any more, execution closes what
is open in it, and only when execution has heard that and reports it released does its successor get the place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from services.scanner.choose import ranked, select


class Change(NamedTuple):
    """What one look at the scores has changed."""

    joined: tuple[str, ...]
    left: tuple[str, ...]  # That lost their place: from now on leaving.


class Roster:
    """``members`` may be traded; of ``leaving`` only the way out is left: the version it was first said in, 0 when it
    was not said yet.
    """

    def __init__(self, places: int, switch_multiplier: float) -> None:
        self._places, self._switch_multiplier = places, switch_multiplier
        self.members: tuple[str, ...] = ()
        self.leaving: dict[str, int] = {}

    def adopt(self, symbols: Collection[str]) -> None:
        """Take what is open for the members of a predecessor, as many as there are places."""
        self.members = tuple(sorted(symbols))[: self._places]

    def choose(self, scores: Mapping[str, float]) -> Change:
        """Give the places to the best; who is to follow a leaving one waits until that place is free."""
        free = {symbol: value for symbol, value in scores.items() if symbol not in self.leaving}
        wanted = select(self.members, free, self._places, self._switch_multiplier)
        left = tuple(symbol for symbol in self.members if symbol not in wanted)
        stay = [symbol for symbol in wanted if symbol in self.members]
        self.leaving |= dict.fromkeys(left, 0)
        room = self._places - len(stay) - len(self.leaving)
        joined = tuple(symbol for symbol in wanted if symbol not in self.members)[: max(0, room)]
        together = {symbol: free[symbol] for symbol in (*stay, *joined)}
        self.members = tuple(ranked(together))
        return Change(joined, left)

    def said(self, version: int) -> None:
        """The universe of this ``version`` tells who is leaving."""
        self.leaving = {symbol: since or version for symbol, since in self.leaving.items()}

    def release(self, open_symbols: Collection[str], heard_version: int) -> bool:
        """Let those go that execution, having heard that they leave, no longer has anything open in."""
        gone = [
            symbol
            for symbol, since in self.leaving.items()
            if 0 < since <= heard_version and symbol not in open_symbols
        ]
        for symbol in gone:
            del self.leaving[symbol]
        return bool(gone)
