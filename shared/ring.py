"""The event ring: everything that happened, in order, for readers that each keep their own cursor."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from shared import layout
from shared.kernel import LappedError, append_records, as_words, take_records
from shared.layout import CLAIM_AT, EVENT_WORDS, HEAD_AT, LAST, META

__all__ = ["LappedError", "Record", "RingReader", "RingWriter", "format_ring", "records"]

Record = tuple[int, int, int, int, int, int, int, int]  # The words of layout.py, in order.
_RECORD = struct.Struct("=8q")


def records(data: bytes) -> Iterator[Record]:
    """Yield the records in ``data``, as RingReader.take returned it."""
    return _RECORD.iter_unpack(data)


def format_ring(buffer: memoryview | bytearray, capacity: int, generation: int) -> None:
    """Stamp a fresh, zeroed segment of layout.ring_bytes(capacity). The supervisor does this before anyone attaches."""
    assert capacity >= layout.CAPACITY_MIN, f"a ring of {capacity} records is too small"
    assert capacity & capacity - 1 == 0, f"a ring's capacity must be a power of two, got {capacity}"
    words = as_words(buffer)
    words[layout.RING_LAYOUT_AT] = layout.LAYOUT
    words[layout.RING_CAPACITY_AT] = capacity
    words[layout.RING_GENERATION_AT] = generation
    words[layout.RING_MAGIC_AT] = layout.RING_MAGIC


class _Ring:
    def __init__(self, buffer: memoryview | bytearray) -> None:
        self.buffer = buffer
        self.words = as_words(buffer)
        found = int(self.words[layout.RING_MAGIC_AT]), int(self.words[layout.RING_LAYOUT_AT])
        assert found == (layout.RING_MAGIC, layout.LAYOUT), f"not a ring of this layout: {found}"
        self.capacity = int(self.words[layout.RING_CAPACITY_AT])
        self.generation = int(self.words[layout.RING_GENERATION_AT])
        assert self.words.nbytes >= layout.ring_bytes(self.capacity)

    @property
    def head(self) -> int:
        """Sequence after the last published record."""
        return int(self.words[HEAD_AT])


class RingWriter(_Ring):
    """The only writer of a ring. It shares the head word with the book kernel of the same process."""

    def publish(self, frame: Iterable[Sequence[int]]) -> int:
        """Append the records of one frame (their sequence words are set here), flag the last, return the new head."""
        rows = np.array(list(frame), np.int64).reshape(-1, EVENT_WORDS)
        if not len(rows):
            return self.head
        rows[-1, META] |= LAST << 8
        return append_records(self.words, rows)


class RingReader(_Ring):
    """One reader. ``cursor`` is the sequence of the next record it wants.

    To join: take ``head``, then copy every mirror, then read on from that head, and skip for each book the records
    below its own ring_seq (Book does). A mirror copied after the head was read holds everything before that head.
    """

    def __init__(self, buffer: memoryview | bytearray, cursor: int | None = None) -> None:
        super().__init__(buffer)
        self.cursor = self.head if cursor is None else cursor

    def take(self, count_max: int = 4096) -> bytes | None:
        """Return the next records (whole, in order, at most ``count_max``) and move on; None when there are none.

        Raises:
            LappedError: the writer overtook this reader. Join again.
        """
        data = take_records(self.words, self.cursor, count_max)
        if not data:
            return None
        self.cursor += len(data) // layout.EVENT_BYTES
        return data

    @property
    def lag(self) -> int:
        """How many records the writer is ahead, those it is writing now included."""
        return max(0, int(self.words[CLAIM_AT]) - self.cursor)
