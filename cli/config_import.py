"""Other bots' TOML and JSON files in our words. Nothing is dropped in silence: unknown keys are errors."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from cli.config_render import text_of, tree
from shared import config_sources as sources
from shared.config_leaves import leaves
from shared.config_load import ConfigError

Convert = Callable[[Any], Any]


def _percent(fraction: Any) -> Any:
    """Return a fraction in percent, without the dust of binary multiplication."""
    is_number = isinstance(fraction, int | float) and not isinstance(fraction, bool)
    return float(Decimal(str(fraction)) * 100) if is_number else fraction


def _same(value: Any) -> Any:
    return value


KNOWN: dict[str, tuple[str, Convert]] = {
    "trading.symbol": ("scanner.symbols", lambda symbol: [symbol]),
    "trading.timeframe": ("candles.interval", _same),
    "trading.position_size_usdt": ("risk.position_size_usdt", _same),
    "trading.max_positions": ("risk.max_positions", _same),
    "risk.stop_loss_pct": ("brackets.stop_pct", _percent),
    "risk.take_profit_pct": ("brackets.target_pct", _percent),
    "indicators.luxfvgtrend.length": ("indicators.luxfvgtrend_length", _same),
    "indicators.luxfvgtrend.mult": ("indicators.luxfvgtrend_mult", _same),
    "indicators.tva.volume_ma_period": ("indicators.tva_volume_ma_period", _same),
    "indicators.cvd.length": ("indicators.cvd_length", _same),
    "indicators.vfi.period": ("indicators.vfi_period", _same),
    "indicators.atr.period": ("indicators.atr_period", _same),
    "data.lookback_bars.1m": ("candles.lookback_1m", _same),
    "data.lookback_bars.5m": ("candles.lookback_5m", _same),
    "data.lookback_bars.1h": ("candles.lookback_1h", _same),
    "system.log_level": ("log.level", lambda level: sources.log_level(str(level))),
}
"""Their path -> our path, and what becomes of the value."""

UNUSED = {
    "data.update_interval": "bars are complete the moment they end",
    "bybit.testnet": "set BYBIT_TESTNET in .env instead; it never selects real money",
}
"""Their paths (or the start of them) that are understood and have no effect here, and why."""


def as_yaml(name: str, data: bytes) -> str:
    """Return the YAML that says the same as the file called ``name``.

    Raises:
        ConfigError: The file is no TOML or JSON, or holds keys or values that mean nothing here: all of them.
    """
    values: dict[str, object] = {}
    theirs: dict[str, str] = {}
    unused: list[str] = []
    errors: list[str] = []
    for path, value in _flatten(_parse(name, data), ""):
        why = next((why for start, why in UNUSED.items() if f"{path}.".startswith(f"{start}.")), "")
        target, convert = KNOWN.get(path, (path, _same))
        if why:
            unused.append(f"# {path} = {text_of(value)}: kept here, {why}")
        elif target not in leaves():
            hint = sources.nearest(path, [*KNOWN, *UNUSED, *leaves()])
            reason = "secrets stand in .env only" if sources.is_secret(path) else f"unknown key{hint}"
            errors.append(f"{path}: {reason} ({name})")
        elif target in values:
            errors.append(f"{path}: says the same as {theirs[target]} ({name})")
        else:
            theirs[target] = path
            values[target] = _checked(path, value, target, convert(value), name, errors)
    if errors:
        raise ConfigError(errors)
    ordered = {path: values[path] for path in leaves() if path in values}
    comments = {path: f"from {theirs[path]}" for path in ordered}
    return "\n".join([f"# Imported from {name}.", *unused, *tree(ordered, comments), ""])


def _checked(path: str, value: object, target: str, ours: object, name: str, errors: list[str]) -> object:
    leaf = leaves()[target]
    try:
        return leaf.take(ours)
    except ValueError:
        scale = f"1/100 of {target}, which is " if target != path and path.endswith("_pct") else ""
        errors.append(f"{path} = {text_of(value)}: expected {scale}{leaf.expected} ({name})")
        return None


def _parse(name: str, data: bytes) -> dict[str, Any]:
    kind = PurePath(name).suffix.lower()
    try:
        if kind == ".toml":
            return tomllib.loads(data.decode())
        if kind == ".json":
            root = json.loads(data, object_pairs_hook=_no_twins)
            if isinstance(root, dict):
                return root
            raise ValueError("expected an object with sections")
    except ValueError as error:
        raise ConfigError([f"{name}: not {kind[1:].upper()}: {error}"]) from error
    raise ConfigError([f"{name}: expected a .toml or .json file"])


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key} is given twice")
        found[key] = value
    return found


def _flatten(node: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
