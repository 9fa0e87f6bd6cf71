"""Shared-memory segments: who makes them, who attaches, who removes them, and what a crash leaves behind.

Only the supervisor creates and unlinks. Nobody's resource tracker hears of a segment: it would unlink it when the
first attaching process ends. A run holds a lock on /dev/shm/pg-<run>.run for its life, so that the next start can tell
leftovers from the segments of a run beside it.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

FOLDER = Path("/dev/shm")
PREFIX = "pg-"
RUN_SUFFIX = ".run"
LOCK_TRIES, LOCK_WAIT_S = 100, 0.01


class ShmFullError(OSError):
    """Shared memory has no room for what the run needs; the message says how to make some."""


def segment_name(run_id: str, role: str, generation: int) -> str:
    """Return the name of a segment: never the same for two runs or generations."""
    return f"{PREFIX}{run_id}-{role}-{generation}"


class _Memory(SharedMemory):
    """SharedMemory whose end is quiet while arrays still point into it: the mapping then lives on until exit."""

    def __del__(self) -> None:
        try:
            super().__del__()
        except BufferError:
            return


def _untracked(name: str, size: int, *, create: bool) -> SharedMemory:
    if sys.version_info >= (3, 13):
        return _Memory(name, create, size, track=False)
    tracker: Any = resource_tracker
    register = tracker.register
    tracker.register = lambda *_: None  # Forks share one tracker, so unregistering later would undo another's entry.
    try:
        return _Memory(name, create, size)
    finally:
        tracker.register = register


class Segment:
    """One mapped segment. Keep it alive as long as anything looks at ``buffer``."""

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory
        self.name = memory.name.removeprefix("/")
        assert memory.buf is not None
        self.buffer: memoryview = memory.buf

    def close(self) -> None:
        """Drop the mapping if nothing points into it any more; otherwise it goes with the process."""
        self.buffer = memoryview(b"")
        try:
            self._memory.close()
        except BufferError:
            return


def create(name: str, size: int) -> Segment:
    """Make a segment of ``size`` bytes, zeroed, mode 0600, with its pages really there.

    Raises:
        ShmFullError: /dev/shm is too small. (Without asking now, the first write would die of SIGBUS.)
    """
    require(size)
    memory = _untracked(name, size, create=True)
    handle: int = memory._fd  # type: ignore[attr-defined]
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        memory.close()
        unlink(name)
        raise ShmFullError(_advice(size)) from error
    return Segment(memory)


def require(size: int) -> None:
    """Raise ShmFullError when /dev/shm has less than ``size`` bytes free."""
    if not size <= free_bytes():
        raise ShmFullError(_advice(size))


def free_bytes() -> int:
    """Return what /dev/shm has left."""
    found = os.statvfs(FOLDER)
    return found.f_bavail * found.f_frsize


def _advice(size: int) -> str:
    mib = 1 << 20
    return (
        f"{FOLDER} has {free_bytes() / mib:.1f} MiB free, {size / mib:.1f} MiB are needed: enlarge it "
        f"(mount -o remount,size=256m {FOLDER}; in a container --shm-size=256m) "
        f"or lower ingest.ring_records or ingest.symbols_max"
    )


def attach(name: str) -> Segment:
    """Map an existing segment. Raises FileNotFoundError when there is none."""
    return Segment(_untracked(name, 0, create=False))


def unlink(name: str) -> None:
    """Remove a segment; those who have it mapped keep it. Nothing happens if it is gone already."""
    (FOLDER / name).unlink(missing_ok=True)


class RunLock:
    """Says that a run lives: held from before its first segment until after its last."""

    def __init__(self, run_id: str) -> None:
        self._path = FOLDER / f"{PREFIX}{run_id}{RUN_SUFFIX}"
        for _ in range(LOCK_TRIES):
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if _locked(handle) and _is_file(handle, self._path):
                self._handle = handle
                return
            os.close(handle)  # Another start's sweep has it, or took it for a leftover between our two calls.
            time.sleep(LOCK_WAIT_S)
        raise BlockingIOError(f"{self._path} is held by another run")

    def release(self) -> None:
        """Remove every segment of the run, then the lock itself."""
        for path in _segments_of(self._path):
            path.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
        os.close(self._handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _segments_of(lock: Path) -> list[Path]:
    run = lock.name.removesuffix(RUN_SUFFIX)
    return [path for path in FOLDER.glob(f"{run}-*-*") if _run_of(path) == run]


def _run_of(segment: Path) -> str:
    return segment.name.rsplit("-", 2)[0]


def _is_file(handle: int, path: Path) -> bool:
    try:
        return os.fstat(handle).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def leftovers(run_id: str) -> list[Path]:
    """Return what a run has in /dev/shm: nothing, once it has ended in order."""
    return sorted(path for path in FOLDER.glob(f"{PREFIX}{run_id}*") if path.exists())


def sweep() -> list[str]:
    """Remove what dead runs left in /dev/shm; return the names. Runs that live, and other users' files, stay."""
    removed: list[str] = []
    for lock in FOLDER.glob(f"{PREFIX}*{RUN_SUFFIX}"):
        removed += _sweep_run(lock)
    for path in FOLDER.glob(f"{PREFIX}*-*-*"):
        owner = FOLDER / f"{_run_of(path)}{RUN_SUFFIX}"
        if path.suffix != RUN_SUFFIX and not owner.exists():  # A run's name has dashes: its lock matches, too.
            removed += _remove(path)
    return sorted(removed)


def _sweep_run(lock: Path) -> list[str]:
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return []
    removed = [name for path in [*_segments_of(lock), lock] for name in _remove(path)] if _locked(handle) else []
    os.close(handle)
    return removed


def _remove(path: Path) -> list[str]:
    try:
        path.unlink()
    except (FileNotFoundError, PermissionError):
        return []
    return [path.name]
