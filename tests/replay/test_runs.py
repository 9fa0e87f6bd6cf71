"""A run's journals, told again; a difference and a gap are said."""

from pathlib import Path

import msgspec
import pytest

from replay.cores import fresh
from replay.runs import IncompleteError, Told, find, tell_again
from shared.config import Config
from shared.journal import INPUT, OUTPUT, Journal
from shared.messages import Log, Message, Started, Tick
from shared.service import ReplayDiffersError, handlers

NOW = 10**18


def record(run_dir: Path, *, twist: bool = False) -> int:
    """Write the journal of a scanner that started and ticked; return how much it said."""
    run_dir.mkdir(exist_ok=True)
    (run_dir / "config.json").write_bytes(msgspec.json.encode(Config()))
    (run_dir / "journal").mkdir(exist_ok=True)
    journal = Journal(run_dir / "journal", "scanner", 0)
    known = handlers(fresh("scanner", 0, Config()))
    said = 0
    for now, message in enumerate((Started("scanner", "run", 0), Tick(), Tick()), NOW):
        journal.append(INPUT, now, message)
        answers: list[Message] = known[message.HANDLER](message, now)
        said += len(answers)
        for answer in answers:
            journal.append(OUTPUT, now, Log("INFO", "twisted", "") if twist else answer)
    journal.close()
    return said


def test_a_run_told_again_says_the_same(tmp_path: Path) -> None:
    said = record(tmp_path)
    assert said > 0
    assert list(tell_again(tmp_path)) == [Told("scanner", 0, 3, said)]


def test_a_different_answer_is_an_error(tmp_path: Path) -> None:
    record(tmp_path, twist=True)
    with pytest.raises(ReplayDiffersError, match="twisted"):
        list(tell_again(tmp_path))


def test_a_journal_whose_beginning_is_gone_cannot_be_told(tmp_path: Path) -> None:
    record(tmp_path)
    path = tmp_path / "journal" / "scanner.0000.0000.journal"
    path.rename(path.with_name("scanner.0000.0001.journal"))
    with pytest.raises(IncompleteError, match="begins at"):
        list(tell_again(tmp_path))


def test_the_newest_run_is_found_unless_another_is_named(tmp_path: Path) -> None:
    for name in ("20261121-120000-aaaa", "20261121-130000-bbbb"):
        (tmp_path / "runs" / name / "journal").mkdir(parents=True)
    (tmp_path / "runs" / "20261121-140000-cccc").mkdir()  # It has written nothing.
    assert find(tmp_path, None).name == "20261121-130000-bbbb"
    first = find(tmp_path, "20261121-120000-aaaa")
    assert find(tmp_path / "elsewhere", str(first)) == first
    for var_dir, run in ((tmp_path, "nobody"), (tmp_path / "elsewhere", None)):
        with pytest.raises(FileNotFoundError):
            find(var_dir, run)
