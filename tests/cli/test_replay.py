"""`peregrine replay` in the terminal."""

from pathlib import Path

from click.testing import CliRunner

from cli.replay import replay
from shared.exits import Exit
from tests.replay.test_runs import record


def test_a_run_told_again_is_a_line_a_worker(tmp_path: Path) -> None:
    record(tmp_path)
    result = CliRunner().invoke(replay, [str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert result.output.split()[:2] == ["scanner", "start"]


def test_a_difference_ends_with_an_error(tmp_path: Path) -> None:
    record(tmp_path, twist=True)
    result = CliRunner().invoke(replay, [str(tmp_path)])
    assert result.exit_code == Exit.FAILURE
    assert "the core says" in result.stderr
