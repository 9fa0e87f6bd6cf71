"""The book's best levels beside the venue's own (orderbook.1), compared when both stand at the same sequence."""

from __future__ import annotations

from typing import NamedTuple

from shared.kernel import Outcome
from shared.kernel.parse import BookSpec, Levels, parse_book
from shared.layout import Row
from shared.mirror import BookView, MirrorReader
from shared.scale import Scale


class Touch(NamedTuple):
    """One orderbook.1 frame: (ticks, lots) of the best level of each side, none when the side is empty."""

    seq: int
    bids: Levels
    asks: Levels


class TouchCheck:
    """Holds the newest orderbook.1 frame until the book has come as far."""

    __slots__ = ("_reader", "_spec", "is_waiting", "touch")

    def __init__(self, symbol: str, scale: Scale, reader: MirrorReader) -> None:
        self._spec, self._reader = BookSpec.of(symbol, 1, scale), reader
        self.touch = Touch(-1, [], [])
        self.is_waiting = False  # The book has still to come to the touch's sequence: look again after each frame.

    def hear(self, data: bytes) -> Outcome:
        """Take one orderbook.1 frame; SNAPSHOT when it is a good one."""
        parsed = parse_book(data, self._spec)
        if isinstance(parsed, Outcome):
            return parsed
        if not parsed.is_snapshot:
            return Outcome.MALFORMED  # A delta of one level is no touch.
        self.touch, self.is_waiting = Touch(parsed.seq, parsed.bids, parsed.asks), True
        return Outcome.SNAPSHOT

    def agrees(self) -> bool:
        """Whether nothing speaks against the book. Sequences that differ say nothing."""
        view = self._reader.read()
        if view is None or not view.valid:
            return True
        seq = view.word(Row.SEQ)
        self.is_waiting = seq < self.touch.seq
        return seq != self.touch.seq or _best(view) == (self.touch.bids, self.touch.asks)


def _best(view: BookView) -> tuple[Levels, Levels]:
    return (
        [(int(view.bid_ticks[0]), int(view.bid_lots[0]))] if len(view.bid_ticks) else [],
        [(int(view.ask_ticks[0]), int(view.ask_lots[0]))] if len(view.ask_ticks) else [],
    )
