from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config_leaves import leaves
from shared.config_sources import (
    ALIASES,
    NAMES,
    Layer,
    is_secret,
    log_level,
    nearest,
    read_dotenv,
    read_environment,
    read_file,
    read_yaml,
)  # fmt: skip


def values(layer: Layer) -> dict[str, object]:
    return {setting.path: setting.value for setting in layer.settings}


def test_yaml_leaves_come_with_their_lines() -> None:
    layer = read_yaml("venue: local\nrisk:\n  leverage: 3\n  max_positions: 2\n", "config.yaml")
    assert [(s.path, s.value, s.origin) for s in layer.settings] == [
        ("venue", "local", "config.yaml:1"),
        ("risk.leverage", 3, "config.yaml:3"),
        ("risk.max_positions", 2, "config.yaml:4"),
    ]


def test_an_empty_file_and_an_empty_section_set_nothing() -> None:
    assert read_yaml("", "c") == Layer()
    assert read_yaml("risk:\n# nothing\nbrackets: {}\n", "c") == Layer()


def test_a_yaml_key_given_twice_is_an_error_at_every_depth() -> None:
    layer = read_yaml("risk: {leverage: 3, leverage: 4}\nvenue: local\nvenue: local\n", "c.yaml")
    assert layer.errors == [
        "risk.leverage: given twice, first on line 1 (c.yaml:1)",
        "venue: given twice, first on line 2 (c.yaml:3)",
    ]


@pytest.mark.parametrize(
    "text",
    ["[1", "- a", "a: b: c", "\x00", '"', "a: 1\n---\nb: 2", "? {a: 1}\n: 2", "a: !!int x", "a: !!python/tuple x"],
)
def test_what_is_not_a_tree_of_keys_is_one_error_line(text: str) -> None:
    layer = read_yaml(text, "c.yaml")
    assert len(layer.errors) == 1
    assert "\n" not in layer.errors[0]
    assert "c.yaml" in layer.errors[0]


def test_a_yaml_file_that_contains_itself_comes_to_an_end() -> None:
    layer = read_yaml("a: &x {b: *x}", "c.yaml")
    assert len(layer.errors) + len(layer.settings) == 1


@given(st.text(max_size=200))
def test_any_text_gives_settings_or_errors(text: str) -> None:
    read_yaml(text, "c.yaml")
    read_dotenv(text, ".env")


def test_dotenv_names_find_their_leaves_with_lines() -> None:
    layer = read_dotenv("# note\n\nexport STOP_LOSS_PERCENT=0.7 # tight\nPEREGRINE__RISK__LEVERAGE='3'\n", ".env")
    assert [(s.path, s.value, s.origin, s.is_text) for s in layer.settings] == [
        ("brackets.stop_pct", "0.7", ".env:3 STOP_LOSS_PERCENT", True),
        ("risk.leverage", "3", ".env:4 PEREGRINE__RISK__LEVERAGE", True),
    ]


def test_keys_and_switches_are_kept_apart_from_settings() -> None:
    layer = read_dotenv("BYBIT_API_KEY=abc\nBYBIT_TESTNET=true\n", ".env")
    assert layer.settings == []
    assert layer.secrets == {"api.key": ("abc", ".env:1 BYBIT_API_KEY")}
    assert layer.switches == {"BYBIT_TESTNET": ("true", ".env:2 BYBIT_TESTNET")}


def test_dotenv_refuses_what_it_does_not_know_without_showing_values() -> None:
    layer = read_dotenv("STOP_LOSS_PERCNT=0.7\nFOO\nBYBIT_API_KEY=hidden\nBYBIT_API_KEY=hidden2\n", ".env")
    assert sorted(layer.errors) == [
        ".env:2: expected NAME=value",
        "BYBIT_API_KEY: given twice, first at .env:3 (.env:4)",
        "STOP_LOSS_PERCNT: unknown name; nearest: STOP_LOSS_PERCENT (.env:1)",
    ]


def test_the_environment_may_hold_anything_else() -> None:
    layer = read_environment({"HOME": "/", "STOP_LOSS_PERCNT": "1", "PEREGRINE_FULL": "1", "MAX_SPREAD_BPS": " 5 "})
    assert layer.errors == []
    assert values(layer) == {"risk.max_spread_bps": "5"}


def test_a_known_name_without_a_value_counts_as_absent() -> None:
    assert read_dotenv("BYBIT_API_KEY=\nSTOP_LOSS_PERCENT= \nBYBIT_TESTNET=\n", ".env") == Layer()


@pytest.mark.parametrize(
    ("text", "level"),
    [("info", "info"), ("WARN", "warning"), ("hyper=debug,trace", "trace"), ("hyper=debug", ""), ("", "")],
)
def test_rust_log_says_one_level_for_us_or_none(text: str, level: str) -> None:
    assert log_level(text) == level


def test_every_alias_sets_a_leaf_that_exists() -> None:
    assert set(ALIASES.values()) <= set(leaves())
    assert set(ALIASES) <= set(NAMES)


@pytest.mark.parametrize(
    ("path", "secret"), [("api.key", True), ("bybit.api_secret", True), ("exchange.api_key", False)]
)
def test_only_the_local_exchanges_pair_is_no_secret(path: str, secret: bool) -> None:
    assert is_secret(path) is secret


def test_the_nearest_name_is_offered_only_when_there_is_one() -> None:
    assert nearest("leverge", ["leverage", "depth"]) == "; nearest: leverage"
    assert nearest("zzz", ["leverage", "depth"]) == ""


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ValueError, match=r"config\.yaml: not UTF-8 text"):
        read_file(tmp_path / "config.yaml")
