"""The plain protocols and their compiled twins must leave the same words behind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import layout
from shared.kernel import words as plain
from shared.layout import EVENT_WORDS, HEAD_AT, ROW_HEAD, Row
from tests import market_data as make

fast = pytest.importorskip("shared.kernel.fast", reason="the compiled kernel is not built here")
BOTH = pytest.mark.parametrize("words", [plain, fast], ids=["plain", "fast"])


@settings(max_examples=40)
@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=9))
def test_rows_are_written_alike(values: list[int]) -> None:
    ours, theirs = np.zeros(100, np.int64), np.zeros(100, np.int64)
    seen = 0
    for value in values:
        row = np.full(40, value, np.int64)
        plain.publish_row(ours, 8, row.copy())
        fast.publish_row(theirs, 8, row.copy())
        assert ours.tobytes() == theirs.tobytes()
        one, two = plain.copy_newest(ours, 8, 40, seen), fast.copy_newest(theirs, 8, 40, seen)
        assert one == two
        assert one is not None
        seen = int(plain.as_words(one)[Row.VERSION])
        assert plain.copy_newest(ours, 8, 40, seen) is fast.copy_newest(theirs, 8, 40, seen) is None
        for module, words in ((plain, ours), (fast, theirs)):
            reader = module.RowReader(words, 8, 40)
            assert (reader.read(seen - 1), reader.read(seen)) == (one, None)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=12))
def test_records_are_written_and_read_alike(sizes: list[int]) -> None:
    ours, theirs = make.ring().words, make.ring().words
    for size in sizes:
        block = np.arange(size * EVENT_WORDS, dtype=np.int64).reshape(size, EVENT_WORDS)
        assert plain.append_records(ours, block.copy()) == fast.append_records(theirs, block.copy())
        assert ours.tobytes() == theirs.tobytes()
        cursor = int(ours[HEAD_AT]) - size
        assert plain.take_records(ours, cursor, 5000) == fast.take_records(theirs, cursor, 5000)


@BOTH
def test_an_untouched_mirror_holds_nothing(words) -> None:
    assert words.copy_newest(np.zeros(80, np.int64), 0, 40, 0) is None


@BOTH
def test_a_row_in_the_middle_of_being_written_is_not_returned(words) -> None:
    memory = np.zeros(80, np.int64)
    words.publish_row(memory, 0, np.full(40, 3, np.int64))
    memory[40] = 1
    assert words.copy_newest(memory, 0, 40, 0) is None


@BOTH
def test_a_lap_is_noticed(words) -> None:
    ring = make.ring().words
    block = np.zeros((2048, EVENT_WORDS), np.int64)
    for _ in range(2):
        words.append_records(ring, block)
    assert len(words.take_records(ring, 0, 1)) == layout.EVENT_BYTES
    words.append_records(ring, block[:1])
    with pytest.raises(plain.LappedError):
        words.take_records(ring, 0, 1)


@pytest.mark.parametrize(("first", "length"), [(-1, 40), (41, 40), (0, ROW_HEAD - 1), (90, 40)])
def test_a_mirror_that_is_not_there_is_refused(first: int, length: int) -> None:
    memory = np.zeros(120, np.int64)
    with pytest.raises(IndexError):
        fast.publish_row(memory, first, np.zeros(length, np.int64))
    with pytest.raises(IndexError):
        fast.RowReader(memory, first, length)


def test_a_ring_shorter_than_it_says_is_refused() -> None:
    with pytest.raises(IndexError):
        fast.take_records(make.ring().words[:-8].copy(), 0, 1)
