import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import COMMANDS, app, main
from shared.exits import Exit


def exit_code(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["peregrine", *args])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_every_listed_command_can_be_called() -> None:
    for name in COMMANDS:
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


def test_each_kind_of_failure_has_its_exit_code_and_lines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exit_code(monkeypatch, "config", "check") == Exit.OK
    assert exit_code(monkeypatch, "no-such-command") == Exit.USAGE
    assert exit_code(monkeypatch, "config", "check", "-c", "nowhere.yaml") == Exit.NOT_FOUND
    capsys.readouterr()
    assert (
        exit_code(monkeypatch, "config", "check", "--set", "risk.levrage=3", "--set", "venue=mars") == Exit.BAD_CONFIG
    )
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" = ")[0] for line in lines] == ["risk.levrage", "venue"]


def test_a_command_imports_only_what_it_needs() -> None:
    heavy = "{'numpy', 'zmq', 'aiohttp', 'pybit'} & set(sys.modules)"
    code = f"import sys, cli.main as m\nm.app(['config', 'check'], standalone_mode=False)\nassert not {heavy}, {heavy}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
