"""The four strategies as sets of parameters: what each one sets unless somebody says otherwise.

A preset is weaker than `config.yaml` and everything above it, stronger than the defaults of the schema. Only the preset
of the strategy in force counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.config import FOUR, Config
from shared.config_leaves import Path, build

PRESETS: Mapping[str, Mapping[Path, object]] = {
    "fusion": {
        "scanner.symbols": FOUR,
    },
    "predator": {
        "exchange.profile": "labelled",
        "exchange.symbols": ("BTCUSDT", "ETHUSDT", "SOLUSDT", "SUIUSDT", "TOY01USDT", "TOY02USDT"),
        "scanner.symbols": (),
        "scanner.symbols_max": 1,
        "predator.ticks": 20,
        "predator.threshold_pct": 0.1,
        "brackets.stop_pct": 0.5,
        "brackets.target_pct": 1.0,
        "brackets.time_exit_s": 0.0,
        "risk.position_size_usdt": 1000.0,
        "risk.max_position_usdt": 1000.0,
        "risk.max_positions": 1,
        "risk.max_spread_bps": 20.0,
    },
    "orderflow": {
        "scanner.symbols": ("BTCUSDT",),
        "orderflow.trade": False,
        "monitor.line_s": 5.0,
        "monitor.alert_spread_pct": 0.8,
        "monitor.alert_latency_ms": 150.0,
        "monitor.alert_liquidity_btc": 5.0,
    },
    "indicator": {
        "scanner.symbols": ("BTCUSDT",),
        "candles.interval": "1m",
        "brackets.stop_pct": 2.0,
        "brackets.target_pct": 4.0,
        "brackets.time_exit_s": 0.0,
        "risk.position_size_usdt": 50.0,
        "risk.max_positions": 3,
        "risk.max_daily_loss_usdt": 100.0,
    },
}
"""Strategy -> path -> value."""


def config_of(strategy: str, values: Mapping[Path, object] | None = None) -> Config:
    """Return the configuration of a strategy as its preset has it, but for ``values``; nothing is read."""
    return build({"strategy": strategy, **PRESETS[strategy], **(values or {})})


def values_of(path: Path) -> dict[str, object]:
    """Return what each preset that speaks of a parameter makes of it."""
    return {name: preset[path] for name, preset in PRESETS.items() if path in preset}


def paths() -> set[Path]:
    """Return every parameter that some preset sets."""
    return {path for preset in PRESETS.values() for path in preset}
