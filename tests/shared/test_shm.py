"""Segments outlive whoever attaches, and never outlive their run."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shared import shm

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run_id() -> Iterator[str]:
    name = f"test{uuid.uuid4().hex[:8]}"
    yield name
    for path in shm.FOLDER.glob(f"{shm.PREFIX}{name}*"):
        path.unlink()


def child(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_a_segment_is_private_zeroed_and_shared_by_name(run_id: str) -> None:
    name = shm.segment_name(run_id, "books", 3)
    made = shm.create(name, 4096)
    assert made.buffer.nbytes >= 4096
    assert not any(made.buffer)
    assert stat.S_IMODE((shm.FOLDER / name).stat().st_mode) == 0o600
    made.buffer[7] = 42
    other = shm.attach(name)
    assert other.buffer[7] == 42


@pytest.mark.parametrize("end", ["", "import os; os._exit(0)", "import os; os.kill(os.getpid(), 9)"])
def test_an_attacher_that_ends_takes_nothing_along(run_id: str, end: str) -> None:
    lock = shm.RunLock(run_id)  # Or a fleet that starts beside us sweeps the segment away.
    name = shm.segment_name(run_id, "ring", 1)
    made = shm.create(name, 4096)
    ended = child(f"from shared import shm; s = shm.attach({name!r}); s.buffer[0] = 5\n{end}")
    assert made.buffer[0] == 5
    assert (shm.FOLDER / name).exists()
    assert ended.stderr == ""
    lock.release()


def test_a_creator_that_is_killed_leaves_the_segment_for_the_sweep(run_id: str) -> None:
    code = (
        f"from shared import shm; import os\nlock = shm.RunLock({run_id!r})\n"
        f"s = shm.create(shm.segment_name({run_id!r}, 'books', 1), 4096)\nos.kill(os.getpid(), 9)"
    )
    child(code)
    left = {path.name for path in shm.FOLDER.glob(f"{shm.PREFIX}{run_id}*")}
    assert left == {f"pg-{run_id}-books-1", f"pg-{run_id}.run"}
    assert left <= set(shm.sweep())
    assert not list(shm.FOLDER.glob(f"{shm.PREFIX}{run_id}*"))


def test_the_sweep_leaves_living_runs_alone(run_id: str) -> None:
    lock = shm.RunLock(run_id)
    name = shm.segment_name(run_id, "books", 1)
    shm.create(name, 4096)
    assert name not in shm.sweep()
    assert (shm.FOLDER / name).exists()
    lock.release()
    assert not list(shm.FOLDER.glob(f"{shm.PREFIX}{run_id}*"))


def test_two_runs_that_start_after_it_leave_a_living_run_whose_name_has_dashes_its_memory(run_id: str) -> None:
    lock = shm.RunLock(f"20261121-120000-{run_id}")
    name = shm.segment_name(f"20261121-120000-{run_id}", "books", 1)
    shm.create(name, 4096)
    shm.sweep()
    shm.sweep()
    assert (shm.FOLDER / name).exists()
    lock.release()


def test_a_segment_whose_run_file_is_gone_is_swept(run_id: str) -> None:
    name = shm.segment_name(run_id, "books", 1)
    shm.create(name, 4096)
    assert name in shm.sweep()


def test_two_runs_cannot_have_one_name(run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shm, "LOCK_TRIES", 2)
    lock = shm.RunLock(run_id)
    with pytest.raises(BlockingIOError):
        shm.RunLock(run_id)
    lock.release()


def test_too_small_shared_memory_is_said_with_what_to_do(run_id: str) -> None:
    with pytest.raises(shm.ShmFullError, match=r"needed.*remount.*--shm-size"):
        shm.create(shm.segment_name(run_id, "books", 1), shm.free_bytes() + (1 << 30))
    assert not list(shm.FOLDER.glob(f"{shm.PREFIX}{run_id}*"))


def test_no_room_at_the_moment_of_creation_is_an_error_and_not_a_crash_later(
    run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(shm.ShmFullError):
        shm.create(shm.segment_name(run_id, "books", 1), 4096)
    assert not list(shm.FOLDER.glob(f"{shm.PREFIX}{run_id}*"))


def test_closing_under_an_array_is_harmless(run_id: str) -> None:
    made = shm.create(shm.segment_name(run_id, "books", 1), 4096)
    words = np.frombuffer(made.buffer, np.int64)
    made.close()
    assert words[0] == 0
