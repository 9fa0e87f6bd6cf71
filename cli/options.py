"""Options that several commands share: which configuration file, and single values on top of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from shared.config_load import ConfigError, Effective, load

_FILE = click.option(
    "-c", "--config", "config_file", type=click.Path(path_type=Path), help="YAML file instead of ./config.yaml."
)
_SET = click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Set one value: risk.leverage=3.")


def config_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``command`` the parameters config_file and settings, for `effective`."""
    return _FILE(_SET(command))


def effective(
    config_file: Path | None, settings: tuple[str, ...], more: Mapping[str, object] | None = None
) -> Effective:
    """Return the configuration in force for this command line; ``more`` holds what its own options set, by path.

    Raises:
        ConfigError: With every error.
        FileNotFoundError: The named file does not exist.
    """
    overrides: dict[str, object] = {}
    wrong = [text for text in settings if "=" not in text]
    if wrong:
        raise ConfigError([f"--set {text}: expected PATH=VALUE" for text in wrong])
    overrides |= {path.strip(): value for path, _, value in (text.partition("=") for text in settings)}
    overrides |= dict(more or {})
    return load(config_file=config_file, environ=os.environ, overrides=overrides)
