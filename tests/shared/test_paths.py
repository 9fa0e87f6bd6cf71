"""Run folders and locks."""

import os
from pathlib import Path

import pytest

from shared import paths


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return paths.runtime_base()


def test_the_runtime_folder_is_private(base: Path) -> None:
    assert base.stat().st_mode & 0o777 == 0o700


def test_a_runtime_folder_open_to_others_is_refused(base: Path) -> None:
    base.chmod(0o755)
    with pytest.raises(PermissionError, match="0700"):
        paths.runtime_base()


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    handle = paths.lock(tmp_path / "lock")
    with pytest.raises(paths.AlreadyRunningError):
        paths.lock(tmp_path / "lock")
    os.close(handle)
    os.close(paths.lock(tmp_path / "lock"))


def test_only_folders_of_dead_runs_are_swept(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "NEWBORN_S", 0.0)
    alive, handle = paths.make_run_dir("alive")
    dead, ended = paths.make_run_dir("dead")
    os.close(ended)
    assert paths.sweep_dead_runs() == ["dead"]
    assert alive.exists()
    assert not dead.exists()
    os.close(handle)


def test_a_newborn_run_is_left_alone(base: Path) -> None:
    (base / "newborn").mkdir()
    assert paths.sweep_dead_runs() == []


def test_a_run_lives_while_its_lock_is_held(base: Path) -> None:
    assert not paths.is_live("run-1")
    run_dir, handle = paths.make_run_dir("run-1")
    assert paths.is_live("run-1")
    os.close(handle)
    assert not paths.is_live("run-1")
    assert run_dir.exists()
    assert not paths.is_live("")
