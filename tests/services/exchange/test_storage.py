"""The account's file: what was written counts, a torn end does not, and it does not grow for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.storage import Storage, StorageError

SPARE = 1 << 20


def opened(path: Path, spare_bytes: int = SPARE, *, fresh: bool = False) -> Storage:
    return Storage(path, spare_bytes, fresh=fresh)


def test_the_newest_record_of_a_name_counts_and_an_empty_one_ends_it(tmp_path: Path) -> None:
    file = opened(tmp_path / "a")
    file.append([("x", b"1"), ("y", b"2")])
    file.append([("x", b"3"), ("y", b"")])
    assert dict(file.records) == {"x": b"3"}
    assert dict(opened(tmp_path / "a").records) == {"x": b"3"}  # Never closed: as after SIGKILL.
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_first_start_begins_anew(tmp_path: Path) -> None:
    opened(tmp_path / "a").append([("x", b"1")])
    assert opened(tmp_path / "a", fresh=True).records == ()


def test_a_last_frame_torn_at_any_byte_is_dropped_whole_and_writing_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a"
    file = opened(path)
    file.append([("x", b"1")])
    whole = path.stat().st_size
    file.append([("x", b"2"), ("y", b"2")])
    data = path.read_bytes()
    for end in range(whole, len(data)):
        path.write_bytes(data[:end])
        again = opened(path)
        assert dict(again.records) == {"x": b"1"}
        again.append([("z", b"3")])
        again.close()
        assert dict(opened(path).records) == {"x": b"1", "z": b"3"}


def test_damage_in_the_middle_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "a"
    file = opened(path)
    file.append([("x", b"1")])
    file.append([("x", b"2")])
    data = bytearray(path.read_bytes())
    data[9] ^= 1
    path.write_bytes(data)
    with pytest.raises(StorageError, match="at byte 0"):
        opened(path)


def test_damage_in_the_last_frame_is_a_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    file = opened(path)
    file.append([("x", b"1")])
    file.append([("x", b"2")])
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert dict(opened(path).records) == {"x": b"1"}


def test_the_file_is_written_anew_when_too_much_of_it_is_outdated(tmp_path: Path) -> None:
    path = tmp_path / "a"
    file = opened(path, spare_bytes=2_000)
    for number in range(2_000):
        file.append([(f"name{number % 7}", b"%05d" % number)])
    assert path.stat().st_size < 3_000
    assert dict(file.records) == {f"name{number % 7}": b"%05d" % number for number in range(1_993, 2_000)}
    assert dict(opened(path).records) == dict(file.records)
    assert not path.with_suffix(".new").exists()


def test_a_rewriting_that_was_cut_short_leaves_the_old_file_in_force(tmp_path: Path) -> None:
    path = tmp_path / "exchange.account"
    opened(path).append([("x", b"1")])
    path.with_suffix(".new").write_bytes(b"half a frame")
    assert dict(opened(path).records) == {"x": b"1"}
    assert not path.with_suffix(".new").exists()


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcdef"), st.binary(max_size=40)), max_size=4), max_size=60))
def test_any_sequence_of_frames_reads_back_as_a_dictionary_would_hold_it(
    tmp_path_factory: pytest.TempPathFactory, frames: list[list[tuple[str, bytes]]]
) -> None:
    path = tmp_path_factory.mktemp("storage") / "a"
    file, model = opened(path, spare_bytes=100), dict[str, bytes]()
    for frame in frames:
        file.append(frame)
        model.update(frame)
    file.close()
    assert dict(opened(path).records) == {name: data for name, data in model.items() if data}
