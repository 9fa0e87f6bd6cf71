"""The input journal holds what a core heard, whatever kills the writer."""

import struct
import zlib
from pathlib import Path

import pytest

from shared import journal
from shared.journal import INPUT, OUTPUT, Entry, Journal
from shared.messages import Ack, ProtocolError, Started, Tick, encode


def written(folder: Path) -> list[Entry]:
    entries = [
        Entry(INPUT, 10, Started("signals", "run", 0)),
        Entry(INPUT, 20, Tick()),
        Entry(OUTPUT, 20, Ack("execution", 0, 7)),
    ]
    writer = Journal(folder, "signals", 0)
    for entry in entries:
        writer.append(*entry)
    writer.close()
    return entries


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    entries = written(tmp_path)
    assert list(journal.read(journal.parts(tmp_path, "signals")[0])) == entries


def test_the_file_holds_length_checksum_kind_time_name_and_payload(tmp_path: Path) -> None:
    entries = written(tmp_path)
    expected = b""
    for kind, now, message in entries:
        name = type(message).__name__.encode()
        body = struct.pack("<cqB", kind, now, len(name)) + name + encode(message)
        expected += struct.pack("<II", len(body), zlib.crc32(body)) + body
    assert journal.parts(tmp_path, "signals")[0][0].read_bytes() == expected


def test_every_cut_of_the_last_record_leaves_the_earlier_ones(tmp_path: Path) -> None:
    entries = written(tmp_path)
    (path,) = journal.parts(tmp_path, "signals")[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    first_two = len(whole)
    while list(journal.read([path])) == entries[:2]:
        first_two -= 1
        path.write_bytes(whole[:first_two])
    assert list(journal.read([path])) == entries[:1]
    assert first_two < len(whole) - 8


def test_a_damaged_record_is_said_with_its_place(tmp_path: Path) -> None:
    written(tmp_path)
    (path,) = journal.parts(tmp_path, "signals")[0]
    data = bytearray(path.read_bytes())
    data[12] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ProtocolError, match="damaged record at byte 0"):
        list(journal.read([path]))


def test_epochs_are_kept_apart(tmp_path: Path) -> None:
    for epoch in (0, 1):
        writer = Journal(tmp_path, "ingest", epoch)
        writer.append(INPUT, epoch, Tick())
        writer.close()
    found = journal.parts(tmp_path, "ingest")
    assert [next(journal.read(found[epoch])).now for epoch in (0, 1)] == [0, 1]


def test_files_roll_and_the_oldest_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PART_BYTES_MAX", 50)
    monkeypatch.setattr(journal, "PARTS_MAX", 3)
    writer = Journal(tmp_path, "ingest", 0)
    for now in range(40):
        writer.append(INPUT, now, Tick())
        writer.flush()
    writer.close()
    paths = journal.parts(tmp_path, "ingest")[0]
    assert len(paths) <= 3
    assert list(journal.read(paths))[-1].now == 39


def test_only_the_messages_that_are_wanted_are_read(tmp_path: Path) -> None:
    entries = written(tmp_path)
    (path,) = journal.parts(tmp_path, "signals")[0]
    assert list(journal.pick(path, frozenset((b"Tick", b"Ack")))) == entries[1:]
    assert list(journal.pick(path, frozenset())) == []


def test_looking_at_a_growing_journal_ends_at_its_torn_end_and_at_a_file_that_is_gone(tmp_path: Path) -> None:
    entries = written(tmp_path)
    (path,) = journal.parts(tmp_path, "signals")[0]
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole[:cut])
        found = list(journal.pick(path, frozenset((b"Started", b"Tick", b"Ack"))))
        assert found == entries[: len(found)]
        assert len(found) < 3
    path.unlink()
    assert list(journal.pick(path, frozenset((b"Tick",)))) == []


def test_a_damaged_record_that_is_wanted_is_said(tmp_path: Path) -> None:
    written(tmp_path)
    (path,) = journal.parts(tmp_path, "signals")[0]
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(ProtocolError, match="damaged"):
        list(journal.pick(path, frozenset((b"Ack",))))
    assert len(list(journal.pick(path, frozenset((b"Tick",))))) == 1
