"""The account on disk, for a restart within the same run: named records, the newest of a name counts.

One frame per event: length u32, crc32 u32, MessagePack of [[name, bytes], ...]; empty bytes end a name. A frame is
handed to the kernel whole before any answer leaves, so it survives SIGKILL; a torn last frame was never answered to
and is dropped. When the file has grown well past what still counts, it is written anew and renamed into place.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

_HEAD = struct.Struct("<II")
Record = tuple[str, bytes]
_Frame = list[Record]
FRAME_BYTES_MAX = 256 << 20
COMPACT_RECORDS = 1_000  # In one frame of a file written anew.

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Frame)


class StorageError(ValueError):
    """The file is damaged in its middle: it does not tell what happened."""


class Storage:
    """Append-only file of one run. ``spare_bytes`` is how much may stand in it that no longer counts."""

    def __init__(self, path: Path, spare_bytes: int, *, fresh: bool) -> None:
        self._path, self._spare_bytes = path, spare_bytes
        self._records: dict[str, bytes] = {}
        self._counts_bytes = 0
        if fresh:
            path.unlink(missing_ok=True)
        path.with_suffix(".new").unlink(missing_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = self._load()

    @property
    def records(self) -> tuple[Record, ...]:
        """Everything that counts."""
        return tuple(self._records.items())

    def append(self, records: Sequence[Record]) -> None:
        """Write one event's records; they survive SIGKILL from here on."""
        self._size += _write(self._fd, records)
        self._take(records)
        if self._size - self._counts_bytes > max(self._spare_bytes, self._counts_bytes):
            self._compact()

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _take(self, records: Iterable[Record]) -> None:
        for name, data in records:
            before = self._records.pop(name, b"")
            if before:
                self._counts_bytes -= len(name) + len(before)
            if data:
                self._records[name] = data
                self._counts_bytes += len(name) + len(data)

    def _load(self) -> int:
        """Read what is there, cut a torn tail off, and return the size."""
        data = memoryview(self._path.read_bytes())
        at = 0
        for frame, end in _frames(data, self._path.name):
            self._take(frame)
            at = end
        if at < len(data):
            os.ftruncate(self._fd, at)
        return at

    def _compact(self) -> None:
        """Write what counts into a new file and put it in the place of the old one."""
        path = self._path.with_suffix(".new")
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        left, size = iter(self._records.items()), 0
        while some := list(islice(left, COMPACT_RECORDS)):
            size += _write(fd, some)
        path.replace(self._path)
        os.close(self._fd)
        self._fd, self._size = fd, size


def _write(fd: int, records: Sequence[Record]) -> int:
    body = _encoder.encode(records)
    view = memoryview(_HEAD.pack(len(body), zlib.crc32(body)) + body)
    size = len(view)
    while view:
        view = view[os.write(fd, view) :]
    return size


def _frames(data: memoryview, name: str) -> Iterator[tuple[_Frame, int]]:
    """Yield each whole frame and where it ends.

    Raises:
        StorageError: a damaged frame with others behind it.
    """
    at = 0
    while at + _HEAD.size <= len(data):
        length, crc = _HEAD.unpack_from(data, at)
        end = at + _HEAD.size + length
        if length > FRAME_BYTES_MAX or end > len(data):
            return
        body = data[at + _HEAD.size : end]
        if zlib.crc32(body) != crc:
            if end == len(data):
                return
            raise StorageError(f"{name}: damaged record at byte {at}")
        yield _decoder.decode(body), end
        at = end
