"""`peregrine config`: what is in force and why, whether it is valid, and what other bots' files mean here."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from cli import config_import, config_render
from cli.options import config_options, effective
from shared.config_load import rows


@click.group(name="config")
def command() -> None:
    """Show, check, describe and import the configuration."""


@command.command()
@config_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object: path -> value and origin.")
def show(config_file: Path | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Print every value and where it came from."""
    found = rows(effective(config_file, settings))
    if as_json:
        table = {path: {"value": value, "origin": origin} for path, value, origin in found}
        click.echo(orjson.dumps(table, option=orjson.OPT_INDENT_2).decode())
        return
    texts = [(path, config_render.text_of(value), origin) for path, value, origin in found]
    path_width, value_width = (max(len(row[column]) for row in texts) for column in (0, 1))
    for path, value, origin in texts:
        click.echo(f"{path:<{path_width}}  {value:<{value_width}}  {origin}")


@command.command()
@config_options
def check(config_file: Path | None, settings: tuple[str, ...]) -> None:
    """Say whether the configuration is valid; if not, every error and exit code 4."""
    count = len(rows(effective(config_file, settings)))
    click.echo(f"configuration is valid: {count} values")


@command.command()
def default() -> None:
    """Print a config.yaml with every parameter at its default."""
    click.echo(config_render.as_yaml(), nl=False)


@command.command()
def docs() -> None:
    """Print docs/configuration.md."""
    click.echo(config_render.as_markdown(), nl=False)


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
def import_file(file: Path) -> None:
    """Print the YAML that says the same as another bot's FILE (.toml or .json)."""
    click.echo(config_import.as_yaml(file.name, file.read_bytes()), nl=False)
