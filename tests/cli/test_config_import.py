import pytest
import yaml

from cli.config_import import as_yaml
from shared.config_load import ConfigError

JSON = b"""{
  "trading": {"symbol": "BTCUSDT", "timeframe": "1m", "position_size_usdt": 50.0, "max_positions": 3},
  "risk": {"stop_loss_pct": 0.02, "take_profit_pct": 0.07, "max_daily_loss_usdt": 100.0},
  "indicators": {"luxfvgtrend": {"length": 15, "mult": 2.5}, "tva": {"volume_ma_period": 21}, "cvd": {"length": 22},
                 "vfi": {"period": 131}, "atr": {"period": 16}},
  "data": {"lookback_bars": {"1m": 1999, "5m": 998, "1h": 197}, "update_interval": 60},
  "system": {"log_level": "INFO"}
}"""


def refused(name: str, data: bytes) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        as_yaml(name, data)
    return caught.value.lines


def test_a_json_file_keeps_its_meaning_and_fractions_become_percent() -> None:
    assert yaml.safe_load(as_yaml("config.json", JSON)) == {
        "log": {"level": "info"},
        "scanner": {"symbols": ["BTCUSDT"]},
        "brackets": {"stop_pct": 2.0, "target_pct": 7.0},
        "candles": {"interval": "1m", "lookback_1m": 1999, "lookback_5m": 998, "lookback_1h": 197},
        "indicators": {
            "luxfvgtrend_length": 15,
            "luxfvgtrend_mult": 2.5,
            "tva_volume_ma_period": 21,
            "cvd_length": 22,
            "vfi_period": 131,
            "atr_period": 16,
        },
        "risk": {"position_size_usdt": 50.0, "max_positions": 3, "max_daily_loss_usdt": 100.0},
    }


def test_what_is_understood_but_not_used_is_kept_as_a_comment() -> None:
    comments = [line for line in as_yaml("config.json", JSON).splitlines() if "kept here" in line]
    assert comments == ["# data.update_interval = 60: kept here, bars are complete the moment they end"]


def test_a_toml_file_may_use_their_words_and_ours() -> None:
    text = as_yaml("default.toml", b'[trading]\nsymbol = "ETHUSDT"\n[bybit]\ntestnet = true\n[risk]\nleverage = 3\n')
    assert yaml.safe_load(text) == {"scanner": {"symbols": ["ETHUSDT"]}, "risk": {"leverage": 3}}
    assert "never selects real money" in text


def test_all_errors_of_a_file_are_said_at_once() -> None:
    data = b"""{"trading": {"symbl": "X"}, "bybit": {"api_key": "q7"},
               "risk": {"stop_loss_pct": 2, "take_profit_pct": true}}"""
    assert refused("c.json", data) == [
        "trading.symbl: unknown key; nearest: trading.symbol (c.json)",
        "bybit.api_key: secrets stand in .env only (c.json)",
        "risk.stop_loss_pct = 2: expected 1/100 of brackets.stop_pct, which is a number > 0 and <= 50 (c.json)",
        "risk.take_profit_pct = true: expected 1/100 of brackets.target_pct, which is a number > 0 and <= 100 (c.json)",
    ]


def test_two_keys_with_one_meaning_are_an_error() -> None:
    (line,) = refused("c.json", b'{"risk": {"stop_loss_pct": 0.02}, "brackets": {"stop_pct": 1.0}}')
    assert line == "brackets.stop_pct: says the same as risk.stop_loss_pct (c.json)"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("c.json", b"{"),
        ("c.json", b"[]"),
        ("c.json", b'{"risk": {"leverage": 1, "leverage": 2}}'),
        ("c.json", b"\xff\xfe"),
        ("c.toml", b"a = "),
        ("c.toml", b"a = 1\na = 2"),
        ("c.toml", b"\xff"),
        ("c.ini", b""),
    ],
)
def test_what_cannot_be_read_is_one_line(name: str, data: bytes) -> None:
    (line,) = refused(name, data)
    assert line.startswith(f"{name}: ")


def test_a_number_that_is_none_is_refused() -> None:
    assert len(refused("c.toml", b"[risk]\nstop_loss_pct = nan\n")) == 1
    assert len(refused("c.toml", b"[risk]\nmax_daily_loss_usdt = 1979-05-27\n")) == 1
    assert len(refused("c.json", b'{"risk": {"max_daily_loss_usdt": Infinity}}')) == 1
