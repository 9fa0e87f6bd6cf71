from pathlib import Path

import pytest

from shared.config import Brackets, Config
from shared.config_load import ConfigError, Effective, confirm_real_money, load, read_credentials, rows
from shared.presets import PRESETS, config_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text("")
    return tmp_path


def loaded(folder: Path, yaml: str = "", env: str = "", **more: dict[str, object]) -> Effective:
    (folder / "config.yaml").write_text(yaml)
    (folder / ".env").write_text(env)
    return load(config_file=folder / "config.yaml", **more)  # type: ignore[arg-type]


def errors(folder: Path, yaml: str = "", env: str = "", **more: dict[str, object]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, yaml, env, **more)
    return caught.value.lines


def test_without_any_source_everything_is_at_its_default(folder: Path) -> None:
    effective = loaded(folder)
    assert effective.config == config_of("fusion")
    assert {path for path, origin in effective.origins.items() if origin != "default"} == set(PRESETS["fusion"])


def test_the_preset_of_the_strategy_in_force_is_stronger_than_the_defaults_and_weaker_than_everything_else(
    folder: Path,
) -> None:
    yaml = "strategy: indicator\nrisk: {max_positions: 7}\nbrackets: {target_pct: 5}\n"
    effective = loaded(folder, yaml, overrides={"strategy": "predator", "risk.position_size_usdt": "99"})
    config, origins = effective.config, effective.origins
    assert (config.strategy, config.scanner.symbols, config.scanner.symbols_max) == ("predator", (), 1)
    assert (origins["scanner.symbols_max"], origins["brackets.stop_pct"]) == ("preset predator", "preset predator")
    assert (config.risk.max_positions, origins["risk.max_positions"]) == (7, "config.yaml:2")
    assert (config.brackets.stop_pct, config.brackets.target_pct) == (0.5, 5.0)
    assert (config.risk.position_size_usdt, origins["risk.position_size_usdt"]) == (99.0, "command line")


@pytest.mark.parametrize("source", ["config.yaml", ".env", "environment"])
def test_the_strategy_may_be_named_by_any_source(folder: Path, source: str) -> None:
    yaml = "strategy: indicator\n" if source == "config.yaml" else ""
    env = "PEREGRINE__STRATEGY=indicator\n" if source == ".env" else ""
    environ = {"PEREGRINE__STRATEGY": "indicator"} if source == "environment" else {}
    effective = loaded(folder, yaml, env, environ=environ)
    assert effective.config.brackets.stop_pct == 2.0
    assert effective.origins["brackets.stop_pct"] == "preset indicator"


@pytest.mark.parametrize("strategy", ["[predator]", "scalper", "5"])
def test_a_strategy_that_does_not_exist_is_one_error_and_has_no_preset(folder: Path, strategy: str) -> None:
    (line,) = errors(folder, f"strategy: {strategy}\n")
    assert line.startswith("strategy = ")


def test_what_contradicts_a_preset_says_so(folder: Path) -> None:
    (line,) = errors(folder, "strategy: predator\nscanner: {symbols: [AUSDT, BUSDT]}\n")
    assert line.endswith("expected at most scanner.symbols_max = 1 (config.yaml:2, preset predator)")


def test_each_source_is_stronger_than_the_one_before(folder: Path) -> None:
    yaml = "brackets: {stop_pct: 0.1, target_pct: 2, time_exit_s: 3}\nrisk:\n  leverage: 2\n"
    effective = loaded(
        folder,
        yaml,
        "STOP_LOSS_PERCENT=0.2\nTAKE_PROFIT_PERCENT=4\nPEREGRINE__BRACKETS__TIME_EXIT_S=5\n",
        environ={"STOP_LOSS_PERCENT": "0.3", "PEREGRINE__BRACKETS__TARGET_PCT": "6"},
        overrides={"brackets.stop_pct": 0.4},
    )
    brackets = effective.config.brackets
    assert (brackets.stop_pct, brackets.target_pct, brackets.time_exit_s) == (0.4, 6.0, 5.0)
    assert effective.origins["brackets.stop_pct"] == "command line"
    assert effective.origins["brackets.target_pct"] == "environment PEREGRINE__BRACKETS__TARGET_PCT"
    assert effective.origins["brackets.time_exit_s"] == ".env:3 PEREGRINE__BRACKETS__TIME_EXIT_S"
    assert effective.origins["risk.leverage"] == "config.yaml:3"


def test_all_errors_of_all_sources_are_said_at_once(folder: Path) -> None:
    lines = errors(
        folder,
        "risk:\n  levrage: 5\n  leverage: 500\nexchnage: {port: 1}\nbrackets: 5\n",
        "MAX_SPREAD_BPS=wide\n",
        environ={"PEREGRINE__SIGNALS__WEIGHTS__OBY": "1"},
        overrides={"venue": "mars"},
    )
    assert lines == [
        "risk.levrage = 5: unknown key; nearest: risk.leverage (config.yaml:2)",
        "risk.leverage = 500: expected a whole number >= 1 and <= 100 (config.yaml:3)",
        "exchnage.port = 1: unknown key; nearest: exchange.port (config.yaml:4)",
        f"brackets = 5: expected a section with {', '.join(Brackets.__struct_fields__)} (config.yaml:5)",
        "risk.max_spread_bps = 'wide': expected a number > 0 and <= 1,000 (.env:1 MAX_SPREAD_BPS)",
        "signals.weights.oby = '1': unknown key; nearest: signals.weights.obi "
        "(environment PEREGRINE__SIGNALS__WEIGHTS__OBY)",
        "venue = 'mars': expected one of demo, local, mainnet, paper, testnet (command line)",
    ]


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "1e999", "half"])
def test_a_stop_that_is_no_distance_is_refused(folder: Path, text: str) -> None:
    assert len(errors(folder, environ={"STOP_LOSS_PERCENT": text})) == 1


