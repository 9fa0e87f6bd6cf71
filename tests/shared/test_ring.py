"""The event ring: whole frames in order, and a reader that was overtaken knows it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import layout
from shared.layout import LAST, META, PRICE_TICKS, Kind, meta, meta_flags
from shared.ring import LappedError, RingReader, RingWriter, format_ring, records
from tests import market_data as make


def frame(*ticks: int) -> list[tuple[int, ...]]:
    return [(0, meta(Kind.BID, 0, 1, 1), 0, 0, tick, 1, 0, 0) for tick in ticks]


def test_a_frame_arrives_whole_numbered_and_with_its_end_marked() -> None:
    ring = make.ring()
    reader = make.reader(ring)
    assert reader.take() is None
    assert ring.publish(frame(10, 11, 12)) == 3
    got = list(records(reader.take() or b""))
    assert [(item[0], item[PRICE_TICKS]) for item in got] == [(0, 10), (1, 11), (2, 12)]
    assert [bool(meta_flags(item[META]) & LAST) for item in got] == [False, False, True]
    assert reader.take() is None


def test_an_empty_frame_publishes_nothing() -> None:
    ring = make.ring()
    assert ring.publish([]) == ring.head == 0


@settings(max_examples=30)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=30), st.integers(1, 700))
def test_a_reader_that_keeps_up_misses_nothing_over_the_wrap(sizes: list[int], bite: int) -> None:
    ring = make.ring(4096)
    reader = make.reader(ring)
    sent, got, number = [], [], 0
    for size in sizes:
        ring.publish(frame(*range(number, number + size)))
        sent += range(number, number + size)
        number += size
        while (data := reader.take(bite)) is not None:
            got += [item[PRICE_TICKS] for item in records(data)]
    assert got == sent


def test_a_reader_exactly_one_ring_behind_still_gets_everything() -> None:
    ring = make.ring(4096)
    reader = make.reader(ring)
    for _ in range(4):
        ring.publish(frame(*range(1024)))
    assert len(reader.take(10_000) or b"") == 4096 * layout.EVENT_BYTES


def test_a_lapped_reader_is_told() -> None:
    ring = make.ring(4096)
    reader = make.reader(ring)
    for _ in range(4):
        ring.publish(frame(*range(1024)))
    ring.publish(frame(1))
    with pytest.raises(LappedError):
        reader.take()
    reader.cursor = ring.head
    assert reader.take() is None


def test_a_writer_that_is_overwriting_at_this_moment_counts_as_a_lap() -> None:
    ring = make.ring(4096)
    reader = make.reader(ring)
    ring.publish(frame(*range(10)))
    ring.words[layout.CLAIM_AT] = 4097  # Announced, not published: record 0 may be half gone.
    with pytest.raises(LappedError):
        reader.take()
    reader.cursor = 1
    assert reader.take() is not None


def test_a_cursor_ahead_of_the_head_waits() -> None:
    ring = make.ring()
    reader = RingReader(ring.buffer, 5)
    ring.publish(frame(1, 2, 3))
    assert reader.take() is None
    ring.publish(frame(4, 5, 6))
    assert [item[PRICE_TICKS] for item in records(reader.take() or b"")] == [6]


def test_lag_counts_what_is_ahead() -> None:
    ring = make.ring()
    reader = make.reader(ring)
    ring.publish(frame(1, 2, 3))
    assert reader.lag == 3
    reader.take()
    assert reader.lag == 0


@pytest.mark.parametrize("capacity", [1000, 2048, 5000])
def test_a_capacity_that_cannot_work_is_refused(capacity: int) -> None:
    with pytest.raises(AssertionError):
        format_ring(bytearray(layout.ring_bytes(8192)), capacity, 1)


def test_memory_of_another_kind_is_refused() -> None:
    with pytest.raises(AssertionError):
        RingWriter(bytearray(layout.ring_bytes(4096)))
