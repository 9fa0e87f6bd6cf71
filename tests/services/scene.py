"""A market made by hand for the signals that read the tape: one lane, fed record by record, time given in ms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.signals.lane import Lane
from services.signals.market import Market, Signal
from services.signals.strategy import Opinion
from shared.layout import BLOCK, LAST, RPI, TAKER_BUY, Kind, Reason, meta
from shared.tape import ASK, BID
from tests.services import feed

MS = 1_000_000
KIND = {BID: Kind.BID, ASK: Kind.ASK}
Print = tuple[int, int, int]  # Side of the taker, ticks, lots.
Changes = Mapping[tuple[int, int], int]  # (side, ticks) -> lots from now on.


class Scene:
    """One lane and its signals. Every frame has a cross sequence of its own, a trade that of the next book frame."""

    signals = ()

    def __init__(
        self, bids: Mapping[int, int], asks: Mapping[int, int], *signals: Signal, tick: str = "0.10", lot: str = "0.001"
    ) -> None:
        self.held = {BID: dict(bids), ASK: dict(asks)}
        self.all = signals
        self.seq, self.number = 100, 0
        self.at_ms = 1_000
        levels = self.levels(BID), self.levels(ASK)
        self.lane = Lane(feed.copy("BTCUSDT", *levels, tick=tick, lot=lot), lambda _: self)
        self.market: Market = self.lane.market
        self.market.tape.join(self.seq, 0)
        self.frame(self.at_ms, {})

    def levels(self, side: int) -> list[tuple[int, int]]:
        """Return what stands on one side, best first."""
        return sorted(self.held[side].items(), reverse=side == BID)

    def update(self, market: Market) -> None:
        """Show the frame to the signals."""
        for signal in self.all:
            signal.update(market)

    def opinion(self, market: Market) -> Opinion:
        """Say nothing."""
        return Opinion(0, 0.0, 0.0, (), "")

    # --- feeding ------------------------------------------------------------------------------------------------

    def frame(self, at_ms: int, changes: Changes) -> None:
        """Say new sizes; an empty frame says one again."""
        self.at_ms, self.seq = at_ms, self.seq + 1
        if not changes:
            side = BID if self.held[BID] else ASK
            ticks, lots = self.levels(side)[0]
            changes = {(side, ticks): lots}
        rows = []
        for (side, ticks), lots in changes.items():
            held = self.held[side]
            rows.append((KIND[side], 0, ticks, lots, held.get(ticks, 0), self.seq))
            if lots:
                held[ticks] = lots
            else:
                held.pop(ticks, None)
        self._say(rows)

    def trades(self, at_ms: int, prints: Sequence[Print], *, seq: int = 0, flags: int = 0) -> None:
        """Say prints of one frame, each side and price as part of one order; the book says what is left later."""
        self.at_ms = at_ms
        seq = seq or self.seq + 1
        self._say(
            [
                (Kind.TRADE, flags | (TAKER_BUY if taker > 0 else 0), ticks, lots, seq, 0)
                for taker, ticks, lots in prints
            ]
        )

    def take(self, at_ms: int, taker: int, *levels: tuple[int, int], changes: Changes | None = None) -> None:
        """Let one order take (ticks, lots) of each level, and show the book after it with other changes."""
        self.trades(at_ms, [(taker, ticks, lots) for ticks, lots in levels])
        side = -taker
        left = {(side, ticks): max(0, self.held[side].get(ticks, 0) - lots) for ticks, lots in levels}
        self.frame(at_ms, left | dict(changes or {}))

    def snapshot(self, at_ms: int, bids: Mapping[int, int], asks: Mapping[int, int]) -> None:
        """Begin with another book."""
        self.at_ms, self.seq = at_ms, self.seq + 1
        self.held = {BID: dict(bids), ASK: dict(asks)}
        rows = [(Kind.SNAPSHOT, 0, 0, 0, 1, self.seq)]
        rows += [(KIND[side], 0, *level, 0, self.seq) for side in (BID, ASK) for level in self.levels(side)]
        self._say(rows)

    def gap(self, at_ms: int) -> None:
        """Void the book."""
        self.at_ms = at_ms
        self._say([(Kind.GAP, 0, 0, 0, int(Reason.SEQUENCE), 0)])

    def _say(self, rows: Sequence[tuple[int, ...]]) -> None:
        for at, (kind, flags, ticks, lots, aux1, aux2) in enumerate(rows, 1):
            word = meta(kind, flags | (LAST if at == len(rows) else 0), 0, 0)
            self.lane.hear((self.number, word, self.at_ms * MS, self.at_ms * MS, ticks, lots, aux1, aux2))
            self.number += 1


__all__ = ["ASK", "BID", "BLOCK", "MS", "RPI", "Changes", "Print", "Scene"]
