"""What a core was told, in the order it was told it, and what it answered: the means to tell a run again.

One record: length u32, crc32 u32, then kind (b"I" input, b"O" output), fleet time i64, name length u8, name, payload.
Records are appended to a buffer and written in one call; the loop flushes before any answer leaves the process, so
nothing was ever done on an input that the file does not hold. A torn last record (killed mid-write) ends the reading.

An output whose type is DIGESTED (the exchange's market data) stands there as a ``Digest``, which a replay compares
instead of every byte.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from shared.messages import Message, ProtocolError, decode, encode, encode_onto

_HEAD = struct.Struct("<II")
_BODY = struct.Struct("<cqB")
_RECORD = struct.Struct("<IIcqB")  # Both.
INPUT, OUTPUT = b"I", b"O"
PART_BYTES_MAX = 64 << 20
PARTS_MAX = 16
BUFFER_BYTES_MAX = 64 << 10


class Digest(Message, frozen=True):
    """What stands for an output that is too much to be kept whole: enough to tell that it was another."""

    name: str
    length_bytes: int
    blake2b: bytes  # Of its payload, 16 bytes.


def kept(output: Message) -> Message:
    """Return what a journal holds of an output: itself, or its digest where its type says so."""
    if not output.DIGESTED:
        return output
    payload = encode(output)
    return Digest(type(output).__name__, len(payload), blake2b(payload, digest_size=16).digest())


class Entry(NamedTuple):
    """One journalled message."""

    kind: bytes
    now: int
    message: Message


class Journal:
    """Append-only writer of one worker epoch. Files are ``<folder>/<name>.<epoch>.<part>.journal``, 0600."""

    def __init__(self, folder: Path, name: str, epoch: int) -> None:
        self._folder, self._stem = folder, f"{name}.{epoch:04d}"
        self._part = -1
        self._buffer = bytearray()
        self._fd = -1
        self._written = 0
        self._roll()

    def append(self, kind: bytes, now: int, message: Message) -> None:
        """Add one record; it reaches the file with the next flush."""
        name = type(message).__name__.encode()
        buffer, at = self._buffer, len(self._buffer)
        buffer += _RECORD.pack(0, 0, kind, now, len(name))
        buffer += name
        encode_onto(buffer, message)
        body = memoryview(buffer)[at + _HEAD.size :]
        head = _HEAD.pack(len(body), zlib.crc32(body))
        del body  # Or the buffer could not grow.
        buffer[at : at + _HEAD.size] = head  # Only now is known what it says; the message itself is copied once.
        if len(buffer) > BUFFER_BYTES_MAX:
            self.flush()

    def flush(self) -> None:
        """Hand everything appended so far to the kernel: it survives SIGKILL from here on."""
        if not self._buffer:
            return
        view = memoryview(self._buffer)
        while view:
            view = view[os.write(self._fd, view) :]
        self._written += len(self._buffer)
        self._buffer = bytearray()
        if self._written > PART_BYTES_MAX:
            self._roll()

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        os.close(self._fd)

    def _roll(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._part, self._written = self._part + 1, 0
        path = self._folder / f"{self._stem}.{self._part:04d}.journal"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        (self._folder / f"{self._stem}.{self._part - PARTS_MAX:04d}.journal").unlink(missing_ok=True)


def parts(folder: Path, name: str) -> dict[int, list[Path]]:
    """Return ``name``'s journal files by epoch, each in the order in which they were written."""
    found: dict[int, list[Path]] = {}
    for path in sorted(folder.glob(f"{name}.*.journal")):
        found.setdefault(int(path.name.split(".")[1]), []).append(path)
    return found


def read(paths: Iterable[Path]) -> Iterator[Entry]:
    """Yield the records of one epoch. A torn last record ends the reading.

    Raises:
        ProtocolError: a record that is whole but damaged, or of a message this program does not know.
    """
    for path in paths:
        data = memoryview(path.read_bytes())
        at = 0
        while at + _HEAD.size <= len(data):
            length, crc = _HEAD.unpack_from(data, at)
            body = data[at + _HEAD.size : at + _HEAD.size + length]
            if len(body) < length:
                return
            if zlib.crc32(body) != crc:
                raise ProtocolError(f"{path.name}: damaged record at byte {at}")
            yield _entry(body)
            at += _HEAD.size + length


def pick(path: Path, names: frozenset[bytes]) -> Iterator[Entry]:
    """Yield the records of one file that hold messages of these names; the others are passed over unread.

    For looking at a run, maybe while it goes on: a torn end, or a file that was dropped meanwhile, ends the reading.

    Raises:
        ProtocolError: as ``read`` does, of the records that are wanted.
    """
    try:
        data = memoryview(path.read_bytes())
    except FileNotFoundError:
        return
    at, end, name_at = 0, len(data), _HEAD.size + _BODY.size
    while at + name_at <= end:
        length, crc = _HEAD.unpack_from(data, at)
        first, at = at, at + _HEAD.size + length
        if at > end:
            return
        name_length = data[first + name_at - 1]
        if bytes(data[first + name_at : first + name_at + name_length]) not in names:
            continue
        body = data[first + _HEAD.size : at]
        if zlib.crc32(body) != crc:
            raise ProtocolError(f"{path.name}: damaged record at byte {first}")
        yield _entry(body)


def _entry(body: memoryview) -> Entry:
    kind, now, name_length = _BODY.unpack_from(body)
    name = bytes(body[_BODY.size : _BODY.size + name_length]).decode()
    return Entry(kind, now, decode(name, body[_BODY.size + name_length :]))
