"""Log lines: one JSON object each, and no secret in any of them."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from shared import log

CANARY = "canary-secret-0123456789"


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    log.set_up("ingest", "run-1", tmp_path, "INFO")
    yield tmp_path / "ingest.jsonl"
    log.stop()


def test_a_line_is_one_json_object(path: Path) -> None:
    log.say("INFO", "book.gap", "u jumped {by} 3", "BTCUSDT")
    (entry,) = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert (entry["ev"], entry["sym"], entry["msg"]) == ("book.gap", "BTCUSDT", "u jumped {by} 3")
    assert (entry["lvl"], entry["proc"], entry["run"]) == ("INFO", "ingest", "run-1")


def test_levels_below_the_configured_one_are_not_written(path: Path) -> None:
    log.say("DEBUG", "book.delta", "nothing")
    assert path.read_bytes() == b""


def test_a_secret_never_reaches_a_sink(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.hide(CANARY)
    log.say("ERROR", "rest.failed", f"body {CANARY}")
    try:
        raise ValueError(f"key {CANARY} refused")
    except ValueError as error:
        log.failed("worker.crashed", error)
    assert CANARY not in path.read_text() + capsys.readouterr().err
    assert path.read_text().count("***") == 3
    assert "test_log.py" in path.read_text()


def test_files_rotate_and_stay_few(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "FILE_BYTES_MAX", 200)
    for number in range(40):
        log.say("INFO", "test.line", f"line {number}")
    files = sorted(found.name for found in path.parent.iterdir())
    assert len(files) <= log.FILES_MAX
    assert "line 39" in path.read_text()
