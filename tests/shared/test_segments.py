"""Generations of the market-data segments."""

from collections.abc import Iterator

import pytest

from shared import shm
from shared.config import Ingest
from shared.mirror import BookTable
from shared.segments import DataSegments

RUN = "test-segments"


@pytest.fixture
def data() -> Iterator[DataSegments]:
    lock = shm.RunLock(RUN)
    yield DataSegments(RUN, Ingest(symbols_max=2, ring_records=4096))
    lock.release()


def names() -> set[str]:
    return {path.name for path in shm.FOLDER.glob(f"pg-{RUN}-*")}


def test_a_new_generation_replaces_the_names_of_the_old_one(data: DataSegments) -> None:
    assert data.renew() == 1
    assert names() == {f"pg-{RUN}-books-1", f"pg-{RUN}-ring-1"}
    assert data.renew() == 2
    assert names() == {f"pg-{RUN}-books-2", f"pg-{RUN}-ring-2"}


def test_whoever_has_the_old_generation_mapped_keeps_it(data: DataSegments) -> None:
    data.renew()
    segment = shm.attach(shm.segment_name(RUN, "books", 1))
    table = BookTable(segment.buffer)
    data.renew()
    assert table.entries() == []


def test_too_little_memory_is_said_before_anything_is_made() -> None:
    with pytest.raises(shm.ShmFullError, match="MiB are needed"):
        DataSegments(RUN, Ingest(symbols_max=600, ring_records=1 << 33))
