import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.config import command
from shared.config import FOUR
from shared.config_leaves import leaves


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(*args: str) -> str:
    result = CliRunner().invoke(command, list(args), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_show_prints_each_value_with_its_origin() -> None:
    Path("config.yaml").write_text("risk: {leverage: 3}\n")
    Path(".env").write_text("BYBIT_API_SECRET=hidden\n")
    rows = {line.split()[0]: line.split()[1:] for line in said("show").splitlines()}
    assert rows["risk.leverage"] == ["3", "config.yaml:1"]
    assert rows["brackets.stop_pct"] == ["0.5", "default"]
    assert rows["api.secret"][0] == '"***"'
    assert set(leaves()) < set(rows)


def test_show_as_json_is_one_object() -> None:
    table = json.loads(said("show", "--json", "--set", "risk.leverage=4"))
    assert table["risk.leverage"] == {"value": 4, "origin": "command line"}
    assert table["scanner.symbols"] == {"value": list(FOUR), "origin": "preset fusion"}
    assert table["risk.max_positions"] == {"value": 3, "origin": "default"}


def test_check_says_that_all_is_well() -> None:
    assert said("check").startswith("configuration is valid")


def test_default_and_import_print_files_that_pass_the_check() -> None:
    Path("theirs.json").write_text('{"trading": {"symbol": "ETHUSDT"}, "risk": {"stop_loss_pct": 0.02}}')
    for text in (said("default"), said("import", "theirs.json")):
        Path("config.yaml").write_text(text)
        said("check")
    rows = {line.split()[0]: line.split()[1] for line in said("show").splitlines()}
    assert (rows["scanner.symbols"], rows["brackets.stop_pct"]) == ("[ETHUSDT]", "2.0")


def test_docs_print_a_page() -> None:
    assert said("docs").startswith("# Configuration")
