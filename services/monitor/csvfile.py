"""CSV files that people open while they grow: whole lines, a header each, bounded in size."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

FILE_BYTES_MAX = 32 << 20
FILES_MAX = 5


def utc_text(at_ns: int) -> str:
    """Return fleet time as ISO text with microseconds."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1_000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class CsvFile:
    """One file. Lines gather in memory until ``flush``; full files move to name.1.csv, name.2.csv, ..."""

    def __init__(self, path: Path, columns: Sequence[str], bytes_max: int = FILE_BYTES_MAX) -> None:
        self._path, self._columns, self._bytes_max = path, columns, bytes_max
        self._lines: list[str] = []
        self._size = 0
        self._handle = self._open()

    def write(self, at_ns: int, cells: Sequence[str]) -> None:
        """Add one line."""
        self._lines.append(_line((utc_text(at_ns), *cells)))

    def flush(self) -> None:
        """Hand all lines to the kernel. Raises OSError when the disk does not take them; they are dropped then."""
        data = "".join(self._lines).encode()
        self._lines.clear()
        if not data:
            return
        if self._size + len(data) > self._bytes_max and self._size:
            self._rotate()
        _write_all(self._handle, data)
        self._size += len(data)

    def close(self) -> None:
        """Flush and close."""
        try:
            self.flush()
        finally:
            os.close(self._handle)

    def _open(self) -> int:
        """Open for appending. A line that a killed predecessor left half-written is cut off."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = _whole(handle)
        os.ftruncate(handle, self._size)
        if not self._size:
            header = _line(self._columns).encode()
            _write_all(handle, header)
            self._size = len(header)
        return handle

    def _rotate(self) -> None:
        os.close(self._handle)
        for number in range(FILES_MAX - 1, 0, -1):
            older = self._path.with_suffix(f".{number}.csv")
            if older.exists():
                older.replace(self._path.with_suffix(f".{number + 1}.csv"))
        self._path.replace(self._path.with_suffix(".1.csv"))
        self._path.with_suffix(f".{FILES_MAX}.csv").unlink(missing_ok=True)
        self._handle = self._open()


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _whole(handle: int) -> int:
    """Return the length up to and including the last line end."""
    size = os.fstat(handle).st_size
    tail_at = max(0, size - 65_536)
    tail = os.pread(handle, size - tail_at, tail_at)
    return tail_at + tail.rfind(b"\n") + 1


def replace_file(path: Path, data: bytes) -> None:
    """Write a whole file so that nobody ever reads half of it."""
    fresh = path.with_name(f"{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write_all(handle, data)
    finally:
        os.close(handle)
    fresh.replace(path)
