"""The supervisor's side of the market-data segments: one books table and one event ring per start of ingest.

A restarted writer never repairs what its predecessor left half-written: it gets a new generation of both segments,
readers see the number change in the fleet page and attach again, and the old names are removed.
"""

from __future__ import annotations

from shared import layout, shm
from shared.config import Ingest
from shared.mirror import format_books
from shared.ring import format_ring

ROLES = ("books", "ring")


class DataSegments:
    """Makes each generation and removes the one before it."""

    def __init__(self, run_id: str, config: Ingest) -> None:
        self._run_id, self._config = run_id, config
        self._generation = 0
        self._held: list[shm.Segment] = []
        shm.require(self.bytes_needed * 2)  # Two generations live together for a moment.

    @property
    def bytes_needed(self) -> int:
        """Return the size of one generation."""
        config = self._config
        return layout.books_bytes(config.symbols_max, config.depth) + layout.ring_bytes(config.ring_records)

    def renew(self) -> int:
        """Make the next generation and return its number; whoever has the old one mapped keeps it."""
        old, self._generation = self._generation, self._generation + 1
        config = self._config
        books, ring = (shm.segment_name(self._run_id, role, self._generation) for role in ROLES)
        held = [
            shm.create(books, layout.books_bytes(config.symbols_max, config.depth)),
            shm.create(ring, layout.ring_bytes(config.ring_records)),
        ]
        format_books(held[0].buffer, symbols_max=config.symbols_max, depth=config.depth, generation=self._generation)
        format_ring(held[1].buffer, config.ring_records, self._generation)
        for role in ROLES:
            shm.unlink(shm.segment_name(self._run_id, role, old))
        for segment in self._held:
            segment.close()
        self._held = held
        return self._generation
