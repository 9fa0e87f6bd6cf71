"""The venue's own best levels (orderbook.1), held beside the deeper book when both stand at the same sequence."""

from __future__ import annotations

from shared.kernel.outcome import Outcome
from shared.kernel.parse import BookSpec, Touch, parse_book
from shared.kernel.plain import BookKernel
from shared.scale import Scale


class TouchKernel:
    """Holds the newest orderbook.1 frame until the book has come as far."""

    def __init__(self, symbol: str, scale: Scale) -> None:
        self._spec = BookSpec.of(symbol, 1, scale)
        self.touch = Touch(-1, [], [])
        self.is_waiting = False  # The book has still to come to the touch's sequence: look again after each frame.

    def hear(self, frame: bytes) -> Outcome:
        """Take one ``orderbook.1`` frame; SNAPSHOT when it is a good one."""
        parsed = parse_book(frame, self._spec)
        if isinstance(parsed, Outcome):
            return parsed
        if not parsed.is_snapshot:
            return Outcome.MALFORMED  # A delta of one level is no touch.
        self.touch, self.is_waiting = Touch(parsed.seq, parsed.bids, parsed.asks), True
        return Outcome.SNAPSHOT

    def agrees(self, book: BookKernel) -> bool:
        """Whether nothing speaks against the book. Sequences that differ say nothing."""
        if not book.valid:
            return True
        held = book.touch
        self.is_waiting = held.seq < self.touch.seq
        return held.seq != self.touch.seq or held == self.touch
