"""Where a run keeps its things: sockets in a short private folder, everything that outlives it under ``var``."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

NEWBORN_S = 10.0


class AlreadyRunningError(RuntimeError):
    """Another instance holds the lock."""


def runtime_base() -> Path:
    """Return the per-user folder of run directories, 0700, made if missing; refuse one that others could write."""
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"peregrine-{os.getuid()}"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = base.lstat()
    if base.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{base} must be a folder of your own with mode 0700")
    return base


def make_run_dir(run_id: str) -> tuple[Path, int]:
    """Make this run's folder and hold its lock; return it and the lock's descriptor (kept open for the run's life)."""
    run_dir = runtime_base() / run_id
    run_dir.mkdir(mode=0o700)
    return run_dir, lock(run_dir / "live")


def sweep_dead_runs() -> list[str]:
    """Remove the folders of runs that are gone (their lock is free); return their ids.

    A folder just made may not hold its lock yet: it is left alone.
    """
    dead = []
    for run_dir in sorted(path for path in runtime_base().iterdir() if path.is_dir()):
        if time.time() - run_dir.stat().st_mtime < NEWBORN_S:
            continue
        try:
            handle = lock(run_dir / "live")
        except AlreadyRunningError:
            continue
        os.close(handle)
        shutil.rmtree(run_dir, ignore_errors=True)
        dead.append(run_dir.name)
    return dead


def is_live(run_id: str) -> bool:
    """Return whether a run goes on: its folder is there, and its lock is held."""
    path = runtime_base() / run_id / "live"
    if not run_id or not path.exists():
        return False
    try:
        handle = lock(path)
    except AlreadyRunningError:
        return True
    os.close(handle)
    return False


def lock(path: Path) -> int:
    """Take an exclusive lock on ``path`` and return its descriptor; the kernel frees it when its holders are gone.

    Raises:
        AlreadyRunningError: somebody holds it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise AlreadyRunningError(str(path)) from None
    return handle
