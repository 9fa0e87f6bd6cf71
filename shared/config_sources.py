"""Where settings come from: a YAML file, a .env file, the environment. Each says what it set, and on which line.

A source does not judge values; it finds keys given twice, names it has never heard of, and what cannot be read at all.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from dotenv.parser import parse_stream

from shared.config_leaves import leaves

PREFIX = "PEREGRINE__"  # PEREGRINE__RISK__LEVERAGE=3 sets risk.leverage.

ALIASES = {
    "MAX_POSITION_SIZE_USD": "risk.max_position_usdt",
    "STOP_LOSS_PERCENT": "brackets.stop_pct",
    "TAKE_PROFIT_PERCENT": "brackets.target_pct",
    "SCAN_INTERVAL_SECS": "scanner.interval_s",
    "MIN_TURNOVER_24H_USD": "scanner.min_turnover_usdt",
    "SCORE_THRESHOLD_MULTIPLIER": "scanner.switch_multiplier",
    "MAX_SPREAD_BPS": "risk.max_spread_bps",
    "STALE_DATA_THRESHOLD_MS": "ingest.stale_ms",
    "RUST_LOG": "log.level",
    "BOT_TRADING_SYMBOL": "scanner.symbols",
}
"""Names that other bots' .env files use, and the leaf each one sets."""

TESTNET = ("BYBIT_TESTNET", "BOT_BYBIT_TESTNET")
SECRETS = {"BYBIT_API_KEY": "api.key", "BYBIT_API_SECRET": "api.secret"}
NAMES = (*SECRETS, *TESTNET, *ALIASES)

_DEPTH_MAX = 6  # Of nested sections; the schema needs three.
_SECRET_KEY = re.compile(r"(^|[._])(api_?key|api_?secret|key|secret|token|password)$", re.IGNORECASE)


@dataclass(frozen=True)
class Setting:
    """One value for one leaf, as its source has it."""

    path: str
    value: object
    origin: str
    is_text: bool = False  # Text that still has to be understood; else already typed.


@dataclass
class Layer:
    """What one source says."""

    settings: list[Setting] = field(default_factory=list)
    switches: dict[str, tuple[str, str]] = field(default_factory=dict)  # BYBIT_TESTNET and its like: text, origin.
    secrets: dict[str, tuple[str, str]] = field(default_factory=dict)  # api.key, api.secret: text, origin.
    errors: list[str] = field(default_factory=list)


def is_secret(path: str) -> bool:
    """Whether a value under this name must not be shown. The local exchange's own pair is no secret."""
    return bool(_SECRET_KEY.search(path)) and not path.startswith("exchange.")


def read_yaml(text: str, name: str) -> Layer:
    """Return what the YAML ``text`` of the file called ``name`` sets."""
    layer = Layer()
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        layer.errors.append(_not_yaml(error, name))
        return layer
    if isinstance(root, yaml.MappingNode):
        for path, node in _flatten(root, "", 1, name, layer.errors):
            origin = f"{name}:{node.start_mark.line + 1}"
            try:
                value = loader.construct_object(node, deep=True)
                layer.settings.append(Setting(path, value, origin))
            except (yaml.YAMLError, ValueError):
                layer.errors.append(f"{path}: the tag {node.tag} does not fit ({origin})")
    elif root is not None:
        layer.errors.append(f"{name}: expected sections and keys, got something else")
    return layer


def _not_yaml(error: yaml.YAMLError, name: str) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    reason = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error)
    return f"{name}{f':{mark.line + 1}' if mark else ''}: not YAML: {' '.join(str(reason).split())}"


def _flatten(
    node: yaml.MappingNode, prefix: str, depth: int, name: str, errors: list[str]
) -> Iterator[tuple[str, Any]]:
    """Yield (path, node) of every leaf; a section without content sets nothing."""
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            errors.append(f"{name}:{line}: a key must be a word")
            continue
        path = prefix + key.value
        if key.value in seen:
            errors.append(f"{path}: given twice, first on line {seen[key.value]} ({name}:{line})")
        elif isinstance(value, yaml.MappingNode) and depth < _DEPTH_MAX:
            yield from _flatten(value, path + ".", depth + 1, name, errors)
        elif value.tag != "tag:yaml.org,2002:null" or path in leaves():
            yield path, value
        seen.setdefault(key.value, line)


def read_dotenv(text: str, name: str) -> Layer:
    """Return what the .env ``text`` of the file called ``name`` sets. Names it does not know are errors."""
    layer = Layer()
    found: dict[str, tuple[str, str]] = {}
    for binding in parse_stream(io.StringIO(text)):
        line = binding.original.line + (len(binding.original.string) - len(binding.original.string.lstrip("\r\n")))
        if binding.error or (binding.key and binding.value is None):
            layer.errors.append(f"{name}:{line}: expected NAME=value")
        elif binding.key and binding.key in found:
            layer.errors.append(f"{binding.key}: given twice, first at {found[binding.key][1]} ({name}:{line})")
        elif binding.key:
            found[binding.key] = (binding.value or "", f"{name}:{line}")
    _sort_in(layer, found, refuse_unknown=True)
    return layer


def read_environment(environ: Mapping[str, str]) -> Layer:
    """Return what the process environment sets. Names outside our own are other people's."""
    layer = Layer()
    _sort_in(layer, {name: (text, "environment") for name, text in environ.items()}, refuse_unknown=False)
    return layer


def _sort_in(layer: Layer, found: Mapping[str, tuple[str, str]], *, refuse_unknown: bool) -> None:
    """Put each name where it belongs. An alias without a value is as good as absent."""
    for name, (text, where) in found.items():
        origin = f"{where} {name}"
        if name.startswith(PREFIX):
            path = name.removeprefix(PREFIX).lower().replace("__", ".")
            layer.settings.append(Setting(path, text, origin, is_text=True))
        elif name in NAMES and not text.strip():
            continue
        elif name in SECRETS:
            layer.secrets[SECRETS[name]] = (text.strip(), origin)
        elif name in TESTNET:
            layer.switches[name] = (text.strip(), origin)
        elif name in ALIASES:
            meant = log_level(text) if name == "RUST_LOG" else text.strip()
            if meant:
                layer.settings.append(Setting(ALIASES[name], meant, origin, is_text=True))
        elif refuse_unknown:
            layer.errors.append(f"{name}: unknown name{nearest(name, [*NAMES, PREFIX + 'SECTION__KEY'])} ({where})")


def log_level(text: str) -> str:
    """Return the level in a RUST_LOG text such as "info" or "hyper=warn,debug"; empty when it names none for us."""
    bare = [part.strip().lower() for part in text.split(",") if part.strip() and "=" not in part]
    return {"warn": "warning"}.get(bare[-1], bare[-1]) if bare else ""


def nearest(word: str, known: list[str]) -> str:
    """Return "; nearest: X" for the valid name that ``word`` most resembles, or nothing."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; nearest: {close[0]}" if close else ""


def read_file(path: Path) -> str:
    """Return the text of a configuration file. Raises ValueError where it is not text."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: not UTF-8 text (byte {error.start})") from error