def test_yaml_numbers_must_be_numbers_and_not_yes(folder: Path) -> None:
    assert len(errors(folder, "risk: {leverage: yes}\nbrackets: {stop_pct: '0.5'}\n")) == 2


def test_two_names_for_one_leaf_in_one_source_are_an_error(folder: Path) -> None:
    (line,) = errors(folder, env="STOP_LOSS_PERCENT=0.5\nPEREGRINE__BRACKETS__STOP_PCT=0.6\n")
    assert line.startswith("brackets.stop_pct: set twice (.env:1 STOP_LOSS_PERCENT, .env:2 ")


def test_contradictions_name_the_origins_of_both_sides(folder: Path) -> None:
    (line,) = errors(folder, "signals: {umom_slow_s: 1}\n", environ={"PEREGRINE__SIGNALS__UMOM_FAST_S": "2"})
    assert line.endswith("(environment PEREGRINE__SIGNALS__UMOM_FAST_S, config.yaml:1)")


def test_secrets_in_the_config_file_are_refused_and_not_shown(folder: Path) -> None:
    (line,) = errors(folder, "api: {key: abcdef}\n")
    assert "abcdef" not in line
    assert ".env" in line


def test_the_confirmation_cannot_be_written_into_a_file(folder: Path) -> None:
    (line,) = errors(folder, "i_understand_real_money: true\n")
    assert "only on the command line" in line


def test_long_values_are_shortened(folder: Path) -> None:
    (line,) = errors(folder, f"venue: {'x' * 10_000}\n")
    assert len(line) < 200


def test_a_named_file_must_exist_and_an_unnamed_one_need_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load().config == config_of("fusion")
    with pytest.raises(FileNotFoundError):
        load(config_file=tmp_path / "other.yaml")


@pytest.mark.parametrize("switch", ["false", "true", "0"])
@pytest.mark.parametrize("name", ["BYBIT_TESTNET", "BOT_BYBIT_TESTNET"])
def test_the_testnet_switch_alone_leads_nowhere(folder: Path, name: str, switch: str) -> None:
    assert loaded(folder, environ={name: switch}).config.venue == "local"
    assert loaded(folder, "venue: testnet\n", environ={name: switch}).config.venue == "testnet"


@pytest.mark.parametrize("name", ["BYBIT_TESTNET", "BOT_BYBIT_TESTNET"])
def test_the_testnet_switch_holds_back_mainnet_from_any_source(folder: Path, name: str) -> None:
    effective = loaded(folder, env=f"{name}=true\n", overrides={"venue": "mainnet"})
    assert effective.config.venue == "testnet"
    assert effective.origins["venue"] == f".env:1 {name}=true (held back mainnet from command line)"


def test_the_environments_switch_beats_the_files(folder: Path) -> None:
    effective = loaded(folder, "venue: mainnet\n", "BYBIT_TESTNET=true\n", environ={"BYBIT_TESTNET": "false"})
    assert effective.config.venue == "mainnet"


def test_a_switch_that_is_neither_true_nor_false_is_an_error(folder: Path) -> None:
    (line,) = errors(folder, environ={"BYBIT_TESTNET": "maybe"})
    assert line == "BYBIT_TESTNET = 'maybe': expected true or false (environment BYBIT_TESTNET)"


def test_real_money_takes_the_typed_confirmation(folder: Path) -> None:
    config = loaded(folder, "venue: mainnet\n").config
    with pytest.raises(ConfigError, match="--i-understand-real-money"):
        confirm_real_money(config, typed=False)
    confirm_real_money(config, typed=True)
    confirm_real_money(Config(), typed=False)


def test_the_local_exchange_needs_no_keys() -> None:
    pair = read_credentials(Config(), env_file=Path("nowhere"))
    assert (pair.key, pair.secret) == ("local", "local-secret")


def test_keys_of_a_real_venue_come_from_env_file_or_environment(tmp_path: Path) -> None:
    config = Config(venue="testnet")
    env = tmp_path / ".env"
    env.write_text("BYBIT_API_KEY=from-file\nBYBIT_API_SECRET=too\n")
    env.chmod(0o600)
    assert read_credentials(config, env_file=env).key == "from-file"
    assert read_credentials(config, env_file=env, environ={"BYBIT_API_KEY": "stronger"}).key == "stronger"


def test_missing_and_placeholder_keys_are_both_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_credentials(
            Config(venue="testnet"), env_file=tmp_path / ".env", environ={"BYBIT_API_SECRET": "your_secret"}
        )
    assert [line.split(":")[0] for line in caught.value.lines] == ["BYBIT_API_KEY", "BYBIT_API_SECRET"]


def test_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("BYBIT_API_KEY=a\nBYBIT_API_SECRET=b\n")
    env.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_credentials(Config(venue="mainnet"), env_file=env)


def test_rows_show_every_value_and_only_stars_for_keys(folder: Path) -> None:
    shown = {path: (value, origin) for path, value, origin in rows(loaded(folder, env="BYBIT_API_KEY=hidden\n"))}
    assert shown["risk.leverage"] == (5, "default")
    assert shown["api.key"] == ("***", ".env:1 BYBIT_API_KEY")
    assert shown["api.secret"] == ("", "unset")
