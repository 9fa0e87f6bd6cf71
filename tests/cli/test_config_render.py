import re
from pathlib import Path

import pytest
import yaml

from cli.config_render import as_markdown, as_yaml, text_of
from shared import presets
from shared.config_leaves import leaves
from shared.config_load import load
from shared.config_sources import NAMES, read_yaml

ROOT = Path(__file__).resolve().parents[2]


def test_config_yaml_holds_every_parameter_at_its_default() -> None:
    layer = read_yaml((ROOT / "config.yaml").read_text(), "config.yaml")
    assert not layer.errors
    found = {setting.path: leaves()[setting.path].take(setting.value) for setting in layer.settings}
    assert found == {path: leaf.default for path, leaf in leaves().items() if path not in presets.paths()}


def test_config_yaml_leaves_to_the_presets_what_they_set_and_says_so() -> None:
    text = (ROOT / "config.yaml").read_text()
    awake = read_yaml(re.sub(r"^( *)# (?=[a-z_]+: )", r"\1", text, flags=re.MULTILINE), "config.yaml")
    assert not awake.errors
    found = {setting.path: leaves()[setting.path].take(setting.value) for setting in awake.settings}
    assert found == {path: leaf.default for path, leaf in leaves().items()}
    (line,) = [line for line in text.splitlines() if line.startswith("  # stop_pct:")]
    assert line.endswith("percent. Presets: predator 0.5, indicator 2.0.")


@pytest.mark.parametrize("strategy", presets.PRESETS)
def test_config_yaml_overrides_no_preset(strategy: str) -> None:
    effective = load(config_file=ROOT / "config.yaml", env_file=Path("/dev/null"), overrides={"strategy": strategy})
    for path in presets.PRESETS[strategy]:
        assert effective.origins[path] == f"preset {strategy}"


def test_config_yaml_has_a_comment_at_every_value() -> None:
    for line in (ROOT / "config.yaml").read_text().splitlines():
        assert not line.strip() or "#" in line or line.endswith(":"), line


def test_the_page_on_configuration_is_up_to_date() -> None:
    page = ROOT / "docs" / "configuration.md"
    assert page.read_text() == as_markdown(), "write it anew: peregrine config docs > docs/configuration.md"


def test_the_page_names_every_parameter_and_every_known_name() -> None:
    page = as_markdown()
    assert not [name for name in (*leaves(), *NAMES) if f"`{name}`" not in page]


def test_rendered_yaml_is_the_default_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(as_yaml())
    (tmp_path / "empty.yaml").write_text("")
    assert load(config_file=tmp_path / "config.yaml").config == load(config_file=tmp_path / "empty.yaml").config


def test_the_page_shows_what_each_preset_makes_of_a_parameter() -> None:
    assert "| `brackets.stop_pct` | `0.5` |  | `0.5` |  | `2.0` |" in as_markdown().splitlines()


@pytest.mark.parametrize(
    "value", [True, 5, 0.5, 1e7, "word", "", "two words", "a: b", "0123", "yes", "ab-c", "1e3", "1:30", ["A", "no"], []]
)
def test_text_of_a_value_reads_back_as_the_value(value: object) -> None:
    assert yaml.safe_load(text_of(value)) == value
