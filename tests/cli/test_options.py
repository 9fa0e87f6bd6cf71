from pathlib import Path

import pytest

from cli.options import effective
from shared.config_load import ConfigError


def test_set_and_own_options_reach_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = effective(None, ("risk.leverage=3", "exchange.market=a=b"), {"venue": "testnet"})
    assert (found.config.risk.leverage, found.config.exchange.market, found.config.venue) == (3, "a=b", "testnet")


def test_the_environment_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STOP_LOSS_PERCENT", "0.25")
    assert effective(None, ()).config.brackets.stop_pct == 0.25


def test_a_setting_without_a_value_is_an_error() -> None:
    with pytest.raises(ConfigError, match="expected PATH=VALUE"):
        effective(None, ("risk.leverage",))
