from pathlib import Path

import pytest
import yaml

from cli.config_render import as_markdown, as_yaml, text_of
from shared.config import Config
from shared.config_leaves import leaves
from shared.config_load import load
from shared.config_sources import NAMES, read_yaml

ROOT = Path(__file__).resolve().parents[2]


def test_config_yaml_holds_every_parameter_at_its_default() -> None:
    layer = read_yaml((ROOT / "config.yaml").read_text(), "config.yaml")
    assert not layer.errors
    found = {setting.path: leaves()[setting.path].take(setting.value) for setting in layer.settings}
    assert found == {path: leaf.default for path, leaf in leaves().items()}


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
    assert load(config_file=tmp_path / "config.yaml").config == Config()


@pytest.mark.parametrize(
    "value", [True, 5, 0.5, 1e7, "word", "", "two words", "a: b", "0123", "yes", "ab-c", "1e3", "1:30", ["A", "no"], []]
)
def test_text_of_a_value_reads_back_as_the_value(value: object) -> None:
    assert yaml.safe_load(text_of(value)) == value
