"""What the agents really did: the answers that tests hold detectors against. No client sees it in its market data.

A deed is told when it is over. Its trades are named by the cross sequence under which the public tape shows them.
"""

from __future__ import annotations

from collections import deque
from typing import Any

DEEDS_KEPT = 20_000
AWAITED_MAX = 2_000

EVENT, DECOY = "event", "decoy"


class Deed:
    """One thing that an agent did, or has pretended to do."""

    __slots__ = (
        "details", "end_ns", "form", "high_ticks", "kind", "label", "lots", "low_ticks", "number", "seqs", "side",
        "start_ns", "symbol",
    )  # fmt: skip

    def __init__(self, kind: str, form: str, label: str, symbol: str, side: int, start_ns: int) -> None:
        self.kind, self.form, self.label = kind, form, label
        self.symbol, self.side = symbol, side  # Of a wall or an iceberg its own side, of takers theirs; 0: neither.
        self.start_ns, self.end_ns = start_ns, 0
        self.low_ticks = self.high_ticks = 0
        self.lots: list[int] = []  # In order of time.
        self.seqs: list[int] = []
        self.details: dict[str, int] = {}
        self.number = 0  # Counts from 1 in the order of endings.

    def spans(self, price_ticks: int) -> None:
        """Let the deed's price range take in one price."""
        self.low_ticks = min(self.low_ticks or price_ticks, price_ticks)
        self.high_ticks = max(self.high_ticks, price_ticks)

    def row(self) -> dict[str, Any]:
        """Return the deed for GET /admin/truth."""
        return {name: getattr(self, name) for name in Deed.__slots__ if name != "details"} | self.details


class Truth:
    """Collects the deeds of all agents. Bounded: the oldest are forgotten, and counted."""

    def __init__(self) -> None:
        self._deeds: deque[Deed] = deque(maxlen=DEEDS_KEPT)
        self._awaited: dict[tuple[str, int], Deed] = {}  # (symbol, id of the taker order) -> whose trade it will be
        self.told = 0

    def await_trade(self, deed: Deed, taker_id: int) -> None:
        """Expect the public name of a trade that belongs to the deed."""
        if len(self._awaited) >= AWAITED_MAX:
            del self._awaited[next(iter(self._awaited))]
        self._awaited[deed.symbol, taker_id] = deed

    def traded(self, symbol: str, taker_id: int, seq: int) -> None:
        """Take note of the sequence that a taker's trades are shown under."""
        deed = self._awaited.pop((symbol, taker_id), None)
        if deed is not None:
            deed.seqs.append(seq)

    def tell(self, deed: Deed, now: int) -> None:
        """Put a deed that is over on record."""
        self.told += 1
        deed.number, deed.end_ns = self.told, now
        self._deeds.append(deed)

    def deeds(self, since: int = 0) -> list[Deed]:
        """Return what has ended after deed number ``since``, oldest first."""
        return [deed for deed in self._deeds if deed.number > since]

    def since(self, number: int) -> dict[str, Any]:
        """Return the deeds after ``number``, the number to ask with next time, and how many are forgotten."""
        rows = [deed.row() for deed in self.deeds(number)]
        return {"next": self.told, "forgotten": self.told - len(self._deeds), "list": rows}
