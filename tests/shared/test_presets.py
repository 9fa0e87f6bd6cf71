import pytest

from shared.config_checks import contradictions
from shared.config_leaves import leaves
from shared.presets import PRESETS, config_of, paths, values_of


def test_every_strategy_has_a_preset() -> None:
    assert leaves()["strategy"].expected == f"one of {', '.join(sorted(PRESETS))}"


@pytest.mark.parametrize("strategy", PRESETS)
def test_a_preset_sets_parameters_that_exist_to_values_they_accept(strategy: str) -> None:
    for path, value in PRESETS[strategy].items():
        assert leaves()[path].take(value) == value


@pytest.mark.parametrize("strategy", PRESETS)
def test_a_preset_contradicts_nothing(strategy: str) -> None:
    assert list(contradictions(config_of(strategy))) == []


def test_predator_is_what_its_origin_says() -> None:
    config = config_of("predator")
    assert (config.predator.ticks, config.predator.threshold_pct) == (20, 0.1)
    assert (config.brackets.stop_pct, config.brackets.target_pct, config.brackets.time_exit_s) == (0.5, 1.0, 0.0)
    assert (config.risk.max_position_usdt, config.risk.max_spread_bps, config.ingest.stale_ms) == (1000.0, 20.0, 500)
    scanner = config.scanner
    assert (scanner.interval_s, scanner.candidates_max, scanner.min_turnover_usdt) == (60.0, 50, 10_000_000.0)
    assert (scanner.symbols, scanner.symbols_max, scanner.switch_multiplier) == ((), 1, 1.2)
    assert (scanner.whitelist_factor, scanner.exclude_coins[:2]) == (1.3, ("BTC", "ETH"))
    assert scanner.whitelist == ("SUI", "WIF", "VIRTUAL", "RENDER", "SEI", "PEPE")


def test_indicator_is_what_its_origin_says() -> None:
    config = config_of("indicator")
    assert (config.scanner.symbols, config.candles.interval) == (("BTCUSDT",), "1m")
    assert (config.brackets.stop_pct, config.brackets.target_pct) == (2.0, 4.0)
    assert (config.risk.position_size_usdt, config.risk.max_positions) == (50.0, 3)
    assert config.risk.max_daily_loss_usdt == 100.0


def test_orderflow_is_what_its_origin_says() -> None:
    config = config_of("orderflow")
    assert (config.scanner.symbols, config.orderflow.trade) == (("BTCUSDT",), False)
    monitor = config.monitor
    assert (monitor.line_s, monitor.alert_spread_pct, monitor.alert_latency_ms) == (5.0, 0.8, 150.0)
    assert monitor.alert_liquidity_btc == 5.0


def test_values_are_stronger_than_the_preset() -> None:
    config = config_of("indicator", {"brackets.stop_pct": 3.0, "exchange.seed": 7})
    assert (config.strategy, config.brackets.stop_pct, config.exchange.seed) == ("indicator", 3.0, 7)
    assert config.brackets.target_pct == 4.0


def test_what_presets_say_of_one_parameter() -> None:
    assert values_of("brackets.stop_pct") == {"predator": 0.5, "indicator": 2.0}
    assert values_of("log.level") == {}
    assert "brackets.stop_pct" in paths()
    assert "log.level" not in paths()
