"""One effective configuration out of all sources, each leaf with its origin; or every error at once.

Weakest first: defaults, the preset of the strategy in force, config.yaml, .env, environment, command line. Nothing here
is read before somebody asks.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared import config_sources as sources
from shared.config import OWN, Config, Credentials
from shared.config_checks import contradictions
from shared.config_leaves import build, leaves, sections, value_at
from shared.config_sources import Layer, Setting
from shared.presets import PRESETS

COMMAND_LINE = "command line"
DEFAULT = "default"
CONFIG_FILE, ENV_FILE = "config.yaml", ".env"


class ConfigError(ValueError):
    """The configuration cannot be used. ``lines`` holds every reason, one line each."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


@dataclass(frozen=True)
class Effective:
    """The configuration in force, and for each leaf (and api.key, api.secret) where it came from."""

    config: Config
    origins: dict[str, str]


def load(
    *,
    config_file: Path | None = None,
    env_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Effective:
    """Return the effective configuration.

    Args:
        config_file: The YAML file; None: config.yaml in the working directory, which may be missing.
        env_file: The .env file; None: .env beside the YAML file, which may be missing.
        environ: The process environment; None: an empty one.
        overrides: Values from the command line by path; text is understood as in an environment.

    Raises:
        ConfigError: With every error of every source.
        FileNotFoundError: A file that was named does not exist.
    """
    layers = [
        *_file_layers(config_file, env_file),
        sources.read_environment(environ or {}),
        Layer(
            [Setting(path, value, COMMAND_LINE, isinstance(value, str)) for path, value in (overrides or {}).items()]
        ),
    ]
    layers.insert(0, _preset(layers))
    errors = [line for layer in layers for line in layer.errors]
    values: dict[str, object] = {}
    origins = dict.fromkeys(leaves(), DEFAULT)
    bad: set[str] = set()
    for layer in layers:
        for setting in _single_owner(layer, errors):
            value = _take(setting, errors)
            if value is None:
                bad.add(setting.path)
            else:
                values[setting.path], origins[setting.path] = value, setting.origin
    held_back = _held_back(layers, errors)
    if held_back and values.get("venue") == "mainnet":
        values["venue"], origins["venue"] = "testnet", f"{held_back} (held back mainnet from {origins['venue']})"
    for layer in layers:
        origins |= {path: origin for path, (_, origin) in layer.secrets.items()}
    config = build(values)
    errors += [_with_origins(line, paths, origins) for paths, line in contradictions(config) if not bad & set(paths)]
    if errors:
        raise ConfigError(errors)
    return Effective(config, origins)


def _preset(layers: Iterable[Layer]) -> Layer:
    """Return what the preset of the strategy that ``layers`` agree on sets."""
    named = [setting.value for layer in layers for setting in layer.settings if setting.path == "strategy"]
    known = [value for value in named if isinstance(value, str) and value in PRESETS]
    strategy = known[-1] if known else leaves()["strategy"].default
    return Layer([Setting(path, value, f"preset {strategy}") for path, value in PRESETS[strategy].items()])


def _with_origins(line: str, paths: Iterable[str], origins: Mapping[str, str]) -> str:
    return f"{line} ({', '.join(dict.fromkeys(origins[path] for path in paths))})"


def _file_layers(config_file: Path | None, env_file: Path | None) -> list[Layer]:
    yaml_path = config_file or Path(CONFIG_FILE)
    env_path = env_file or yaml_path.parent / ENV_FILE
    return [
        _file_layer(yaml_path, named=config_file is not None, yaml=True),
        _file_layer(env_path, named=env_file is not None, yaml=False),
    ]


def _file_layer(path: Path, *, named: bool, yaml: bool) -> Layer:
    """Return what one file says: nothing when it is missing and nobody asked for it by name."""
    if not named and not path.exists():
        return Layer()
    try:
        text = sources.read_file(path)
    except ValueError as error:
        return Layer(errors=[str(error)])
    return (sources.read_yaml if yaml else sources.read_dotenv)(text, path.name)


def _single_owner(layer: Layer, errors: list[str]) -> list[Setting]:
    """Return the settings of one source; two names for one leaf in the same source are an error."""
    owners: dict[str, Setting] = {}
    for setting in layer.settings:
        first = owners.setdefault(setting.path, setting)
        if first is not setting:
            errors.append(f"{setting.path}: set twice ({first.origin}, {setting.origin})")
    return list(owners.values())


def _take(setting: Setting, errors: list[str]) -> object:
    """Return the value in its leaf's type, or None and one more error line."""
    leaf = leaves().get(setting.path)
    if leaf is None:
        errors.append(f"{setting.path} = {shown(setting)}: {_unknown(setting.path)} ({setting.origin})")
        return None
    try:
        value = leaf.take_text(str(setting.value)) if setting.is_text else leaf.take(setting.value)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("not a finite number")
    except ValueError:
        errors.append(f"{setting.path} = {shown(setting)}: expected {leaf.expected} ({setting.origin})")
        return None
    return value


def _unknown(path: str) -> str:
    """Return why there is no such key, and which one was probably meant."""
    if sources.is_secret(path):
        return "secrets stand in .env only, as BYBIT_API_KEY and BYBIT_API_SECRET"
    if path.rpartition(".")[2] == "i_understand_real_money":
        return "only on the command line, as --i-understand-real-money"
    if path in sections():
        return f"expected a section with {', '.join(sections()[path].__struct_fields__)}"
    parent, _, name = path.rpartition(".")
    siblings = {leaf.rpartition(".")[2]: leaf for leaf in leaves() if leaf.rpartition(".")[0] == parent}
    hint = sources.nearest(name, list(siblings)) or sources.nearest(path, [*leaves(), *sections()])
    close = hint.removeprefix("; nearest: ")
    return f"unknown key{'; nearest: ' + siblings.get(close, close) if close else ''}"


def shown(setting: Setting) -> str:
    """Return the value as an error line may show it: short, and never a secret."""
    return "***" if sources.is_secret(setting.path) else reprlib.repr(setting.value)


def _held_back(layers: Iterable[Layer], errors: list[str]) -> str:
    """Return which switch keeps us off the real venue, if one does.

    BYBIT_TESTNET (and BOT_BYBIT_TESTNET) can turn mainnet into testnet. Neither value ever leads from local or testnet
    to real money: that takes ``venue: mainnet``, no switch that says true, and the typed confirmation.
    """
    strongest: dict[str, tuple[str, str]] = {}
    for layer in layers:
        strongest |= layer.switches
    holding = ""
    for text, origin in strongest.values():
        meaning = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower())
        if meaning is None:
            errors.append(f"{origin.rpartition(' ')[2]} = {reprlib.repr(text)}: expected true or false ({origin})")
        elif meaning:
            holding = f"{origin}={text}"
    return holding


