"""The protocols on live shared words, in plain Python: two-slot rows and the event ring.

Every store of a single word is one aligned 8-byte store. Python has no fences, so this path relies on the order of
stores that x86-64 keeps, and everywhere on the row's checksum; the compiled twin uses acquire and release.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.layout import CLAIM_AT, EVENT_BYTES, EVENT_WORDS, HEAD_AT, RECORDS_AT, RING_CAPACITY_AT, SEQ, Row

Words = NDArray[np.int64]

READ_TRIES = 64


class LappedError(Exception):
    """The writer has overtaken this reader: records it had not seen are gone."""


def as_words(buffer: memoryview | bytearray | bytes) -> Words:
    """Return ``buffer`` as int64 words that keep it alive."""
    return np.frombuffer(buffer, np.int64)


def newest_slot(words: Words, first: int, row_words: int) -> int:
    """Return where the slot with the highest even version begins (``first`` if none was written)."""
    second = first + row_words
    one, two = int(words[first]), int(words[second])
    if one & 1 or two & 1:
        return second if one & 1 else first
    return second if two > one else first


def publish_row(words: Words, first: int, row: Words) -> None:
    """Write ``row`` over the older of the two slots at ``first``; its version and checksum are set here."""
    newest = newest_slot(words, first, len(row))
    target = first if newest != first else first + len(row)
    version = int(words[newest]) + 2
    row[Row.VERSION], row[Row.CHECKSUM] = version, 0
    row[Row.CHECKSUM] = np.bitwise_xor.reduce(row)
    words[target] = version - 1
    words[target + 1 : target + len(row)] = row[1:]
    words[target] = version


def copy_newest(words: Words, first: int, row_words: int, seen: int) -> bytes | None:
    """Return a whole row with a version above ``seen``; None when there is none (or none could be had just now)."""
    for _ in range(READ_TRIES):
        slot = newest_slot(words, first, row_words)
        version = int(words[slot])
        if version & 1:
            continue
        if version <= seen:
            return None
        copy = words[slot : slot + row_words].copy()
        if int(words[slot]) == version == copy[Row.VERSION] and np.bitwise_xor.reduce(copy) == 0:
            return copy.tobytes()
    return None


class RowReader:
    """One reader of one mirror."""

    def __init__(self, words: Words, first: int, row_words: int) -> None:
        self._words, self._first, self._row_words = words, first, row_words

    def read(self, seen: int) -> bytes | None:
        """Return what ``copy_newest`` does."""
        return copy_newest(self._words, self._first, self._row_words, seen)


def append_records(words: Words, records: Words) -> int:
    """Put ``records`` (shape (n, EVENT_WORDS)) at the ring's head, number them, publish; return the new head."""
    count, capacity, head = len(records), int(words[RING_CAPACITY_AT]), int(words[HEAD_AT])
    assert count < capacity
    records[:, SEQ] = np.arange(head, head + count)
    words[CLAIM_AT] = head + count
    ring = words[RECORDS_AT : RECORDS_AT + capacity * EVENT_WORDS].reshape(capacity, EVENT_WORDS)
    start = head & capacity - 1
    fits = min(count, capacity - start)
    ring[start : start + fits] = records[:fits]
    ring[: count - fits] = records[fits:]
    words[HEAD_AT] = head + count
    return head + count


def take_records(words: Words, cursor: int, count_max: int) -> bytes:
    """Return published records from ``cursor`` on, at most ``count_max``; empty when there are none.

    Raises:
        LappedError: the record at ``cursor`` has been overwritten, before or during the copy.
    """
    capacity, head = int(words[RING_CAPACITY_AT]), int(words[HEAD_AT])
    count = min(head - cursor, count_max)
    if count <= 0:
        return b""
    if head - cursor > capacity:
        raise LappedError
    start = cursor & capacity - 1
    fits = min(count, capacity - start)
    ring = words[RECORDS_AT : RECORDS_AT + capacity * EVENT_WORDS]
    data = ring[start * EVENT_WORDS : (start + fits) * EVENT_WORDS].tobytes()
    data += ring[: (count - fits) * EVENT_WORDS].tobytes()
    if int(words[CLAIM_AT]) - cursor > capacity:
        raise LappedError
    assert len(data) == count * EVENT_BYTES
    return data