def confirm_real_money(config: Config, *, typed: bool) -> None:
    """Raise ConfigError when orders would cost real money and nobody said on the command line that they may."""
    if config.venue == "mainnet" and not typed:
        raise ConfigError(["venue = 'mainnet': real money; say --i-understand-real-money on the command line as well"])


def read_credentials(
    config: Config, *, env_file: Path = Path(ENV_FILE), environ: Mapping[str, str] | None = None
) -> Credentials:
    """Return the key pair for the configured venue. Called after the fork, by whoever signs requests.

    Raises:
        ConfigError: A real venue and no usable pair.
    """
    if config.venue in OWN:
        return Credentials(config.exchange.api_key, config.exchange.api_secret)
    found: dict[str, tuple[str, str]] = {}
    for layer in (_file_layer(env_file, named=False, yaml=False), sources.read_environment(environ or {})):
        found |= layer.secrets
    errors = [
        f"{name}: missing, and venue is {config.venue} (put it into .env)"
        for name, path in sources.SECRETS.items()
        if path not in found or found[path][0].startswith("your_")
    ]
    in_file = any(origin.startswith(env_file.name) for _, origin in found.values())
    if in_file and env_file.stat().st_mode & 0o077:
        errors.append(f"{env_file.name}: others may read it and it holds keys; run: chmod 600 {env_file.name}")
    if errors:
        raise ConfigError(errors)
    return Credentials(found["api.key"][0], found["api.secret"][0])


def rows(effective: Effective) -> list[tuple[str, object, str]]:
    """Return (path, value, origin) of every parameter, and of the key pair as *** or unset."""
    plain = [(path, value_at(effective.config, path), effective.origins[path]) for path in leaves()]
    secret = [
        (path, "***" if path in effective.origins else "", effective.origins.get(path, "unset"))
        for path in sources.SECRETS.values()
    ]
    return [*plain, *secret]
